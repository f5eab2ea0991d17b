"""Subscriptions end when their users lose the right to them, and only those."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from realtime_scene import Scene

from kuzzle.connection import Connection
from kuzzle.realtime.entitlement import Entitlement
from kuzzle.request import Request
from kuzzle.security.verified_tokens import Token


class Watched(Scene):
    """Realtime, users by their tokens, and who may listen to what."""

    def __init__(self) -> None:
        super().__init__()
        self.denied: set[tuple[str, str]] = set()
        self.asked: list[tuple[str, str]] = []
        self.meanwhile: Callable[[], Awaitable[None]] | None = None
        self.entitlement = Entitlement(self.realtime, self.may_listen)

    async def may_listen(self, kuid: str, index: str, collection: str) -> bool:
        assert index == "library"
        self.asked.append((kuid, collection))
        if self.meanwhile is not None:
            await self.meanwhile()
        return (kuid, collection) not in self.denied

    def join(self, who: Connection, kuid: str | None, collection: str = "books") -> str:
        """Subscribe as a user, None as anybody; return the room."""
        request: Request = self.request(who, "realtime", "subscribe", body={}, collection=collection)
        if kuid is not None:
            request.token = Token(f"{kuid}-token", kuid, f"{kuid}.text", 2**50, 1)
        made = self.realtime.subscribe(request, {}, scope="all", users="none", state="done")
        assert made is not None
        return made.room_id

    def there(self, who: Connection) -> set[tuple[str, str]]:
        """By whom, and to which collections, a connection is subscribed."""
        return {(kuid, collection) for _, kuid, _, collection in self.realtime.subscriptions_of(who.id)}

    async def settle(self) -> None:
        """Return when nothing is looked at any more."""
        if self.entitlement._task is not None:
            await asyncio.wait([self.entitlement._task])


@pytest.fixture
def scene() -> Watched:
    """A scene."""
    return Watched()


async def test_what_was_lost_ends_and_what_was_not_stays(scene: Watched) -> None:
    ada, bob = Connection("websocket"), Connection("mqtt")
    for collection in ("books", "people"):
        scene.join(ada, "ada", collection)
        scene.join(bob, "bob", collection)
    scene.join(bob, None, "maps")
    scene.denied = {("ada", "books"), ("bob", "people"), ("-1", "maps")}
    scene.entitlement.rights_changed("ada")
    await scene.settle()
    assert scene.there(ada) == {("ada", "people")}
    assert scene.there(bob) == {("bob", "books"), ("bob", "people"), ("-1", "maps")}
    scene.entitlement.rights_changed(None)
    await scene.settle()
    assert scene.there(bob) == {("bob", "books")}
    assert scene.realtime.subscriptions == 2


async def test_each_user_and_collection_is_asked_about_once(scene: Watched) -> None:
    for _ in range(500):
        scene.join(Connection("websocket"), None)
    for _ in range(3):
        scene.entitlement.rights_changed(None)
    await scene.settle()
    assert scene.asked == [("-1", "books")]


async def test_users_without_subscriptions_cost_nothing(scene: Watched) -> None:
    scene.entitlement.rights_changed(None)
    scene.join(Connection("websocket"), "ada")
    scene.entitlement.rights_changed("bob")
    assert scene.entitlement._task is None
    assert scene.asked == []


async def test_a_change_while_others_are_looked_at_is_looked_at_too(scene: Watched) -> None:
    ada = Connection("websocket")
    scene.join(ada, "ada")

    async def deny() -> None:
        scene.meanwhile = None
        scene.denied = {("ada", "books")}
        scene.entitlement.rights_changed("ada")

    async def allow_still() -> None:
        await deny()
        scene.denied = set()  # the answer under way is still the old one

    scene.meanwhile = allow_still
    scene.entitlement.rights_changed(None)
    await scene.settle()
    assert scene.there(ada) == {("ada", "books")}
    assert len(scene.asked) == 2
    scene.meanwhile = deny
    scene.entitlement.rights_changed(None)
    await scene.settle()
    assert scene.there(ada) == set()


async def test_who_came_back_as_somebody_else_meanwhile_stays(scene: Watched) -> None:
    link = Connection("websocket")
    scene.join(link, "ada")
    scene.denied = {("ada", "books")}

    async def come_back() -> None:
        scene.join(link, "bob")

    scene.meanwhile = come_back
    scene.entitlement.rights_changed("ada")
    await scene.settle()
    assert scene.there(link) == {("bob", "books")}


async def test_a_store_that_cannot_tell_ends_nothing(scene: Watched, caplog: pytest.LogCaptureFixture) -> None:
    ada = Connection("websocket")
    scene.join(ada, "ada")

    async def fail() -> None:
        raise OSError("no disk")

    scene.meanwhile = fail
    scene.entitlement.rights_changed(None)
    await scene.settle()
    assert scene.there(ada) == {("ada", "books")}
    assert "not held against changed rights" in caplog.text
    scene.meanwhile = None
    scene.entitlement.rights_changed(None)  # and the next change is looked at again
    await scene.settle()
    assert scene.asked[-1] == ("ada", "books")


async def test_the_others_in_the_room_are_told_of_who_left(scene: Watched) -> None:
    ada, bob = Connection("websocket"), Connection("websocket")
    scene.subscribe(bob, users="all")
    request = scene.request(ada, "realtime", "subscribe", body=None)
    request.token = Token("t", "ada", "text", 2**50, 1)
    scene.realtime.subscribe(request, None, scope="all", users="none", state="done")
    scene.heard(bob)
    scene.denied = {("ada", "books")}
    scene.entitlement.rights_changed("ada")
    await scene.settle()
    assert scene.told(bob, "type", "user") == [("user", "out")]
    assert scene.heard(ada) == []


async def test_looking_ends_with_the_server(scene: Watched) -> None:
    scene.join(Connection("websocket"), "ada")
    never = asyncio.Event()

    async def hang() -> None:
        await never.wait()

    scene.meanwhile = hang
    scene.entitlement.rights_changed(None)
    await asyncio.sleep(0)
    await scene.entitlement.stop()
    assert scene.entitlement._task is None
