"""The logs: forms of a line, level, outputs, and that nobody waits for them."""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kuzzle.access_log import AccessLog
from kuzzle.config import Config, ConfigError
from kuzzle.connection import Connection
from kuzzle.logs import JsonFormatter, Logs, TextFormatter, one_line
from kuzzle.request import Request
from kuzzle.response import Response

logger = logging.getLogger("kuzzle.some.part")


def configure(tmp_path: Path, options: dict[str, Any]) -> Config:
    path = tmp_path / "kuzzle.yml"
    path.write_text(yaml.safe_dump({"logs": {"file": "log/server.log", **options}, "server": {"node": "sun"}}))
    return Config.load(path, {})


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Logs]]:
    """Start logs with options of the test's own."""
    started: list[Logs] = []
    levels = {name: logging.getLogger(name).level for name in ("", "tornado.access", "tornado.general")}

    def start_logs(**options: Any) -> Logs:
        logs = Logs(configure(tmp_path, options))
        logs.start()
        started.append(logs)
        return logs

    yield start_logs
    for logs in started:
        logs.stop()
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def written(tmp_path: Path) -> list[str]:
    return (tmp_path / "log" / "server.log").read_text().splitlines()


def test_a_line_of_text_has_time_level_logger_and_message(start: Callable[..., Logs], tmp_path: Path) -> None:
    logs = start()
    logger.info("Hello %s", "world")
    logs.stop()
    (line,) = written(tmp_path)
    moment, rest = line.split(" ", 1)
    assert rest == "INFO kuzzle.some.part: Hello world"
    assert moment.endswith("Z")
    assert len(moment) == len("2026-01-31T12:00:00.000Z")


def test_a_line_of_json_has_the_same_as_members(start: Callable[..., Logs], tmp_path: Path) -> None:
    logs = start(format="json")
    logger.warning("Hello\n%s", "wörld", extra={"request_id": "r1"})
    try:
        raise ValueError("what happened")
    except ValueError:
        logger.exception("Failed")
    logs.stop()
    first, second = (json.loads(line) for line in written(tmp_path))
    assert first.pop("time").endswith("Z")
    assert first == {
        "level": "warning",
        "logger": "kuzzle.some.part",
        "node": "sun",
        "message": "Hello\nwörld",
        "requestId": "r1",
    }
    assert second["error"].startswith("Traceback")
    assert second["error"].endswith("ValueError: what happened")


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_client_cannot_forge_a_line(start: Callable[..., Logs], tmp_path: Path, form: str) -> None:
    logs = start(format=form)
    evil = "x\n2026-01-31T12:00:00.000Z INFO kuzzle: forged\r\x1b[2J\x85\u2028\ud800"
    logger.error("%s", evil, extra={"request_id": evil})
    try:
        raise ValueError(evil)
    except ValueError:
        logger.exception("Failed")
    logs.stop()
    text = (tmp_path / "log" / "server.log").read_text()
    own_lines = [line for line in text.split("\n") if line and not line.startswith("    ")]
    assert len(own_lines) == 2
    assert all("kuzzle.some.part" in line for line in own_lines)
    assert not set(text) & set("\r\x1b\ud800")
    if form == "text":
        assert len(text.splitlines()) == text.count("\n")


def test_the_text_of_a_line_is_left_alone_unless_it_breaks_lines() -> None:
    assert one_line("Grüße, 世界 \\n") == "Grüße, 世界 \\n"
    assert one_line("a\tb\x00\x7f") == "a\\tb\\x00\\x7f"


def test_the_level_can_be_changed_at_run_time(start: Callable[..., Logs], tmp_path: Path) -> None:
    logs = start(level="warning")
    logger.info("one")
    logs.set_level("debug")
    logger.debug("two")
    logs.set_level("error")
    logger.warning("three")
    logger.error("four")
    logs.stop()
    assert [line.rsplit(" ", 1)[1] for line in written(tmp_path)] == ["two", "four"]


def test_what_tornado_says_of_clients_faults_is_shown_at_debug_level_only(
    start: Callable[..., Logs], tmp_path: Path
) -> None:
    logs = start(level="info")
    logging.getLogger("tornado.general").warning("one")
    logging.getLogger("tornado.access").warning("two")
    logging.getLogger("tornado.application").error("three")
    logs.set_level("debug")
    logging.getLogger("tornado.general").warning("four")
    logs.stop()
    assert [line.rsplit(" ", 1)[1] for line in written(tmp_path)] == ["three", "four"]


def test_the_access_log_goes_to_its_own_file_whatever_the_level(start: Callable[..., Logs], tmp_path: Path) -> None:
    options = {"enabled": True, "file": "access.log"}
    logs = start(level="error", format="json", access=options)
    request = Request({"controller": "server", "action": "now"}, Connection("mqtt", ("192.0.2.1",)))
    AccessLog({"access": {**options, "accessLogIpOffset": 0}}).write(request, Response(request.id, 200, {}))
    logs.stop()
    line = (tmp_path / "access.log").read_text()
    assert line.startswith("192.0.2.1 - - [")
    assert line.endswith('"CALL server/now mqtt" 200 2 "-" "-"\n')
    assert written(tmp_path) == []


def test_without_files_the_standard_outputs_are_used(
    start: Callable[..., Logs], capsys: pytest.CaptureFixture[str]
) -> None:
    logs = start(file=None, access={"enabled": True})
    logger.info("Hello")
    request = Request({}, Connection("mqtt"))
    AccessLog({"access": {"enabled": True, "accessLogIpOffset": 0}}).write(request, Response("x", 200, {}))
    logs.stop()
    captured = capsys.readouterr()
    assert captured.err.endswith("kuzzle.some.part: Hello\n")
    assert '"CALL -/- mqtt"' in captured.out


def test_a_file_that_was_moved_away_is_opened_anew(start: Callable[..., Logs], tmp_path: Path) -> None:
    logs = start()
    logger.info("one")
    logs.stop()
    (tmp_path / "log" / "server.log").rename(tmp_path / "log" / "server.log.1")
    logs = start()
    logger.info("two")
    logs.stop()
    assert len(written(tmp_path)) == 1


def test_a_file_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("in the way")
    with pytest.raises(ConfigError) as caught:
        Logs(configure(tmp_path, {}))
    (line,) = caught.value.faults
    assert line.startswith(f"logs.file: cannot write {tmp_path / 'log' / 'server.log'}: ")


class StuckStream(io.StringIO):
    """A stream that takes nothing until it is released."""

    def __init__(self) -> None:
        super().__init__()
        self.is_reached = threading.Event()
        self.is_released = threading.Event()

    def write(self, text: str) -> int:
        self.is_reached.set()
        self.is_released.wait(30)
        return super().write(text)


def test_lines_that_cannot_be_written_in_time_are_counted_and_told(
    start: Callable[..., Logs], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = StuckStream()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr("kuzzle.logs._QUEUE_SIZE", 10)
    logs = start(file=None)
    logger.info("first")
    assert stream.is_reached.wait(30)  # the writer is stuck with it
    for number in range(25):
        logger.info("line %d", number)
    assert logs.dropped == 15
    stream.is_released.set()
    logs.stop()
    lines = stream.getvalue().splitlines()
    assert len(lines) == 12
    assert "15 log lines were dropped" in lines[1]


def test_an_output_that_fails_stops_nobody(start: Callable[..., Logs], monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed)
    logs = start(file=None)
    logger.error("lost")
    logs.stop()


def test_stopping_gives_the_logs_back(start: Callable[..., Logs]) -> None:
    handlers = list(logging.getLogger().handlers)
    logs = start()
    assert logging.getLogger().handlers != handlers
    logs.stop()
    assert logging.getLogger().handlers == handlers
    logs.stop()  # a second time does nothing


@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter("sun")])
def test_a_formatter_words_a_traceback_by_itself(formatter: logging.Formatter) -> None:
    try:
        raise ValueError("what happened")
    except ValueError:
        record = logging.LogRecord("a", logging.ERROR, __file__, 1, "Failed", None, sys.exc_info())
    assert "ValueError: what happened" in formatter.format(record)
