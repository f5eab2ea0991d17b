"""A strategy of OpenID Connect: people log in at a provider, by the authorization code flow with PKCE.

The first step of a login has no arguments and redirects to the provider, which sends people back with `code`
and `state`: these are the arguments of the second. What a provider states about them counts as far as its
ID token is good (`id_tokens.py`).

A document per identity in an internal collection, its id a digest of issuer and subject: `kuid`, `issuer`
and `subject`. Changes come one after the other, so that a user has one identity and an identity one user.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import time
from collections.abc import Callable, Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final
from urllib.parse import urlsplit

from kuzzle.cache.base import Cache
from kuzzle.connection import new_id
from kuzzle.errors import KuzzleError
from kuzzle.request import Request
from kuzzle.security.stored import stamped
from kuzzle.security.strategies.base import Accepted, Redirected, Refused, Secrets, Strategy, Verdict
from kuzzle.security.strategies.id_tokens import MAX_SUBJECT_CHARACTERS, IdTokenError
from kuzzle.security.strategies.oidc_logins import Login, OidcLogins
from kuzzle.security.strategies.oidc_options import OidcOptions
from kuzzle.security.strategies.oidc_provider import CodeRefusedError, Fetch, OidcProvider, ProviderError
from kuzzle.security.users import Users
from kuzzle.storage.base import Source, Storage
from kuzzle.storage.errors import DocumentAlreadyExistsError
from kuzzle.storage.internal import InternalCollection
from kuzzle.storage.tree import Search, Term

OWNER: Final = "kuzzle-oidc"
"""Who registers these strategies."""

# A code is some hundred characters, a state 43; what is longer is none.
_MAX_CHARACTERS: Final = 4096
# Why a provider refuses is a short word (RFC 6749, 4.1.2.1); nothing else is shown.
_MAX_REASON_CHARACTERS: Final = 100

logger = logging.getLogger(__name__)


class OidcStrategy(Strategy):
    """Logs in by a provider of identities."""

    fields = ("subject",)

    def __init__(
        self,
        storage: Storage,
        cache: Cache,
        users: Users,
        options: OidcOptions,
        fetch: Fetch,
        *,
        clock: Callable[[], float] = time.time,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        """Keep the parts.

        Args:
            fetch: Makes requests to the provider.
            clock: Seconds since the epoch.
            ticks: Seconds from any start, never going back.
        """
        self.name = options.name
        self._options = options
        self._users = users
        self._clock = clock
        self._logins = OidcLogins(options.name, options.login_lifetime_s, cache)
        self._provider = OidcProvider(options, fetch, clock, ticks)
        self._documents = InternalCollection(
            storage, f"credentials-oidc-{options.name}", {"kuid": {"type": "keyword"}, "subject": {"type": "keyword"}}
        )
        self._changes = asyncio.Lock()

    # --- logins

    async def verify(self, request: Request) -> Verdict:
        """Do the first step of a login, or the second."""
        try:
            if all(_argument(request, name) is None for name in ("code", "state", "error")):
                return await self._begin(request)
            return await self._finish(request)
        except ProviderError as error:
            logger.warning("The provider of the strategy %s cannot be used: %s", self.name, error)
            text = f"the provider of the strategy {self.name} cannot be used"
            raise KuzzleError("plugin.runtime.unexpected_error", text) from error

    async def _begin(self, request: Request) -> Verdict:
        is_http = request.connection.protocol == "http"
        in_browser = is_http and self._options.requires_cookie
        login = await self._logins.begin(request.connection.protocol, in_browser=in_browser)
        headers = {"Location": await self._provider.authorization_url(login), "Cache-Control": "no-store"}
        if login.browser:
            headers["Set-Cookie"] = self._cookie(login)
        return Redirected(302, headers)

    async def _finish(self, request: Request) -> Verdict:
        login = await self._logins.end(_argument(request, "state") or "")
        if login is None:
            return Refused("the login is unknown, was finished already, or took too long")
        if not self._is_whose_login(request, login):
            return Refused("the login began elsewhere")
        if not await self._provider.check_issuer(_argument(request, "iss")):
            return Refused("the answer is of another provider")
        code, reason = _argument(request, "code"), _argument(request, "error")
        if reason is not None or not code:
            return Refused(f"the provider refuses: {_shortened(reason or 'it gives no code')}")
        try:
            claims = await self._provider.claims(login, code)
        except CodeRefusedError:
            return Refused("the provider does not know the code")
        except IdTokenError as error:
            return Refused(f"the provider's token is refused: {error}")
        return await self._whose(claims)

    def _is_whose_login(self, request: Request, login: Login) -> bool:
        """Tell whether who returns is who began: else people could be logged in as somebody else unawares."""
        if not self._options.requires_cookie:
            return True
        if request.connection.protocol != login.origin:
            return False
        return not login.browser or login.is_of(_cookie_of(request, self._cookie_name(login)))

    def _cookie_name(self, login: Login) -> str:
        """Return the name of a cookie, another for each login: people begin several in tabs beside each other."""
        return f"kuzzle-login-{hashlib.sha256(login.state.encode()).hexdigest()[:16]}"

    def _cookie(self, login: Login) -> str:
        # Lax: the provider's redirect is a navigation from another site, and must bring it.
        secure = "; Secure" if urlsplit(self._options.redirect_uri).scheme == "https" else ""
        age_s = int(self._options.login_lifetime_s)
        return f"{self._cookie_name(login)}={login.browser}; Max-Age={age_s}; Path=/; HttpOnly; SameSite=Lax{secure}"

    # --- users

    async def _whose(self, claims: Mapping[str, Any]) -> Verdict:
        """Return the user of an identity, a new one where that is wished."""
        subject: str = claims["sub"]
        document = await self._documents.find(self._id_of(subject))
        if document is not None:
            return Accepted(document["kuid"])
        if not self._options.creates:
            return Refused("nobody here has this identity")
        async with self._changes:
            document = await self._documents.find(self._id_of(subject))
            if document is not None:  # made by another login meanwhile
                return Accepted(document["kuid"])
            return await self._make_user(subject, claims)

    async def _make_user(self, subject: str, claims: Mapping[str, Any]) -> Verdict:
        kuid = new_id() if self._options.kuid_claim is None else claims.get(self._options.kuid_claim)
        if not isinstance(kuid, str) or not kuid:
            return Refused("the provider does not tell a name")
        content = {field: claims[claim] for field, claim in self._options.content.items() if claim in claims}
        source = stamped({**content, "profileIds": list(self._options.profile_ids)}, None, int(self._clock() * 1000))
        try:
            await self._users.create(kuid, source)
        except KuzzleError as error:
            if error.id != "security.user.already_exists":
                raise
            # Who may choose his name at the provider must not become anybody by it.
            return Refused("there is a user of this name who does not have this identity")
        try:
            await self._documents.create(self._id_of(subject), self._document(subject, kuid))
        except BaseException:  # a cancelled request leaves nothing behind either
            await self._users.delete(kuid)
            raise
        return Accepted(kuid)

    # --- credentials

    async def exists(self, request: Request | None, kuid: str) -> bool:
        """Tell whether a user has an identity at the provider."""
        return await self._find_of(kuid) is not None

    async def validate(self, request: Request | None, secrets: Secrets, kuid: str | None, *, is_update: bool) -> None:
        """Refuse what is no subject, subjects of others, and those that people say are their own.

        Raises:
            KuzzleError: 400, 403 or 412, without id.
        """
        self._check_form(request, secrets)
        holder = await self._documents.find(self._id_of(secrets["subject"]))
        if holder is not None and holder["kuid"] != kuid:
            raise _taken(secrets["subject"])

    async def create(self, request: Request | None, secrets: Secrets, kuid: str) -> dict[str, Any]:
        """Say which identity at the provider a user has.

        Raises:
            KuzzleError: 400, 403 as `validate`; 412 without id: he has one, or it is somebody else's.
        """
        self._check_form(request, secrets)
        async with self._changes:
            if await self._find_of(kuid) is not None:
                raise KuzzleError.without_id(412, f'user "{kuid}" already has credentials')
            await self._store_new(secrets["subject"], kuid)
        return {"subject": secrets["subject"], "kuid": kuid}

    async def update(self, request: Request | None, secrets: Secrets, kuid: str) -> dict[str, Any]:
        """Put another identity in place of the one a user has.

        Raises:
            KuzzleError: 400, 403 as `validate`; 412 without id: he has none, or it is somebody else's.
        """
        self._check_form(request, secrets)
        async with self._changes:
            old = await self._get_of(kuid)
            if old["subject"] != secrets["subject"]:
                await self._store_new(secrets["subject"], kuid)
                await self._documents.remove(self._id_of(old["subject"]))
        return {"subject": secrets["subject"], "kuid": kuid}

    async def delete(self, request: Request | None, kuid: str) -> None:
        """Forget which identity a user has.

        Raises:
            KuzzleError: 412 without id: the user has none.
        """
        async with self._changes:
            await self._documents.remove(self._id_of((await self._get_of(kuid))["subject"]))

    async def get_info(self, request: Request | None, kuid: str) -> dict[str, Any]:
        """Return the identity of a user.

        Raises:
            KuzzleError: 412 without id: the user has none.
        """
        return {"subject": (await self._get_of(kuid))["subject"], "kuid": kuid}

    async def get_by_id(self, request: Request | None, login: str) -> dict[str, Any]:
        """Return the user of a subject.

        Raises:
            KuzzleError: 412 without id: nobody has it.
        """
        document = await self._documents.find(self._id_of(login))
        if document is None:
            raise KuzzleError.without_id(412, f'no credentials found for the subject "{login}"')
        return {"subject": login, "kuid": document["kuid"]}

    def _check_form(self, request: Request | None, secrets: Secrets) -> None:
        if request is not None and request.controller == "auth":
            # Whoever could claim a subject would get its owner's logins.
            raise KuzzleError.without_id(
                403, f"credentials of {self.name} are given by administrators, or by logging in"
            )
        others = sorted(secrets.keys() - {"subject"})
        if others:
            raise KuzzleError.without_id(400, f"{others[0]} is not allowed in credentials of {self.name}")
        subject = secrets.get("subject")
        if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT_CHARACTERS:
            raise KuzzleError.without_id(400, f"subject must be a text of 1 to {MAX_SUBJECT_CHARACTERS} characters")

    async def _store_new(self, subject: str, kuid: str) -> None:
        try:
            await self._documents.create(self._id_of(subject), self._document(subject, kuid))
        except DocumentAlreadyExistsError:
            raise _taken(subject) from None

    async def _find_of(self, kuid: str) -> Source | None:
        """Return the document of a user; one of another issuer, whom this strategy had before, is none."""
        page = await self._documents.search(Search(query=Term("kuid", kuid), size=100))
        sources = [hit.source or {} for hit in page.hits]
        return next((source for source in sources if source["issuer"] == self._options.issuer), None)

    async def _get_of(self, kuid: str) -> Source:
        document = await self._find_of(kuid)
        if document is None:
            raise KuzzleError.without_id(412, f'no credentials found for the user "{kuid}"')
        return document

    def _document(self, subject: str, kuid: str) -> Source:
        return {"kuid": kuid, "issuer": self._options.issuer, "subject": subject}

    def _id_of(self, subject: str) -> str:
        """Return the id of an identity's document: subjects may be longer than ids, and mean nothing elsewhere."""
        text = f"{len(self._options.issuer)} {self._options.issuer} {subject}"
        return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def _argument(request: Request, name: str) -> str | None:
    """Return a text of the second step from the body, else from the arguments; what is too long is empty."""
    value = request.body_member(name)
    if value is None:
        value = request.payload.get(name)
    if value is None:
        return None
    return value if isinstance(value, str) and len(value) <= _MAX_CHARACTERS else ""


def _cookie_of(request: Request, name: str) -> str:
    cookies: SimpleCookie = SimpleCookie()
    with contextlib.suppress(CookieError):
        cookies.load(request.connection.headers.get("cookie") or "")
    return cookies[name].value if name in cookies else ""


def _shortened(reason: str) -> str:
    return "".join(one for one in reason[:_MAX_REASON_CHARACTERS] if one.isascii() and one.isprintable())


def _taken(subject: str) -> KuzzleError:
    return KuzzleError.without_id(412, f'the subject "{subject}" is somebody else\'s')
