"""The class and the section of a protocol of one's own: what is wrong with them is told in a line each."""

from __future__ import annotations

import logging
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from harness import Server
from talkers import LINES

from kuzzle.config import Config, ConfigError

GIVEN = {"class": "broken_protocols:WithManyOptions", "port": 0, "topic": "books", "anything": None}


def options(folder: Path, section: dict[str, Any]) -> Any:
    """Return the options that the protocol gets."""
    app = Server(folder, {"protocols": {"mine": section}}).app
    (protocol,) = (each for each in app.protocols if each.name == "mine")
    return protocol.options


def faults(folder: Path, section: dict[str, Any]) -> list[str]:
    """Return the lines that refuse a section."""
    with pytest.raises(ConfigError) as refusal:
        options(folder, section)
    assert all(line.isprintable() for line in refusal.value.faults)
    return refusal.value.faults


def test_what_is_left_out_has_the_default_of_the_schema(tmp_path: Path) -> None:
    found = options(tmp_path, GIVEN)
    assert dict(found) == {
        **GIVEN,
        "enabled": True,
        "ratio": 0.5,
        "retries": 3,
        "kind": "one",
        "peers": ["a"],
        "maxQueuedBytes": 1_048_576,
        "authentication": False,
        "tls": {"on": False, "level": 2},
    }
    assert isinstance(found, MappingProxyType)
    assert isinstance(found["tls"], MappingProxyType)


def test_what_is_given_stays_and_sizes_become_bytes(tmp_path: Path) -> None:
    given = {**GIVEN, "ratio": 1, "peers": [], "kind": "two", "maxQueuedBytes": "2 kb", "tls": {"on": True}}
    assert (
        dict(options(tmp_path, given)).items()
        >= {
            "ratio": 1,
            "peers": [],
            "kind": "two",
            "maxQueuedBytes": 2048,
            "tls": {"on": True, "level": 2},
        }.items()
    )


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"port": "here"}, 'protocols.mine.port: found the text "here", expected an integer'),
        ({"port": 1.5}, "protocols.mine.port: found 1.5, expected an integer"),
        ({"port": 7.0}, "protocols.mine.port: found 7.0, expected an integer"),
        ({"retries": 0}, "protocols.mine.retries: found 0, expected an integer from 1"),
        ({"ratio": 2}, "protocols.mine.ratio: found 2, expected a number from 0 to 1"),
        ({"kind": "three"}, 'protocols.mine.kind: found the text "three", expected "one" or "two"'),
        ({"topic": "A#"}, "protocols.mine.topic: 'A#' does not match '^[a-z]+$'"),
        ({"peers": [5]}, "protocols.mine.peers.0: 5 is not of type 'string'"),
        ({"peers": "x"}, 'protocols.mine.peers: found the text "x", expected a list'),
        ({"maxQueuedBytes": "2 miles"}, 'protocols.mine.maxQueuedBytes: found the text "2 miles", expected a size'),
        ({"secret": 5}, "protocols.mine.secret: found a value that does not fit, expected a text"),
        ({"tls": {"on": 1}}, "protocols.mine.tls.on: found 1, expected true or false"),
        ({"tls": {"off": True}}, "protocols.mine.tls.off: unknown option; expected one of on, level"),
        ({"tls": {"level": 9}}, "protocols.mine.tls.level: "),
        ({"tls": 5}, "protocols.mine.tls: found 5, expected a section of options"),
        ({"retrys": 1}, "protocols.mine.retrys: unknown option; did you mean `retries`"),
    ],
)
def test_an_option_that_does_not_fit_is_named(tmp_path: Path, given: dict[str, Any], told: str) -> None:
    (line,) = faults(tmp_path, {**GIVEN, **given})
    assert line.startswith(told)


def test_every_fault_has_its_line(tmp_path: Path) -> None:
    section = {"class": GIVEN["class"], "retries": 0, "colour": "red"}
    found = faults(tmp_path, section)
    assert [line.partition(":")[0] for line in sorted(found)] == [
        "protocols.mine.anything",
        "protocols.mine.colour",
        "protocols.mine.port",
        "protocols.mine.retries",
        "protocols.mine.topic",
    ]
    assert "protocols.mine.port: not given, expected an integer" in found
    assert "protocols.mine.anything: not given, expected a value" in found


def test_options_may_come_from_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "kuzzle.yml"
    path.write_text('protocols:\n  mine: {class: "broken_protocols:WithManyOptions"}\n')
    environment = {"KUZZLE_PROTOCOLS__MINE__PORT": "0", "KUZZLE_PROTOCOLS__MINE__TOPIC": "books"}
    section = Config.load(path, environment).section("protocols")["mine"]
    assert (section["port"], section["topic"]) == (0, "books")


def test_a_class_without_a_schema_takes_any_options(tmp_path: Path) -> None:
    section = {"class": "broken_protocols:WithoutSchema", "port": "anywhere", "colour": ["red"]}
    assert dict(options(tmp_path, section)) == {**section, "enabled": True}


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("nowhere:Nothing", "protocols.lines.class: cannot load 'nowhere:Nothing': No module named 'nowhere'"),
        ("line_protocol:Nothing", "protocols.lines.class: cannot load 'line_protocol:Nothing': "),
        (
            "line_protocol:Client",
            "protocols.lines.class: 'line_protocol:Client' is no subclass of protocols.base:Protocol",
        ),
        ("line_protocol:logger", "protocols.lines.class: 'line_protocol:logger' is no subclass of"),
        (
            "broken_protocols:WithWrongSchema",
            "protocols.lines.class: the options_schema of WithWrongSchema is no JSON Schema: ",
        ),
    ],
)
def test_a_class_that_cannot_be_had_is_named(tmp_path: Path, place: str, told: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        Server(tmp_path, {"protocols": {"lines": {**LINES, "class": place}}})
    (line,) = refusal.value.faults
    assert line.startswith(told)
    assert line.isprintable()


@pytest.mark.parametrize(
    ("section", "told"),
    [
        (
            {"class": "broken_module:Nothing"},
            "protocols.lines.class: cannot load 'broken_module:Nothing': ZeroDivisionError: while it is read",
        ),
        (
            {"class": "broken_protocols:Broken", "breaks": "__init__"},
            r"protocols.lines: Broken cannot be built: ZeroDivisionError: broken in\n__init__",
        ),
    ],
)
def test_a_defect_is_told_in_a_line_to_the_operator_and_whole_to_its_author(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, section: dict[str, Any], told: str
) -> None:
    with caplog.at_level(logging.ERROR), pytest.raises(ConfigError) as refusal:
        Server(tmp_path, {"protocols": {"lines": {**LINES, **section}}})
    assert refusal.value.faults == [told]
    assert "Traceback" in caplog.text


def test_what_a_schema_cannot_say_of_the_options_the_class_says_itself(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ConfigError) as refusal:
        Server(tmp_path, {"protocols": {"lines": {**LINES, "class": "broken_protocols:Broken", "breaks": "rule"}}})
    assert refusal.value.faults == ["protocols.lines.breaks: no rule allows that"]
    assert caplog.text == ""
