"""Where plugins come from: what is installed is loaded only if the operator says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from harness import Server

CODE = """
from kuzzle.plugins import Plugin

class Greeter(Plugin):
    name = "greeter"

    async def init(self, config, context):
        pass
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A distribution that declares a plugin."""
    place = tmp_path / "site"
    information = place / "greeter_plugin-3.2.1.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: greeter-plugin\nVersion: 3.2.1\n")
    (information / "entry_points.txt").write_text("[kuzzle.plugins]\ngreeter = installed_greeter:Greeter\n")
    (place / "installed_greeter.py").write_text(CODE)
    monkeypatch.syspath_prepend(str(place))


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("section", "loaded"),
    [
        ({}, []),
        ({"common": {"discover": True}}, ["greeter"]),
        ({"common": {"discover": True}, "greeter": {"enabled": False}}, []),
        ({"greeter": {}}, ["greeter"]),
        ({"Greeter": None}, ["greeter"]),
        ({"greeter": {"class": "installed_greeter:Greeter"}}, ["greeter"]),
    ],
)
async def test_an_installed_plugin_is_loaded_where_it_is_named_or_all_are_wanted(
    tmp_path: Path, section: dict[str, Any], loaded: list[str]
) -> None:
    async with Server(tmp_path, {"plugins": section}) as server:
        told = (await server.http("GET", "/")).result["serverInfo"]["kuzzle"]["plugins"]
        assert list(told) == loaded
        by_class = bool(section.get("greeter") and "class" in section["greeter"])
        assert [each["version"] for each in told.values()] == [None if by_class else "3.2.1"] * len(loaded)


async def test_a_plugin_may_be_one_file(tmp_path: Path) -> None:
    (tmp_path / "greeter.py").write_text(CODE)
    async with Server(tmp_path, {"plugins": {"greeter": {"path": "greeter.py"}}}) as server:
        assert list((await server.http("GET", "/")).result["serverInfo"]["kuzzle"]["plugins"]) == ["greeter"]
