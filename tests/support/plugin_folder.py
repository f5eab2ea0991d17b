"""Plugins that tests write: a folder with a class, and a server's section that names it."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

HEAD = """\
import asyncio

from kuzzle.plugins import Accepted, Controller, KuzzleError, Plugin, Refused, Strategy, action
"""
# What describes an action without arguments that answers anything.
PLAIN: dict[str, Any] = {
    "description": "Does what the test wants.",
    "1": {"since": "1.0.0", "result": {"description": "Anything at all."}, "errors": []},
}


def described(**changes: Any) -> dict[str, Any]:
    """Return what describes an action, with `changes` to what its generation says."""
    return {**PLAIN, "1": {**PLAIN["1"], **changes}}


def write_plugin(
    folder: Path, code: str, *, name: str = "greeter", schemas: dict[str, Any] | None = None, manifest: str = ""
) -> dict[str, Any]:
    """Write a plugin and return its section of the configuration.

    Args:
        code: The class, without the imports that all have.
        schemas: What describes its actions, by `<controller>/<action>`.
        manifest: The text of its `manifest.json`; empty: it has none.
    """
    place = folder / "plugins" / name
    place.mkdir(parents=True, exist_ok=True)
    (place / "__init__.py").write_text(HEAD + textwrap.dedent(code))
    if manifest:
        (place / "manifest.json").write_text(manifest)
    for action, content in (schemas or {}).items():
        path = place / "schemas" / f"{action}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))
    return {"path": f"plugins/{name}"}
