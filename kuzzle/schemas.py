"""Where the JSON Schemas lie, and how one is read.

`schemas/` is data that stands beside this package in a checkout, an editable install and a wheel
alike; it is found by path and never imported, since a user's project may have a folder of that name.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

SCHEMAS_FOLDER = Path(__file__).resolve().parent.parent / "schemas"


def load_schema(name: str) -> Any:
    """Read one file of `schemas/`, named by its path in that folder."""
    return orjson.loads((SCHEMAS_FOLDER / name).read_bytes())


def action_files() -> Iterator[tuple[str, str, Path]]:
    """Yield controller, action and path of every `schemas/api/<controller>/<action>.json`, sorted.

    The controller of a plugin has a slash in its name, and a folder in a folder.
    """
    folder = SCHEMAS_FOLDER / "api"
    for path in sorted(folder.glob("**/*.json")):
        yield path.parent.relative_to(folder).as_posix(), path.stem, path


def load_example(controller: str, action: str) -> Any:
    """Read an action's example of the documentation, None where there is none.

    It has `request`, the envelope; `response`, what answered it; and `http`, the same over the first HTTP route, with
    `request` (verb and target) and `body`: None where there is no route.
    """
    path = SCHEMAS_FOLDER / "examples" / controller / f"{action}.json"
    return orjson.loads(path.read_bytes()) if path.exists() else None
