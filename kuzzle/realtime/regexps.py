"""Regular expressions of filters: RE2's dialect, and many of them held against one text.

RE2 takes time in proportion to the text, whatever the pattern. Of JavaScript's own spellings those are
rewritten that it lacks: `\\uXXXX`, `\\u{...}` and `\\cX`.

An index files each pattern under three letters in a row that a text must have to match, the triple with
the fewest patterns so far. Only patterns whose triple a text has are tried; those without such letters,
or that ignore case, always are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, Generic, TypeVar

from re2 import _re2  # the public functions make a match object of each match, at four times the cost

EntryType = TypeVar("EntryType")

FLAGS: Final = "ims"
"""Flags with a meaning: ignore case, `^` and `$` at lines, `.` for line ends too. Others are ignored, as RE2 does."""

_MAX_PROGRAM_BYTES: Final = 1 << 20
"""What one compiled pattern may take: an eighth of RE2's own bound, since each subscriber may bring one."""
_JAVASCRIPT: Final = re.compile(r"\\(?:u\{([0-9A-Fa-f]+)\}|u([0-9A-Fa-f]{4})|c([A-Z])|.)", re.DOTALL)
_ANYWHERE: Final = _re2.RE2.Anchor.UNANCHORED
_TRIPLE: Final = 3


class RegexpProblem(Exception):
    """A pattern is none; the text says why."""


class Pattern:
    """A compiled pattern.

    Attributes:
        source: Its text.
        flags: Those of `FLAGS` that it has, in that order.
    """

    __slots__ = ("_compiled", "flags", "source")

    def __init__(self, source: str, flags: str = "") -> None:
        """Compile a pattern.

        Raises:
            RegexpProblem: RE2 cannot read it, or it comes to too much.
        """
        self.source = source
        self.flags = "".join(flag for flag in FLAGS if flag in flags)
        options = _re2.RE2.Options()
        options.log_errors = False
        options.max_mem = _MAX_PROGRAM_BYTES
        options.never_capture = True
        prefix = f"(?{self.flags})" if self.flags else ""
        self._compiled = _re2.RE2((prefix + _JAVASCRIPT.sub(_as_re2, source)).encode("utf-8", "surrogatepass"), options)
        if not self._compiled.ok():
            raise RegexpProblem(self._compiled.error().decode("utf-8", "replace"))

    def __hash__(self) -> int:
        return hash((self.source, self.flags))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pattern) and (self.source, self.flags) == (other.source, other.flags)

    def is_found_in(self, text: bytes) -> bool:
        """Tell whether a text, in UTF-8, holds a match."""
        return bool(self._compiled.Match(_ANYWHERE, text, 0, len(text))[0][0] >= 0)


def encoded(text: str) -> bytes:
    """Return a text as patterns read it."""
    return text.encode("utf-8", "surrogatepass")


def _as_re2(match: re.Match[str]) -> str:
    braced, plain, control = match.groups()
    if control:
        return f"\\x{{{ord(control) - ord('@'):x}}}"
    digits = braced or plain
    return f"\\x{{{digits}}}" if digits else match[0]


class RegexpIndex(Generic[EntryType]):
    """Patterns, each with an entry; an entry may have several."""

    __slots__ = ("_always", "_by_triple", "_triples")

    def __init__(self) -> None:
        self._always: dict[tuple[Pattern, EntryType], None] = {}
        self._by_triple: dict[str, dict[tuple[Pattern, EntryType], None]] = {}
        self._triples: dict[tuple[Pattern, EntryType], str] = {}

    def __bool__(self) -> bool:
        return bool(self._always or self._by_triple)

    def add(self, pattern: Pattern, entry: EntryType) -> None:
        """Add a pattern."""
        filed = self._by_triple
        triple = min(_triples(pattern), key=lambda one: len(filed.get(one, ())), default=None)
        if triple is None:
            self._always[pattern, entry] = None
        else:
            filed.setdefault(triple, {})[pattern, entry] = None
            self._triples[pattern, entry] = triple

    def remove(self, pattern: Pattern, entry: EntryType) -> None:
        """Take a pattern back that was added.

        Raises:
            KeyError: It is not here.
        """
        triple = self._triples.pop((pattern, entry), None)
        if triple is None:
            del self._always[pattern, entry]
            return
        patterns = self._by_triple[triple]
        del patterns[pattern, entry]
        if not patterns:
            del self._by_triple[triple]

    def find(self, text: str) -> list[EntryType]:
        """Return the entry of each pattern that is found in a text."""
        data = encoded(text)
        found = [entry for pattern, entry in self._always if pattern.is_found_in(data)]
        for triple in self._triples_in(text):
            found += [entry for pattern, entry in self._by_triple[triple] if pattern.is_found_in(data)]
        return found

    def _triples_in(self, text: str) -> set[str]:
        """Return the triples in use that a text has, by the shorter way."""
        filed = self._by_triple
        if len(filed) < len(text):
            return {triple for triple in filed if triple in text}
        return {triple for start in range(len(text) - 2) if (triple := text[start : start + _TRIPLE]) in filed}


def _triples(pattern: Pattern) -> set[str]:
    """Return three letters in a row that every match has, all there are."""
    if "i" in pattern.flags:
        return set()
    return {run[start : start + _TRIPLE] for run in literals(pattern.source) for start in range(len(run) - 2)}


# --- letters that every match of a pattern has

_TOKEN: Final = re.compile(
    r"(?P<escape>\\(?:[pPxu]\{[^}]*\}|[pP].|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|c[A-Z]|[0-7]{1,3}|.))"
    r"|(?P<group>\((?:\?P?<\w+>|\?[imsU-]*[:)])?)"
    r"|(?P<set>\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\])"
    r"|(?P<repeat>(?:[*+?]|\{\d+(?:,\d*)?\})\??)"
    r"|(?P<other>[)|.^$])"
    r"|(?P<letter>.)",
    re.DOTALL,
)


def literals(source: str) -> list[str]:
    """Return runs of letters that every match of a pattern has; too few is fine, one too many is not."""
    runs: list[str] = []
    run = ""
    depth = 0
    for kind, text in _tokens(source):
        if kind == "group":
            if text.endswith(")"):  # flags from here on: `i` may be among them
                return []
            depth += 1
        elif text == ")":
            depth -= 1
        elif depth:
            continue
        elif kind == "letter":
            run += text
            continue
        elif text == "|":
            return []
        elif kind == "repeat" and text[0] != "+":
            run = run[:-1]
        elif kind == "escape" and text[1] in "QE":
            return []
        runs.append(run)
        run = ""
    return [*runs, run]


def _tokens(source: str) -> Iterator[tuple[str, str]]:
    """Yield the parts of a pattern that RE2 took; an escaped sign is a letter like others."""
    for match in _TOKEN.finditer(source):
        kind, text = match.lastgroup or "", match[0]
        if kind == "escape" and len(text) == 2 and text[1].isascii() and not text[1].isalnum():
            kind, text = "letter", text[1]
        yield kind, text
