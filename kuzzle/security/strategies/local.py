"""The strategy `local`: a user name and a password.

A document per user name, the name being its id, in an internal collection: `kuid` and `hash` (Argon2id),
or, until the next login, a hash that was imported (`imported_hashes.py`). Changes come one after the
other, so that a user has one name and a name one user.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from kuzzle.errors import KuzzleError
from kuzzle.request import Request
from kuzzle.security.imported_hashes import ImportedHash
from kuzzle.security.passwords import Passwords
from kuzzle.security.strategies.base import Accepted, Refused, Secrets, Strategy, Verdict
from kuzzle.storage.base import DocumentAlreadyExistsError, Source, Storage
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

    def __init__(self, storage: Storage, passwords: Passwords) -> None:
        self._documents = InternalCollection(storage, "credentials-local", {"kuid": {"type": "keyword"}})
        self._passwords = passwords
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
        return Accepted(document["kuid"])

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
        changed = {"kuid": document["kuid"], "hash": await self._passwords.hash(password)}
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

    async def create(self, request: Request | None, secrets: Secrets, kuid: str) -> dict[str, Any]:
        """Store a name and a password for a user who has none.

        Raises:
            KuzzleError: 412 without id: the user has some, or the name is taken.
        """
        username: str = secrets["username"]
        document = {"kuid": kuid, **await self._hashed(request, secrets)}
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
        hashed = await self._hashed(request, secrets)
        async with self._changes:
            old_name, document = await self._get(kuid)
            username: str = secrets.get("username") or old_name
            changed = {"kuid": kuid, **hashed} if hashed else document
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

    async def _hashed(self, request: Request | None, secrets: Secrets) -> Source:
        """Return the members of a document that tell its password; none without a password."""
        password = secrets.get("password")
        if password is not None:
            return {"hash": await self._passwords.hash(password)}
        return _imported(request, secrets) or {}

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


def _name_taken(username: str) -> KuzzleError:
    return KuzzleError.without_id(412, f'the username "{username}" is already taken')


def _shown(username: str, kuid: str) -> dict[str, Any]:
    return {"username": username, "kuid": kuid}
