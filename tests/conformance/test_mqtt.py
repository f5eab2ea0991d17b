"""The MQTT server against the clauses of its specifications; the cases are in mqtt.yaml."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mqtt_raw
import pytest
import yaml
from mqtt_stage import Stage

CASES: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("mqtt.yaml").read_text())

TOKEN = re.compile(r'\{"(?P<long>[^"]*)"\}|"(?P<text>[^"]*)"|(?P<byte>[0-9a-f]{2})|(?P<any>\.\.)|\s+')


def read_bytes(written: str) -> list[int | None]:
    """Turn the notation of the cases into bytes, None for any."""
    found: list[int | None] = []
    position = 0
    while position < len(written):
        token = TOKEN.match(written, position)
        assert token, f"{written[position:]!r} is no bytes"
        position = token.end()
        if token["long"] is not None:
            found += mqtt_raw.text(token["long"])
        elif token["text"] is not None:
            found += token["text"].encode()
        elif token["byte"] is not None:
            found.append(int(token["byte"], 16))
        elif token["any"] is not None:
            found.append(None)
    return found


def check(expected: list[int | None], got: bytes) -> None:
    """Compare what came with what was to come."""
    same = len(expected) == len(got) and all(one in (None, other) for one, other in zip(expected, got, strict=True))
    shown = " ".join(".." if one is None else f"{one:02x}" for one in expected)
    assert same, f"expected {shown}, got {got.hex(' ')}"


def named() -> Iterator[Any]:
    """The cases with readable names."""
    for number, case in enumerate(CASES):
        yield pytest.param(case, id=f"{number:02}-{case['clause']}")


@pytest.mark.parametrize("case", named())
async def test_the_server_does_what_the_clause_says(case: dict[str, Any]) -> None:
    async with Stage(case.get("options")) as stage:
        peers: dict[str, mqtt_raw.Peer] = {}
        for step in case["steps"]:
            ((what, written),) = step.items()
            name, _, verb = what.partition(" ")
            if name not in peers:
                peers[name] = await stage.open()
            peer = peers[name]
            expected = read_bytes(str(written))
            if verb == "sends":
                peer.send(bytes(byte for byte in expected if byte is not None))
            elif verb == "gets":
                check(expected, await peer.bytes(len(expected)))
            elif verb == "is closed":
                check(expected, await peer.closed())
            else:
                assert verb == "is open"
                assert await peer.is_silent(), "an answer to PINGREQ, nothing else"
