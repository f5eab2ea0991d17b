"""The strategies that the configuration wants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kuzzle.cache.base import Cache
from kuzzle.config import Config
from kuzzle.security.keys import build_reset_tokens
from kuzzle.security.login_limits import LoginLimits
from kuzzle.security.model import SecurityModel
from kuzzle.security.password_policies import PasswordPolicies
from kuzzle.security.passwords import Passwords
from kuzzle.security.strategies.local import LocalStrategy
from kuzzle.security.strategies.oidc import OidcStrategy
from kuzzle.security.strategies.oidc_options import read_oidc_options
from kuzzle.security.strategies.oidc_provider import MAX_ANSWER_BYTES
from kuzzle.storage.base import Storage

if TYPE_CHECKING:
    from protocols.outgoing import Outgoing


def build_local_strategy(
    config: Config, storage: Storage, cache: Cache, security: SecurityModel, passwords: Passwords
) -> LocalStrategy:
    """Build the strategy of names and passwords."""
    options = config.section("security")
    return LocalStrategy(
        storage,
        passwords,
        PasswordPolicies(options["local"]["passwordPolicies"], security.membership_of),
        LoginLimits("passwords", options["failedLogins"], cache),
        requires_password=options["local"]["requirePassword"],
        reset_tokens=(lambda: build_reset_tokens(config)) if options["local"]["passwordReset"] else None,
    )


def build_oidc_strategies(
    config: Config, storage: Storage, cache: Cache, security: SecurityModel
) -> tuple[Outgoing, list[OidcStrategy]]:
    """Build the strategies of OpenID Connect, and what calls their providers.

    Raises:
        ConfigError: One cannot be.
    """
    from protocols.outgoing import Outgoing

    outgoing = Outgoing(MAX_ANSWER_BYTES)
    strategies = [
        OidcStrategy(storage, cache, security.users, read_oidc_options(name, section), outgoing.fetch)
        for name, section in config.section("security")["oidc"].items()
    ]
    return outgoing, strategies
