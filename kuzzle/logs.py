"""What the server writes about itself: lines of text or of JSON, written off the request path.

The code logs with the standard library. A record goes into a bounded queue and a thread writes it: a
slow disk or a terminal that does not scroll delays nobody, and what finds the queue full is counted
and dropped. The texts of clients end up in messages, so control characters are escaped, and every
line after the first of a traceback is indented: no client can forge a line.

Threads: records come from any thread; the writer's thread alone touches files.
"""

from __future__ import annotations

import copy
import datetime
import logging
import logging.handlers
import queue
import socket
import sys
from typing import Any, Final

import orjson

from kuzzle.access_log import LOGGER_NAME as ACCESS_LOGGER
from kuzzle.config import Config, ConfigError

_QUEUE_SIZE: Final = 20_000
_STOP_SECONDS: Final = 5.0

# These libraries warn about what clients do wrong, which is worth a line only to who looks for it.
_LOGGERS_OF_CLIENT_FAULTS: Final = ("tornado.access", "tornado.general", "engineio.server", "socketio.server")

_CONTROL_CHARACTERS: Final = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))} | {
    9: "\\t",
    10: "\\n",
    13: "\\r",
    0x2028: "\\u2028",
    0x2029: "\\u2029",
}


def one_line(text: str) -> str:
    """Return a text with its control characters escaped."""
    if text.isprintable():
        return text
    return text.translate(_CONTROL_CHARACTERS).encode("utf-8", "backslashreplace").decode()


class TextFormatter(logging.Formatter):
    """`2026-01-31T12:00:00.000Z INFO kuzzle.app: message`, tracebacks indented below."""

    def format(self, record: logging.LogRecord) -> str:
        request_id = getattr(record, "request_id", None)
        suffix = f" [request {one_line(str(request_id))}]" if request_id else ""
        line = f"{_moment(record)} {record.levelname} {record.name}: {one_line(record.getMessage())}{suffix}"
        traceback = _traceback(self, record)
        if traceback:
            line += "".join(f"\n    {one_line(part)}" for part in traceback.splitlines())
        return line


class JsonFormatter(logging.Formatter):
    """One JSON object a line: `time`, `level`, `logger`, `node`, `message`, and where known `requestId`
    and `error` (a traceback)."""

    def __init__(self, node: str) -> None:
        super().__init__()
        self._node = node

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": _moment(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "node": self._node,
            "message": record.getMessage(),
        }
        request_id = getattr(record, "request_id", None)
        if request_id:
            line["requestId"] = str(request_id)
        traceback = _traceback(self, record)
        if traceback:
            line["error"] = traceback
        try:
            return orjson.dumps(line).decode()
        except TypeError:  # a lone surrogate in a text: UTF-8 has no form of it
            replaced = {key: text.encode("utf-8", "backslashreplace").decode() for key, text in line.items()}
            return orjson.dumps(replaced).decode()


def _moment(record: logging.LogRecord) -> str:
    moment = datetime.datetime.fromtimestamp(record.created, datetime.UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"


def _traceback(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    if record.exc_info and not record.exc_text:
        record.exc_text = formatter.formatException(record.exc_info)
    return record.exc_text or ""


class _Writer(logging.handlers.QueueListener):
    """The thread that writes."""

    def __init__(self, main: logging.Handler, access: logging.Handler) -> None:
        self.records: queue.Queue[logging.LogRecord | None] = queue.Queue(_QUEUE_SIZE)
        super().__init__(self.records)
        self.dropped = 0
        self._reported = 0
        self._main = main
        self._access = access

    def put(self, record: logging.LogRecord) -> None:
        """Hand a record over, or count it as dropped."""
        try:
            self.records.put_nowait(record)
        except queue.Full:
            self.dropped += 1

    def handle(self, record: logging.LogRecord) -> None:
        (self._access if record.name == ACCESS_LOGGER else self._main).handle(record)
        if self.dropped > self._reported:
            lost, self._reported = self.dropped - self._reported, self.dropped
            message = f"{lost} log lines were dropped: they came faster than they could be written"
            self._main.handle(logging.LogRecord(__name__, logging.WARNING, __file__, 0, message, None, None))

    def stop(self) -> None:
        """Write what waits and end the thread; give up on an output that accepts nothing."""
        thread = self._thread
        if thread is None:
            return
        self._thread = None
        try:
            self.records.put(None, timeout=_STOP_SECONDS)
        except queue.Full:
            return
        thread.join(_STOP_SECONDS)


class _ToWriter(logging.handlers.QueueHandler):
    """Hands records to the writer."""

    def __init__(self, writer: _Writer) -> None:
        super().__init__(writer.records)
        self._writer = writer

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        if record.name == ACCESS_LOGGER:
            return record  # its message is immutable and worded by the writer
        record = copy.copy(record)  # other handlers may see the same one
        record.msg, record.args = record.getMessage(), None
        if record.exc_info:
            record.exc_text = record.exc_text or logging.Formatter().formatException(record.exc_info)
            record.exc_info = None  # it would keep the frames of the traceback alive
        return record

    def enqueue(self, record: logging.LogRecord) -> None:
        self._writer.put(record)


class Logs:
    """The logs of the process, from `start` to `stop`."""

    def __init__(self, config: Config) -> None:
        """Open the outputs.

        Raises:
            ConfigError: A file cannot be written.
        """
        options = config.section("logs")
        self._level: str = options["level"]
        main = _output("logs.file", options["file"], sys.stderr, config)
        access = _output("logs.access.file", options["access"]["file"], sys.stdout, config)
        node = config.section("server")["node"] or socket.gethostname()
        main.setFormatter(JsonFormatter(node) if options["format"] == "json" else TextFormatter())
        self._outputs = (main, access)
        self._writer = _Writer(main, access)
        self._handler = _ToWriter(self._writer)
        self._replaced: list[logging.Handler] = []

    @property
    def dropped(self) -> int:
        """Number of lines that found the queue full."""
        return self._writer.dropped

    def start(self) -> None:
        """Take over the logs of the process."""
        root = logging.getLogger()
        self._replaced, root.handlers = root.handlers, [self._handler]
        logging.captureWarnings(True)
        self.set_level(self._level)
        self._writer.start()

    def set_level(self, level: str) -> None:
        """Change what is written from now on: `debug`, `info`, `warning` or `error`."""
        self._level = level
        logging.getLogger().setLevel(level.upper())
        for name in _LOGGERS_OF_CLIENT_FAULTS:
            logging.getLogger(name).setLevel(logging.DEBUG if level == "debug" else logging.ERROR)

    def stop(self) -> None:
        """Write what waits and give the logs back; a second call does nothing."""
        root = logging.getLogger()
        if self._handler in root.handlers:
            root.handlers = self._replaced
        logging.captureWarnings(False)
        self._writer.stop()
        for output in self._outputs:
            output.close()


def _output(option: str, file: str | None, stream: Any, config: Config) -> logging.Handler:
    if file is None:
        return _Stream(stream)
    path = config.path(file)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return _File(path, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise ConfigError([f"{option}: cannot write {path}: {error.strerror}"]) from error


class _Stream(logging.StreamHandler[Any]):
    """A stream whose reader may go away: what it does not take is lost, and nothing else happens."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Let the line go."""


class _File(logging.handlers.WatchedFileHandler):
    """A file that may be moved away (rotated): it is opened anew then. A full disk loses lines only."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Let the line go."""
