"""The server as a process: its logs, its signals, and what it says when it stands.

SIGTERM and SIGINT stop it: running requests end, clients are told, the store is closed. A second one
ends it at once, which the store survives. SIGHUP reads `logs.level` anew; to a server started from a
terminal it means that the terminal was closed, and stops it too.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import os
import resource
import signal
import sys
from collections.abc import Iterator, Mapping
from typing import Final

from kuzzle import __version__
from kuzzle.app import Application
from kuzzle.config import Config, ConfigError
from kuzzle.doors import DoorError
from kuzzle.logs import Logs, one_line
from kuzzle.security.users import ANONYMOUS
from kuzzle.storage.errors import StoreOpenError
from protocols.ports import PortError

# How an address of each shipped protocol is written.
_ADDRESSES: Final[Mapping[str, str]] = {
    "http": "http://{host}:{port}/",
    "websocket": "ws://{host}:{port}",
    "socketio": "http://{host}:{port}/socket.io/",
    "mqtt": "mqtt://{host}:{port}",
}
_FEW_OPEN_FILES: Final = 10_000

logger = logging.getLogger(__name__)


def run(config: Config) -> None:
    """Serve until a signal comes.

    Raises:
        ConfigError: The server cannot start; one line per reason.
    """
    logs = Logs(config)
    logs.start()
    try:
        asyncio.run(_serve(config, logs))
    except (PortError, DoorError, StoreOpenError) as error:
        raise ConfigError([one_line(str(error))]) from error
    finally:
        logs.stop()


async def _serve(config: Config, logs: Logs) -> None:
    application = Application(config)
    told_to_stop = _listen_to_signals(config, logs)
    application.stop_server = told_to_stop.set
    await application.start()
    try:
        _say(application)
        await told_to_stop.wait()
    finally:
        await application.stop()


def _listen_to_signals(config: Config, logs: Logs) -> asyncio.Event:
    loop = asyncio.get_running_loop()
    told_to_stop = asyncio.Event()

    def stop(number: signal.Signals) -> None:
        if told_to_stop.is_set():
            os._exit(128 + number)
        logger.info("Stopping on %s; a second one ends the server at once", number.name)
        told_to_stop.set()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stop, number)
    if not os.isatty(0):
        loop.add_signal_handler(signal.SIGHUP, _read_level, config, logs)
    return told_to_stop


def _read_level(config: Config, logs: Logs) -> None:
    try:
        level = Config.load(config.file, os.environ).section("logs")["level"]
    except ConfigError as error:
        for fault in error.faults:
            logger.error("The log level stays as it is: %s", fault)
        return
    logs.set_level(level)
    logger.info("The log level is %s", level)


def _say(application: Application) -> None:
    is_open_to_everyone = application.security.rights.allows_everything(ANONYMOUS)
    if is_open_to_everyone:
        _warn_of_openness(application.config.section("server")["host"])
    open_files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    lines = summary(application, is_open_to_everyone=is_open_to_everyone, open_files=open_files)
    try:
        sys.stdout.write("".join(f"{line}\n" for line in lines))
        sys.stdout.flush()
    except OSError:  # nobody reads it: no reason not to serve, nor to fail at the end over what is unread
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _warn_of_openness(host: str) -> None:
    """Log a warning where others than this machine reach an open server."""
    try:
        is_local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_local = host == "localhost"
    if not is_local:
        logger.warning(
            "Everybody who reaches %s may do everything; `kuzzle create-first-admin NAME --reset` ends that", host
        )


def summary(application: Application, *, is_open_to_everyone: bool, open_files: int) -> Iterator[str]:
    """Word what the operator wants to know of a server that stands.

    Args:
        is_open_to_everyone: Who has not logged in may do everything.
        open_files: How many files, and so connections, the process may have open.
    """
    config = application.config
    host = config.section("server")["host"]
    shown_host = f"[{host}]" if ":" in host else host
    yield f"Kuzzle {__version__} serves API 1"
    for protocol in application.protocols:
        port = application.ports.numbers.get(protocol.name)
        address = _ADDRESSES.get(protocol.name, "{host}:{port}").format(host=shown_host, port=port)
        yield f"  {protocol.name:<10} {address if port else 'without a port of its own'}"
    if application.metrics is not None:
        metrics_host = config.section("metrics")["host"]
        shown_host = f"[{metrics_host}]" if ":" in metrics_host else metrics_host
        yield f"  {'metrics':<10} http://{shown_host}:{application.metrics.number}/metrics"
    storage = config.section("storage")
    yield f"  {'data':<10} {config.path(storage['sqlite']['path'])}"
    if is_open_to_everyone:
        yield "The server is open to everyone. To change that: kuzzle create-first-admin NAME --reset"
    if 0 <= open_files < _FEW_OPEN_FILES:
        yield f"At most {open_files} files may be open, hence fewer clients: `ulimit -n 65536` before the start helps."
