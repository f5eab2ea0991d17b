"""What a plugin is.

A plugin is a subclass of `Plugin`, named in `kuzzle.yml`:

    plugins:
      greeter: {class: "my_package.greeter:Greeter", config: {greeting: Hello}}

It is built once, without arguments, when the server is; `init` runs once, when the store is open and before any
client comes. What it contributes it answers from methods: `controllers` is asked before `init` (its actions are
part of the API, whose description needs no running server), `pipes`, `hooks` and `strategies` after it.

What a plugin raises is its own: an error of `KuzzleError` is the answer of the request, anything else is logged
and answered `plugin.runtime.unexpected_error`; neither stops the server once it stands.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from kuzzle.controllers.base import Controller
from kuzzle.security.strategies.base import Strategy

if TYPE_CHECKING:
    from kuzzle.plugins.context import PluginContext

Listener = Callable[..., Awaitable[Any]]
Listeners = Mapping[str, Listener | Sequence[Listener]]
"""Events, wildcards included, each with what is called on it: `{"document:beforeCreate": self.stamp}`."""

ActionSchemas = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""Controller to action to what `schemas/<controller>/<action>.json` would hold."""


class Plugin(ABC):
    """An extension of the server.

    The class attributes are its manifest. A plugin that is a folder may have them in a `manifest.json` instead, by
    the names in brackets; what stands there goes before the attributes.

    Attributes:
        name: Letters, digits, hyphens and underscores; the key of its section in `kuzzle.yml`, upper or lower case
            (`name`).
        version: Its own version, as `server:info` shows it (`version`).
        kuzzle_version: Which versions of the server it works with, in the form of PEP 440 (`>=1.12,<2`); None:
            those of Kuzzle 1 (`kuzzleVersion`).
        privileged: Whether it needs the server's own parts (`context.server`). The operator must agree, by
            `privileged: true` in its section (`privileged`).
        code: Its number in the codes of its errors, from 8 to 255 (`code`). None: one that follows from its name.
        errors: Its own errors: name to `{"code": 1, "status": 400, "message": "%s is no colour"}`, the codes from 1
            to 65535 (`errors`).
        config_schema: JSON Schema of the option `config` of its section; defaults in it are filled in. None: anything
            goes (`configSchema`).
        schemas: The descriptions of its actions: a folder that holds `<controller>/<action>.json`, or the same as a
            mapping. None: the folder `schemas` beside the file of the class.
    """

    name: ClassVar[str] = ""
    version: ClassVar[str | None] = None
    kuzzle_version: ClassVar[str | None] = None
    privileged: ClassVar[bool] = False
    code: ClassVar[int | None] = None
    errors: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    config_schema: ClassVar[Mapping[str, Any] | None] = None
    schemas: ClassVar[Path | ActionSchemas | None] = None

    @abstractmethod
    async def init(self, config: Mapping[str, Any], context: PluginContext) -> None:
        """Get ready. What it raises stops the start of the server, and so does taking too long.

        Args:
            config: The option `config` of its section, checked and with defaults; read-only.
            context: What it may use; good until `close` has returned.
        """

    async def close(self) -> None:
        """Let go of what it holds; called when the server stops, whether or not `init` went well."""
        return

    def controllers(self) -> Iterable[Controller]:
        """Return its controllers; their wire names get the plugin's before them: `<plugin>/<controller>`."""
        return ()

    def pipes(self) -> Listeners:
        """Return what is awaited on events and may change or refuse what they carry."""
        return {}

    def hooks(self) -> Listeners:
        """Return what watches events, and delays nobody."""
        return {}

    def strategies(self) -> Iterable[Strategy]:
        """Return ways to log in; `context.strategies` adds and removes further ones at any time."""
        return ()
