"""Every action by every way to it: it succeeds, and it is refused with each of its documented errors.

The tables stand in tests/actions, one file a controller, with the name of the controller.
"""

from __future__ import annotations

import contextlib
import importlib
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest
from action_table import CATALOGUE, Action, Refusal, Way, build_world, changed, holds, ways_to
from examples import check_example
from faulty_calls import faulty_calls
from harness import Server, merge
from wire import GATE_ERRORS

from kuzzle.catalogue import ActionDefinition
from kuzzle.errors import error_table
from kuzzle.storage.sqlite import readers, writer

FOLDER = Path(__file__).parents[2] / "actions"
TABLES: dict[str, dict[str, Action]] = {
    path.stem: importlib.import_module(f"tests.actions.{path.stem}").ACTIONS for path in sorted(FOLDER.glob("*.py"))
}
KNOWN = [
    (definition, TABLES[definition.controller][definition.name])
    for definition in CATALOGUE
    if definition.name in TABLES.get(definition.controller, {})
]
# Controllers whose tables are still to be written; one that has a file must have all its actions in it.
LATER = {"kuzzle-plugin-auth-passport-local/password"}
FASTER = {"storage": {"sqlite": {"durability": "normal"}}}
# What befalls the store, with the error that a call gets then.
MISHAPS = {
    "services.storage.too_many_operations": "full",
    "services.storage.unexpected_error": "broken",
    "services.storage.not_connected": "closed",
}


def name_of(definition: ActionDefinition) -> str:
    return f"{definition.controller}:{definition.name}"


def expressed(definition: ActionDefinition, call: dict[str, Any], *, only_websocket: bool = False) -> Iterator[Way]:
    """The ways that can say a call."""
    for way in ways_to(definition):
        if (way.route is None or not only_websocket) and way.can_say(call):
            yield way


class Worlds:
    """Servers, each in a new folder with a new world."""

    def __init__(self, folder: Path) -> None:
        self._folders = (folder / str(number) for number in itertools.count())

    def server(self, options: Any = None) -> Server:
        folder = next(self._folders)
        folder.mkdir()
        return Server(folder, merge(FASTER, options or {}))


@pytest.fixture
def worlds(tmp_path: Path) -> Worlds:
    return Worlds(tmp_path)


async def prepared(server: Server, action: Action, refusal: Refusal | None = None) -> dict[str, Any]:
    """Do what a call needs; the call."""
    call = changed(action.call, await action.prepare(server) if action.prepare else None)
    if refusal is None:
        return call
    if "body" in refusal.changes:
        call.pop("body", None)
    call = changed(call, refusal.changes)
    return changed(call, await refusal.prepare(server) if refusal.prepare else None)


# --- the tables are whole


def test_every_action_stands_in_a_table() -> None:
    demanded = [definition for definition in CATALOGUE if definition.controller not in LATER - TABLES.keys()]
    missing = [name_of(d) for d in demanded if d.name not in TABLES.get(d.controller, {})]
    assert not missing, "tests/actions/<controller>.py has to say how these are called"
    known = {(definition.controller, definition.name) for definition in CATALOGUE}
    assert {(controller, name) for controller, table in TABLES.items() for name in table} <= known


@pytest.mark.parametrize(("definition", "action"), KNOWN, ids=[name_of(d) for d, _ in KNOWN])
def test_every_documented_error_is_provoked_or_explained(definition: ActionDefinition, action: Action) -> None:
    documented = set(definition.specification["errors"])
    provoked = {refusal.error_id for refusal in action.refusals}
    provoked |= {error_id for _, _, error_id, _ in faulty_calls(definition)}
    explained = set(action.unreachable)
    assert documented - provoked - explained - MISHAPS.keys() == set()
    assert not explained & provoked
    assert explained <= documented
    assert provoked <= documented | GATE_ERRORS


# --- calls that succeed


@pytest.mark.parametrize(("definition", "action"), KNOWN, ids=[name_of(d) for d, _ in KNOWN])
async def test_an_action_succeeds_by_every_way_to_it(
    worlds: Worlds, definition: ActionDefinition, action: Action
) -> None:
    hit = set()
    answered: dict[int | None, Any] = {}
    for way in ways_to(definition):
        async with worlds.server() as server:
            await build_world(server)
            call = await prepared(server, action)
            assert way.can_say(call), f"{way} cannot say {call}"
            envelope = await way.call(server, call)
            assert (envelope["status"], envelope["error"]) == (200, None), str(way)
            assert holds(action.result, envelope["result"]), f"{way}: {envelope['result']}"
            hit.add(way.route)
            answered[way.route] = call, envelope
    assert hit == {None, *range(len(definition.routes))}
    check_example(definition, *answered[None], answered.get(0))


# --- calls that are refused


def check_refused(envelope: dict[str, Any], error_id: str, said: str) -> None:
    error = envelope["error"]
    assert error is not None, f"{said} was not refused: {envelope}"
    assert error.get("id") == error_id, f"{said}: {error}"
    documented = error_table()[error_id]["1"]["status"]
    assert (envelope["status"], error["status"]) == (documented, documented)
    if documented == 206:
        # What failed of fixtures ends the loading: its acknowledgement is not given.
        is_order = envelope["action"] == "loadFixtures"
        assert is_order == (envelope["result"] is None)
        assert {"errors", "count"} <= error.keys()
    elif error_id != "core.fatal.service_unavailable":
        assert envelope["result"] is None


@pytest.mark.parametrize(("definition", "action"), KNOWN, ids=[name_of(d) for d, _ in KNOWN])
async def test_an_action_is_refused_with_its_documented_errors_by_every_way_to_it(
    worlds: Worlds, definition: ActionDefinition, action: Action
) -> None:
    def is_plain(refusal: Refusal) -> bool:
        return not refusal.options and refusal.prepare is None

    plain = [refusal for refusal in action.refusals if is_plain(refusal)]
    groups = [plain, *([refusal] for refusal in action.refusals if not is_plain(refusal))]
    for group in filter(None, groups):
        async with worlds.server(group[0].options) as server:
            await build_world(server)
            for refusal in group:  # what is refused changes nothing
                await check_refusal(server, definition, action, refusal)


async def check_refusal(server: Server, definition: ActionDefinition, action: Action, refusal: Refusal) -> None:
    """Refuse a call by every way that can say it."""
    call = await prepared(server, action, refusal)
    ways = list(expressed(definition, call, only_websocket=refusal.only_websocket))
    assert ways
    for way in ways:
        check_refused(await way.call(server, call), refusal.error_id, f"{way} {call}")


@pytest.mark.parametrize("definition", [d for d, _ in KNOWN], ids=name_of)
async def test_faults_against_the_schema_are_refused_by_every_way(server: Server, definition: ActionDefinition) -> None:
    websocket = await server.websocket()
    for _, call, error_id, faulty in faulty_calls(definition):
        envelope = await websocket.request(definition.controller, definition.name, **call)
        check_refused(envelope, error_id, f"WebSocket {call}")
        # Over HTTP a boolean is a flag, so it has no wrong value, and an absent body may be an empty one.
        if (
            definition.arguments.get(faulty, {}).get("type") == "boolean"
            or "body" in definition.specification.keys() - call
        ):
            continue
        for way in ways_to(definition):
            if way.route is not None and way.can_say(call):
                check_refused(await way.call(server, call), error_id, f"{way} {call}")


# --- a store in trouble


@pytest.mark.parametrize(("definition", "action"), KNOWN, ids=[name_of(d) for d, _ in KNOWN])
async def test_a_store_in_trouble_is_told_as_documented(
    worlds: Worlds, definition: ActionDefinition, action: Action, monkeypatch: pytest.MonkeyPatch
) -> None:
    connections: list[apsw.Connection] = []
    monkeypatch.setattr(apsw, "connection_hooks", [*apsw.connection_hooks, connections.append])
    async with worlds.server() as server:
        await build_world(server)
        for error_id, mishap in MISHAPS.items():
            if error_id not in definition.specification["errors"]:
                continue
            call = await prepared(server, action)
            with monkeypatch.context() as patch:
                if mishap == "full":
                    patch.setattr(writer, "MAX_WAITING", 0)
                    patch.setattr(readers, "MAX_WAITING", 0)
                elif mishap == "broken":
                    set_authorizer(connections, _refuse)
                else:
                    await server.app.storage.close()
                envelope = await Way(definition).call(server, call)
                set_authorizer(connections, None)
            if error_id in action.unreachable:
                assert envelope["status"] in (200, 206)
            else:
                check_refused(envelope, error_id, str(call))


def set_authorizer(connections: list[apsw.Connection], authorizer: Any) -> None:
    """Let a function decide what each statement may do, on all connections that are open."""
    for connection in connections:
        with contextlib.suppress(apsw.ConnectionClosedError):
            connection.authorizer = authorizer


def _refuse(*_details: object) -> int:
    return apsw.SQLITE_DENY
