"""Subscriptions hang on the token they were made by."""

from __future__ import annotations

from typing import Any

import pytest
from realtime_scene import Scene, created

from kuzzle.connection import Connection
from kuzzle.errors import KuzzleError
from kuzzle.realtime.subscriptions import Subscription
from kuzzle.security.verified_tokens import Token

EXPIRED = {
    "status": 200,
    "info": "This is an automated server notification",
    "message": "Authentication Token Expired",
    "type": "TokenExpired",
}


class Watcher:
    """Notes which tokens are watched."""

    def __init__(self) -> None:
        self.watched: list[str] = []

    def watch(self, token: Token) -> None:
        assert token.id not in self.watched
        self.watched.append(token.id)

    def unwatch(self, token: Token) -> None:
        self.watched.remove(token.id)


class TokenScene(Scene):
    """A scene in which people may ask by a token."""

    def __init__(self) -> None:
        super().__init__()
        self.watcher = self.realtime.holders.watcher = Watcher()

    def subscribe_by(self, token: Token | None, who: Connection, filters: Any = None, **options: str) -> Subscription:
        request = self.request(who, "realtime", "subscribe", body=filters)
        request.token = token
        wanted = {"scope": "all", "users": "none", "state": "done", **options}
        made = self.realtime.subscribe(request, filters, **wanted)
        assert made is not None
        return made

    def hears(self, who: Connection) -> bool:
        self.heard(who)
        self.write("create", created("b", title="Emma"))
        return bool(self.heard(who))


def token(name: str, kuid: str = "u1") -> Token:
    return Token(name, kuid, f"text of {name}", 1, 1)


def test_an_expired_token_is_told_on_each_channel_and_ends_its_subscriptions() -> None:
    scene = TokenScene()
    emma, harriet = Connection("websocket"), Connection("mqtt")
    first = token("t1")
    channels = [
        scene.subscribe_by(first, emma, {"equals": {"title": "Emma"}}).channel,
        scene.subscribe_by(first, emma, {}, users="all").channel,
        scene.subscribe_by(first, emma, {}, users="none").channel,
    ]
    scene.subscribe_by(None, harriet, {}, users="all")
    scene.heard(emma)
    scene.realtime.end_token("t1", is_expired=True)
    received = scene.inboxes.received.pop(emma.id)
    assert [channel for channel, _ in received] == channels
    assert all(content == EXPIRED for _, content in received)
    assert not scene.hears(emma)
    assert scene.watcher.watched == []
    assert scene.realtime.subscriptions == 1
    with pytest.raises(KuzzleError):
        scene.unsubscribe(emma, channels[0].partition("-")[0])


def test_others_hear_that_a_user_left_whose_token_ended_by_no_protocol() -> None:
    scene = TokenScene()
    emma, harriet = Connection("websocket"), Connection("mqtt")
    scene.subscribe_by(None, harriet, {}, users="out")
    scene.subscribe_by(token("t1"), emma, {})
    scene.realtime.end_token("t1", is_expired=False)
    assert scene.told(harriet, "user", "action", "protocol") == [("out", "unsubscribe", None)]


def test_a_token_taken_back_ends_its_subscriptions_without_a_word() -> None:
    scene = TokenScene()
    emma = Connection("websocket")
    scene.subscribe_by(token("t1"), emma)
    assert scene.hears(emma)
    scene.realtime.end_token("t1", is_expired=False)
    assert scene.heard(emma) == []
    assert not scene.hears(emma)


def test_subscriptions_by_other_tokens_and_of_others_go_on() -> None:
    scene = TokenScene()
    emma, harriet = Connection("websocket"), Connection("websocket")
    first, second = token("t1"), token("t2", "u2")
    scene.subscribe_by(first, emma, {"exists": "title"})
    scene.subscribe_by(second, emma, {"equals": {"title": "Emma"}})
    scene.subscribe_by(None, emma)
    scene.subscribe_by(first, harriet)
    scene.realtime.end_token("t1", is_expired=True)
    scene.heard(emma)
    scene.write("create", created("b", title="Emma"))
    assert len(scene.heard(emma)) == 2
    assert not scene.hears(harriet)
    assert scene.watcher.watched == ["t2"]
    scene.realtime.end_token("unheard", is_expired=True)


def test_a_room_hangs_on_the_token_of_its_last_subscription() -> None:
    scene = TokenScene()
    emma = Connection("websocket")
    scene.subscribe_by(token("t1"), emma)
    scene.subscribe_by(token("t2"), emma)
    scene.realtime.end_token("t1", is_expired=True)
    assert scene.hears(emma)
    scene.subscribe_by(None, emma)
    assert scene.watcher.watched == []
    scene.realtime.end_token("t2", is_expired=True)
    assert scene.hears(emma)


def test_subscriptions_move_to_the_token_that_takes_the_place_of_another() -> None:
    scene = TokenScene()
    emma, harriet = Connection("websocket"), Connection("mqtt")
    old, new = token("old"), token("new")
    for who in (emma, harriet):
        scene.subscribe_by(old, who)
    scene.subscribe_by(token("other"), emma, {"exists": "title"})
    scene.realtime.replace_token("old", new)
    assert sorted(scene.watcher.watched) == ["new", "other"]
    scene.realtime.end_token("old", is_expired=True)
    assert scene.hears(emma)
    assert scene.hears(harriet)
    scene.realtime.end_token("new", is_expired=True)
    assert not scene.hears(harriet)


def test_another_login_of_the_same_user_takes_over_what_the_connection_holds() -> None:
    scene = TokenScene()
    emma, elsewhere = Connection("websocket"), Connection("websocket")
    old = token("old")
    scene.subscribe_by(old, emma)
    scene.subscribe_by(old, elsewhere)
    scene.subscribe_by(token("another's", "u2"), emma, {"exists": "title"})
    scene.realtime.renew_login(emma.id, token("new"))
    assert sorted(scene.watcher.watched) == ["another's", "new", "old"]
    scene.realtime.end_token("old", is_expired=True)
    assert scene.hears(emma)
    assert not scene.hears(elsewhere)


def test_nothing_is_left_of_connections_and_rooms_that_are_gone() -> None:
    scene = TokenScene()
    emma = Connection("websocket")
    first = scene.subscribe_by(token("t1"), emma)
    scene.subscribe_by(token("t2"), emma, {"exists": "title"})
    scene.unsubscribe(emma, first.room_id)
    assert scene.watcher.watched == ["t2"]
    scene.realtime.remove_connection(emma.id)
    assert scene.watcher.watched == []
    scene.realtime.end_token("t2", is_expired=True)
    assert scene.heard(emma) == []


@pytest.mark.parametrize("is_expired", [True, False])
def test_who_is_let_go_while_its_token_ends_is_gone_and_the_others_end_all_the_same(is_expired: bool) -> None:
    """The notice that one has left, or that the time is over, may be what a client that does not read cannot take."""
    scene = TokenScene()
    people = [Connection("websocket") for _ in range(4)]
    for who in people:
        scene.subscribe_by(token("t1"), who, {}, users="all")
        scene.subscribe_by(token("t1"), who, {"exists": "title"}, users="all")
    scene.inboxes.deaf = {people[1].id, people[2].id}
    scene.realtime.end_token("t1", is_expired=is_expired)
    assert sorted(scene.inboxes.let_go) == sorted(who.id for who in people[1:3])
    assert not any(scene.hears(who) for who in people)
    assert (scene.realtime.subscriptions, scene.realtime.list_rooms(), scene.watcher.watched) == (0, {}, [])
    assert not any(scene.inboxes.followers.values())
