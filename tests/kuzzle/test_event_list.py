"""The list of events: what the code fires stands in it, and what stands in it is fired by a test."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

from kuzzle.catalogue import Catalogue
from kuzzle.schemas import SCHEMAS_FOLDER, load_schema

ROOT = SCHEMAS_FOLDER.parent
EVENTS: list[dict[str, Any]] = load_schema("events.json")
# Scopes whose names stand in the code as they are; those of controllers are made of their names.
SCOPES = ("request", "generic:document", "connection", "room", "core", "notify", "auth", "gc", "log")


def texts(folder: str) -> Iterator[str]:
    """The texts that stand in the code of a folder."""
    for path in (ROOT / folder).rglob("*.py"):
        if "node_modules" not in path.parts:
            yield from (
                node.value
                for node in ast.walk(ast.parse(path.read_text()))
                if isinstance(node, ast.Constant) and isinstance(node.value, str)
            )


def pattern(name: str) -> str:
    return re.sub(r"<\w+>", r"[\\w/-]+", name)


def is_described(event: str) -> bool:
    return any(re.fullmatch(pattern(entry["name"]), event) for entry in EVENTS)


def test_every_event_that_the_code_names_is_described() -> None:
    form = re.compile(rf"(?:{'|'.join(SCOPES)}):[\w:]+")
    named = {text for folder in ("kuzzle", "protocols") for text in texts(folder) if form.fullmatch(text)}
    assert len(named) > 15
    assert [event for event in sorted(named) if not is_described(event)] == []


def test_every_event_of_every_action_is_described() -> None:
    for definition in Catalogue.load(1):
        for event in definition.events:
            assert is_described(event), event


def test_every_event_has_its_test() -> None:
    tested = set(texts("tests"))
    parts = {"core:hotelClerk:": ("addSubscription", "join", "removeRoomForCustomer")}
    for entry in EVENTS:
        name: str = entry["name"]
        start = re.split(r"<|Repository", name.removeprefix("<controller>:"))[0]
        known = any(start in text for text in tested) or any(
            name == f"{scope}{end}" and scope in tested and end in tested
            for scope, ends in parts.items()
            for end in ends
        )
        assert known, name


def test_an_event_is_listed_once_and_says_all_there_is_to_say() -> None:
    assert len({entry["name"] for entry in EVENTS}) == len(EVENTS)
    for entry in EVENTS:
        assert entry["kind"] in ("pipe", "hook"), entry["name"]
        assert set(entry) - {"actions"} == {"name", "kind", "fires", "payload", "changes"}, entry["name"]
        assert entry["payload"], entry["name"]
