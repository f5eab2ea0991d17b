"""Hashes of passwords: Argon2id, in a few threads of their own, never on the loop.

A hash takes some 20 ms of a core and 19 MiB on purpose, so there are few threads and a bounded queue in
front of them: whoever floods the server with logins waits behind himself, and gets a 503 at its end.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from argon2.low_level import Type

from kuzzle.errors import KuzzleError

ResultType = TypeVar("ResultType")


class Passwords:
    """The hashing of one server."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        """Start without threads; they come with the first password.

        Args:
            options: `memoryCost` (KiB), `timeCost` (passes), `parallelism` (lanes), `threads`, `maxWaiting`.
        """
        self._hasher = PasswordHasher(
            time_cost=options["timeCost"],
            memory_cost=options["memoryCost"],
            parallelism=options["parallelism"],
            type=Type.ID,
        )
        self._threads = options["threads"]
        self._max_at_work = options["threads"] + options["maxWaiting"]
        self._at_work = 0
        self._pool: ThreadPoolExecutor | None = None
        self._nobody: str | None = None

    async def hash(self, password: str) -> str:
        """Return what to store of a password, its salt and costs included.

        Raises:
            KuzzleError: 503 `api.process.overloaded`: too many wait already.
        """
        return await self.run(lambda: self._hasher.hash(password))

    async def verify(self, stored: str, password: str) -> bool:
        """Tell whether a password is the one a hash was made of.

        Raises:
            KuzzleError: 503 `api.process.overloaded`.
        """
        return await self.run(lambda: self._verify(stored, password))

    async def verify_nobody(self, password: str) -> None:
        """Do the work of `verify` for a user who does not exist, so that the time tells no names.

        Raises:
            KuzzleError: 503 `api.process.overloaded`.
        """
        await self.run(lambda: self._verify_nobody(password))

    def is_outdated(self, stored: str) -> bool:
        """Tell whether a hash was made with other costs than those of today."""
        return self._hasher.check_needs_rehash(stored)

    async def run(self, work: Callable[[], ResultType]) -> ResultType:
        """Run something costly about passwords in the hashing threads.

        Raises:
            KuzzleError: 503 `api.process.overloaded`.
        """
        if self._at_work >= self._max_at_work:
            raise KuzzleError("api.process.overloaded")
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._threads, "passwords")
        self._at_work += 1
        future = asyncio.get_running_loop().run_in_executor(self._pool, work)
        future.add_done_callback(self._done)
        return await future

    def close(self) -> None:
        """End the threads; work that has not begun is dropped."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None

    def _done(self, future: asyncio.Future[Any]) -> None:
        self._at_work -= 1

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (Argon2Error, InvalidHashError):
            return False

    def _verify_nobody(self, password: str) -> None:
        if self._nobody is None:  # two threads may make one each: both are of nobody's password
            self._nobody = self._hasher.hash(secrets.token_hex())
        self._verify(self._nobody, password)
