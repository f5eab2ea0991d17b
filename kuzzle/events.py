"""Pipes and hooks: what may change a request on its way, and what only watches.

An event is `<scope>:<name>`; `schemas/events.json` lists them. A pipe gets the payload and answers it, changed or
not; an error it raises becomes the error of what fired the event. A hook gets what the pipes have left and delays
nobody. Plugins register here; without listeners an event costs one dictionary look-up.

The rules, all from Kuzzle's events but for the bounds:

- Listeners of the event's own name come first, then those of `scope:before*` or `scope:after*`, then those of
  `scope:*`. The scope is what stands before the last colon.
- Pipes run one after another, each fed with the answer of the one before, then the hooks start.
- A pipe answers a value of the type it got. One that answers nothing would lose the request, so that is an error.
- A pipe that takes long is told of in the log, one that takes too long fails the event.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kuzzle.errors import KuzzleError
from kuzzle.event_list import waits_for_nobody

Pipe = Callable[..., Awaitable[Any]]
"""Takes the payload, then what else the event has; takes fewer of them if it has fewer parameters."""
Hook = Callable[..., Awaitable[None]]
"""Takes the payload, then what else the event has, then the name of the event; fewer likewise."""

# Hooks of one owner at work at the same time. Each holds its payload and a few kB: those of a plugin that hangs
# end at some MB, and leave the hooks of the others alone.
MAX_HOOKS_AT_WORK: Final = 1000
# Names of events whose listeners are known; plugins may fire names that they make up.
_MAX_RESOLVED: Final = 10_000
# How long hooks that are at work may go on when the server stops.
_STOP_S: Final = 2.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Pipe:
    call: Pipe
    takes: int | None
    owner: str
    warn_time_ms: int
    timeout_ms: int


@dataclass(frozen=True, slots=True)
class _Hook:
    call: Hook
    takes: int | None
    owner: str


@dataclass(frozen=True, slots=True)
class _Listeners:
    """Who listens to an event, wildcards included, in their order."""

    pipes: tuple[_Pipe, ...]
    hooks: tuple[_Hook, ...]


class Events:
    """The listeners of one server.

    Attributes:
        dropped_hooks: How many hooks were not started, by owner, because too many were at work.
        on_changed: Called when listeners have come or gone.
    """

    def __init__(self, *, pipe_warn_time_ms: int = 500, pipe_timeout_ms: int = 5000) -> None:
        """Start without listeners; the times are those of pipes that bring none, 0 turns one off."""
        self.dropped_hooks: dict[str, int] = {}
        self.on_changed: Callable[[], None] = lambda: None
        self._warn_time_ms = pipe_warn_time_ms
        self._timeout_ms = pipe_timeout_ms
        self._pipes: dict[str, list[_Pipe]] = {}
        self._hooks: dict[str, list[_Hook]] = {}
        self._resolved: dict[str, _Listeners | None] = {}
        self._groups: dict[tuple[str, ...], bool] = {}
        self._at_work: dict[str, int] = {}
        self._unreported: dict[str, int] = {}
        self._running: set[asyncio.Task[None]] = set()

    # --- registering

    def add_pipe(
        self,
        event: str,
        pipe: Pipe,
        *,
        owner: str = "server",
        warn_time_ms: int | None = None,
        timeout_ms: int | None = None,
    ) -> None:
        """Append a pipe to an event.

        Args:
            event: A name, or a wildcard.
            pipe: A coroutine function that answers its first argument, changed or not.
            owner: The plugin it belongs to, named in errors and in the log.
            warn_time_ms: After this time the log warns; 0 never, None as the server's options say.
            timeout_ms: After this time the event fails; likewise.

        Raises:
            KuzzleError: `plugin.assert.invalid_pipe`; also where the event waits for nobody.
        """
        takes = _parameters(event, pipe, "plugin.assert.invalid_pipe")
        if waits_for_nobody(event):
            name = getattr(pipe, "__qualname__", repr(pipe))
            why = f'The plugin "{owner}" can put only hooks on it: the event waits for nobody.'
            raise KuzzleError("plugin.assert.invalid_pipe", event, name, why)
        warn_time_ms = self._warn_time_ms if warn_time_ms is None else warn_time_ms
        timeout_ms = self._timeout_ms if timeout_ms is None else timeout_ms
        self._pipes.setdefault(event, []).append(_Pipe(pipe, takes, owner, warn_time_ms, timeout_ms))
        self._forget()

    def add_hook(self, event: str, hook: Hook, *, owner: str = "server") -> None:
        """Append a hook to an event, or to a wildcard.

        Raises:
            KuzzleError: `plugin.assert.invalid_hook`.
        """
        takes = _parameters(event, hook, "plugin.assert.invalid_hook")
        self._hooks.setdefault(event, []).append(_Hook(hook, takes, owner))
        self._forget()

    def remove_owner(self, owner: str) -> None:
        """Forget all that an owner has registered; what is at work goes on."""
        self._pipes = {event: left for event, old in self._pipes.items() if (left := _others(old, owner))}
        self._hooks = {event: left for event, old in self._hooks.items() if (left := _others(old, owner))}
        self._forget()

    def listened(self, owner: str) -> tuple[list[str], list[str]]:
        """Return the events that an owner has pipes on, and those that it has hooks on, in their order."""
        pipes = [event for event, found in self._pipes.items() if any(each.owner == owner for each in found)]
        hooks = [event for event, found in self._hooks.items() if any(each.owner == owner for each in found)]
        return pipes, hooks

    # --- firing

    def has_listeners(self, event: str) -> bool:
        """Tell whether firing the event would call anybody."""
        return self._find(event) is not None

    def has_any_listeners(self, events: tuple[str, ...]) -> bool:
        """Tell whether firing any of some events would call anybody; the tuples are those of actions, so not many."""
        try:
            return self._groups[events]
        except KeyError:
            found = self._groups[events] = any(self._find(event) is not None for event in events)
            return found

    def has_pipes(self, event: str) -> bool:
        """Tell whether firing the event would wait for anybody."""
        found = self._find(event)
        return found is not None and bool(found.pipes)

    async def fire(self, event: str, payload: Any, *rest: Any) -> Any:
        """Run the pipes of an event in order, each fed with the previous answer, then start its hooks.

        Args:
            rest: What else listeners get, behind the payload.

        Returns:
            The payload as the last pipe left it.

        Raises:
            KuzzleError: What a pipe raised; `plugin.runtime.unexpected_error` where it was no such error, or the
                answer is of another type than the payload; 504 `plugin.runtime.pipe_timeout`.
        """
        found = self._find(event)
        if found is None:
            return payload
        if found.pipes:
            payload = await _Passage(event, found.pipes, payload, rest).run()
        self._start_hooks(found.hooks, event, payload, rest)
        return payload

    def notify(self, event: str, payload: Any, *rest: Any) -> None:
        """Start the hooks of an event without waiting for them."""
        found = self._find(event)
        if found is not None:
            self._start_hooks(found.hooks, event, payload, rest)

    def fire_later(self, event: str, payload: Any) -> None:
        """Fire an event that nobody waits for: an error of its pipes is logged, and no more."""
        if self.has_pipes(event):

            async def pass_pipes(payload: Any) -> None:
                await self.fire(event, payload)

            self._start_hooks((_Hook(pass_pipes, 1, "server"),), event, payload, ())
        else:
            self.notify(event, payload)

    async def stop(self) -> None:
        """Let hooks that are at work end, and cut those that do not."""
        if not self._running:
            return
        _, late = await asyncio.wait(self._running, timeout=_STOP_S)
        for task in late:
            task.cancel()
        if late:
            logger.warning("Stopping with %d hooks still at work", len(late))
            await asyncio.wait(late, timeout=_STOP_S)

    # --- inside

    def _forget(self) -> None:
        """Listeners have changed: look for those of each event anew."""
        self._resolved.clear()
        self._groups.clear()
        self.on_changed()

    def _find(self, event: str) -> _Listeners | None:
        try:
            return self._resolved[event]
        except KeyError:
            return self._resolve(event)

    def _resolve(self, event: str) -> _Listeners | None:
        names = tuple(_names_of(event))
        pipes = tuple(pipe for name in names for pipe in self._pipes.get(name, ()))
        hooks = tuple(hook for name in names for hook in self._hooks.get(name, ()))
        found = _Listeners(pipes, hooks) if pipes or hooks else None
        if len(self._resolved) >= _MAX_RESOLVED:
            self._resolved.clear()
        self._resolved[event] = found
        return found

    def _start_hooks(self, hooks: Sequence[_Hook], event: str, payload: Any, rest: tuple[Any, ...]) -> None:
        for hook in hooks:
            owner = hook.owner
            at_work = self._at_work.get(owner, 0)
            if at_work >= MAX_HOOKS_AT_WORK:
                self._drop(owner)
                continue
            self._at_work[owner] = at_work + 1
            task = asyncio.get_running_loop().create_task(self._watch(hook, event, (payload, *rest, event)))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    def _drop(self, owner: str) -> None:
        self.dropped_hooks[owner] = self.dropped_hooks.get(owner, 0) + 1
        if owner not in self._unreported:
            text = 'Hooks of the plugin "%s" are dropped: %d are at work, and that many may be'
            logger.warning(text, owner, MAX_HOOKS_AT_WORK)
        self._unreported[owner] = self._unreported.get(owner, 0) + 1

    async def _watch(self, hook: _Hook, event: str, arguments: tuple[Any, ...]) -> None:
        owner = hook.owner
        try:
            await hook.call(*arguments[: hook.takes])
        except Exception:  # a hook only watches: its failure is its author's to read
            logger.exception('A hook of the plugin "%s" on the event "%s" failed', owner, event)
        finally:
            left = self._at_work[owner] = self._at_work[owner] - 1
            if owner in self._unreported and left <= MAX_HOOKS_AT_WORK // 2:
                lost = self._unreported.pop(owner)
                logger.warning('%d hooks of the plugin "%s" were dropped; they are started again', lost, owner)


class _Passage:
    """One event on its way through its pipes.

    They run in a task of their own, all in one, for plugins use what needs a task (`asyncio.timeout`) and requests
    have none before their first wait. Who fired waits for the outcome and not for the task: a pipe that does not
    let itself be cancelled delays nobody beyond its time. A timer is set only for a pipe that does wait.
    """

    __slots__ = (
        "_event",
        "_has_warned",
        "_loop",
        "_outcome",
        "_payload",
        "_pipe",
        "_pipes",
        "_rest",
        "_since",
        "_timer",
    )

    _pipe: _Pipe
    _since: float

    def __init__(self, event: str, pipes: Sequence[_Pipe], payload: Any, rest: tuple[Any, ...]) -> None:
        self._event = event
        self._pipes = pipes
        self._payload = payload
        self._rest = rest
        self._loop = asyncio.get_running_loop()
        self._outcome: asyncio.Future[Any] = self._loop.create_future()
        self._timer: asyncio.TimerHandle | None = None
        self._has_warned = False

    async def run(self) -> Any:
        """Return what the last pipe answers.

        Raises:
            KuzzleError: As of `Events.fire`.
        """
        task = self._loop.create_task(self._pass())
        self._loop.call_soon(self._set_timer)  # which comes after the task's first step
        try:
            return await self._outcome
        finally:
            task.cancel()
            if self._timer is not None:
                self._timer.cancel()

    async def _pass(self) -> None:
        payload = self._payload
        kind = type(payload)
        try:
            for pipe in self._pipes:
                self._pipe, self._since, self._has_warned = pipe, self._loop.time(), False
                if self._timer is not None:
                    self._set_timer()
                payload = await pipe.call(*(payload, *self._rest)[: pipe.takes])
                if self._outcome.done():
                    return
                self._warn_if_late()
                if not isinstance(payload, kind):
                    answered = "nothing" if payload is None else f"a {type(payload).__name__}"
                    self._fail(self._fault(f"answered {answered} instead of a {kind.__name__}"))
                    return
        except KuzzleError as error:
            self._fail(error)
        except asyncio.CancelledError:
            self._fail(self._fault("was cancelled"))
            raise
        except Exception:  # code of others: its defects are to be told from ours, and its details are for the log
            logger.exception('A pipe of the plugin "%s" on the event "%s" failed', self._pipe.owner, self._event)
            self._fail(self._fault("failed"))
        else:
            self._outcome.set_result(payload)

    def _fail(self, error: KuzzleError) -> None:
        if not self._outcome.done():
            self._outcome.set_exception(error)

    def _fault(self, what: str) -> KuzzleError:
        text = f'a pipe of the plugin "{self._pipe.owner}" on the event "{self._event}" {what}'
        return KuzzleError("plugin.runtime.unexpected_error", text)

    # --- time

    def _set_timer(self) -> None:
        """Watch the pipe that is at work now."""
        if self._timer is not None:
            self._timer.cancel()
        pipe = self._pipe
        times_ms = [pipe.timeout_ms, 0 if self._has_warned else pipe.warn_time_ms]
        if any(times_ms) and not self._outcome.done():
            first_ms = min(time_ms for time_ms in times_ms if time_ms)
            self._timer = self._loop.call_at(self._since + first_ms / 1000, self._time_over)

    def _time_over(self) -> None:
        if self._outcome.done():
            return
        pipe = self._pipe
        self._warn_if_late()
        if pipe.timeout_ms and self._elapsed_ms() >= pipe.timeout_ms:
            logger.warning(
                'A pipe of the plugin "%s" on the event "%s" was given up after %d ms',
                pipe.owner,
                self._event,
                pipe.timeout_ms,
            )
            self._fail(KuzzleError("plugin.runtime.pipe_timeout", pipe.owner, self._event, pipe.timeout_ms))
        self._set_timer()

    def _warn_if_late(self) -> None:
        warn_time_ms = self._pipe.warn_time_ms
        if warn_time_ms and not self._has_warned and self._elapsed_ms() >= warn_time_ms:
            self._has_warned = True
            logger.warning(
                'A pipe of the plugin "%s" on the event "%s" takes longer than %d ms',
                self._pipe.owner,
                self._event,
                warn_time_ms,
            )

    def _elapsed_ms(self) -> float:
        # The loop wakes timers up to its clock's resolution early.
        return (self._loop.time() - self._since) * 1000 + 1


def _names_of(event: str) -> Iterator[str]:
    """Yield the names under which listeners of an event may have registered, in their order."""
    yield event
    scope, colon, name = event.rpartition(":")
    if not colon:
        return
    for start in ("before", "after"):
        if name.startswith(start):
            yield f"{scope}:{start}*"
    yield f"{scope}:*"


def _others(listeners: Sequence[Any], owner: str) -> list[Any]:
    return [each for each in listeners if each.owner != owner]


def _parameters(event: str, listener: Any, error_id: str) -> int | None:
    """Return how many arguments a listener takes, None for any number.

    Raises:
        KuzzleError: It cannot be called, or takes no argument.
    """
    name = getattr(listener, "__qualname__", repr(listener))
    if not callable(listener):
        raise KuzzleError(error_id, event, name, "It cannot be called.")
    try:
        parameters = inspect.signature(listener).parameters.values()
    except ValueError:  # written in C, without a signature
        return None
    if any(each.kind is each.VAR_POSITIONAL for each in parameters):
        return None
    takes = sum(each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD) for each in parameters)
    if not takes:
        raise KuzzleError(error_id, event, name, "It takes no argument.")
    return takes
