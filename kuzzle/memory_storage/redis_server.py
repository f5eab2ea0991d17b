"""The memory storage on a server of Redis or Valkey.

Commands that wait together go out in one write on one connection, and their answers come back in order: Redis runs
one command at a time anyway, and a batch costs a quarter of as many single commands. A connection that is lost
fails the commands that were on their way; whether they were carried out nobody knows, so they are not sent again. The
next batch connects anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from kuzzle.errors import KuzzleError
from kuzzle.memory_storage.base import Answer, MemoryStorage, Words, refusal

logger = logging.getLogger(__name__)

# Commands in one write: enough to make their common cost small, few enough for answers to begin soon.
BATCH: Final = 200

_Waiting = tuple[Words, "asyncio.Future[Answer]"]


class RedisMemoryStorage(MemoryStorage):
    """Keys and values on another server.

    How many commands wait is bounded by the requests that the server works on at a time.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        """`options` is the section `memoryStorage.redis`."""
        timeout_s = options["timeout"] / 1000
        self._place = f"{options['host']}:{options['port']}"
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

    async def open(self) -> None:
        """Do nothing: the first command connects."""

    async def close(self) -> None:
        if self._sender is not None:
            await asyncio.wait([self._sender])
        await self._client.aclose()

    async def execute(self, words: Words) -> Answer:
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        self._waiting.append((words, future))
        if self._sender is None or self._sender.done():
            self._sender = loop.create_task(self._send())
        return await future

    async def describe(self) -> dict[str, Any]:
        told: dict[str, str] = {}
        with contextlib.suppress(KuzzleError):
            lines = bytes(await self.execute([b"INFO", b"server"])).decode(errors="replace").splitlines()
            told = {name: value for name, _, value in (line.partition(":") for line in lines)}
        return {
            "type": "redis",
            "mode": told.get("redis_mode", "unknown"),
            "version": told.get("redis_version", "unknown"),
        }

    async def is_healthy(self) -> bool:
        try:
            return bool(await self.execute([b"PING"]) == b"PONG")
        except KuzzleError:
            return False

    async def _send(self) -> None:
        """Send what waits, a batch at a time, until nothing does."""
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            pipeline = self._client.pipeline(transaction=False)
            for words, _ in batch:
                pipeline.execute_command(*words)
            try:
                answers = await pipeline.execute(raise_on_error=False)
            except (RedisError, OSError) as error:
                self._lost(error)
                answers = [KuzzleError("services.cache.not_connected") for _ in batch]
            else:
                self._found()
            for (_, future), answer in zip(batch, answers, strict=True):
                _resolve(future, answer)

    def _lost(self, error: Exception) -> None:
        if not self._is_lost:
            self._is_lost = True
            logger.warning("The memory storage at %s does not answer: %s", self._place, error)

    def _found(self) -> None:
        if self._is_lost:
            self._is_lost = False
            logger.info("The memory storage at %s answers again", self._place)


def _resolve(future: asyncio.Future[Answer], answer: Answer) -> None:
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
