"""What signs tokens, built from the configuration: all from one secret."""

from __future__ import annotations

from kuzzle.config import Config
from kuzzle.security.durations import read_duration_ms
from kuzzle.security.reset_tokens import ResetTokens
from kuzzle.security.signatures import Signatures, read_or_make_secret
from kuzzle.security.strategies.local import OWNER as LOCAL_OWNER
from kuzzle.storage.errors import StoreOpenError


def build_signatures(config: Config) -> Signatures:
    """Build what signs tokens.

    Raises:
        StoreOpenError: The secret can neither be read nor made.
    """
    return Signatures(read_secret(config), config.section("security")["jwt"]["algorithm"])


def build_reset_tokens(config: Config) -> ResetTokens:
    """Build what signs tokens for new passwords.

    Raises:
        StoreOpenError: The secret can neither be read nor made.
    """
    lifetime = config.section("security")["local"]["resetPasswordExpiresIn"]
    lifetime_ms = None if lifetime == -1 else read_duration_ms(lifetime)
    return ResetTokens(read_secret(config), LOCAL_OWNER, lifetime_ms)


def read_secret(config: Config) -> str:
    """Return the secret of the configuration, or the one kept beside the store.

    Raises:
        StoreOpenError: It can neither be read nor made.
    """
    secret: str | None = config.section("security")["jwt"]["secret"]
    if secret is not None:
        return secret
    store = config.path(config.section("storage")["sqlite"]["path"])
    path = store.with_name(f"{store.name}.jwt-secret")
    try:
        return read_or_make_secret(path)
    except OSError as error:
        raise StoreOpenError(f"the secret of tokens, {path}, cannot be had: {error.strerror}") from error
    except ValueError as error:
        raise StoreOpenError(f"security.jwt.secret: {error}") from error
