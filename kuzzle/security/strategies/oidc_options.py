"""What a section of `security.oidc` says, checked beyond what the schema can."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from kuzzle.config import ConfigError


@dataclass(frozen=True, slots=True)
class OidcOptions:
    """One provider, and what becomes of those who log in by it.

    Attributes:
        name: Of the strategy.
        issuer: As the provider writes itself, to the letter.
        client_secret: None: a public client, which proves by PKCE alone that it began the login.
        authentication: How the client authenticates itself: `client_secret_basic` or `client_secret_post`.
        algorithms: Those that ID tokens may be signed with; all asymmetric.
        creates: Whether somebody unknown becomes a user.
        profile_ids: Of users that are made; none: the restricted profiles.
        kuid_claim: The claim that is the id of a user that is made; None: a new UUID.
        content: Members of the content of a user that is made, and the claims they come from.
        requires_cookie: Whether a login that began over HTTP ends only in the browser where it began.
        login_lifetime_s: How long a login may take between its two steps.
        clock_skew_s: By how much the provider's clock may be off.
    """

    name: str
    issuer: str
    client_id: str
    client_secret: str | None
    authentication: str
    redirect_uri: str
    scope: str
    algorithms: tuple[str, ...]
    asks_userinfo: bool
    creates: bool
    profile_ids: tuple[str, ...]
    kuid_claim: str | None
    content: Mapping[str, str]
    requires_cookie: bool
    login_lifetime_s: float
    timeout_s: float
    clock_skew_s: float


def read_oidc_options(name: str, section: Mapping[str, Any]) -> OidcOptions:
    """Read the section of one strategy.

    Raises:
        ConfigError: One line per fault.
    """
    faults = [
        f"security.oidc.{name}.{option}: must be https, or http on loopback, without a fragment"
        for option in ("issuer", "redirectUri")
        if not is_safe_url(section[option])
    ]
    if "openid" not in section["scopes"]:
        faults.append(f"security.oidc.{name}.scopes: openid is missing")
    if faults:
        raise ConfigError(faults)
    return OidcOptions(
        name=name,
        issuer=section["issuer"],
        client_id=section["clientId"],
        client_secret=section["clientSecret"],
        authentication=section["clientAuthentication"],
        redirect_uri=section["redirectUri"],
        scope=" ".join(section["scopes"]),
        algorithms=tuple(section["algorithms"]),
        asks_userinfo=section["userinfo"],
        creates=section["onUnknown"] == "create",
        profile_ids=tuple(section["profileIds"]),
        kuid_claim=section["kuidClaim"],
        content=dict(section["content"]),
        requires_cookie=section["requireCookie"],
        login_lifetime_s=section["loginLifetime"] / 1000,
        timeout_s=section["timeout"] / 1000,
        clock_skew_s=section["clockSkew"] / 1000,
    )


def is_safe_url(url: Any) -> bool:
    """Tell whether what is sent to a URL cannot be read on the way: https, or this very machine."""
    if not isinstance(url, str) or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port  # the port is read for its fault
    except ValueError:
        return False
    if not host or parts.fragment or parts.username is not None:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host))


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
