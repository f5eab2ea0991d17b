"""`kuzzle query`: any action from a shell, and exit codes that scripts can trust."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from running import run
from shell_operator import Operator

from kuzzle.shell.websocket import masked


@pytest.fixture
def library(operator: Operator) -> Iterator[Operator]:
    """A server with the empty collection library/books."""
    operator.query("index:create", index="library")
    operator.query("collection:create", index="library", collection="books")
    yield operator
    operator.query("index:delete", index="library")


def test_the_result_is_printed_as_json(operator: Operator) -> None:
    ended = operator.run("query", "server:now")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert isinstance(json.loads(ended.stdout)["now"], int)


def test_arguments_have_the_types_that_the_action_asks_for(library: Operator) -> None:
    target = {"index": "library", "collection": "books"}
    created = library.query("document:create", {"title": "Emma"}, **target, _id="12")
    assert created["_id"] == "12"
    library.query("document:delete", **target, _id="12")
    assert library.query("document:search", **target, size="5", includeTrash="true")["total"] == 1
    assert library.query("document:search", **target, size="5", includeTrash="false")["total"] == 0


def test_an_argument_of_a_wrong_type_is_left_to_the_server_to_refuse(library: Operator) -> None:
    ended = library.run("query", "document:search", "--arg", "index=library", "--arg", "size=many")
    assert ended.returncode == 1
    assert ended.stderr.startswith("kuzzle: ")
    assert "api.assert." in ended.stderr


def test_a_body_may_stand_on_the_command_line(library: Operator) -> None:
    texts = ("--arg", "index=library", "--arg", "collection=books", "--arg", "_id=emma")
    assert library.run("query", "document:create", "--body", '{"title": "Emma"}', *texts).returncode == 0
    assert library.query("document:get", index="library", collection="books", _id="emma")["_source"]["title"] == "Emma"


def test_a_refusal_is_told_with_its_id(operator: Operator) -> None:
    ended = operator.run("query", "document:count", "--arg", "index=nowhere", "--arg", "collection=books")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        'kuzzle: The index "nowhere" does not exist. (services.storage.unknown_index, status 412)\n'
    )


def test_what_worked_is_printed_beside_what_failed(library: Operator) -> None:
    documents = [{"_id": "1", "body": {}}, *({"_id": number, "body": {}} for number in range(7))]
    texts = ("--arg", "index=library", "--arg", "collection=books")
    ended = library.run("query", "document:mCreate", "--body", "-", *texts, stdin=json.dumps({"documents": documents}))
    assert ended.returncode == 1
    assert [hit["_id"] for hit in json.loads(ended.stdout)["hits"]] == ["1"]
    first, *parts, last = ended.stderr.splitlines()
    assert first.endswith("(services.storage.incomplete_create, status 206)")
    assert len(parts) == 5
    assert last == "kuzzle:   and 2 more"


def test_a_message_beyond_the_limit_is_told_so(operator: Operator) -> None:
    ended = operator.run("query", "server:now", "--body", "-", stdin=json.dumps({"text": "x" * 1_100_000}))
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "kuzzle: " in ended.stderr
    assert "limits.maxRequestSize" in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("now",), "'now' is no action: expected controller:action, such as server:now"),
        (("server:now", "--body", "{"), "--body: no JSON"),
        (("server:now", "--arg", "index"), "--arg index: expected name=value"),
        (("server:now", "--arg", "body=1"), "--arg body=1: --body says that"),
        (("server:now", "--password", "x"), "--password goes with --username"),
        (("server:now", "--timeout", "0"), "argument --timeout: invalid"),
        ((), "the following arguments are required"),
    ],
)
def test_wrong_usage_ends_with_2(operator: Operator, arguments: tuple[str, ...], reason: str) -> None:
    ended = operator.run("query", *arguments)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert reason in ended.stderr


def test_a_server_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
    ended = run(tmp_path, "query", "server:now", "--port", port)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == f"kuzzle: cannot reach localhost:{port}: Connection refused\n"


@contextmanager
def answering(answer: bytes) -> Iterator[int]:
    """Listen, answer what comes with some bytes, and hang up; yields the port."""

    def serve() -> None:
        accepted, _ = listener.accept()
        with accepted:
            accepted.recv(65536)
            accepted.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(30)


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\n\r\nhello", b"HTTP/1.1 101 Yes\r\n\r\n", b"\xff" * 99])
def test_what_is_no_websocket_server_is_one_clear_line(tmp_path: Path, answer: bytes) -> None:
    with answering(answer) as port:
        ended = run(tmp_path, "query", "server:now", "--port", str(port), "--host", "127.0.0.1")
    assert (ended.returncode, ended.stdout) == (1, "")
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f"kuzzle: 127.0.0.1:{port} does not answer as a WebSocket server: ")


def test_a_login_that_fails_is_told_before_anything_is_done(operator: Operator) -> None:
    ended = operator.run("query", "index:create", "--arg", "index=never", "--username", "ada", "--password", "wrong")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("kuzzle: cannot log in: ")
    assert operator.query("index:exists", index="never") is False


def test_a_frame_is_masked_byte_by_byte() -> None:
    mask = b"\x00\x7f\x80\xff"
    for size in range(10):
        payload = bytes(range(250, 250 - size, -1))
        assert masked(payload, mask) == bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))
