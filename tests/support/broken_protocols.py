"""Protocols of one's own that go wrong, each where its option `breaks` says."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, ClassVar

from line_protocol import LineProtocol

from kuzzle.config import ConfigError
from kuzzle.notification import Notification
from protocols.base import ProtocolContext


class Broken(LineProtocol):
    """Lines, but for what is broken."""

    options_schema: ClassVar[dict[str, Any]] = {
        **LineProtocol.options_schema,
        "properties": {**LineProtocol.options_schema["properties"], "breaks": {"type": "string"}},
    }

    def __init__(self, context: ProtocolContext) -> None:
        super().__init__(context)
        self._break("__init__")
        if self.options["breaks"] == "rule":
            raise ConfigError(["protocols.lines.breaks: no rule allows that"])

    async def start(self) -> None:
        self._break("start")
        if self.options["breaks"] == "start for ever":
            await asyncio.Event().wait()
        await super().start()

    async def stop(self) -> None:
        if self.options["breaks"] == "stop for ever":
            await asyncio.Event().wait()
        await super().stop()
        self._break("stop")

    def broadcast(self, channels: Sequence[str], notification: Notification) -> None:
        self._break("broadcast")
        super().broadcast(channels, notification)

    def notify(self, connection_id: str, channels: Sequence[str], notification: Notification) -> None:
        self._break("notify")
        super().notify(connection_id, channels, notification)

    def join_channel(self, channel: str, connection_id: str) -> None:
        self._break("join a channel")
        super().join_channel(channel, connection_id)

    def leave_channel(self, channel: str, connection_id: str) -> None:
        self._break("leave a channel")
        super().leave_channel(channel, connection_id)

    def hold_channel(self, channel: str, connection_id: str) -> None:
        self._break("hold a channel")
        super().hold_channel(channel, connection_id)

    def replay(self, channel: str, connection_id: str, notifications: Sequence[Notification]) -> None:
        self._break("replay")
        super().replay(channel, connection_id, notifications)

    def disconnect(self, connection_id: str, message: str) -> None:
        self._break("disconnect")
        super().disconnect(connection_id, message)

    def _break(self, where: str) -> None:
        if self.options["breaks"] == where:
            raise ZeroDivisionError(f"broken in\n{where}")


class WithoutSchema(LineProtocol):
    """A protocol that takes any options."""

    options_schema = None


class WithWrongSchema(LineProtocol):
    """A protocol whose schema is none."""

    options_schema: ClassVar[dict[str, Any]] = {"properties": {"port": {"type": "whole number"}}}


class WithManyOptions(LineProtocol):
    """A protocol with options of many kinds."""

    options_schema: ClassVar[dict[str, Any]] = {
        "additionalProperties": False,
        "required": ["port", "topic", "anything"],
        "properties": {
            "port": {"type": "integer"},
            "topic": {"type": "string", "pattern": "^[a-z]+$"},
            "anything": True,
            "ratio": {"type": "number", "minimum": 0, "maximum": 1, "default": 0.5},
            "retries": {"type": "integer", "minimum": 1, "default": 3},
            "kind": {"enum": ["one", "two"], "default": "one"},
            "peers": {"type": "array", "items": {"type": "string"}, "default": ["a"]},
            "maxQueuedBytes": {"type": ["string", "integer"], "format": "size", "default": "1MB"},
            "authentication": {"type": "boolean", "default": False},
            "secret": {"type": "string", "secret": True},
            "tls": {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    "on": {"type": "boolean", "default": False},
                    "level": {"$ref": "#/$defs/level", "default": 2},
                },
            },
        },
        "$defs": {"level": {"type": "integer", "maximum": 5}},
    }
