"""Recovery against an obvious model: what clients have seen in the end is what they would have seen without losses.

The model keeps a plain list of all that a room has said in one life, and says by counting whether what a client lacks
is still kept. It never works out what is to be sent again: what a client saw is held against all it should have seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from realtime_scene import Scene, created, deleted, updated

from kuzzle.connection import Connection
from kuzzle.realtime.history import Recovery

SIZE = 4
TIME_S = 3
FILTERS: tuple[dict[str, Any], ...] = ({}, {"equals": {"a": 1}})


def matches(which: int, a: int) -> bool:
    return which == 0 or a == 1


def wants(scope_wanted: str, state_wanted: str, scope: str, state: str) -> bool:
    return scope_wanted in (scope, "all") and state_wanted in (state, "all")


@dataclass
class Life:
    """One life of a room."""

    number: int
    said: list[float] = field(default_factory=list)
    members: set[int] = field(default_factory=set)
    empty_since: float | None = None
    counts_pending: bool = False
    pending_from: int = 0


@dataclass
class Client:
    """Somebody with one subscription."""

    which: int
    scope: str
    state: str
    connection: Connection = field(default_factory=lambda: Connection("websocket"))
    is_following: bool = False
    last: Recovery | None = None
    life: int | None = None
    should: list[tuple[int, str, str]] = field(default_factory=list)
    saw: list[tuple[int, str, str]] = field(default_factory=list)


class World:
    """The scene, and the model beside it."""

    def __init__(self, clients: list[Client]) -> None:
        rule = {"size": SIZE, "time": TIME_S * 1000}
        self.scene = Scene({"collections": {"*": {"books": rule}}}, subscriptionDocumentTTL=0)
        self.clients = clients
        self.lives: list[Life | None] = [None] * len(FILTERS)
        self.number = 0
        self.epochs: dict[int, str] = {}
        self.documents: dict[str, int] = {}
        self.matched: dict[str, set[int]] = {}

    # --- the model

    def alive(self) -> Iterator[tuple[int, Life]]:
        for which, life in enumerate(self.lives):
            if life is not None and life.empty_since is not None and self.scene.now >= life.empty_since + TIME_S:
                self.lives[which] = None
            elif life is not None:
                yield which, life

    def say(self, scope: str, state: str, heard_by: set[int]) -> None:
        for which, life in self.alive():
            if which not in heard_by or (state == "pending" and not life.counts_pending):
                continue
            life.said.append(self.scene.now)
            for client in self.clients:
                if client.life == life.number and wants(client.scope, client.state, scope, state):
                    client.should.append((len(life.said), scope, state))

    def is_kept(self, client: Client, life: Life) -> bool:
        assert client.last is not None
        if self.epochs.get(life.number) != client.last.epoch:
            return False
        if wants(client.scope, client.state, "unknown", "pending") and client.last.offset < life.pending_from:
            return False
        lacking = life.said[client.last.offset :]
        return len(lacking) <= SIZE and all(self.scene.now < time + TIME_S for time in lacking)

    # --- what happens

    def write(self, name: str, a: int) -> None:
        now = {which for which, _ in self.alive() if matches(which, a)}
        before = self.matched.get(name, set())
        is_new = name not in self.documents
        self.documents[name] = a
        self.matched[name] = now
        self.say("in", "done", now)
        if not is_new:
            self.say("out", "done", before - now)
        self.scene.write("create" if is_new else "update", created(name, a=a) if is_new else updated(name, {"a": a}))

    def delete(self, name: str) -> None:
        if name in self.documents:
            a = self.documents.pop(name)
            self.matched.pop(name, None)
            self.say("out", "done", {which for which, _ in self.alive() if matches(which, a)})
            self.scene.write("delete", deleted(name, a=a))

    def pend(self, a: int) -> None:
        self.say("unknown", "pending", {0, 1} if a == 1 else {0})
        request = self.scene.request(Connection("http"), "document", "create")
        self.scene.realtime.news.pending(request, "create", "new", {"a": a})

    def publish(self, a: int) -> None:
        self.say("in", "done", {0, 1} if a == 1 else {0})
        request = self.scene.request(Connection("http"), "realtime", "publish")
        self.scene.realtime.news.publish(request, None, {"a": a})

    def come(self, number: int, meanwhile: list[int], *, is_cut: bool = False) -> None:
        """Subscribe, with what is said before the answer is on its way; cut: the answer is the last that arrives."""
        client = self.clients[number]
        if client.is_following:
            return
        lives = dict(self.alive())
        life = lives.get(client.which)
        if life is None:
            self.number += 1
            life = self.lives[client.which] = Life(self.number)
        life.members.add(number)
        life.empty_since = None
        if not life.counts_pending and wants(client.scope, client.state, "unknown", "pending"):
            life.counts_pending = True
            life.pending_from = len(life.said)
        is_kept = client.last is not None and self.is_kept(client, life)
        made, answered = self.scene.begin_subscribe(
            client.connection, FILTERS[client.which], scope=client.scope, state=client.state, recover=client.last
        )
        assert made.recovered is (None if client.last is None else is_kept)
        assert self.epochs.setdefault(life.number, str(made.epoch)) == made.epoch
        assert len(set(self.epochs.values())) == len(self.epochs)
        if not is_kept:
            client.should, client.saw = [], []
        client.life = life.number
        client.is_following = True
        client.last = Recovery(str(made.epoch), made.offset or 0)
        for a in meanwhile:
            self.publish(a)
        answered()
        if is_cut:
            self.scene.heard(client.connection)
            self.lose(number)

    def cut(self, number: int, a: int) -> None:
        """Lose a connection together with what was said last."""
        if self.clients[number].is_following:
            self.publish(a)
            self.scene.heard(self.clients[number].connection)
            self.lose(number)

    def lose_all(self) -> None:
        for number in range(len(self.clients)):
            self.lose(number)

    def lose(self, number: int, *, by_leaving: bool = False) -> None:
        client = self.clients[number]
        if not client.is_following:
            return
        client.is_following = False
        life = self.lives[client.which]
        assert life is not None
        life.members.discard(number)
        if not life.members:
            life.empty_since = self.scene.now
        if by_leaving:
            (room_id,) = self.scene.realtime._rooms_of[client.connection.id]
            self.scene.unsubscribe(client.connection, room_id)
        else:
            self.scene.leave(client.connection)
            client.connection = Connection("websocket")

    def look(self) -> None:
        """Hold what clients saw against what they should have."""
        for client in self.clients:
            for told in self.scene.heard(client.connection):
                client.saw.append((told["offset"], told["scope"], told["state"]))
                client.last = Recovery(told["epoch"], told["offset"])
            if client.is_following:
                assert client.saw == client.should


names = st.sampled_from(["x", "y", "z"])
values = st.integers(0, 1)
people = st.integers(0, 2)
steps = st.one_of(
    st.tuples(st.just("write"), names, values),
    st.tuples(st.just("delete"), names),
    st.tuples(st.sampled_from(["pend", "publish"]), values),
    st.tuples(st.just("come"), people, st.lists(values, max_size=3)),
    st.tuples(st.sampled_from(["lose", "leave"]), people),
    st.tuples(st.just("cut"), people, values),
    st.tuples(st.just("come_cut"), people, st.lists(values, max_size=1)),
    st.just(("lose_all",)),
    st.tuples(st.just("wait"), st.integers(1, TIME_S)),
)
subscriptions = st.tuples(
    st.integers(0, 1), st.sampled_from(["all", "all", "in", "out"]), st.sampled_from(["done", "all", "pending"])
)


@settings(max_examples=200, deadline=None)
@given(st.lists(subscriptions, min_size=3, max_size=3), st.lists(steps, min_size=10, max_size=60))
def test_who_recovers_has_seen_what_it_would_have_without_the_loss(
    chosen: list[tuple[int, str, str]], what: list[Any]
) -> None:
    world = World([Client(*one) for one in chosen])
    world.come(0, [])
    for kind, *details in what:
        match kind:
            case "leave":
                world.lose(*details, by_leaving=True)
            case "come_cut":
                world.come(*details, is_cut=True)
            case "wait":
                world.scene.now += details[0]
            case _:
                getattr(world, kind)(*details)
        world.look()
    for number in range(3):
        world.come(number, [])
        world.look()
