"""The field paths that filters ask about, and how a document is flattened along them.

A document is seen flat: each key of each nested object is a dotted path, and the object itself stays
visible under its own path. Arrays are not entered. A key that holds a dot is the same path as the
nested one; of several values for one path the last wins. An empty key at the root adds no prefix to
what is below it; the path of that key itself is the outermost one's.

Only the paths somebody asks about are visited. So flattening costs no more than a look at each key on
the way, and a document with long keys and deep nests cannot make it build long texts.

An element of an array is a document of its own, `{"value": element}`, with paths of its own. Beside the others
such a path is told by a mark that no other path begins with (`element_path`, `plain_path`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

_MARK: Final = "\0"


def plain_path(path: str) -> str:
    """Return the name of a path of the document itself: the path, but for those that begin with the mark."""
    return _MARK + path if path.startswith(_MARK) else path


def element_path(array: str, index: int, path: str) -> str:
    """Return the name of a path in an element; `array` and `path` are names, a negative index counts from the end."""
    return f"{_MARK}{len(array)}:{index}:{array}{path}"


def _read_element_path(name: str) -> tuple[str, int, str] | None:
    """Return array, index and path of an element's path, None when it is another one's."""
    if name[:1] != _MARK or name[1] == _MARK:
        return None
    length, index, names = name[1:].split(":", 2)
    return names[: int(length)], int(index), names[int(length) :]


def _parts(name: str) -> list[str]:
    return name.removeprefix(_MARK).split(".")


class PathNode:
    """A part of paths.

    Attributes:
        children: What goes on from here, by the next part.
        path: The name of the path when one ends here.
        users: How many ask for it.
        mark: What the owner of the tree put here.
    """

    __slots__ = ("children", "mark", "path", "users")

    def __init__(self) -> None:
        self.children: dict[str, PathNode] = {}
        self.path: str | None = None
        self.users = 0
        self.mark: Any = None


class PathTree:
    """A set of field paths, each counted as often as it was added.

    Attributes:
        root: Where the paths of the document itself begin.
        is_plain: Whether none leads into elements of arrays.
    """

    def __init__(self) -> None:
        self.root = PathNode()
        self.is_plain = True
        self._elements: dict[str, dict[int, PathTree]] = {}  # those of an element's own elements after its own

    def has_key(self, key: str) -> bool:
        """Tell whether some path begins with this part."""
        return key in self.root.children

    def mark(self, path: str, mark: Any) -> None:
        """Put something where a path of the document itself ends, and leave it be where one of an element does."""
        if _read_element_path(path) is None and (node := _find(self.root, _parts(path))) is not None:
            node.mark = mark

    def add(self, path: str) -> None:
        """Add a path, by its name."""
        in_element = _read_element_path(path)
        if in_element is None:
            self._add(path, path)
            return
        array, index, inner = in_element
        self.add(array)
        self.is_plain = False
        elements = self._elements.setdefault(array, {})
        if index not in elements:
            elements[index] = PathTree()
        elements[index]._add(inner, path)

    def _add(self, path: str, name: str) -> None:
        node = self.root
        for part in _parts(path):
            child = node.children.get(part)
            if child is None:
                child = node.children[part] = PathNode()
            node = child
        node.path = name
        node.users += 1

    def remove(self, path: str) -> None:
        """Take a path back that was added, by its name."""
        in_element = _read_element_path(path)
        if in_element is None:
            self._remove(path)
            return
        array, index, inner = in_element
        elements = self._elements[array]
        elements[index]._remove(inner)
        if not elements[index].root.children:
            del elements[index]
            if not elements:
                del self._elements[array]
                self.is_plain = not self._elements
        self.remove(array)

    def _remove(self, path: str) -> None:
        trail = [self.root]
        parts = _parts(path)
        for part in parts:
            trail.append(trail[-1].children[part])
        end = trail.pop()
        end.users -= 1
        if end.users:
            return
        end.path = None
        for parent, part in zip(reversed(trail), reversed(parts), strict=True):
            child = parent.children[part]
            if child.children or child.users:
                return
            del parent.children[part]

    def flatten(self, source: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values that a document has for the paths of this set, by their names."""
        flat = self._flatten(source)
        for array, elements in self._elements.items():
            values = flat.get(array)
            if type(values) is list:
                for index, paths in elements.items():
                    if -len(values) <= index < len(values):
                        flat.update(paths._flatten({"value": values[index]}))
        return flat

    def _flatten(self, source: Mapping[str, Any]) -> dict[str, Any]:
        flat: dict[str, Any] = {}
        if "" in source:
            items = _without_empty_keys(source)
            whole = self.root.children.get("")
            if whole is not None and whole.path is not None:
                flat[whole.path] = source[""]
        else:
            items = iter(source.items())
        ways: list[tuple[Iterator[tuple[str, Any]], PathNode]] = [(items, self.root)]
        while ways:
            items, node = ways[-1]
            children = node.children
            for key, value in items:
                child = children.get(key)
                if child is None:
                    if "." not in key:
                        continue
                    child = _find(node, key.split("."))
                    if child is None:
                        continue
                if child.path is not None:
                    flat[child.path] = value
                if child.children and type(value) is dict:
                    ways.append((iter(value.items()), child))
                    break
            else:
                ways.pop()
        return flat


def _find(node: PathNode, parts: list[str]) -> PathNode | None:
    found: PathNode | None = node
    for part in parts:
        found = found.children.get(part) if found is not None else None
    return found


def _without_empty_keys(source: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the items of the root, those below empty keys as if they stood there themselves."""
    ways = [iter(source.items())]
    while ways:
        for key, value in ways[-1]:
            if key:
                yield key, value
            elif type(value) is dict:
                ways.append(iter(value.items()))
                break
        else:
            ways.pop()
