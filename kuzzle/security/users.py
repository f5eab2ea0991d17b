"""The people behind requests."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kuzzle.errors import KuzzleError
from kuzzle.security.profiles import Profiles
from kuzzle.security.stored import SecurityObject
from kuzzle.storage.base import DocumentWrite, Source, Storage, WriteKind, WrittenDocument
from kuzzle.storage.errors import DocumentAlreadyExistsError, DocumentNotFoundError, DocumentToReplaceNotFoundError
from kuzzle.storage.internal import InternalCollection
from kuzzle.storage.query import Term

USERS_COLLECTION: Final = "users"
MAX_KNOWN_USERS: Final = 10_000
"""Users kept in memory, id and profiles only (about 300 bytes each); those beyond are read again."""

# Users whose belongings are deleted at a time; they share commits.
_DELETED_AT_ONCE: Final = 50
_PROPERTIES: Final = {"profileIds": {"type": "keyword"}}
_ANONYMOUS_IDS: Final = frozenset({"-1", "anonymous"})


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who asks.

    Attributes:
        id: The kuid; `"-1"` for anonymous, empty for the server itself.
        profile_ids: Profiles whose rights add up.
    """

    id: str
    profile_ids: tuple[str, ...]

    @property
    def author(self) -> str | None:
        """Who metadata name as the author of what he writes; None: nobody, the server itself."""
        return self.id or None


ANONYMOUS: Final = User("-1", ("anonymous",))
SERVER: Final = User("", ())
"""Code inside the server that acts for nobody; it may do everything."""


class Users:
    """The stored users, and the anonymous one, who is built in.

    Attributes:
        on_deleted: Awaited with the id of a user before it is deleted; what one raises keeps the user.
        on_changed: Called on the event loop with the id of a user that was written or deleted.
    """

    def __init__(
        self, storage: Storage, turn: asyncio.Lock, profiles: Profiles, *, restricted_profile_ids: Sequence[str]
    ) -> None:
        """`restricted_profile_ids` are the profiles of a user that is written without any."""
        self.collection = InternalCollection(storage, USERS_COLLECTION, _PROPERTIES, dynamic="true")
        self.on_deleted: list[Callable[[str], Awaitable[None]]] = []
        self.on_changed: Callable[[str], None] = lambda _kuid: None
        self._turn = turn
        self._profiles = profiles
        self.restricted_profile_ids = tuple(restricted_profile_ids)
        self._known: dict[str, User] = {}
        # Returns a user that asked lately, None: `get` knows.
        self.find_known = self._known.get
        self._changes = 0
        profiles.is_used = self.uses_profile

    # --- reading

    def find(self, kuid: str) -> User | None:
        """Return a user who asked lately."""
        return self._known.get(kuid)

    async def get(self, kuid: str) -> User:
        """Return a user; for one that asked lately, without reading the store.

        Raises:
            KuzzleError: 404 `services.storage.not_found`.
        """
        if kuid in _ANONYMOUS_IDS:
            return ANONYMOUS
        user = self._known.get(kuid)
        if user is None:
            changes = self._changes
            user = _read_user(kuid, (await self.read(kuid)).source)
            if changes == self._changes:  # else what was read may be of yesterday
                if len(self._known) >= MAX_KNOWN_USERS:
                    del self._known[next(iter(self._known))]
                self._known[kuid] = user
        return user

    async def read(self, kuid: str) -> SecurityObject:
        """Return a user with its content.

        Raises:
            KuzzleError: 404 `services.storage.not_found`.
        """
        if kuid in _ANONYMOUS_IDS:
            return SecurityObject(ANONYMOUS.id, {"name": "Anonymous", "profileIds": list(ANONYMOUS.profile_ids)})
        source = await self.collection.find(kuid)
        if source is None:
            raise _missing(kuid)
        return SecurityObject(kuid, source)

    async def exists(self, kuid: str) -> bool:
        """Tell whether there is a user of that id."""
        return kuid in _ANONYMOUS_IDS or await self.collection.find(kuid) is not None

    async def admin_exists(self) -> bool:
        """Tell whether at least one user holds the profile `admin`."""
        return await self.uses_profile("admin")

    async def uses_profile(self, profile_id: str) -> bool:
        """Tell whether at least one user holds a profile."""
        return await self.collection.count(Term("profileIds", profile_id)) > 0

    # --- writing

    async def create(self, kuid: str, source: Source) -> SecurityObject:
        """Store a new user.

        Raises:
            KuzzleError: 412 `security.user.already_exists`; as `write`.
        """
        if kuid in _ANONYMOUS_IDS:
            raise KuzzleError("security.user.already_exists", kuid)
        async with self._turn:
            return await self._create_in_turn(kuid, source)

    async def create_first_admin(self, kuid: str, source: Source) -> SecurityObject:
        """Store a new user, if there is no administrator yet.

        Raises:
            KuzzleError: 412 without id; as `create`.
        """
        async with self._turn:
            if await self.admin_exists():
                raise KuzzleError.without_id(412, "Admin user is already set.")
            return await self._create_in_turn(kuid, source)

    async def _create_in_turn(self, kuid: str, source: Source) -> SecurityObject:
        """Store a new user; the turn was taken."""
        try:
            return await self._write_in_turn(WriteKind.CREATE, kuid, source)
        except DocumentAlreadyExistsError as error:
            raise KuzzleError("security.user.already_exists", kuid) from error

    async def replace(self, kuid: str, source: Source) -> SecurityObject:
        """Store a content in place of that of an existing user; as `write`."""
        return await self.write(WriteKind.REPLACE, kuid, source)

    async def update(self, kuid: str, changes: Source) -> SecurityObject:
        """Put changes in place of the members of these names of a user's content; as `write`."""
        return await self.write(WriteKind.UPDATE, kuid, changes)

    async def write(self, kind: WriteKind, kuid: str, source: Source) -> SecurityObject:
        """Change a user; rights follow at once. The anonymous user cannot be changed.

        Args:
            source: With its metadata. An empty `profileIds` stands for the restricted profiles.

        Returns:
            The user as it is from now on.

        Raises:
            KuzzleError: 404 `services.storage.not_found`, `security.profile.not_found`; 400
                `api.assert.missing_argument`, `invalid_type` (`profileIds`);
                `security.user.anonymous_profile_required`, `api.assert.invalid_argument` (the anonymous user).
        """
        if kuid in _ANONYMOUS_IDS:
            profile_ids = source.get("profileIds", ANONYMOUS.profile_ids)
            if not isinstance(profile_ids, list | tuple) or ANONYMOUS.profile_ids[0] not in profile_ids:
                raise KuzzleError("security.user.anonymous_profile_required")
            raise KuzzleError("api.assert.invalid_argument", "_id", "a stored user; the anonymous one is built in")
        async with self._turn:
            try:
                return await self._write_in_turn(kind, kuid, source)
            except (DocumentNotFoundError, DocumentToReplaceNotFoundError) as error:
                raise _missing(kuid) from error

    async def _write_in_turn(self, kind: WriteKind, kuid: str, source: Source) -> SecurityObject:
        profile_ids = source.get("profileIds")
        if profile_ids == []:
            source = {**source, "profileIds": list(self.restricted_profile_ids)}
        elif isinstance(profile_ids, str):
            source = {**source, "profileIds": [profile_ids]}
        if kind is WriteKind.UPDATE:
            kind, source = WriteKind.REPLACE, await self._updated(kuid, source)
        written = await self.collection.write(
            kind, DocumentWrite(kuid, source, check=self._check), after_commit=self._forget
        )
        return SecurityObject(kuid, written.source)

    async def _updated(self, kuid: str, changes: Source) -> Source:
        """Return the content of a user after changes: members change whole, but for the metadata."""
        source = await self.collection.find(kuid)
        if source is None:
            raise _missing(kuid)
        metadata = {**(source.get("_kuzzle_info") or {}), **changes.get("_kuzzle_info", {})}
        updated = {**source, **changes}
        return {**updated, "_kuzzle_info": metadata} if metadata else updated

    def _check(self, source: Source) -> None:
        profile_ids = source.get("profileIds")
        if profile_ids is None:
            raise KuzzleError("api.assert.missing_argument", "profileIds")
        if not isinstance(profile_ids, list) or not all(isinstance(name, str) for name in profile_ids):
            raise KuzzleError("api.assert.invalid_type", "profileIds", "array of strings")
        for name in profile_ids:
            if name not in self._profiles.active:
                raise KuzzleError("security.profile.not_found", name)

    async def delete(self, kuid: str) -> None:
        """Delete a user and what belongs to it.

        Raises:
            KuzzleError: 404 `services.storage.not_found`; what keeps its belongings.
        """
        if kuid in _ANONYMOUS_IDS or not await self.exists(kuid):
            raise _missing(kuid)
        await self._delete_belongings(kuid)
        async with self._turn:
            if not await self.collection.remove(kuid, after_commit=self._forget):
                raise _missing(kuid)

    async def delete_many(self, kuids: Sequence[str]) -> None:
        """Delete users and what belongs to them; an id without a user is passed over.

        Raises:
            KuzzleError: What keeps somebody's belongings; some users are deleted then, others not.
        """
        async with self._turn:
            await self._delete_many(kuids)

    async def delete_all_in_turn(self) -> int:
        """Delete every user, as `delete_many`; the turn was taken. Return how many there were."""
        kuids = await self.collection.ids()
        await self._delete_many(kuids)
        return len(kuids)

    async def _delete_many(self, kuids: Sequence[str]) -> None:
        for start in range(0, len(kuids), _DELETED_AT_ONCE):
            chunk = kuids[start : start + _DELETED_AT_ONCE]
            ends = await asyncio.gather(*(self._delete_belongings(kuid) for kuid in chunk), return_exceptions=True)
            for end in ends:
                if isinstance(end, BaseException):
                    raise end
            await self.collection.remove_all(chunk, after_commit=self._forget)

    async def _delete_belongings(self, kuid: str) -> None:
        """Delete what belongs to a user, first: if it fails, or the server dies, deleting can be tried again."""
        for delete in self.on_deleted:
            await delete(kuid)

    def _forget(self, documents: Sequence[WrittenDocument]) -> None:
        self.forget(document.id for document in documents)

    def forget(self, kuids: Iterable[str]) -> None:
        """Take note that users have changed in the store."""
        self._changes += 1
        for kuid in kuids:
            self._known.pop(kuid, None)
            self.on_changed(kuid)

    def forget_all(self) -> None:
        """Take note that all users may have changed in the store."""
        self._changes += 1
        self._known.clear()


def _missing(kuid: str) -> KuzzleError:
    return KuzzleError("services.storage.not_found", kuid)


def _read_user(kuid: str, source: Source) -> User:
    """Read a stored user; profiles that are no texts give no rights."""
    profile_ids: Any = source.get("profileIds")
    if not isinstance(profile_ids, list):
        profile_ids = [profile_ids]
    return User(kuid, tuple(name for name in profile_ids if isinstance(name, str)))
