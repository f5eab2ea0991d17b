"""Opens the doors of the protocols, and closes them.

A protocol that does not start stops the start, as in Kuzzle: an operator who asked for a door must not have to find out
that it is shut. Later a protocol's defect is its own: it is told by name, and the others go on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from kuzzle.entrypoint import Entrypoint
from kuzzle.logs import one_line

if TYPE_CHECKING:
    from protocols.base import Protocol
    from protocols.ports import Ports

START_TIMEOUT_S: Final = 10.0
"""What Kuzzle gives a protocol to start (`services.common.defaultInitTimeout`)."""

STOP_TIMEOUT_S: Final = 10.0
"""How long a protocol may take to say goodbye; beyond, the server ends without it."""

logger = logging.getLogger(__name__)


class DoorError(Exception):
    """A protocol did not start; the text is one line that names it to the operator."""


class Doors:
    """The protocols of one server, from the start to the stop."""

    def __init__(self, protocols: Sequence[Protocol], entrypoint: Entrypoint, ports: Ports) -> None:
        self._protocols = protocols
        self._entrypoint = entrypoint
        self._ports = ports
        self._begun: list[Protocol] = []

    async def open(self) -> None:
        """Start every protocol, in the order of the configuration.

        Raises:
            PortError: A port cannot be had.
            DoorError: A protocol raised something else, or did not come to an end.
        """
        for protocol in self._protocols:
            self._entrypoint.add_protocol(protocol)
            self._begun.append(protocol)
            await _start(protocol)

    async def close(self) -> None:
        """Stop those that began to start, the last one first."""
        while self._begun:
            protocol = self._begun.pop()
            await _stop(protocol)
            await self._ports.close(protocol.name)  # of one that did not get that far


async def _start(protocol: Protocol) -> None:
    from protocols.ports import PortError

    try:
        async with asyncio.timeout(START_TIMEOUT_S) as limit:
            await protocol.start()
    except PortError:
        raise
    except Exception as error:
        if limit.expired():
            raise DoorError(f"protocols.{protocol.name}: did not start within {START_TIMEOUT_S:g} s") from error
        logger.exception("The protocol %s did not start", protocol.name)
        told = f"protocols.{protocol.name}: did not start: {type(error).__name__}: {error}"
        raise DoorError(one_line(told)) from error


async def _stop(protocol: Protocol) -> None:
    stopping = asyncio.ensure_future(protocol.stop())
    await asyncio.wait([stopping], timeout=STOP_TIMEOUT_S)
    if not stopping.done():
        stopping.cancel()  # it need not obey: nobody waits for it
        logger.error("The protocol %s did not stop within %g s", protocol.name, STOP_TIMEOUT_S)
    elif stopping.exception() is not None:  # one door that does not close must not keep the store open
        logger.error("The protocol %s did not stop cleanly", protocol.name, exc_info=stopping.exception())
