"""The configuration: where options come from, what is refused, and in which words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kuzzle.config import Config, ConfigError, size_in_bytes
from kuzzle.config.annotated import annotated
from kuzzle.config.options import is_section, leaves, load_options
from kuzzle.config.sources import variable_name
from kuzzle.schemas import SCHEMAS_FOLDER

ROOT = SCHEMAS_FOLDER.parent
LEAVES = list(leaves(load_options()))
NAMES = [".".join(path) for path, _ in LEAVES]


def load(tmp_path: Path, text: str = "", environment: Mapping[str, str] | None = None) -> Config:
    """Load a configuration file of this text."""
    path = tmp_path / "kuzzle.yml"
    path.write_text(text)
    return Config.load(path, environment or {})


def faults(tmp_path: Path, text: str = "", environment: Mapping[str, str] | None = None) -> list[str]:
    """Load a configuration that must be refused, and return why."""
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text, environment)
    return caught.value.faults


def value_of(config: Config, path: tuple[str, ...]) -> Any:
    value: Any = config.section(path[0])
    for name in path[1:]:
        value = value[name]
    return value


# --- defaults and the annotated file


def test_every_option_and_section_has_a_description_and_every_option_a_default() -> None:
    def check(node: Mapping[str, Any], name: str) -> None:
        assert node.get("description"), name
        if is_section(node):
            for child_name, child in node["properties"].items():
                check(child, f"{name}.{child_name}")
        else:
            assert "default" in node, name

    check(load_options(), "")


def test_without_a_file_the_defaults_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = Config.load(None, {})
    assert config.file is None
    assert config.folder == tmp_path
    for path, node in LEAVES:
        expected = size_in_bytes(node["default"]) if node.get("format") == "size" else node["default"]
        assert value_of(config, path) == expected, path


@pytest.mark.parametrize("text", ["", "# nothing\n", "limits:\nprotocols: {http: }\n"])
def test_an_empty_file_or_section_keeps_the_defaults(tmp_path: Path, text: str) -> None:
    assert load(tmp_path, text).public() == load(tmp_path).public()


def test_the_annotated_file_is_the_one_that_stands_beside_the_package() -> None:
    assert (ROOT / "kuzzle.yml").read_text() == annotated(load_options())


@pytest.mark.parametrize("loader", [yaml.SafeLoader, None])
def test_the_annotated_file_says_the_defaults_in_both_versions_of_yaml(tmp_path: Path, loader: Any) -> None:
    text = annotated(load_options())
    config = load(tmp_path, text if loader is None else yaml.safe_dump(yaml.load(text, loader)))
    assert config.public() == load(tmp_path).public()


def test_the_annotated_file_names_every_option_once() -> None:
    content = yaml.safe_load(annotated(load_options()))

    def names(values: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
        for name, value in values.items():
            place = ".".join((*path, name))
            if isinstance(value, dict) and place not in NAMES:  # an option may be an object
                yield from names(value, (*path, name))
            else:
                yield place

    assert list(names(content)) == NAMES


# --- the file


def test_an_option_of_the_file_beats_its_default(tmp_path: Path) -> None:
    assert load(tmp_path, "limits: {documentsFetchCount: 3}").section("limits")["documentsFetchCount"] == 3


def test_a_relative_path_starts_at_the_folder_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "kuzzle.yml").write_text("")
    monkeypatch.chdir(elsewhere)
    config = Config.load(Path("../kuzzle.yml"), {})
    assert config.path("data/kuzzle.db").resolve() == tmp_path / "data" / "kuzzle.db"
    assert config.path("/srv/kuzzle.db") == Path("/srv/kuzzle.db")


def test_the_file_of_the_current_folder_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kuzzle.yml").write_text("server: {host: 127.0.0.1}")
    monkeypatch.chdir(tmp_path)
    config = Config.load(None, {})
    assert config.section("server")["host"] == "127.0.0.1"
    assert config.file == tmp_path / "kuzzle.yml"


def test_a_variable_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "other.yml"
    path.write_text("server: {host: 127.0.0.1}")
    assert Config.load(None, {"KUZZLE_CONFIG": str(path)}).section("server")["host"] == "127.0.0.1"


def test_a_missing_file_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        Config.load(tmp_path / "none.yml", {})
    assert caught.value.faults == [f"{tmp_path / 'none.yml'}: cannot be read: No such file or directory"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("limits: {a: 1", r"line \d, column \d+: .+"),
        ("limits:\n  a: 1\n  a: 2", r"line 3, column 3: 'a' stands twice"),
        ("1: 2", r"line 1, column 1: a name must be a text"),
        ("? [a]\n: 2", r"line 1, column 3: a name must be a text"),
        ("a: &x {b: *x}", r"line 1, column \d+: found unconstructable recursive node"),
        ("a: !!python/object:os.system {}", r"line 1, column 4: .+"),
        ("a: 1\n---\nb: 2", r"line 2, column 1: .+"),
        ("a: \x01", r".+"),
        ("[" * 5000, r".+"),
        ("just text", r"found no options, expected sections such as `server:`"),
        ("- 1", r"found no options, expected sections such as `server:`"),
    ],
)
def test_what_is_no_mapping_is_one_clear_line(tmp_path: Path, text: str, reason: str) -> None:
    (line,) = faults(tmp_path, text)
    assert re.fullmatch(re.escape(f"{tmp_path / 'kuzzle.yml'}: ") + reason, line)


def test_a_file_that_is_not_utf_8_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "kuzzle.yml"
    path.write_bytes(b"server: {host: \xff\xfe}")
    with pytest.raises(ConfigError) as caught:
        Config.load(path, {})
    assert len(caught.value.faults) == 1
    assert "\n" not in caught.value.faults[0]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.one_of(st.binary(max_size=60), st.text("kuzle: {}[]&*!?-\n'\"#|>%@1.", max_size=60).map(str.encode)))
def test_any_file_is_accepted_or_refused_line_by_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "kuzzle.yml"
    path.write_bytes(content)
    refusals: list[str] = []
    try:
        Config.load(path, {})
    except ConfigError as error:
        refusals = error.faults or [""]
    assert all(fault and "\n" not in fault for fault in refusals)


# --- refusals


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sever: {}", ["sever: unknown option; did you mean `server`"]),
        (
            "limits: {documentFetchCount: 2}",
            ["limits.documentFetchCount: unknown option; did you mean `documentsFetchCount`"],
        ),
        ("limits: {MaxRequestSize: 2}", ["limits.MaxRequestSize: unknown option; did you mean `maxRequestSize`"]),
        ("cache: {xyz: 1}", ["cache.xyz: unknown option; expected one of backend, redis"]),
        ("server: {maxRequestSize: 1MB}", ["server.maxRequestSize: unknown option; here it is limits.maxRequestSize"]),
        ("services: {}", ["services: unknown option; here it is storage, cache and memoryStorage"]),
        ("protocols: {htpp: {port: 1}}",
         ["protocols.htpp: unknown protocol; did you mean `http`; one of your own needs the option `class`"]),
        (
            "protocols: {own: {class: nowhere}}",
            ['protocols.own.class: found the text "nowhere", expected a text such as "package.module:Class"'],
        ),
        ("protocols: {own: 3}", ["protocols.own: found 3, expected a section of options"]),
        ("protocols: {http: {port: 70000}}",
         ["protocols.http.port: found 70000, expected an integer from 0 to 65535"]),
        ("protocols: {http: {port: -1}}", ["protocols.http.port: found -1, expected an integer from 0 to 65535"]),
        (
            "protocols: {http: {port: 7512.0}}",
            ["protocols.http.port: found 7512.0, expected an integer from 0 to 65535"],
        ),
        ("protocols: {http: {port: }}", ["protocols.http.port: found null, expected an integer from 0 to 65535"]),
        ("protocols: {http: {port: true}}", ["protocols.http.port: found true, expected an integer from 0 to 65535"]),
        ("protocols: {http: {enabled: 1}}", ["protocols.http.enabled: found 1, expected true or false"]),
        ("protocols: {mqtt: [1]}", ["protocols.mqtt: found a list, expected a section of options"]),
        (
            "protocols: {mqtt: {requestTopic: a/#}}",
            ['protocols.mqtt.requestTopic: found the text "a/#", expected a topic without "#" and "+"'],
        ),
        ("storage: {sqlite: {durability: fast}}",
         ['storage.sqlite.durability: found the text "fast", expected "full" or "normal"']),
        ("server: {host: {}}", ["server.host: found a section, expected a text that is not empty"]),
        ("server: {host: ''}", ['server.host: found the text "", expected a text that is not empty']),
        ("server: {node: 5}", ["server.node: found 5, expected a text that is not empty or null"]),
        (
            "security: {local: {passwordPolicies: [{appliesTo: '*', regex: x}]}}",
            ["security.local.passwordPolicies.0: found a section, expected a list of policies"],
        ),
        (
            "security: {oidc: {House: {issuer: 'https://a.b', clientId: x, redirectUri: 'https://a.b'}}}",
            ['security.oidc: found the text "House", expected strategies by names of small letters, digits and '
             "dashes, other than local"],
        ),
        ("security: {oidc: {house: }}", ["security.oidc.house: found null, expected a section of options"]),
        ("server: {shutdownTimeout: x}",
         ['server.shutdownTimeout: found the text "x", expected an integer from 0 to 3600000 (ms)']),
    ],
)  # fmt: skip
def test_a_wrong_option_is_told_with_its_path_what_was_found_and_expected(
    tmp_path: Path, text: str, expected: list[str]
) -> None:
    assert faults(tmp_path, text) == expected


@pytest.mark.parametrize("surprise", ["12:30", "1:30:45", "0123", "1_000", "0x10", "0b1", "2026-01-01", ".inf", "1e3"])
def test_what_yaml_1_1_would_take_for_a_number_is_refused_as_a_port(tmp_path: Path, surprise: str) -> None:
    (line,) = faults(tmp_path, f"protocols: {{http: {{port: {surprise}}}}}")
    assert line.startswith("protocols.http.port: found ")


@pytest.mark.parametrize("surprise", ["yes", "no", "on", "off", "y", "n"])
def test_what_yaml_1_1_would_take_for_a_boolean_is_refused_by_name(tmp_path: Path, surprise: str) -> None:
    assert faults(tmp_path, f"protocols: {{http: {{enabled: {surprise}}}}}") == [
        f'protocols.http.enabled: found the text "{surprise}", expected true or false'
    ]


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    lines = faults(tmp_path, "a: 1\nserver: {host: 1, b: 2}\nlimits: {documentsFetchCount: 0}")
    assert [line.split(":")[0] for line in sorted(lines)] == [
        "a",
        "limits.documentsFetchCount",
        "server.b",
        "server.host",
    ]


@pytest.mark.parametrize(
    ("limits", "fault"),
    [
        (
            "{concurrentRequests: 50000}",
            "limits.concurrentRequests: found 50000, expected less than limits.requestsBufferSize (50000)",
        ),
        (
            "{requestsBufferWarningThreshold: 99}",
            "limits.requestsBufferWarningThreshold: found 99, expected from limits.concurrentRequests (100) "
            "to limits.requestsBufferSize (50000)",
        ),
        (
            "{requestsBufferWarningThreshold: 50001}",
            "limits.requestsBufferWarningThreshold: found 50001, expected from limits.concurrentRequests (100) "
            "to limits.requestsBufferSize (50000)",
        ),
    ],
)
def test_limits_that_contradict_each_other_are_refused(tmp_path: Path, limits: str, fault: str) -> None:
    assert faults(tmp_path, f"limits: {limits}") == [fault]


@pytest.mark.parametrize(
    ("collections", "place", "found"),
    [
        ("{library: {books: {size: 0, time: 5}}}", "library.books.size", "0"),
        ("{library: {books: {size: 5001, time: 5}}}", "library.books.size", "5001"),
        ("{library: {books: {size: 5, time: 86400001}}}", "library.books.time", "86400001"),
        ("{library: {books: {size: 5}}}", "library.books", "a section"),
        ("{library: {books: {size: 5, time: 5, age: 5}}}", "library.books", "a section"),
        ("{library: {size: 5}}", "library.size", "5"),
    ],
)
def test_a_history_that_cannot_be_kept_is_refused(tmp_path: Path, collections: str, place: str, found: str) -> None:
    (fault, *_) = faults(tmp_path, f"realtime: {{history: {{collections: {collections}}}}}")
    expected = "index to collection to size (1 to 5000) and time (1 to 86400000)"
    assert fault == f"realtime.history.collections.{place}: found {found}, expected {expected}"


# --- sizes


@pytest.mark.parametrize(
    ("size", "size_bytes"),
    [("1MB", 1048576), ("1mb", 1048576), ("1 mb", 1048576), ("512kb", 524288), ("1.5KB", 1536), ("2gb", 2147483648),
     ("1tb", 1099511627776), ("7b", 7), ("7", 7), (7, 7)],
)  # fmt: skip
def test_a_size_is_read_as_bytes(tmp_path: Path, size: str | int, size_bytes: int) -> None:
    config = load(tmp_path, f"limits: {{maxRequestSize: {size}}}")
    assert config.section("limits")["maxRequestSize"] == size_bytes
    assert config.public()["limits"]["maxRequestSize"] == (int(size) if size == "7" else size)


@pytest.mark.parametrize("size", ["MB", "1xb", "-1MB", "0MB", "0", "0.1b", "'1,5mb'", "1MBs", "999999tb", "''", "null"])
def test_what_is_no_size_is_refused(tmp_path: Path, size: str) -> None:
    (line,) = faults(tmp_path, f"limits: {{maxRequestSize: {size}}}")
    assert line.startswith("limits.maxRequestSize: found ")
    assert 'expected a size of at least one byte, such as "1MB"' in line


# --- variables


@pytest.mark.parametrize(
    ("variable", "text", "path", "value"),
    [
        ("KUZZLE_PROTOCOLS__HTTP__PORT", "8000", ("protocols", "http", "port"), 8000),
        ("KUZZLE_LIMITS__DOCUMENTS_FETCH_COUNT", "500", ("limits", "documentsFetchCount"), 500),
        ("KUZZLE_limits__documentsFetchCount", "500", ("limits", "documentsFetchCount"), 500),
        ("KUZZLE_SERVER__HOST", "::", ("server", "host"), "::"),
        ("KUZZLE_SERVER__NODE", "12", ("server", "node"), "12"),
        ("KUZZLE_STORAGE__SQLITE__PATH", "true", ("storage", "sqlite", "path"), "true"),
        ("KUZZLE_PROTOCOLS__MQTT__SHARED_TOPIC", "null", ("protocols", "mqtt", "sharedTopic"), None),
        ("KUZZLE_PROTOCOLS__MQTT__SHARED_TOPIC", "", ("protocols", "mqtt", "sharedTopic"), None),
        ("KUZZLE_PROTOCOLS__MQTT__ALLOW_PUB_SUB", "True", ("protocols", "mqtt", "allowPubSub"), True),
        ("KUZZLE_LIMITS__MAX_REQUEST_SIZE", "2MB", ("limits", "maxRequestSize"), 2097152),
        ("KUZZLE_LIMITS__MAX_REQUEST_SIZE", "2000", ("limits", "maxRequestSize"), 2000),
        ("KUZZLE_API__DEFAULT", "1", ("api", "default"), 1),
        ("KUZZLE_PROTOCOLS__LINES__PORT", "7000", ("protocols", "lines", "port"), 7000),
        ("KUZZLE_PROTOCOLS__LINES__GREETING", "a: b", ("protocols", "lines", "greeting"), "a: b"),
        ("KUZZLE_PROTOCOLS__LINES__END_OF_LINE", "x", ("protocols", "lines", "endOfLine"), "x"),
        ("KUZZLE_PROTOCOLS__LINES__DEEP__ER", "false", ("protocols", "lines", "deep", "er"), False),
    ],
)
def test_a_variable_beats_the_file(tmp_path: Path, variable: str, text: str, path: tuple[str, ...], value: Any) -> None:
    file = "protocols: {lines: {class: 'my.lines:Lines', port: 1}, mqtt: {allowPubSub: false}}\nlimits: "
    found = value_of(load(tmp_path, file, {variable: text}), path)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(("path", "node"), LEAVES, ids=NAMES)
def test_every_option_can_be_set_by_a_variable(tmp_path: Path, path: tuple[str, ...], node: Mapping[str, Any]) -> None:
    default = node["default"]
    text = default if isinstance(default, str) else json.dumps(default)
    assert load(tmp_path, "", {variable_name(path): text}).public() == load(tmp_path).public()


def test_a_protocol_of_ones_own_can_be_given_by_variables_alone(tmp_path: Path) -> None:
    config = load(tmp_path, "", {"KUZZLE_PROTOCOLS__LINES__CLASS": "my.lines:Lines"})
    assert config.section("protocols")["lines"] == {"class": "my.lines:Lines", "enabled": True}


@pytest.mark.parametrize(
    ("variable", "text", "fault"),
    [
        (
            "KUZZLE_LIMITS__DOCUMENT_FETCH_COUNT",
            "1",
            "KUZZLE_LIMITS__DOCUMENT_FETCH_COUNT: names no option; did you mean KUZZLE_LIMITS__DOCUMENTS_FETCH_COUNT?",
        ),
        (
            "KUZZLE_LIMITS",
            "1",
            "KUZZLE_LIMITS: limits is a section; set its options, such as KUZZLE_LIMITS__CONCURRENT_REQUESTS",
        ),
        (
            "KUZZLE_STORAGE__SQLITE",
            "1",
            "KUZZLE_STORAGE__SQLITE: storage.sqlite is a section; "
            "set its options, such as KUZZLE_STORAGE__SQLITE__PATH",
        ),
        ("KUZZLE___", "1", "KUZZLE___: names no option"),
        (
            "KUZZLE_SERVER__HOST__NAME",
            "1",
            "KUZZLE_SERVER__HOST__NAME: names no option; did you mean KUZZLE_SERVER__HOST?",
        ),
        (
            "KUZZLE_PROTOCOLS__HTTP__PORT",
            "80x",
            "protocols.http.port (set by KUZZLE_PROTOCOLS__HTTP__PORT): "
            'found the text "80x", expected an integer from 0 to 65535',
        ),
        (
            "KUZZLE_PROTOCOLS__HTPP__PORT",
            "1",
            "protocols.htpp (set by KUZZLE_PROTOCOLS__HTPP__PORT): unknown protocol; did you mean `http`; "
            "one of your own needs the option `class`",
        ),
    ],
)  # fmt: skip
def test_a_variable_that_fits_no_option_is_refused(tmp_path: Path, variable: str, text: str, fault: str) -> None:
    assert faults(tmp_path, "", {variable: text}) == [fault]


@pytest.mark.parametrize("variable", ["KUZZLE_HOME", "KUZZLE", "XKUZZLE_LIMITS__A", "kuzzle_limits__x"])
def test_other_variables_are_none_of_ours(tmp_path: Path, variable: str) -> None:
    assert load(tmp_path, "", {variable: "1"}).public() == load(tmp_path).public()


# --- what others see


def test_a_section_cannot_be_changed(tmp_path: Path) -> None:
    config = load(tmp_path)
    with pytest.raises(TypeError):
        config.section("limits")["documentsFetchCount"] = 1  # type: ignore[index]
    with pytest.raises(TypeError):
        config.section("protocols")["http"]["port"] = 1
    config.public()["limits"]["documentsFetchCount"] = 1
    assert config.section("limits")["documentsFetchCount"] == 10000


def test_secrets_are_left_out_or_masked(tmp_path: Path) -> None:
    schema = {
        "type": "object",
        "properties": {
            **load_options()["properties"],
            "mail": {
                "description": "Mail.",
                "type": "object",
                "properties": {
                    "user": {"type": "string", "default": "me"},
                    "password": {"type": "string", "secret": True, "default": ""},
                },
            },
        },
    }
    path = tmp_path / "kuzzle.yml"
    path.write_text("mail: {password: sesame}")
    config = Config.load(path, {}, schema=schema)
    assert config.section("mail")["password"] == "sesame"
    assert config.public()["mail"] == {"user": "me"}
    assert config.public(mask="***")["mail"] == {"user": "me", "password": "***"}
    path.write_text("mail: {password: [sesame]}")
    with pytest.raises(ConfigError) as caught:
        Config.load(path, {}, schema=schema)
    assert caught.value.faults == ["mail.password: found a value that does not fit, expected a text"]


def test_the_section_of_ones_own_protocol_counts_as_secret(tmp_path: Path) -> None:
    config = load(tmp_path, "protocols: {own: {class: 'a.b:C', port: 1, apiKey: sesame, more: {x: sesame}}}")
    assert config.public()["protocols"]["own"] == {"class": "a.b:C", "enabled": True, "port": 1}
    assert "sesame" not in repr(config.public(mask="***"))
    assert config.section("protocols")["own"]["more"] == {"x": "sesame"}


def test_every_option_is_read_by_the_code_it_belongs_to() -> None:
    def code(*places: str) -> str:
        files = [file for place in places for file in ROOT.glob(place)]
        return "".join(file.read_text() for file in files)

    everywhere = code("kuzzle/**/*.py", "protocols/**/*.py")
    unread = []
    for path, node in LEAVES:
        if len(node.get("enum", (1, 2))) == 1:
            continue  # the schema alone holds an option of a single choice
        is_shared = path[0] != "protocols" or path[-1] in ("enabled", "port")
        readers = everywhere if is_shared else code(f"protocols/{path[1]}/**/*.py", "protocols/*.py")
        if f'"{path[-1]}"' not in readers:
            unread.append(".".join(path))
    assert not unread
