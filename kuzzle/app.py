"""Builds every part of the server once, hands each what it needs, starts and stops them.

Nobody imports this module but the command line and the tests: what must flow upwards (a notification
to a socket, a commit to realtime) is a callable handed in here.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from kuzzle.access_log import AccessLog
from kuzzle.api.v1 import ApiV1
from kuzzle.builders.backends import build_cache, build_memory_storage, build_storage
from kuzzle.builders.controllers import build_catalogue, controllers_switched_off
from kuzzle.builders.protocols import build_protocols, enabled_protocols
from kuzzle.builders.strategies import build_local_strategy, build_oidc_strategies
from kuzzle.config import Config, ConfigError
from kuzzle.controllers import Registry
from kuzzle.controllers.admin import AdminController
from kuzzle.controllers.admin_securities import AdminSecuritiesController
from kuzzle.controllers.auth.current_user import CurrentUserController
from kuzzle.controllers.auth.my_credentials import MyCredentialsController
from kuzzle.controllers.auth.sessions import SessionsController
from kuzzle.controllers.auto_refresh import AutoRefresh
from kuzzle.controllers.background import Background
from kuzzle.controllers.base import Controller
from kuzzle.controllers.bulk import BulkController
from kuzzle.controllers.collection import CollectionController
from kuzzle.controllers.document import DocumentController
from kuzzle.controllers.importing import Importer
from kuzzle.controllers.index import IndexController
from kuzzle.controllers.memory_storage.controller import MemoryStorageController
from kuzzle.controllers.passwords import PasswordController
from kuzzle.controllers.realtime import RealtimeController
from kuzzle.controllers.security.creating import UserMaker
from kuzzle.controllers.security.credentials import CredentialsController
from kuzzle.controllers.security.profiles import ProfilesController
from kuzzle.controllers.security.roles import RolesController
from kuzzle.controllers.security.showing import UserShower
from kuzzle.controllers.security.users import UsersController
from kuzzle.controllers.server import ServerController
from kuzzle.doors import Doors
from kuzzle.entrypoint import Entrypoint
from kuzzle.errors import KuzzleError
from kuzzle.events import Events
from kuzzle.funnel import Funnel
from kuzzle.limits import RequestSlots
from kuzzle.log_events import LogEvents
from kuzzle.metrics.requests import RequestMeter
from kuzzle.plugins.client import Inside, InsideClient
from kuzzle.plugins.context import ServerParts
from kuzzle.plugins.loading import LoadedPlugin, load_plugins
from kuzzle.plugins.running import Plugins
from kuzzle.plugins.storage import PrivateStorage
from kuzzle.realtime.entitlement import Entitlement
from kuzzle.realtime.piped_outlet import PipedOutlet
from kuzzle.realtime.subscriptions import Realtime
from kuzzle.security.credentials import Credentials
from kuzzle.security.doorman import Doorman
from kuzzle.security.keys import build_signatures
from kuzzle.security.login_limits import LoginLimits
from kuzzle.security.logins import Logins
from kuzzle.security.model import SecurityModel
from kuzzle.security.passwords import Passwords
from kuzzle.security.strategies.local import OWNER as LOCAL_OWNER
from kuzzle.security.strategies.oidc import OWNER as OIDC_OWNER
from kuzzle.security.strategies.registry import Strategies
from kuzzle.security.tokens import Tokens
from kuzzle.server_events import STARTED, tell_of_parts
from kuzzle.specifications.store import Specifications
from kuzzle.statistics import Statistics
from kuzzle.storage.errors import StorageUnavailableError
from kuzzle.storage.trash_collector import TrashCollector

if TYPE_CHECKING:
    from protocols.metrics import MetricsDoor

logger = logging.getLogger(__name__)


class Application:
    """One server.

    Attributes:
        config: What it runs with.
        entrypoint: The door of its protocols.
        ports: Its listening sockets; `ports.numbers` tells who listens where.
        metrics: The page of figures; None unless it is switched on.
    """

    def __init__(self, config: Config) -> None:
        """Build the parts.

        Raises:
            ConfigError: The class of a protocol or plugin cannot be had, or does not accept its section; a standard
                role or profile is none; a strategy of OpenID Connect cannot be.
        """
        self.config = config
        limits = config.section("limits")
        loaded = load_plugins(config)
        api = ApiV1(build_catalogue(config, loaded))
        self.storage = build_storage(config)
        self.memory_storage = build_memory_storage(config)
        self.cache = build_cache(config)
        self.security = SecurityModel(self.storage, config.section("security"))
        self.specifications = Specifications(self.storage)
        self.realtime = Realtime(limits, config.section("realtime")["history"], clock=time.time)
        self.slots = RequestSlots(
            limits["concurrentRequests"], limits["requestsBufferSize"], limits["requestsBufferWarningThreshold"]
        )
        pipes = config.section("plugins")["common"]
        self.events = Events(pipe_warn_time_ms=pipes["pipeWarnTime"], pipe_timeout_ms=pipes["pipeTimeout"])
        self.log_events = LogEvents(self.events)
        self.passwords = Passwords(config.section("security")["passwords"])
        self.credentials = Credentials(Strategies(self.events))
        self.tokens = Tokens(self.storage, config.section("security")["jwt"], lambda: build_signatures(config))
        self.local_strategy = build_local_strategy(config, self.storage, self.cache, self.security, self.passwords)
        self.outgoing, self.oidc_strategies = build_oidc_strategies(config, self.storage, self.cache, self.security)
        logins = self._build_logins()
        self.doorman = Doorman(logins, self.tokens, self.security.users, self.security.rights)
        self.plugins = self._build_plugins(loaded)
        self.statistics = Statistics(config.section("stats"), self.cache)
        self.auto_refresh = AutoRefresh(self.storage)
        self.background = Background()
        self.trash = TrashCollector(self.storage, self.events, config.section("storage")["garbageCollector"])
        # What stops the process; it hands in its own.
        self.stop_server: Callable[[], None] = _ignore_stop
        self.funnel = Funnel(
            api=api,
            registry=self._build_registry(logins, loaded),
            slots=self.slots,
            events=self.events,
            rights=self.security.rights,
            tokens=self.tokens,
            users=self.security.users,
        )
        self.entitlement = Entitlement(self.realtime, self.security.may_subscribe)
        meter = self._build_meter(api) if config.section("metrics")["enabled"] else None
        self.entrypoint = Entrypoint(
            api=api,
            funnel=self.funnel,
            access_log=AccessLog(config.section("logs")),
            is_ready=self.is_ready,
            on_connection_removed=self.realtime.remove_connection,
            statistics=self.statistics,
            doorman=self.doorman,
            meter=meter,
            events=self.events,
        )
        tell_of_parts(self.events, self.slots, self.storage, self.realtime, self.security)
        self._wire()
        self.metrics = None if meter is None else self._build_metrics(meter)
        self.ports, self.protocols = build_protocols(config, self.entrypoint)
        self._doors = Doors(self.protocols, self.entrypoint, self.ports)
        self._is_started = False

    def _wire(self) -> None:
        """Let the parts tell each other what flows upwards."""
        self.security.users.on_deleted += [self.credentials.delete_all, self.tokens.revoke_all]
        self.realtime.news.outlet = PipedOutlet(self.events, self.entrypoint)
        self.realtime.holders.watcher = self.tokens
        self.security.rights.on_changed.append(self.entitlement.rights_changed)
        self.tokens.on_ended = self._token_ended
        self.tokens.on_user_revoked = self.doorman.user_revoked
        self.security.rights.on_changed.append(self.doorman.rights_changed)
        self.doorman.disconnect = self.entrypoint.disconnect
        self.statistics.connection_counts = lambda: self.entrypoint.connection_counts

    def _build_plugins(self, loaded: Sequence[LoadedPlugin]) -> Plugins:
        parts = ServerParts(self.storage, self.memory_storage, self.security, self.tokens, self.realtime, self.events)
        limits = self.config.section("limits")
        return Plugins(
            loaded,
            self.config,
            events=self.events,
            strategies=self.credentials.strategies,
            parts=parts,
            client=lambda: InsideClient(Inside(self.entrypoint, self.funnel, self.security.users)),
            storage=lambda name: PrivateStorage(self.storage, name, limits),
        )

    def _build_registry(self, logins: Logins, loaded: Sequence[LoadedPlugin]) -> Registry:
        limits = self.config.section("limits")
        importer = Importer(self.storage, self.auto_refresh)
        specifications = self.specifications
        rights = self.security.rights
        maker = UserMaker(self.security.users, self.credentials)
        shower = UserShower(self.events)
        return Registry(
            [
                ServerController(
                    self.storage,
                    self.memory_storage,
                    self.cache,
                    self.security.users,
                    self.statistics,
                    self.config,
                    plugins=self.plugins.describe,
                ),
                MemoryStorageController(self.memory_storage),
                IndexController(self.storage, self.auto_refresh, rights),
                CollectionController(self.storage, self.realtime, self.auto_refresh, specifications, rights, limits),
                DocumentController(self.storage, self.realtime, self.auto_refresh, specifications, limits),
                BulkController(self.storage, self.realtime, importer, rights, limits),
                *self._switched_on(),
                RealtimeController(self.realtime, specifications, self.tokens, self.security, self.events),
                SessionsController(logins, self.tokens, self.realtime, self.events),
                CurrentUserController(self.security.users, rights, self.credentials, shower),
                MyCredentialsController(self.credentials),
                CredentialsController(self.credentials, self.security.users, self.tokens),
                RolesController(self.security.roles, limits),
                ProfilesController(self.security.profiles, rights, limits),
                UsersController(self.security, maker, shower, limits),
                AdminSecuritiesController(
                    self.security,
                    maker,
                    self.background,
                    limits,
                    reload=[
                        self.auto_refresh.load,
                        self.specifications.load,
                        self.tokens.forget_all,
                        self._forget_short_lived,
                    ],
                ),
                AdminController(
                    self.storage,
                    importer,
                    self.auto_refresh,
                    self.background,
                    self.statistics,
                    self.config,
                    caches={"internalCache": self._empty_cache, "memoryStorage": self._empty_memory_storage},
                    stop_server=lambda: self.stop_server(),
                ),
                *(controller for plugin in loaded for controller in plugin.controllers),
            ]
        )

    async def _empty_cache(self) -> None:
        """Empty what `internalCache` stands for; where the cache does not answer, all stays as it was."""
        await self.cache.clear()
        self.storage.end_scrolls()
        await self.tokens.revoke_everything()

    async def _forget_short_lived(self) -> None:
        """Empty the same when the internal index is gone, and all tokens with it."""
        self.storage.end_scrolls()
        try:
            await self.cache.clear()
        except KuzzleError as error:  # what is in it says nothing of users: the reset is whole without
            logger.warning("The cache keeps what it has: %s", error.message)

    async def _empty_memory_storage(self) -> None:
        await self.memory_storage.execute([b"FLUSHDB"])

    def _token_ended(self, token_id: str, is_expired: bool) -> None:
        self.realtime.end_token(token_id, is_expired=is_expired)
        self.doorman.token_ended(token_id)

    def _switched_on(self) -> list[Controller]:
        if PasswordController.name in controllers_switched_off(self.config):
            return []
        return [PasswordController(self.local_strategy, self.tokens)]

    def _build_logins(self) -> Logins:
        limits = LoginLimits("logins", self.config.section("security")["failedLogins"], self.cache)
        proxies = self.config.section("server")["trustedProxies"]
        return Logins(self.credentials.strategies, self.security.users, limits, proxies=proxies)

    def _build_meter(self, api: ApiV1) -> RequestMeter:
        actions = [(definition.controller, definition.name) for definition in api.catalogue]
        return RequestMeter(actions, [name for name, _ in enabled_protocols(self.config)])

    def _build_metrics(self, meter: RequestMeter) -> MetricsDoor:
        try:
            from kuzzle.metrics.exposition import Exposition, Figures
        except ImportError as error:
            raise ConfigError([f"metrics.enabled: cannot import the package prometheus-client: {error}"]) from error
        from protocols.metrics import MetricsDoor

        exposition = Exposition()

        async def scrape(accept: str) -> tuple[str, bytes]:
            try:
                store = self.storage.figures()
            except StorageUnavailableError:
                store = None
            figures = Figures(
                requests=meter.snapshot(),
                connections=dict.fromkeys(meter.protocols, 0) | self.entrypoint.connection_counts,
                at_work=self.slots.at_work,
                waiting=self.slots.waiting,
                rooms=self.realtime.room_count,
                subscriptions=self.realtime.subscriptions,
                is_ready=self.is_ready(),
                store=store,
            )
            return await asyncio.to_thread(exposition.render, figures, accept)

        options = self.config.section("metrics")
        return MetricsDoor(options["host"], options["port"], scrape)

    def is_ready(self) -> bool:
        """Tell whether the server takes work: started, not stopping, not overloaded."""
        return self._is_started and not self.entrypoint.is_shutting_down and not self.slots.is_overloaded

    async def start(self) -> None:
        """Open the store, then the doors.

        Raises:
            StoreOpenError, PortError, DoorError, ConfigError: One line that tells the operator why; nothing stays
                open.
        """
        await self.storage.open()
        try:
            await self.memory_storage.open()
            await self.cache.open()
            await self.auto_refresh.load()
            await self.specifications.load()
            self.tokens.start()
            await self.credentials.strategies.register(self.local_strategy, LOCAL_OWNER)
            for strategy in self.oidc_strategies:
                await self.credentials.strategies.register(strategy, OIDC_OWNER)
            await self.security.load()
            self.log_events.start()
            await self.plugins.start()
            if self.metrics is not None:
                self.metrics.start()
            await self._doors.open()
        except BaseException:
            await self._close()
            raise
        self.statistics.start()
        self.trash.start()
        self._is_started = True
        self.events.notify("core:kuzzleStart", STARTED)

    async def stop(self) -> None:
        """Take no new work, let running requests end, tell the clients, close the doors and the store."""
        self.entrypoint.is_shutting_down = True
        timeout_s = self.config.section("server")["shutdownTimeout"] / 1000
        if not await self.slots.wait_idle(timeout_s):
            logger.warning("Stopping with %d requests still at work", self.slots.at_work)
        await self.background.finish(timeout_s)
        await self.trash.stop()
        await self.events.stop()
        await self._close()

    async def _close(self) -> None:
        await self.statistics.stop()
        await self._doors.close()
        if self.metrics is not None:
            await self.metrics.stop()
        await self.plugins.stop()
        self.log_events.stop()
        self.passwords.close()
        self.outgoing.close()
        await self.entitlement.stop()
        await self.tokens.stop()
        await self.cache.close()
        await self.memory_storage.close()
        await self.storage.close()


def _ignore_stop() -> None:
    logger.info("Nobody has said how to stop the server")
