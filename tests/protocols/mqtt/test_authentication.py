"""MQTT that asks clients who they are: CONNECT, what they may do then, and what ends it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from harness import Server
from mqtt_raw import PINGREQ, Peer, Peers, connect
from people import CHEAP_PASSWORDS, PASSWORD, add_user, bearer, login

NOT_AUTHORIZED_5 = 0x87


@pytest.fixture
def server(start_server: Callable[..., Server]) -> Server:
    """A server whose MQTT asks for credentials, and lets clients publish."""
    mqtt = {"authentication": True, "allowPubSub": True}
    limits = {"perUser": 3, "firstDelay": 60_000}
    return start_server(
        {"protocols": {"mqtt": mqtt}, "security": {"passwords": CHEAP_PASSWORDS, "failedLogins": limits}}
    )


async def allow(server: Server, profile: str, *actions: str, index: str, collection: str) -> None:
    """Make a profile that may do actions of realtime in one collection, and server:now."""
    controllers = {
        "realtime": {"actions": dict.fromkeys(actions, True)},
        "server": {"actions": {"now": True}},
        "auth": {"actions": {"getCurrentUser": True}},
    }
    reply = await server.http("PUT", f"/roles/{profile}", {"controllers": controllers})
    assert reply.status == 200
    restrictions = [{"index": index, "collections": [collection]}]
    body = {"policies": [{"roleId": profile, "restrictedTo": restrictions}]}
    assert (await server.http("PUT", f"/profiles/{profile}", body)).status == 200


@asynccontextmanager
async def peers_of(server: Server) -> AsyncIterator[Peers]:
    async with Peers(server.port("mqtt")) as peers:
        yield peers


async def connack(peers: Peers, version: int = 4, **credentials: Any) -> tuple[Peer, int]:
    """Introduce a client; the peer and the code of the answer."""
    peer = await peers.open(version)
    peer.send(connect(credentials.pop("client_id", ""), version, **credentials))
    first_byte, body = await peer.packet()
    assert first_byte == 0x20
    return peer, body[1]


async def until(is_so: Callable[[], Awaitable[bool]]) -> None:
    """Wait for what a client cannot be told."""
    for _ in range(500):
        if await is_so():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it never is")


async def whoami(peer: Peer, **members: Any) -> Any:
    answer = await peer.request({"controller": "auth", "action": "getCurrentUser", **members})
    return answer["result"]["_id"] if answer["result"] else answer["error"]["id"]


# --- CONNECT


@pytest.mark.parametrize("version", [3, 4, 5])
async def test_a_client_acts_as_the_user_whose_password_it_gives(server: Server, version: int) -> None:
    await add_user(server, "u1", "admin", username="emma")
    async with peers_of(server) as peers:
        peer = await peers.join(f"client-{version}", version, user_name="emma", password=PASSWORD)
        assert await whoami(peer) == "u1"


@pytest.mark.parametrize("version", [3, 4, 5])
async def test_a_token_may_stand_in_place_of_the_password(server: Server, version: int) -> None:
    await add_user(server, "u1", "admin")
    token = (await login(server, "u1"))["jwt"]
    async with peers_of(server) as peers:
        peer = await peers.join(f"client-{version}", version, user_name="anything", password=token)
        assert await whoami(peer) == "u1"


@pytest.mark.parametrize(("version", "expected"), [(3, 4), (4, 4), (5, 0x86)], ids=["MQTT 3.1", "MQTT 3.1.1", "MQTT 5"])
async def test_wrong_credentials_are_refused_by_the_code_of_the_version(
    server: Server, version: int, expected: int
) -> None:
    await add_user(server, "u1", "admin")
    token = (await login(server, "u1"))["jwt"]
    await server.http("POST", "/_logout", headers=bearer(token))
    async with peers_of(server) as peers:
        for credentials in (
            {},
            {"user_name": "u1"},
            {"user_name": "u1", "password": "wrong"},
            {"user_name": "nobody", "password": PASSWORD},
            {"user_name": "u1", "password": ""},
            {"user_name": "u1", "password": b"\xff\xfe"},
            {"user_name": "u1", "password": token},
        ):
            peer, code = await connack(peers, version, client_id="c", **credentials)
            assert code == expected, credentials
            assert await peer.closed() == b""
    assert server.app.entrypoint.connection_counts.get("mqtt", 0) == 0
    assert server.app.doorman._by_user == {}


async def test_guessing_is_slowed_here_too(server: Server) -> None:
    await add_user(server, "u1", "admin")
    async with peers_of(server) as peers:
        codes = [(await connack(peers, 5, user_name="u1", password="wrong"))[1] for _ in range(5)]
        assert codes == [0x86] * 4 + [0x89]
        assert (await connack(peers, 4, user_name="u1", password=PASSWORD))[1] == 3
    assert (await server.http("POST", "/_login/local", {"username": "u1", "password": PASSWORD})).status == 429


async def test_nothing_is_read_before_it_is_known_who_asks(server: Server) -> None:
    await add_user(server, "u1", "admin")
    async with peers_of(server) as peers:
        peer = await peers.open(4)
        peer.send(connect("c", 4, user_name="u1", password=PASSWORD) + PINGREQ)
        assert await peer.packet() == (0x20, b"\x00\x00")
        assert await peer.packet() == (0xD0, b"")
        peer = await peers.open(4)
        peer.send(connect("d", 4, user_name="u1", password="wrong") + PINGREQ)
        assert await peer.closed() == b"\x20\x02\x00\x04"


async def test_a_request_with_a_token_of_its_own_acts_as_that_user(server: Server) -> None:
    await add_user(server, "u1", "admin")
    await add_user(server, "u2", "admin")
    token = (await login(server, "u2"))["jwt"]
    async with peers_of(server) as peers:
        peer = await peers.join(user_name="u1", password=PASSWORD)
        assert await whoami(peer, jwt=token) == "u2"
        assert await whoami(peer) == "u1"
        assert await whoami(peer, jwt="wrong") == "security.token.invalid"


async def test_rights_are_those_of_the_user(server: Server) -> None:
    await allow(server, "reader", "subscribe", index="library", collection="books")
    await add_user(server, "u1", "reader")
    async with peers_of(server) as peers:
        peer = await peers.join(user_name="u1", password=PASSWORD)
        answer = await peer.request({"controller": "index", "action": "list"})
        assert (answer["status"], answer["error"]["id"]) == (403, "security.rights.forbidden")


# --- the session of a client


async def test_the_session_of_a_client_is_its_users(server: Server) -> None:
    await add_user(server, "u1", "admin")
    await add_user(server, "u2", "admin")
    async with peers_of(server) as peers:
        first = await peers.join("device", clean=False, user_name="u1", password=PASSWORD)
        assert await first.subscribe(("library/books/news", 1)) == [1]
        _, code = await connack(peers, 4, client_id="device", user_name="u2", password=PASSWORD)
        assert code == 2, "the identifier is another user's"
        assert await first.is_silent(), "and who holds it stays"
        first.reset()
        other = await peers.join("other", user_name="u2", password=PASSWORD)
        other.publish("library/books/news", "for u1", qos=1, packet_id=1)
        assert (await other.packet())[0] == 0x40
        _, code = await connack(peers, 4, client_id="device", clean=False, user_name="u2", password=PASSWORD)
        assert code == 2
        again = await peers.join("device", clean=False, user_name="u1", password=PASSWORD)
        assert again.session_present
        assert (await again.message()).payload == b"for u1"


async def test_what_waited_is_not_given_to_who_has_lost_the_right(server: Server) -> None:
    await allow(server, "reader", "subscribe", index="library", collection="books")
    await add_user(server, "u1", "reader")
    await add_user(server, "u2", "admin")
    async with peers_of(server) as peers:
        first = await peers.join("device", clean=False, user_name="u1", password=PASSWORD)
        assert await first.subscribe(("library/books/news", 1)) == [1]
        first.reset()
        other = await peers.join("other", user_name="u2", password=PASSWORD)
        await until(lambda: _is_absent(server, "device"))
        other.publish("library/books/news", "secret", qos=1, packet_id=1)
        assert (await other.packet())[0] == 0x40
        await allow(server, "reader", "subscribe", index="library", collection="authors")
        again = await peers.join("device", clean=False, user_name="u1", password=PASSWORD)
        assert not again.session_present
        assert await again.is_silent()


async def _is_absent(server: Server, client_id: str) -> bool:
    protocol: Any = next(one for one in server.app.protocols if one.name == "mqtt")
    session = protocol._broker.find_session(client_id)
    return session is not None and session.receiver is None


# --- topics


async def test_topics_ask_for_the_rights_of_their_collection(server: Server) -> None:
    await allow(server, "writer", "publish", index="library", collection="books")
    await allow(server, "reader", "subscribe", index="library", collection="books")
    await add_user(server, "u1", "writer")
    await add_user(server, "u2", "reader")
    async with peers_of(server) as peers:
        writer = await peers.join("w", user_name="u1", password=PASSWORD)
        reader = await peers.join("r", user_name="u2", password=PASSWORD)
        asked = (("library/books/news", 0), ("library/authors/news", 0), ("library/books", 0), ("elsewhere", 0))
        assert await reader.subscribe(*asked) == [0, 0x80, 0, 0x80]
        assert await writer.subscribe(("library/books/news", 0), packet_id=2) == [0x80]
        writer.publish("library/books/news", "hello")
        assert (await reader.message()).payload == b"hello"
        writer.publish("library/authors/news", "hello")
        assert await writer.closed() == b""
        reader.publish("library/books/news", "I may only read")
        assert await reader.closed() == b""
        five = await peers.join("five", 5, user_name="u2", password=PASSWORD)
        assert await five.subscribe(("library/authors/news", 0)) == [NOT_AUTHORIZED_5]
        five.publish("library/books/news", "I may only read")
        assert (await five.packet())[1][0] == NOT_AUTHORIZED_5


async def test_the_topics_of_requests_and_answers_ask_for_nothing(server: Server) -> None:
    await allow(server, "reader", "subscribe", index="library", collection="books")
    await add_user(server, "u1", "reader")
    async with peers_of(server) as peers:
        peer = await peers.join(user_name="u1", password=PASSWORD)
        assert await peer.subscribe(("Kuzzle/response", 0), ("Kuzzle", 0)) == [0, 0]


async def test_an_answer_on_the_shared_topic_is_for_its_user_alone(server: Server) -> None:
    await add_user(server, "u1", "admin")
    await add_user(server, "u2", "admin")
    async with peers_of(server) as peers:
        first = await peers.join("a", user_name="u1", password=PASSWORD)
        second = await peers.join("b", user_name="u2", password=PASSWORD)
        await second.subscribe(("Kuzzle", 0))
        first.publish("Kuzzle", {"controller": "server", "action": "now"})
        assert (await first.message()).json["status"] == 200
        assert await second.is_silent()


async def test_a_will_asks_for_the_right_of_its_client(server: Server) -> None:
    await allow(server, "writer", "publish", "subscribe", index="library", collection="books")
    await add_user(server, "u1", "writer")
    await add_user(server, "u2", "admin")
    async with peers_of(server) as peers:
        watcher = await peers.join("w", user_name="u2", password=PASSWORD)
        await watcher.subscribe(("library/books/gone", 0), ("library/authors/gone", 0))
        for topic in ("library/authors/gone", "library/books/gone"):
            lost = await peers.join("lost", user_name="u1", password=PASSWORD, will=(topic, topic.encode()))
            lost.reset()
        assert (await watcher.message()).payload == b"library/books/gone"
        assert await watcher.is_silent()


async def test_a_will_that_is_a_request_runs_as_its_client(server: Server) -> None:
    await server.prepare()
    await server.http("PUT", "/library/books/kept", {"title": "Emma"})
    await allow(server, "reader", "subscribe", index="library", collection="books")
    await add_user(server, "u1", "reader")
    await add_user(server, "u2", "admin")
    envelope = b'{"controller":"document","action":"delete","index":"library","collection":"books","_id":"kept"}'
    async with peers_of(server) as peers:
        lost = await peers.join("lost", user_name="u1", password=PASSWORD, will=("Kuzzle/request", envelope))
        lost.reset()
        await until(lambda: _is_gone(server))
        assert (await server.http("GET", "/library/books/kept")).status == 200
        lost = await peers.join("lost", user_name="u2", password=PASSWORD, will=("Kuzzle/request", envelope))
        lost.reset()

        async def is_deleted() -> bool:
            return (await server.http("GET", "/library/books/kept")).status == 404

        await until(is_deleted)


async def _is_gone(server: Server) -> bool:
    return server.app.entrypoint.connection_counts.get("mqtt", 0) == 0


# --- notifications


async def test_a_channel_is_heard_by_those_alone_who_subscribed_to_it_by_the_api(server: Server) -> None:
    await server.prepare()
    await allow(server, "reader", "subscribe", index="library", collection="books")
    await add_user(server, "u1", "reader")
    await add_user(server, "u2", "default")
    async with peers_of(server) as peers:
        reader = await peers.join("r", user_name="u1", password=PASSWORD)
        spy = await peers.join("s", user_name="u2", password=PASSWORD)
        wanted = {"controller": "realtime", "action": "subscribe", "index": "library", "collection": "books"}
        channel = (await reader.request({**wanted, "body": {}}))["result"]["channel"]
        for peer in (reader, spy):
            assert await peer.subscribe((channel, 0)) == [0]
        spy.publish("Kuzzle/request", {"controller": "server", "action": "now"})
        await spy.message()
        await server.http("POST", "/library/books/b1/_create", {"title": "Emma"})
        assert (await reader.message()).json["result"]["_id"] == "b1"
        assert await spy.is_silent()
        spy.publish(channel, "forged")
        assert await spy.closed() == b""
        assert await reader.is_silent()


# --- the end


async def test_a_connection_let_in_by_a_password_has_no_session_to_log_out_of(server: Server) -> None:
    await add_user(server, "u1", "admin")
    async with peers_of(server) as peers:
        peer = await peers.join(user_name="u1", password=PASSWORD)
        for action in ("logout", "refreshToken"):
            answer = await peer.request({"controller": "auth", "action": action})
            assert answer["error"]["id"] == "security.rights.unauthorized"
        assert await whoami(peer) == "u1"


async def test_who_loses_a_right_loses_what_he_subscribed_to_by_the_api(server: Server) -> None:
    await server.prepare()
    await allow(server, "reader", "subscribe", index="library", collection="books")
    await add_user(server, "u1", "reader")
    async with peers_of(server) as peers:
        peer = await peers.join(user_name="u1", password=PASSWORD)
        wanted = {"controller": "realtime", "action": "subscribe", "index": "library", "collection": "books"}
        channel = (await peer.request({**wanted, "body": {}}))["result"]["channel"]
        assert await peer.subscribe((channel, 0)) == [0]
        await allow(server, "reader", "subscribe", index="library", collection="authors")

        async def is_ended() -> bool:
            return server.app.realtime.subscriptions == 0

        await until(is_ended)
        await server.http("POST", "/library/books/b1/_create", {"title": "Emma"})
        assert await peer.is_silent()


async def test_who_loses_a_right_loses_its_topics(server: Server) -> None:
    await allow(server, "reader", "subscribe", index="library", collection="books")
    await add_user(server, "u1", "reader")
    await add_user(server, "u2", "admin")
    async with peers_of(server) as peers:
        reader = await peers.join("r", user_name="u1", password=PASSWORD)
        writer = await peers.join("w", user_name="u2", password=PASSWORD)
        assert await reader.subscribe(("library/books/news", 0)) == [0]
        await allow(server, "reader", "subscribe", index="library", collection="authors")
        writer.publish("library/books/news", "secret")
        assert await writer.is_silent()
        assert await reader.is_silent()
        assert await reader.subscribe(("library/authors/news", 0)) == [0]


@pytest.mark.parametrize("verb_and_path", ["DELETE /users/u1", "DELETE /users/u1/tokens"])
async def test_a_client_is_closed_when_its_user_is_deleted_or_revoked(server: Server, verb_and_path: str) -> None:
    await add_user(server, "u1", "admin")
    await add_user(server, "u2", "admin")
    async with peers_of(server) as peers:
        peer = await peers.join("a", 5, user_name="u1", password=PASSWORD)
        other = await peers.join("b", 5, user_name="u2", password=PASSWORD)
        verb, path = verb_and_path.split()
        assert (await server.http(verb, path)).status == 200
        assert (await peer.packet())[0] == 0xE0
        assert await peer.closed() == b""
        assert await other.is_silent()


async def test_a_client_is_closed_when_the_token_that_let_it_in_ends(server: Server) -> None:
    await add_user(server, "u1", "admin")
    token = (await login(server, "u1"))["jwt"]
    short = (await login(server, "u1", expiresIn="2s"))["jwt"]
    async with peers_of(server) as peers:
        first = await peers.join("a", user_name="", password=token)
        second = await peers.join("b", user_name="", password=short)
        by_password = await peers.join("c", user_name="u1", password=PASSWORD)
        await server.http("POST", "/_logout", headers=bearer(token))
        assert await first.closed() == b""
        assert await second.closed() == b"", "its time is over"
        assert await by_password.is_silent()
    await until(lambda: _is_gone(server))
    assert server.app.doorman._by_token == {}


async def test_nothing_is_left_of_clients_that_are_gone(server: Server) -> None:
    await add_user(server, "u1", "admin")
    token = (await login(server, "u1"))["jwt"]
    async with peers_of(server) as peers:
        for number in range(3):
            await peers.join(f"p{number}", user_name="u1", password=PASSWORD)
            await peers.join(f"t{number}", user_name="u1", password=token)
        assert len(server.app.doorman._by_user["u1"]) == 6
    await until(lambda: _is_gone(server))
    assert (server.app.doorman._by_user, server.app.doorman._by_token) == ({}, {})
    assert server.app.tokens._watchers == {}
