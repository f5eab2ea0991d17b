"""Which target a path leads to.

The tree is walked without going back: at each level a literal part beats a parameter, whatever comes
after it. Slashes that follow each other count as one, a last one is ignored, and a part is
percent-decoded after the path was cut, so that `%2F` stays inside a parameter.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, NamedTuple, TypeVar
from urllib.parse import unquote_to_bytes

from kuzzle.errors import KuzzleError

Target = TypeVar("Target")


class Found(NamedTuple, Generic[Target]):
    """Where a path leads, and the parameters found in it, by name."""

    target: Target
    parameters: dict[str, str]


class _Node(Generic[Target]):
    __slots__ = ("literals", "names", "parameter", "target")

    def __init__(self) -> None:
        self.literals: dict[str, _Node[Target]] = {}
        self.parameter: _Node[Target] | None = None
        self.target: Target | None = None
        self.names: tuple[str, ...] = ()


class RouteTree(Generic[Target]):
    """The routes of a server, by verb and path."""

    def __init__(self) -> None:
        self._roots: dict[str, _Node[Target]] = {}

    def add(self, verb: str, path: str, target: Target) -> None:
        """Add a route; a part `:name` of its path takes any text.

        Raises:
            KuzzleError: `network.http.duplicate_url`.
        """
        node = self._roots.setdefault(verb, _Node())
        names = []
        for part in _parts(path):
            if part.startswith(":"):
                names.append(part[1:])
                if node.parameter is None:
                    node.parameter = _Node()
                node = node.parameter
            else:
                node = node.literals.setdefault(part, _Node())
        if node.target is not None:
            raise KuzzleError("network.http.duplicate_url", path)
        node.target = target
        node.names = tuple(names)

    def find(self, verb: str, path: str) -> Found[Target] | None:
        """Return where a path leads, None when nowhere.

        Raises:
            UnicodeDecodeError: A part is not UTF-8 once percent-decoded.
        """
        node = self._roots.get(verb)
        values = []
        for part in _parts(path):
            if node is None:
                return None
            if "%" in part or not part.isascii():
                part = unquote_to_bytes(part.encode("latin-1")).decode()
            following = node.literals.get(part)
            if following is None:
                values.append(part)
                following = node.parameter
            node = following
        if node is None or node.target is None:
            return None
        return Found(node.target, dict(zip(node.names, values, strict=True)))


def _parts(path: str) -> Iterable[str]:
    return filter(None, path.split("/"))


def shown_path(path: str) -> str:
    """Return a path as error texts show it: without a last slash."""
    return path.rstrip("/") or "/"
