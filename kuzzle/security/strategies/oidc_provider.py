"""A provider of identities, asked over HTTP: what it offers, its keys, and who has logged in.

What it says about itself and its keys is kept for a while; a key that is unknown makes the keys be fetched
again, though not more often than every now and then, whatever tokens are shown to us.
"""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote_plus, urlencode

from kuzzle.encoding import decode_json
from kuzzle.security.strategies.id_tokens import (
    Expectation,
    IdTokenError,
    PublishedKey,
    UnknownKeyError,
    read_id_token,
    read_keys,
)
from kuzzle.security.strategies.kept_answers import KeptAnswer
from kuzzle.security.strategies.oidc_logins import Login
from kuzzle.security.strategies.oidc_options import OidcOptions, is_safe_url

MAX_ANSWER_BYTES: Final = 512 * 1024
"""The longest answer of a provider that is read; key sets are the longest, with some KiB."""
KEPT_S: Final = 3600.0
"""How long what a provider says about itself, and its keys, are kept."""
MIN_REFETCH_S: Final = 30.0
"""The shortest time between two fetches of keys for the sake of an unknown one."""

# Members of a provider's description that are URLs; it can do without the last.
_ENDPOINTS: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint")


@dataclass(frozen=True, slots=True)
class Call:
    """A request to a provider."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None
    timeout_s: float
    max_bytes: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider answered."""

    status: int
    body: bytes


Fetch = Callable[[Call], Awaitable[Answer]]
"""Makes a request, following no redirects; raises OSError when there is no answer in time or of that size."""


class ProviderError(Exception):
    """A provider does not answer, or not as OpenID Connect says; the text is for the operator."""


class CodeRefusedError(Exception):
    """A provider does not take the code of a login."""


class OidcProvider:
    """One provider."""

    def __init__(
        self, options: OidcOptions, fetch: Fetch, clock: Callable[[], float], ticks: Callable[[], float]
    ) -> None:
        """Keep the parts; nothing is asked yet.

        Args:
            clock: Seconds since the epoch.
            ticks: Seconds from any start, never going back.
        """
        self._options = options
        self._fetch = fetch
        self._clock = clock
        self._description = KeptAnswer(self._fetch_description, ticks)
        self._keys = KeptAnswer(self._fetch_keys, ticks)

    # --- the two steps

    async def authorization_url(self, login: Login) -> str:
        """Return where a client goes to log in.

        Raises:
            ProviderError
        """
        endpoint: str = (await self._describe())["authorization_endpoint"]
        query = {
            "response_type": "code",
            "client_id": self._options.client_id,
            "redirect_uri": self._options.redirect_uri,
            "scope": self._options.scope,
            "state": login.state,
            "nonce": login.nonce,
            "code_challenge": login.challenge,
            "code_challenge_method": "S256",
        }
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"

    async def check_issuer(self, given: str | None) -> bool:
        """Tell whether an answer to the redirect says that it is this provider's (RFC 9207).

        Raises:
            ProviderError
        """
        if given is None:
            description = await self._describe()
            return description.get("authorization_response_iss_parameter_supported") is not True
        return given == self._options.issuer

    async def claims(self, login: Login, code: str) -> dict[str, Any]:
        """Return what the provider says about who has logged in, those of userinfo over those of the ID token.

        Raises:
            CodeRefusedError: The code is not the one of this login.
            IdTokenError: The ID token is refused.
            ProviderError
        """
        tokens = await self._exchange(login, code)
        claims = await self._read(tokens["id_token"], login)
        if not self._options.asks_userinfo:
            return claims
        return {**claims, **await self._userinfo(tokens.get("access_token"), claims["sub"])}

    # --- what is asked for it

    async def _exchange(self, login: Login, code: str) -> dict[str, Any]:
        options = self._options
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": options.redirect_uri,
            "code_verifier": login.verifier,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if options.client_secret is not None and options.authentication == "client_secret_basic":
            pair = f"{quote_plus(options.client_id)}:{quote_plus(options.client_secret)}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            form["client_id"] = options.client_id
            if options.client_secret is not None:
                form["client_secret"] = options.client_secret
        endpoint: str = (await self._describe())["token_endpoint"]
        answer = await self._call("POST", endpoint, headers, urlencode(form).encode())
        if answer.status == 400 and _member(answer.body, "error") == "invalid_grant":
            raise CodeRefusedError
        tokens = self._object(answer, "tokens")
        if not isinstance(tokens.get("id_token"), str):
            raise ProviderError("it gives no ID token")
        return tokens

    async def _read(self, text: str, login: Login) -> dict[str, Any]:
        options = self._options
        expected = Expectation(options.issuer, options.client_id, login.nonce, options.algorithms, options.clock_skew_s)
        keys = await self._keys.get(KEPT_S)
        try:
            return read_id_token(text, keys, expected, self._clock())
        except UnknownKeyError:
            new_keys = await self._keys.get(MIN_REFETCH_S)
            if new_keys is keys:
                raise
            return read_id_token(text, new_keys, expected, self._clock())

    async def _userinfo(self, access_token: Any, subject: str) -> dict[str, Any]:
        endpoint = (await self._describe()).get("userinfo_endpoint")
        if (
            endpoint is None
            or not isinstance(access_token, str)
            or not (access_token.isascii() and access_token.isprintable())
        ):
            raise ProviderError("it has no userinfo")
        answer = await self._call("GET", endpoint, {"Authorization": f"Bearer {access_token}"}, None)
        claims = self._object(answer, "userinfo")
        if claims.get("sub") != subject:  # else claims of one would be taken for those of another
            raise IdTokenError("userinfo is about somebody else")
        return claims

    async def _describe(self) -> Mapping[str, Any]:
        return await self._description.get(KEPT_S)

    async def _fetch_description(self) -> Mapping[str, Any]:
        url = f"{self._options.issuer.rstrip('/')}/.well-known/openid-configuration"
        return self._checked(self._object(await self._call("GET", url, {}, None), "its description"))

    def _checked(self, description: dict[str, Any]) -> dict[str, Any]:
        if description.get("issuer") != self._options.issuer:
            raise ProviderError("its description is that of another issuer")
        for name in _ENDPOINTS:
            is_left_out = name not in description and name == _ENDPOINTS[-1]
            if not is_left_out and not is_safe_url(description.get(name)):
                raise ProviderError(f"its {name} is no https URL")
        return description

    async def _fetch_keys(self) -> list[PublishedKey]:
        url: str = (await self._describe())["jwks_uri"]
        return read_keys(self._object(await self._call("GET", url, {}, None), "keys"))

    async def _call(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        sent = {"Accept": "application/json", **headers}
        try:
            return await self._fetch(Call(method, url, sent, body, self._options.timeout_s, MAX_ANSWER_BYTES))
        except OSError as error:
            raise ProviderError(str(error)) from error

    def _object(self, answer: Answer, what: str) -> dict[str, Any]:
        if answer.status != 200:
            raise ProviderError(f"its answer to a request for {what} is {answer.status}")
        content = _json(answer.body)
        if not isinstance(content, dict):
            raise ProviderError(f"its answer to a request for {what} is no JSON object")
        return content


def _json(body: bytes) -> Any:
    try:
        return decode_json(body)
    except ValueError:
        return None


def _member(body: bytes, name: str) -> Any:
    content = _json(body)
    return content.get(name) if isinstance(content, dict) else None
