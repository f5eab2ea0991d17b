"""The protocols that the configuration enables, the shipped ones and those of users alike."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from kuzzle.config import Config, ConfigError
from kuzzle.config.own_sections import complete_section
from kuzzle.entrypoint import Entrypoint
from kuzzle.logs import one_line
from kuzzle.validation import SchemaError

if TYPE_CHECKING:
    from protocols.base import Protocol, ProtocolContext
    from protocols.ports import Ports

# The protocols that come with the server, reached by name like those of users.
SHIPPED_PROTOCOLS: Final[Mapping[str, str]] = {
    "http": "protocols.http:HttpProtocol",
    "websocket": "protocols.websocket:WebSocketProtocol",
    "socketio": "protocols.socketio:SocketIoProtocol",
    "mqtt": "protocols.mqtt:MqttProtocol",
}

logger = logging.getLogger(__name__)


def build_protocols(config: Config, entrypoint: Entrypoint) -> tuple[Ports, list[Protocol]]:
    """Build the enabled protocols over the sockets that they share.

    Raises:
        ConfigError: A class cannot be had, does not accept its section, or cannot be built.
    """
    from protocols.base import ProtocolContext
    from protocols.ports import Ports

    ports = Ports(config.section("server")["host"])
    limits, sections = config.section("limits"), config.section("protocols")
    built = []
    for name, section in enabled_protocols(config):
        found = load_protocol(name, section)
        context = ProtocolContext(name, options_of(name, section, found), limits, entrypoint, ports, protocols=sections)
        built.append(_build(found, context))
    return ports, built


def enabled_protocols(config: Config) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the protocols that are switched on, by name, with their sections."""
    for name, options in config.section("protocols").items():
        if options.get("enabled", True):
            yield name, options


def load_protocol(name: str, section: Mapping[str, Any]) -> type[Protocol]:
    """Import the class of a protocol.

    Raises:
        ConfigError: It cannot be imported, or is no protocol.
    """
    from protocols.base import Protocol

    place = section.get("class") or SHIPPED_PROTOCOLS[name]
    module_name, _, class_name = place.partition(":")
    try:
        found = getattr(importlib.import_module(module_name), class_name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError([f"protocols.{name}.class: cannot load {place!r}: {error}"]) from error
    except Exception as error:  # a module of a user's own may raise anything while it is read
        raise _defect(f"protocols.{name}.class: cannot load {place!r}", error) from error
    if not (isinstance(found, type) and issubclass(found, Protocol)):
        raise ConfigError([f"protocols.{name}.class: {place!r} is no subclass of protocols.base:Protocol"])
    return found


def options_of(name: str, section: Mapping[str, Any], found: type[Protocol]) -> Mapping[str, Any]:
    """Return a protocol's section as it is in force: held to the schema of its class, with the defaults of that.

    Raises:
        ConfigError: A line per option that does not fit, or the class gives no JSON Schema.
    """
    if found.options_schema is None:
        return section
    try:
        return complete_section(("protocols", name), section, found.options_schema)
    except SchemaError as error:
        told = one_line(f"the options_schema of {found.__name__} is no JSON Schema: {error}")
        raise ConfigError([f"protocols.{name}.class: {told}"]) from error


def _build(found: type[Protocol], context: ProtocolContext) -> Protocol:
    try:
        return found(context)
    except ConfigError:  # what the schema cannot say of the options
        raise
    except Exception as error:
        raise _defect(f"protocols.{context.name}: {found.__name__} cannot be built", error) from error


def _defect(text: str, error: Exception) -> ConfigError:
    """Tell the author of a protocol what went wrong where, and the operator which protocol it is."""
    logger.error(text, exc_info=error)
    return ConfigError([one_line(f"{text}: {type(error).__name__}: {error}")])
