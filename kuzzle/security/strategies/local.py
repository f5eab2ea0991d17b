"""The strategy `local`: a user name and a password.

A document per user name, the name being its id, in an internal collection: `kuid`, `username` and `hash`
(Argon2id), or, until the next login, a hash that was imported (`imported_hashes.py`); `changedAt` (ms) and
`updater` tell when the password was set and by whom, `history` what it was before. Changes come one after
the other, so that a user has one name and a name one user.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from kuzzle.errors import KuzzleError
from kuzzle.request import Request
from kuzzle.security.imported_hashes import ImportedHash
from kuzzle.security.login_limits import LoginLimits, attempt_of
from kuzzle.security.password_policies import MustChangePasswordError, PasswordPolicies
from kuzzle.security.passwords import Passwords
from kuzzle.security.reset_tokens import ResetTokens, is_mark_of
from kuzzle.security.strategies.base import Accepted, FoundCredentials, Refused, Secrets, Strategy, Verdict
from kuzzle.security.strategies.local_search import parse_credential_search
from kuzzle.storage.base import Source, Storage
from kuzzle.storage.errors import DocumentAlreadyExistsError
from kuzzle.storage.internal import InternalCollection
from kuzzle.storage.tree import Search, Term

# Who registers it, as plugins are named: clients of Kuzzle know it by this name.
OWNER: Final = "kuzzle-plugin-auth-passport-local"

_MISSING: Final = "Missing credentials"
_WRONG: Final = "wrong username or password"
# Members of an imported document that are kept.
_IMPORTED: Final = ("userPassword", "userSalt", "algorithm", "stretching", "encryption", "pepper")


class LocalStrategy(Strategy):
    """Logs in by a user name and a password."""

    name = "local"
    fields = ("username", "password")

    def __init__(
        self,
        storage: Storage,
        passwords: Passwords,
        policies: PasswordPolicies,
        limits: LoginLimits,
        *,
        requires_password: bool,
        reset_tokens: Callable[[], ResetTokens] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Keep the parts.

        Args:
            limits: Count wrong passwords given where the present one is asked for.
            requires_password: Whoever changes his own credentials must give his password.
            reset_tokens: Makes what signs tokens for new passwords, asked once; None: there are none.
            clock: Seconds since the epoch.
        """
        keyword = {"type": "keyword"}
        self._documents = InternalCollection(storage, "credentials-local", {"kuid": keyword, "username": keyword})
        self._passwords = passwords
        self._policies = policies
        self._limits = limits
        self._requires_password = requires_password
        self._make_reset_tokens = reset_tokens
        self._reset_tokens: ResetTokens | None = None
        self._clock = clock
        self._changes = asyncio.Lock()

    # --- logins

    def login_name(self, request: Request) -> str | None:
        """Return the user name that a login gives."""
        return _given(request, "username")

    async def verify(self, request: Request) -> Verdict:
        """Compare name and password; that a name is unknown shows neither in the answer nor in its time."""
        username, password = _given(request, "username"), _given(request, "password")
        if not (username and password):
            return Refused(_MISSING)
        document = await self._documents.find(username)
        if document is None:
            await self._passwords.verify_nobody(password)
            return Refused(_WRONG)
        if not await self._matches(document, password):
            return Refused(_WRONG)
        if "hash" not in document or self._passwords.is_outdated(document["hash"]):
            await self._hash_anew(username, document, password)
        try:
            await self._policies.check_login(document["kuid"], document, self._now_ms())
        except MustChangePasswordError as error:
            if self._reset_tokens is not None:
                error.reset_token = await self.issue_reset_token(document["kuid"])
            raise
        return Accepted(document["kuid"])

    async def after_register(self) -> None:
        """Get the key of tokens for new passwords."""
        if self._make_reset_tokens is not None:
            self._reset_tokens = self._make_reset_tokens()

    async def _matches(self, document: Source, password: str) -> bool:
        stored = document.get("hash")
        if isinstance(stored, str):
            return await self._passwords.verify(stored, password)
        imported = ImportedHash.read(document)
        if imported is None:
            await self._passwords.verify_nobody(password)
            return False
        return await self._passwords.run(lambda: imported.matches(password))

    async def _hash_anew(self, username: str, document: Source, password: str) -> None:
        kept = {name: value for name, value in document.items() if name not in _IMPORTED}
        changed = {**kept, "hash": await self._passwords.hash(password)}
        async with self._changes:
            if await self._documents.find(username) == document:  # nobody changed it meanwhile
                await self._documents.put(username, changed)

    # --- credentials

    async def exists(self, request: Request | None, kuid: str) -> bool:
        """Tell whether a user has a name and a password."""
        return await self._find_name(kuid) is not None

    async def validate(self, request: Request | None, secrets: Secrets, kuid: str | None, *, is_update: bool) -> None:
        """Refuse what has the wrong form, and names of others.

        Raises:
            KuzzleError: 400 or 412, without id.
        """
        if secrets.get("kuid") is not None:
            raise KuzzleError.without_id(400, "kuid is not allowed in credentials")
        for name in self.fields:
            value = secrets.get(name)
            if value is not None and not (isinstance(value, str) and value):
                raise KuzzleError.without_id(400, f"{name} must be a non-empty text")
        username = secrets.get("username")
        imported = _imported(request, secrets)
        has_password = secrets.get("password") is not None or imported is not None
        if is_update and username is None and not has_password:
            raise KuzzleError.without_id(400, "username or password is required")
        if not is_update and username is None:
            raise KuzzleError.without_id(400, "username is required")
        if not is_update and not has_password:
            raise KuzzleError.without_id(400, "password is required")
        if username is not None:
            holder = await self._documents.find(username)
            if holder is not None and holder["kuid"] != kuid:
                raise _name_taken(username)
        if secrets.get("password") is not None:
            name = username or (kuid and await self._find_name(kuid)) or ""
            self._policies.check_form(await self._policies.of(kuid or ""), name, secrets["password"])

    async def create(self, request: Request | None, secrets: Secrets, kuid: str) -> dict[str, Any]:
        """Store a name and a password for a user who has none.

        Raises:
            KuzzleError: 412 without id: the user has some, or the name is taken.
        """
        username: str = secrets["username"]
        document = await self._hashed(request, secrets, kuid, username, {})
        async with self._changes:
            if await self._find_name(kuid) is not None:
                raise KuzzleError.without_id(412, f'user "{kuid}" already has credentials')
            await self._store_new(username, document)
        return _shown(username, kuid)

    async def update(self, request: Request | None, secrets: Secrets, kuid: str) -> dict[str, Any]:
        """Change the name, the password or both.

        Raises:
            KuzzleError: 412 without id: the user has none, or the name is taken.
        """
        await self._check_present_password(request, kuid)
        old_name, document = await self._get(kuid)
        username: str = secrets.get("username") or old_name
        changed = await self._hashed(request, secrets, kuid, username, document)
        async with self._changes:
            if await self._get(kuid) != (old_name, document):
                raise KuzzleError.without_id(412, f'the credentials of user "{kuid}" are being changed')
            if username == old_name:
                await self._documents.put(username, changed)
            else:
                await self._store_new(username, changed)
                await self._documents.remove(old_name)
        return _shown(username, kuid)

    async def delete(self, request: Request | None, kuid: str) -> None:
        """Remove the name and the password.

        Raises:
            KuzzleError: 412 without id: the user has none.
        """
        await self._check_present_password(request, kuid)
        async with self._changes:
            username, _ = await self._get(kuid)
            await self._documents.remove(username)

    async def get_info(self, request: Request | None, kuid: str) -> dict[str, Any]:
        """Return the name of a user.

        Raises:
            KuzzleError: 412 without id: the user has none.
        """
        username, _ = await self._get(kuid)
        return _shown(username, kuid)

    async def get_by_id(self, request: Request | None, login: str) -> dict[str, Any]:
        """Return the user of a name.

        Raises:
            KuzzleError: 412 without id: nobody has it.
        """
        document = await self._documents.find(login)
        if document is None:
            raise KuzzleError.without_id(412, f'no credentials found for the username "{login}"')
        return _shown(login, document["kuid"])

    async def issue_reset_token(self, kuid: str) -> str:
        """Return a token by which a user may set a new password, once.

        Raises:
            KuzzleError: 400 without id: the user has no password.
        """
        assert self._reset_tokens is not None, "nobody asks where there are none"
        username = await self._find_name(kuid)
        document = None if username is None else await self._documents.find(username)
        if document is None:
            raise KuzzleError.without_id(400, f'no credentials found for the user "{kuid}"')
        return self._reset_tokens.issue(kuid, _stored_password(document))

    async def reset(self, token: str, password: str) -> str:
        """Set a new password by a token; return whose it is.

        Raises:
            KuzzleError: 400 or 401 without id: the token is not good, or a policy refuses the password.
        """
        assert self._reset_tokens is not None, "nobody asks where there are none"
        kuid, mark = self._reset_tokens.read(token)
        username = await self._find_name(kuid)
        document = None if username is None else await self._documents.find(username)
        if username is None or document is None or not is_mark_of(mark, _stored_password(document)):
            raise KuzzleError.without_id(400, "Invalid token.")
        changed = await self._hashed(None, {"password": password}, kuid, username, document)
        async with self._changes:
            if await self._documents.find(username) != document:  # of two who use it at once, one is late
                raise KuzzleError.without_id(400, "Invalid token.")
            await self._documents.put(username, {**changed, "updater": kuid})
        return kuid

    async def search(self, body: Mapping[str, Any], offset: int | None, size: int | None) -> FoundCredentials:
        """Find users by their names.

        Raises:
            KuzzleError: 403 without id: a field that is not shown; 400: a query that cannot be served.
        """
        page = await self._documents.search(parse_credential_search(body, offset, size))
        return FoundCredentials([_shown(hit.id, (hit.source or {})["kuid"]) for hit in page.hits], page.total)

    async def _hashed(self, request: Request | None, secrets: Secrets, kuid: str, username: str, old: Source) -> Source:
        """Return what to store: of a new password its hash, else what there was.

        Raises:
            KuzzleError: 400 without id: a policy refuses the password.
        """
        kept = {**old, "kuid": kuid, "username": username}
        password, imported = secrets.get("password"), _imported(request, secrets)
        if password is None and imported is None:
            return kept
        changed = {name: value for name, value in kept.items() if name not in _IMPORTED and name != "hash"}
        changed |= {"changedAt": self._now_ms(), "updater": None if request is None else request.user.author}
        if password is None:
            return {**changed, **(imported or {})}
        policies = await self._policies.of(kuid)
        self._policies.check_form(policies, username, password)
        remembered = self._policies.remembered(policies)
        previous = [text for text in (old.get("hash"), *old.get("history", ())) if isinstance(text, str)][:remembered]
        for text in previous:
            if await self._passwords.verify(text, password):
                raise KuzzleError.without_id(400, "The password has been used before.")
        history = {"history": previous[: remembered - 1]} if remembered > 1 else {}
        changed.pop("history", None)
        return {**changed, **history, "hash": await self._passwords.hash(password)}

    async def _check_present_password(self, request: Request | None, kuid: str) -> None:
        """Make sure, where it is asked for, that who changes his own credentials knows the password.

        Raises:
            KuzzleError: 400, 403 or 429 without id: it is missing, wrong, or was wrong too often;
                `services.cache.*`: failures cannot be counted.
        """
        if not self._requires_password or request is None or request.controller != "auth":
            return
        password = request.body_member("currentPassword")
        if not isinstance(password, str) or not password:
            raise KuzzleError.without_id(400, "currentPassword is required")
        attempt = attempt_of("currentPassword", kuid, kuid)
        _, document = await self._get(kuid)
        matches = await self._limits.wait_s(attempt) == 0 and await self._matches(document, password)
        # Others may have failed meanwhile: then this result is not told.
        if await self._limits.wait_s(attempt) or (not matches and await self._limits.failed(attempt)):
            raise KuzzleError.without_id(429, "Too many wrong passwords: try again later")
        if not matches:
            raise KuzzleError.without_id(403, "currentPassword is wrong")
        await self._limits.succeeded(attempt)

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)

    async def _store_new(self, username: str, document: Source) -> None:
        try:
            await self._documents.create(username, document)
        except DocumentAlreadyExistsError:
            raise _name_taken(username) from None

    async def _get(self, kuid: str) -> tuple[str, Source]:
        username = await self._find_name(kuid)
        document = None if username is None else await self._documents.find(username)
        if username is None or document is None:
            raise KuzzleError.without_id(412, f'no credentials found for the user "{kuid}"')
        return username, document

    async def _find_name(self, kuid: str) -> str | None:
        page = await self._documents.search(Search(query=Term("kuid", kuid), size=1))
        return page.hits[0].id if page.hits else None


def _given(request: Request, name: str) -> str | None:
    """Return a text of a login from its body, else from its arguments; what is no text is none."""
    value = request.body_member(name)
    if value is None:
        value = request.payload.get(name)
    return value if isinstance(value, str) else None


def _imported(request: Request | None, secrets: Secrets) -> Source | None:
    """Return a hash to be stored as it is, which nobody gives for himself.

    Raises:
        KuzzleError: 400 without id: it comes beside a password, from the user, or cannot be verified.
    """
    given = secrets.get("imported")
    if given is None:
        return None
    if request is not None and request.controller == "auth":
        raise KuzzleError.without_id(400, "imported is not allowed in credentials of one's own")
    if secrets.get("password") is not None:
        raise KuzzleError.without_id(400, "password and imported are mutually exclusive")
    if not isinstance(given, Mapping) or ImportedHash.read(given) is None:
        raise KuzzleError.without_id(400, "imported is no hash of a password that can be verified")
    return {name: given[name] for name in _IMPORTED if name in given}


def _stored_password(document: Source) -> str:
    """Return what a document keeps of the password, whatever its form."""
    return str(document.get("hash") or document.get("userPassword"))


def _name_taken(username: str) -> KuzzleError:
    return KuzzleError.without_id(412, f'the username "{username}" is already taken')


def _shown(username: str, kuid: str) -> dict[str, Any]:
    return {"username": username, "kuid": kuid}
