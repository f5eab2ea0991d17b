"""Pages that people wrote, as tests read them: sections, and blocks of code with their titles."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
_FENCE = re.compile(
    r'^```(?P<language>\w*)(?: title="(?P<title>[^"]*)")?(?P<rest>[^\n]*)\n(?P<code>.*?)^```$', re.M | re.S
)


@dataclass(frozen=True)
class Block:
    """A block of code: its language, the title that readers see, what stands behind the language otherwise."""

    language: str
    title: str
    rest: str
    code: str

    @property
    def value(self) -> Any:
        """The JSON that it is."""
        return json.loads(self.code)


def read_blocks(text: str) -> Iterator[Block]:
    """Yield the blocks of a page, or of a section of one."""
    for found in _FENCE.finditer(text):
        yield Block(found["language"], found["title"] or "", found["rest"].strip(), found["code"])


def read_sections(text: str, level: int) -> dict[str, str]:
    """Return the sections of a page by their headings, which may carry an id; each ends at the next of its level."""
    parts = re.split(rf"^#{{{level}}} (.+)$", text, flags=re.MULTILINE)
    names = (name.partition(" {")[0] for name in parts[1::2])
    return {
        name: re.split(rf"^#{{1,{level}}} ", body, flags=re.MULTILINE)[0]
        for name, body in zip(names, parts[2::2], strict=True)
    }
