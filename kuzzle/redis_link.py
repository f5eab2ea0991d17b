"""One connection to a server of Redis or Valkey.

Commands that wait together go out in one write, and their answers come back in order: Redis runs one command at a
time anyway, and a batch costs a quarter of as many single commands. A connection that is lost fails the commands that
were on their way; whether they were carried out nobody knows, so they are not sent again. The next batch
connects anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from kuzzle.errors import CacheUnavailableError, KuzzleError

logger = logging.getLogger(__name__)

# Commands in one write: enough to make their common cost small, few enough for answers to begin soon.
BATCH: Final = 200

Refusal = Callable[[str], KuzzleError]
"""Turns the text of an error reply into the error that clients see."""

_Waiting = tuple[Sequence[bytes], Refusal, "asyncio.Future[Any]"]


class RedisLink:
    """Sends commands and brings answers.

    How many commands wait is bounded by the requests that the server works on at a time.
    """

    def __init__(self, owner: str, options: Mapping[str, Any]) -> None:
        """Keep the options; the first command connects.

        Args:
            owner: Whose link it is, for the log (`memory storage`).
            options: `host`, `port`, `database`, `username`, `password`, `tls`, `timeout` (ms).
        """
        timeout_s = options["timeout"] / 1000
        self._name = f"The {owner} at {options['host']}:{options['port']}"
        self._client = redis.asyncio.Redis(
            host=options["host"],
            port=options["port"],
            db=options["database"],
            username=options["username"],
            password=options["password"],
            ssl=options["tls"],
            protocol=2,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            retry=Retry(NoBackoff(), 0),
            max_connections=1,
        )
        self._client.response_callbacks.clear()
        self._waiting: deque[_Waiting] = deque()
        self._sender: asyncio.Task[None] | None = None
        self._is_lost = False

    async def close(self) -> None:
        """Let what was sent be answered, and let go of the connection."""
        if self._sender is not None:
            await asyncio.wait([self._sender])
        await self._client.aclose()

    async def execute(self, words: Sequence[bytes], refusal: Refusal) -> Any:
        """Run a command; return an int, bytes, None, or a list of these.

        Raises:
            CacheUnavailableError: It does not answer.
            KuzzleError: What `refusal` makes of an error reply.
        """
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        self._waiting.append((words, refusal, future))
        if self._sender is None or self._sender.done():
            self._sender = loop.create_task(self._send())
        return await future

    async def information(self) -> dict[str, str]:
        """Return what the server tells of itself (`INFO`); nothing when it does not answer."""
        with contextlib.suppress(KuzzleError):
            text = bytes(await self.execute([b"INFO"], _unreadable)).decode(errors="replace")
            return {name: value for name, _, value in (line.partition(":") for line in text.splitlines())}
        return {}

    async def describe(self) -> dict[str, str]:
        """Return `type`, `mode` and `version`; while it answers, also `memoryUsed` and `memoryPeak` (`1.05M`)."""
        told = await self.information()
        described = {
            "type": "redis",
            "mode": told.get("redis_mode", "unknown"),
            "version": told.get("redis_version", "unknown"),
        }
        figures = {"memoryUsed": "used_memory_human", "memoryPeak": "used_memory_peak_human"}
        return described | {name: told[key] for name, key in figures.items() if key in told}

    async def is_healthy(self) -> bool:
        """Tell whether it answers."""
        try:
            return bool(await self.execute([b"PING"], _unreadable) == b"PONG")
        except KuzzleError:
            return False

    async def _send(self) -> None:
        """Send what waits, a batch at a time, until nothing does."""
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            pipeline = self._client.pipeline(transaction=False)
            for words, _, _ in batch:
                pipeline.execute_command(*words)
            try:
                answers = await pipeline.execute(raise_on_error=False)
            except (RedisError, OSError) as error:
                self._lost(error)
                answers = [CacheUnavailableError() for _ in batch]
            else:
                self._found()
            for (_, refusal, future), answer in zip(batch, answers, strict=True):
                _resolve(future, refusal, answer)

    def _lost(self, error: Exception) -> None:
        if not self._is_lost:
            self._is_lost = True
            logger.warning("%s does not answer: %s", self._name, error)

    def _found(self) -> None:
        if self._is_lost:
            self._is_lost = False
            logger.info("%s answers again", self._name)


def _unreadable(text: str) -> KuzzleError:
    return KuzzleError("services.cache.read_failed", text)


def _resolve(future: asyncio.Future[Any], refusal: Refusal, answer: Any) -> None:
    if future.done():  # the caller was cancelled
        return
    if isinstance(answer, KuzzleError):
        future.set_exception(answer)
    elif isinstance(answer, ResponseError):
        future.set_exception(refusal(_text(answer)))
    else:
        future.set_result(answer)


def _text(error: ResponseError) -> str:
    """Return an error reply as it was sent: redis-py takes the code from its front."""
    code = error.status_code
    return f"{code} {error}" if code else str(error)
