"""A plugin that cannot be stops the start with a clear line that names it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from harness import Server
from plugin_folder import PLAIN, described, write_plugin
from running import FREE_PORTS, run

from kuzzle.config import ConfigError

GOOD = """
class Greetings(Controller):
    name = "greetings"

    @action("hello")
    async def hello(self, request):
        return "hello"

class Greeter(Plugin):
    name = "greeter"

    async def init(self, config, context):
        pass

    def controllers(self):
        return [Greetings()]
"""
HELLO = {"greetings/hello": PLAIN}


def changed(old: str, new: str) -> str:
    """Return the good plugin with something else in it."""
    assert old in GOOD
    return GOOD.replace(old, new)


def faults(folder: Path, sections: dict[str, Any]) -> list[str]:
    """Return why a server with these plugins cannot be built."""
    with pytest.raises(ConfigError) as refusal:
        Server(folder, {"plugins": sections})
    assert all("\n" not in line for line in refusal.value.faults)
    return refusal.value.faults


def test_the_good_plugin_is_good(tmp_path: Path) -> None:
    Server(tmp_path, {"plugins": {"greeter": write_plugin(tmp_path, GOOD, schemas=HELLO)}})


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("def broken(:", "SyntaxError"),
        ("import nowhere_at_all", "No module named 'nowhere_at_all'"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("1 / 0", "ZeroDivisionError"),
        ("", "found 0"),
        (GOOD + "class Other(Greeter):\n    name = 'other'\n", "found 2"),
    ],
)
def test_code_that_cannot_be_imported_is_named(tmp_path: Path, code: str, told: str) -> None:
    (line,) = faults(tmp_path, {"greeter": write_plugin(tmp_path, code, schemas=HELLO)})
    assert line.startswith("plugins.greeter: Unable to load plugin from path ")
    assert told in line
    assert line.endswith("(plugin.assert.cannot_load)")


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (changed('name = "greeter"', 'name = "two words"'), "plugin.manifest.invalid_name"),
        (changed('name = "greeter"', 'name = ""'), "plugin.manifest.missing_name"),
        (changed('name = "greeter"', 'name = "greeter"\n    kuzzle_version = ">=2"'), "does not match the manifest"),
        (changed('name = "greeter"', 'name = "welcomer"'), "it calls itself welcomer"),
        (changed('name = "greeter"', 'name = "greeter"\n    privileged = True'), "plugin.assert.privileged_not_set"),
        (changed("async def init", "async def begin"), "plugin.assert.init_not_found"),
        (changed("    async def init", "    def __init__(self):\n        1 / 0\n\n    async def init"),
         "ZeroDivisionError: division by zero (plugin.runtime.failed_init)"),
        (changed("return [Greetings()]", "return [3]"), "plugin.controller.invalid_description"),
        (changed("return [Greetings()]", "return [Greetings(), Greetings()]"),
         "plugin.controller.undefined_controller"),
        (changed('name = "greetings"', 'name = "a/b"'), "plugin.controller.undefined_controller"),
        (changed("async def hello", "def hello"), "plugin.controller.invalid_action"),
        (changed('"hello")', '"goodbye")'), "greetings:goodbye has no description (greetings/goodbye.json)"),
    ],
)  # fmt: skip
def test_what_a_class_cannot_be_is_named(tmp_path: Path, code: str, told: str) -> None:
    lines = faults(tmp_path, {"greeter": write_plugin(tmp_path, code, schemas=HELLO)})
    assert all(line.startswith("plugins.greeter: ") for line in lines)
    assert told in "\n".join(lines)


@pytest.mark.parametrize(
    ("schemas", "told"),
    [
        ({}, "greetings:hello has no description"),
        ({**HELLO, "greetings/bye": PLAIN}, "greetings/bye.json: there is no action greetings:bye"),
        ({"greetings/hello": {}}, "greetings/hello.json: the whole: 'description' is a required property"),
        ({"greetings/hello": []}, "greetings/hello.json: the whole: [] is not of type 'object'"),
        ({"greetings/hello": described(http=[{"verb": "get", "path": "/a"}])}, "1.http.0.verb"),
        ({"greetings/hello": described(http=[{"verb": "GET", "path": "/:who"}])}, ":who of the route"),
        ({"greetings/hello": described(http=[{"verb": "GET", "path": "/a"}, {"verb": "GET", "path": "/a"}])},
         "GET /_plugin/greeter/a stands twice"),
        ({"greetings/hello": described(errors=["plugin.greeter.unheard_of"])},
         "plugin.greeter.unheard_of is in no table"),
        ({"greetings/hello": described(body={"type": "object", "error": "api.assert.invalid_id"})},
         "api.assert.invalid_id is not among its errors"),
        ({"greetings/hello": described(result={"type": "something"})}, "no JSON Schema"),
        ({"greetings/hello": described(result={"$ref": "definitions.json#/$defs/nothing"})}, "no definition 'nothing'"),
    ],
)  # fmt: skip
def test_what_an_action_cannot_be_described_by_is_named(tmp_path: Path, schemas: dict[str, Any], told: str) -> None:
    lines = faults(tmp_path, {"greeter": write_plugin(tmp_path, GOOD, schemas=schemas)})
    assert all(line.startswith("plugins.greeter: ") for line in lines)
    assert told in "\n".join(lines)


def test_a_route_that_leads_to_two_actions_is_named(tmp_path: Path) -> None:
    who = {"who": {"in": "path", "type": "string", "description": "Whom to greet."}}
    what = {"what": {"in": "path", "type": "string", "description": "What to say."}}
    schemas = {
        "greetings/hello": described(http=[{"verb": "GET", "path": "/say/:who"}], arguments=who),
        "greetings/bye": described(http=[{"verb": "GET", "path": "/say/:what"}], arguments=what),
    }
    code = changed('    @action("hello")', '    @action("bye")\n    async def bye(self, request):\n'
                   '        return "bye"\n\n    @action("hello")')  # fmt: skip
    (line,) = faults(tmp_path, {"greeter": write_plugin(tmp_path, code, schemas=schemas)})
    assert "leads to greeter/greetings:bye and greeter/greetings:hello" in line


def test_a_name_is_given_once_whatever_its_case(tmp_path: Path) -> None:
    first = write_plugin(tmp_path, GOOD, schemas=HELLO)
    second = write_plugin(tmp_path, changed('"greeter"', '"GREETER"'), name="GREETER", schemas=HELLO)
    (line,) = faults(tmp_path, {"greeter": first, "GREETER": second})
    assert line == "plugins.greeter: A plugin named greeter already exists (plugin.assert.name_already_exists)"


def test_an_owner_of_the_servers_own_parts_is_no_name_for_a_plugin(tmp_path: Path) -> None:
    name = "kuzzle-plugin-auth-passport-local"
    section = write_plugin(tmp_path, changed('"greeter"', f'"{name}"'), name=name, schemas=HELLO)
    (line,) = faults(tmp_path, {name: section})
    assert "plugin.assert.name_already_exists" in line


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ({"class": "nowhere.at.all:Greeter"}, "No module named 'nowhere'"),
        ({"class": "kuzzle.plugins:Nothing"}, "has no attribute 'Nothing'"),
        ({"class": "kuzzle.plugins:Request"}, "plugin.assert.not_a_constructor"),
        ({"path": "plugins/nowhere"}, "there is no file"),
        ({"path": "plugins/greeter", "class": "a:B"}, "only one can be given"),
        ({}, "no installed package declares it"),
        (None, "no installed package declares it"),
        ({"path": "plugins/greeter", "privileged": True}, "plugin.assert.privileged_not_supported"),
    ],
)
def test_a_section_that_leads_to_no_plugin_is_named(tmp_path: Path, section: Any, told: str) -> None:
    write_plugin(tmp_path, GOOD, schemas=HELLO)
    (line,) = faults(tmp_path, {"greeter": section})
    assert line.startswith("plugins.greeter: ")
    assert told in line


def test_every_fault_of_every_plugin_is_told_at_once(tmp_path: Path) -> None:
    one = write_plugin(tmp_path, "1 / 0", name="one")
    two = write_plugin(tmp_path, GOOD.replace('"greeter"', '"two"'), name="two", schemas={"greetings/odd": {}})
    lines = faults(tmp_path, {"one": one, "two": two, "three": {"path": "nowhere"}})
    assert [line.partition(":")[0] for line in lines] == ["plugins.one", "plugins.three", "plugins.two", "plugins.two"]


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({}, ["plugins.greeter.config.greeting: not given, but the plugin needs it"]),
        ({"greeting": 5}, ["plugins.greeter.config.greeting: expected type string"]),
        ({"greeting": "a", "times": 0}, ["plugins.greeter.config.times: expected minimum 1"]),
        ({"greeting": "a", "mail": {"prot": 1}},
         ["plugins.greeter.config.mail.prot: unknown option; expected one of port"]),
        ({"greeting": "a", "tmies": 1}, ["plugins.greeter.config.tmies: unknown option; expected one of greeting, "
                                         "times, mail"]),
    ],
)  # fmt: skip
def test_options_are_held_to_the_plugins_own_schema(tmp_path: Path, config: dict[str, Any], told: list[str]) -> None:
    code = changed('name = "greeter"', 'name = "greeter"' + OPTIONS)
    section = write_plugin(tmp_path, code, schemas=HELLO)
    assert faults(tmp_path, {"greeter": {**section, "config": config}}) == told


OPTIONS = """
    config_schema = {
        "type": "object",
        "properties": {
            "greeting": {"type": "string"},
            "times": {"type": "integer", "minimum": 1, "default": 2},
            "mail": {
                "type": "object",
                "properties": {"port": {"type": "integer", "default": 25}},
                "additionalProperties": False,
            },
        },
        "required": ["greeting"],
        "additionalProperties": False,
    }
"""


def test_a_schema_of_options_that_is_none_is_named(tmp_path: Path) -> None:
    code = changed('name = "greeter"', 'name = "greeter"\n    config_schema = {"type": "something"}')
    (line,) = faults(tmp_path, {"greeter": write_plugin(tmp_path, code, schemas=HELLO)})
    assert "configSchema is no schema" in line


def test_a_plugin_that_is_switched_off_is_not_even_imported(tmp_path: Path) -> None:
    section = write_plugin(tmp_path, "1 / 0")
    Server(tmp_path, {"plugins": {"greeter": {**section, "enabled": False}}})


# --- at the start


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("raise OSError('no such mail server')", "OSError: no such mail server (plugin.runtime.failed_init)"),
        ("raise KuzzleError('api.process.overloaded')", "(api.process.overloaded)"),
        ("await asyncio.sleep(60)", "longer than plugins.common.initTimeout (50 ms)"),
        (
            """
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                if self.tries:
                    raise
                self.tries += 1""",
            "longer than plugins.common.initTimeout (50 ms)",
        ),
        ("raise asyncio.CancelledError", "it was cancelled"),
        ("return False", "it answered false"),
        ("self.listeners = {'server:beforeNow': 3}", "plugin.assert.invalid_pipe"),
        ("self.listeners = 5", "plugin.assert.invalid_pipe"),
        (
            "self.listeners = {'connection:new': self.init}",
            'The plugin "greeter" can put only hooks on it: the event waits for nobody. (plugin.assert.invalid_pipe)',
        ),
        ("self.logins = [3]", "plugin.strategy.invalid_description"),
        ("self.listeners = property(1)\n        del self.listeners", "AttributeError"),
    ],
)
async def test_one_that_does_not_get_ready_stops_the_start(
    tmp_path: Path, body: str, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    code = f"""
class Greeter(Plugin):
    name = "greeter"

    def __init__(self):
        self.tries = 0
        self.listeners = {{}}
        self.logins = []

    async def init(self, config, context):
        {body}

    def pipes(self):
        return self.listeners

    def strategies(self):
        return self.logins
"""
    options = {"greeter": write_plugin(tmp_path, code), "common": {"initTimeout": 50}}
    server = Server(tmp_path, {"plugins": options})
    with pytest.raises(ConfigError) as refusal:
        await server.start()
    (line,) = refusal.value.faults
    assert line.startswith("plugins.greeter: ")
    assert told in line
    assert "\n" not in line


async def test_those_that_were_begun_with_are_closed_when_a_later_one_fails(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    code = """
class {name}(Plugin):
    name = "{name}"

    async def init(self, config, context):
        self.log = context.log
        {body}

    async def close(self):
        self.log.warning("closed")
"""
    sections = {
        name: write_plugin(tmp_path, code.format(name=name, body=body), name=name)
        for name, body in (("one", "pass"), ("two", "1 / 0"), ("zebra", "pass"))
    }
    server = Server(tmp_path, {"plugins": sections})
    with pytest.raises(ConfigError):
        await server.start()
    closed = [record.name for record in caplog.records if record.message == "closed"]
    assert closed == ["plugin.two", "plugin.one"]


def test_the_command_line_tells_it_in_one_line_and_ends_with_1(tmp_path: Path) -> None:
    code = GOOD.replace("        pass", "        raise OSError('no such mail server')")
    write_plugin(tmp_path, code, schemas=HELLO)
    (tmp_path / "kuzzle.yml").write_text("plugins: {greeter: {path: plugins/greeter}}")
    done = run(tmp_path, changes=FREE_PORTS)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("kuzzle: plugins.greeter: Something went wrong during initialization")
    assert "no such mail server" in last
