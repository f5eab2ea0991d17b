"""What a plugin says about itself is checked, by the documented errors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from kuzzle.errors import KuzzleError, error_table
from kuzzle.plugins import Plugin, PluginContext
from kuzzle.plugins.manifest import Manifest, read_manifest

COLOUR = {"code": 3, "status": 400, "message": "%s is no colour"}


class Greeter(Plugin):
    name = "greeter"

    async def init(self, config: Mapping[str, Any], context: PluginContext) -> None:
        """Nothing to get ready."""


def manifest(**stated: Any) -> Manifest:
    """Return the manifest of a plugin whose class states this."""
    return read_manifest(type("Stated", (Greeter,), stated))


def in_file(folder: Path, content: Any) -> Manifest:
    """Return the manifest of a plugin that states this in its file."""
    (folder / "manifest.json").write_text(content if isinstance(content, str) else json.dumps(content))
    return read_manifest(Greeter, folder)


def test_a_name_is_all_it_needs() -> None:
    found = manifest()
    assert found.shown() == {"name": "greeter", "kuzzleVersion": ">=1,<2", "privileged": False}
    assert (found.version, found.error_table, found.config_schema) == (None, {}, None)


def test_its_file_goes_before_its_class(tmp_path: Path) -> None:
    found = in_file(tmp_path, {"name": "welcomer", "privileged": True, "version": "2.0.0", "errors": {"odd": COLOUR}})
    assert (found.name, found.is_privileged, found.version) == ("welcomer", True, "2.0.0")
    assert list(found.error_table) == ["plugin.welcomer.odd"]


def test_without_a_version_of_its_own_it_has_that_of_its_distribution() -> None:
    assert read_manifest(Greeter, None, "3.1").version == "3.1"
    assert read_manifest(type("Stated", (Greeter,), {"version": "4"}), None, "3.1").version == "4"


def test_the_number_of_an_error_is_made_of_domain_plugin_and_error() -> None:
    found = manifest(code=200, errors={"odd": COLOUR})
    definition = found.error_table["plugin.greeter.odd"]
    assert definition == {"code": 4 << 24 | 200 << 16 | 3, "1": {"status": 400, "message": "%s is no colour"}}
    error = KuzzleError.of_definition("plugin.greeter.odd", definition, "mud")
    assert (error.id, error.code, error.status, str(error)) == (
        "plugin.greeter.odd",
        definition["code"],
        400,
        "mud is no colour",
    )
    assert definition["code"] not in {entry["code"] for entry in error_table().values()}


@pytest.mark.parametrize(
    ("stated", "error_id", "told"),
    [
        ({"name": ""}, "plugin.manifest.missing_name", "Stated"),
        ({"name": None}, "plugin.manifest.missing_name", "Stated"),
        ({"name": 5}, "plugin.manifest.invalid_name_type", "5"),
        ({"name": "two words"}, "plugin.manifest.invalid_name", "two words"),
        ({"name": "a/b"}, "plugin.manifest.invalid_name", "a/b"),
        ({"name": "grüner"}, "plugin.manifest.invalid_name", "grüner"),
        ({"name": "Runtime"}, "plugin.assert.name_already_exists", "Runtime"),
        ({"name": "common"}, "plugin.assert.name_already_exists", "common"),
        ({"privileged": "yes"}, "plugin.manifest.invalid_privileged", "str"),
        ({"kuzzle_version": ">=2"}, "plugin.manifest.version_mismatch", ">=2"),
        ({"kuzzle_version": "^1.0"}, "plugin.manifest.version_mismatch", "no specifier"),
        ({"kuzzle_version": 1}, "plugin.manifest.version_mismatch", "no specifier"),
        ({"code": 7}, "plugin.manifest.invalid_errors", "from 8 to 255"),
        ({"code": True}, "plugin.manifest.invalid_errors", "from 8 to 255"),
        ({"errors": []}, "plugin.manifest.invalid_errors", "an object"),
        ({"errors": {"a b": COLOUR}}, "plugin.manifest.invalid_errors", "a b"),
        ({"errors": {"odd": "text"}}, "plugin.manifest.invalid_errors", "odd"),
        ({"errors": {"odd": {**COLOUR, "more": 1}}}, "plugin.manifest.invalid_errors", "odd"),
        ({"errors": {"odd": {**COLOUR, "code": 0}}}, "plugin.manifest.invalid_errors", "65535"),
        ({"errors": {"odd": {**COLOUR, "status": 200}}}, "plugin.manifest.invalid_errors", "599"),
        ({"errors": {"odd": {**COLOUR, "message": ""}}}, "plugin.manifest.invalid_errors", "message"),
        ({"errors": {"odd": COLOUR, "even": COLOUR}}, "plugin.manifest.invalid_errors", "3 stands twice"),
    ],
)
def test_what_is_wrong_with_it_is_named(stated: dict[str, Any], error_id: str, told: str) -> None:
    with pytest.raises(KuzzleError) as refusal:
        manifest(**stated)
    assert refusal.value.id == error_id
    assert told in refusal.value.message


def test_without_a_code_it_has_one_that_follows_from_its_name() -> None:
    assert manifest().code == manifest(name="GREETER").code
    assert manifest(name="welcomer").code != manifest().code
    assert {manifest(name=f"plugin-{number}").code for number in range(2000)} == set(range(8, 256))


def test_a_taken_code_makes_way_to_the_next_free_one(caplog: pytest.LogCaptureFixture) -> None:
    found = read_manifest(type("Stated", (Greeter,), {"code": 255, "errors": {"odd": COLOUR}}), taken={255, 8, 9})
    assert (found.code, found.error_table["plugin.greeter.odd"]["code"]) == (10, 4 << 24 | 10 << 16 | 3)
    assert "greeter get the code 10: 255 is that of another" in caplog.text


@pytest.mark.parametrize("kuzzle_version", [">=1.12", "<2,>=1", "==1.12.*", "~=1.2", ""])
def test_the_version_in_the_making_counts_as_what_it_becomes(kuzzle_version: str) -> None:
    assert manifest(kuzzle_version=kuzzle_version).kuzzle_version == kuzzle_version


@pytest.mark.parametrize(
    ("content", "told"), [("{", "line 1"), ("[]", "no object"), ({"nmae": "greeter"}, "unknown member nmae")]
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: Any, told: str) -> None:
    with pytest.raises(KuzzleError) as refusal:
        in_file(tmp_path, content)
    assert refusal.value.id == "plugin.manifest.cannot_load"
    assert told in refusal.value.message
