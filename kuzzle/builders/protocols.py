"""The protocols that the configuration enables, the shipped ones and those of users alike."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from kuzzle.config import Config, ConfigError
from kuzzle.entrypoint import Entrypoint
from kuzzle.validation import Validator

if TYPE_CHECKING:
    from protocols.base import Protocol
    from protocols.ports import Ports

# The protocols that come with the server, reached by name like those of users.
SHIPPED_PROTOCOLS: Final[Mapping[str, str]] = {
    "http": "protocols.http:HttpProtocol",
    "websocket": "protocols.websocket:WebSocketProtocol",
    "socketio": "protocols.socketio:SocketIoProtocol",
    "mqtt": "protocols.mqtt:MqttProtocol",
}


def build_protocols(config: Config, entrypoint: Entrypoint) -> tuple[Ports, list[Protocol]]:
    """Build the enabled protocols over the sockets that they share.

    Raises:
        ConfigError: A class cannot be had, or does not accept its section.
    """
    from protocols.base import ProtocolContext
    from protocols.ports import Ports

    ports = Ports(config.section("server")["host"])
    limits, sections = config.section("limits"), config.section("protocols")
    built = [
        load_protocol(name, options)(ProtocolContext(name, options, limits, entrypoint, ports, sections))
        for name, options in enabled_protocols(config)
    ]
    return ports, built


def enabled_protocols(config: Config) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the protocols that are switched on, by name, with their sections."""
    for name, options in config.section("protocols").items():
        if options.get("enabled", True):
            yield name, options


def load_protocol(name: str, options: Mapping[str, Any]) -> type[Protocol]:
    """Import the class of a protocol and check its section.

    Raises:
        ConfigError
    """
    from protocols.base import Protocol

    place = options.get("class") or SHIPPED_PROTOCOLS[name]
    module_name, _, class_name = place.partition(":")
    try:
        found = getattr(importlib.import_module(module_name), class_name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError([f"protocols.{name}.class: cannot load {place!r}: {error}"]) from error
    if not (isinstance(found, type) and issubclass(found, Protocol)):
        raise ConfigError([f"protocols.{name}.class: {place!r} is no subclass of protocols.base:Protocol"])
    if found.options_schema is not None:
        faults = Validator(dict(found.options_schema)).faults(dict(options))
        if faults:
            raise ConfigError(
                [f"protocols.{'.'.join(map(str, (name, *fault.path)))}: {fault.message}" for fault in faults]
            )
    return found
