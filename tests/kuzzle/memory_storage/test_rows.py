"""The table of commands, and the language it is written in."""

from __future__ import annotations

from typing import Any

import pytest

from kuzzle.catalogue import Catalogue
from kuzzle.connection import Connection
from kuzzle.controllers.memory_storage.commands import COMMANDS
from kuzzle.controllers.memory_storage.rows import Row, RowError, encoded, fields, texts
from kuzzle.request import Request

ACTIONS = {definition.name: definition for definition in Catalogue.load(1) if definition.controller == "ms"}


def request(**members: Any) -> Request:
    return Request(members, Connection("test"))


def test_every_action_has_a_row_and_every_row_an_action() -> None:
    assert COMMANDS.keys() == ACTIONS.keys()
    assert len(COMMANDS) == 117


@pytest.mark.parametrize("name", [name for name, command in COMMANDS.items() if isinstance(command.build, Row)])
def test_a_row_reads_what_the_schema_of_its_action_describes(name: str) -> None:
    row, action = COMMANDS[name].build, ACTIONS[name]
    assert isinstance(row, Row)
    members = action.specification.get("body", {}).get("properties", {})
    assert sorted(set(row.places)) == sorted([*action.arguments, *(f".{member}" for member in members)])


@pytest.mark.parametrize(
    ("text", "members", "words"),
    [
        ("PING", {}, ["PING"]),
        ("APPEND _id .value", {"_id": "a", "body": {"value": "b c"}}, ["APPEND", "a", "b c"]),
        ("SSCAN _id cursor [MATCH match] [COUNT count]", {"_id": "a", "cursor": 0}, ["SSCAN", "a", "0"]),
        ("SSCAN cursor [MATCH match] [COUNT count]", {"cursor": "0", "count": 5}, ["SSCAN", "0", "COUNT", "5"]),
        ("BITCOUNT _id [start] [end]", {"_id": "a", "start": 0, "end": -1}, ["BITCOUNT", "a", "0", "-1"]),
        ("MGET keys...", {"keys": "a,b,,c"}, ["MGET", "a", "b", "", "c"]),
        ("MGET keys...", {"keys": ["a,b", 5]}, ["MGET", "a,b", "5"]),
        ("MGET keys...", {"keys": []}, ["MGET"]),
        ("DEL .keys...", {"body": {"keys": "a,b"}}, ["DEL", "a,b"]),
        ("LPUSH _id [.values...]", {"_id": "a", "body": None}, ["LPUSH", "a"]),
        ("ZRANGE [options^...]", {"options": "withscores,Limit"}, ["ZRANGE", "WITHSCORES", "LIMIT"]),
        ("MSET .entries(key value)...", {"body": {"entries": [{"value": 1, "key": "a"}]}}, ["MSET", "a", "1"]),
    ],
)
def test_a_row_makes_a_command_of_a_request(text: str, members: dict[str, Any], words: list[str]) -> None:
    assert Row(text)(request(**members)) == [word.encode() for word in words]


@pytest.mark.parametrize(
    "text", ["", "GET [id", "GET id]", "GET .", "GET [COUNT]", "GET a(b c)", "GET a-b", "GET ...a"]
)
def test_a_row_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(RowError):
        Row(text)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("é", "é"),
        (5, "5"),
        (-0.0, "0"),
        (1.0, "1"),
        (0.1, "0.1"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (1.5e-7, "1.5e-7"),
        (2**53, "9007199254740992"),
    ],
)
def test_numbers_are_worded_as_javascript_does(value: Any, text: str) -> None:
    assert encoded(value) == text.encode()


def test_answers_become_what_json_can_hold() -> None:
    assert texts([b"a", None, 5, [b"\xff", []]]) == ["a", None, 5, ["\ufffd", []]]
    assert fields([b"a", b"1", b"b", b"2"]) == {"a": "1", "b": "2"}
    assert fields([]) == {}
