"""The arrows between modules, and what protocols and server may ask of each other."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness import Server

from kuzzle.builders.protocols import SHIPPED_PROTOCOLS, load_protocol
from kuzzle.schemas import SCHEMAS_FOLDER
from protocols.base import Protocol

ROOT = SCHEMAS_FOLDER.parent

# Rows of ARCHITECTURE.md, from the top: a module imports from lower rows, and from its own package.
ROWS = (
    ("kuzzle.__main__",),
    ("kuzzle.cli",),
    ("kuzzle.generate",),
    ("kuzzle.shell",),
    ("kuzzle.process",),
    ("kuzzle.app",),
    ("kuzzle.builders", "kuzzle.doors", "kuzzle.server_events"),
    ("protocols",),
    ("kuzzle.plugins",),
    ("kuzzle.entrypoint",),
    ("kuzzle.funnel",),
    ("kuzzle.controllers",),
    ("kuzzle.api",),
    ("kuzzle.specifications",),
    ("kuzzle.security", "kuzzle.realtime", "kuzzle.metrics", "kuzzle.generation", "kuzzle.statistics"),
    ("kuzzle.storage", "kuzzle.memory_storage", "kuzzle.cache"),
    ("kuzzle",),  # the leaves
)
# What a protocol may use of the entry point.
ENTRYPOINT = {
    "api",
    "doorman",
    "is_ready",
    "is_shutting_down",
    "new_connection",
    "remove_connection",
    "announce",
    "execute",
    "log_access",
}
INTERFACE = {
    "name",
    "start",
    "stop",
    "broadcast",
    "notify",
    "hold_channel",
    "join_channel",
    "replay",
    "leave_channel",
    "disconnect",
}
MODULES = sorted([*(ROOT / "kuzzle").rglob("*.py"), *(ROOT / "protocols").rglob("*.py")])


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def row_of(module: str) -> int:
    for number, packages in enumerate(ROWS):
        if any(module == package or module.startswith(f"{package}.") for package in packages):
            return number
    raise AssertionError(f"{module} stands in no row")


def package_of(module: str) -> str:
    return ".".join(module.split(".")[:2])


def imports_of(tree: ast.Module) -> Iterator[str]:
    """Yield what is imported when the module runs; what only type checkers read is no arrow."""
    for node in tree.body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        for inner in ast.walk(node):
            if isinstance(inner, ast.ImportFrom) and inner.module:
                yield inner.module
            elif isinstance(inner, ast.Import):
                yield from (alias.name for alias in inner.names)


@pytest.mark.parametrize("path", MODULES, ids=[name_of(path) for path in MODULES])
def test_a_module_imports_only_from_lower_rows(path: Path) -> None:
    module = name_of(path)
    for imported in imports_of(ast.parse(path.read_text())):
        if not imported.startswith(("kuzzle.", "protocols.")) or package_of(imported) == package_of(module):
            continue
        if module.startswith("protocols."):
            assert imported.startswith("protocols.") or row_of(imported) > row_of(module), imported
        else:
            assert row_of(imported) > row_of(module) or row_of(imported) == len(ROWS) - 1, imported


def test_the_shell_is_a_client_like_any_other() -> None:
    modules = [path for path in MODULES if name_of(path).startswith("kuzzle.shell")]
    imported = {name for path in modules for name in imports_of(ast.parse(path.read_text()))}
    assert imported
    ours = {name for name in imported if name.startswith(("kuzzle", "protocols")) and "kuzzle.shell" not in name}
    assert ours == {"kuzzle.encoding", "kuzzle.schemas"}


@pytest.mark.parametrize("package", ["apsw", "tornado", "socketio", "engineio"])
def test_a_library_stays_where_it_belongs(package: str) -> None:
    home = "kuzzle/storage/sqlite" if package == "apsw" else "protocols"
    users = [
        path.relative_to(ROOT).as_posix()
        for path in MODULES
        for imported in imports_of(ast.parse(path.read_text()))
        if imported == package or imported.startswith(f"{package}.")
    ]
    assert users
    assert [user for user in users if not user.startswith(home)] == []


def test_protocols_ask_the_server_for_nothing_but_the_documented_things() -> None:
    asked = {
        node.attr
        for path in (ROOT / "protocols").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and ast.unparse(node.value).rpartition(".")[2].lstrip("_") == "entrypoint"
    }
    assert asked
    assert asked <= ENTRYPOINT


class OnlyInterface:
    """A protocol of which nothing but the interface can be seen."""

    def __init__(self, protocol: Protocol) -> None:
        self._protocol = protocol

    def __getattr__(self, name: str) -> Any:
        assert name in INTERFACE, f"the server asks a protocol for {name}"
        return getattr(self._protocol, name)


async def test_the_server_asks_protocols_for_nothing_but_the_interface(server: Server) -> None:
    app: Any = server.app
    app.protocols[:] = [OnlyInterface(protocol) for protocol in app.protocols]
    for protocol in app.protocols:
        app.entrypoint.add_protocol(protocol)
    await server.prepare()
    websocket = await server.websocket()
    target = {"index": "library", "collection": "books"}
    room = (await websocket.request("realtime", "subscribe", body={}, **target))["result"]["roomId"]
    await server.http("POST", "/library/books/_create", {"title": "Emma"})
    assert (await websocket.notification())["result"]["_source"]["title"] == "Emma"
    await websocket.request("realtime", "unsubscribe", body={"roomId": room})
    (connection_id,) = app.entrypoint._connections
    app.entrypoint.disconnect(connection_id, "enough")
    assert await websocket.other() is None


def test_every_shipped_protocol_is_a_protocol_like_any_other() -> None:
    classes = [load_protocol(name, {}) for name in SHIPPED_PROTOCOLS]
    assert all(issubclass(each, Protocol) and each.__bases__ == (Protocol,) for each in classes)
    assert {name for name in vars(Protocol) if not name.startswith("_")} | {"name"} == INTERFACE | {"options_schema"}
