"""Logging in at a provider of identities, from the first redirect to a token that works, and who is refused."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from harness import Reply, Server
from node import Running, node_running
from oidc_browser import Browser
from people import CHEAP_PASSWORDS, add_user, bearer, login

REDIRECT_URI = "http://localhost:9/_login/house"
SECRET = "Mr. Knightley: what's %41 secret & good?"


@dataclass
class House:
    """A server, the provider it sends people to, and who went there."""

    server: Server
    provider: Running

    async def begin(self, browser: Browser, path: str = "/_login/house") -> str:
        """Do the first step; return where it leads."""
        page = await browser.open(f"{self.server.url}{path}")
        assert page.status == 302, page.text
        assert page.location is not None
        return page.location

    async def visit(self, browser: Browser, name: str) -> dict[str, str]:
        """Begin, and log in at the provider; return the arguments that it sends back."""
        return await browser.log_in(await self.begin(browser), name, REDIRECT_URI)

    async def finish(self, browser: Browser, arguments: dict[str, str], query: str = "") -> tuple[int, Any]:
        """Do the second step; return the status and the envelope."""
        page = await browser.open(f"{self.server.url}/_login/house?{urlencode(arguments)}{query}")
        return page.status, json.loads(page.text)

    async def log_in(self, name: str) -> tuple[int, Any]:
        """Do the whole story in a browser of its own."""
        browser = Browser()
        return await self.finish(browser, await self.visit(browser, name))


@asynccontextmanager
async def house(folder: Path, **options: Any) -> AsyncIterator[House]:
    """A server with a strategy `house` of these options, and its provider."""
    async with node_running("oidc_provider.mjs", SECRET, REDIRECT_URI) as provider:
        section = {
            "issuer": await provider.value(),
            "clientId": "kuzzle",
            "clientSecret": SECRET,
            "redirectUri": REDIRECT_URI,
            **options,
        }
        security = {"passwords": CHEAP_PASSWORDS, "oidc": {"house": section}}
        async with Server(folder, {"security": security}) as server:
            yield House(server, provider)


def refused(answer: tuple[int, Any]) -> str:
    """Return why a login is refused; it must be."""
    status, envelope = answer
    assert (status, envelope["error"]["id"]) == (401, "plugin.strategy.missing_user"), envelope
    return str(envelope["error"]["message"])


async def give(server: Server, kuid: str, subject: str) -> Reply:
    return await server.http("POST", f"/credentials/house/{kuid}/_create", {"subject": subject})


# --- the whole story


async def test_who_logs_in_at_the_provider_gets_a_token_that_works(tmp_path: Path) -> None:
    async with house(tmp_path) as place:
        await add_user(place.server, "u1")
        assert (await give(place.server, "u1", "Emma")).result == {"subject": "Emma", "kuid": "u1"}
        browser = Browser()
        location = await place.begin(browser)
        asked = dict(parse_qsl(urlsplit(location).query))
        assert asked.keys() == {
            "response_type", "client_id", "redirect_uri", "scope", "state", "nonce", "code_challenge",
            "code_challenge_method",
        }  # fmt: skip
        assert asked["code_challenge_method"] == "S256"
        back = await browser.log_in(location, "Emma", REDIRECT_URI)
        assert back["state"] == asked["state"]
        status, envelope = await place.finish(browser, back, "&expiresIn=2h")
        assert (status, envelope["result"]["_id"], envelope["result"]["ttl"]) == (200, "u1", 7_200_000)
        reply = await place.server.http("GET", "/credentials/house/_me", headers=bearer(envelope["result"]["jwt"]))
        assert reply.result == {"subject": "Emma", "kuid": "u1"}


async def test_somebody_unknown_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    async with house(tmp_path) as place:
        assert refused(await place.log_in("Frank")) == "nobody here has this identity"
        assert (await place.server.http("POST", "/users/_search", {})).result["total"] == 0


async def test_somebody_unknown_becomes_a_user_once_where_that_is_wished(tmp_path: Path) -> None:
    async with house(
        tmp_path,
        onUnknown="create",
        profileIds=["admin"],
        scopes=["openid", "profile"],
        userinfo=True,
        kuidClaim="nickname",
        content={"fullName": "name", "phone": "phone_number"},
    ) as place:
        for _ in range(2):
            status, envelope = await place.log_in("Harriet")
            assert (status, envelope["result"]["_id"]) == (200, "harriet")
        user = (await place.server.http("GET", "/users/harriet")).result["_source"]
        assert user.pop("_kuzzle_info")["author"] is None
        assert user == {"fullName": "Miss Harriet", "profileIds": ["admin"]}
        assert (await place.server.http("POST", "/users/_search", {})).result["total"] == 1


async def test_a_name_that_somebody_else_has_makes_nobody_him(tmp_path: Path) -> None:
    async with house(
        tmp_path, onUnknown="create", scopes=["openid", "profile"], userinfo=True, kuidClaim="nickname"
    ) as place:
        await add_user(place.server, "emma", "admin")
        assert "user of this name" in refused(await place.log_in("EMMA"))
        assert (await place.server.http("GET", "/credentials/house/emma/_exists")).result is False


async def test_the_two_steps_work_over_websocket(tmp_path: Path) -> None:
    async with house(tmp_path, onUnknown="create") as place:
        websocket = await place.server.websocket()
        first = await websocket.request("auth", "login", strategy="house")
        assert (first["status"], first["result"]["statusCode"]) == (302, 302)
        assert "Set-Cookie" not in first["result"]["headers"]
        back = await Browser().log_in(first["result"]["headers"]["Location"], "Jane", REDIRECT_URI)
        second = await websocket.request("auth", "login", strategy="house", body=back)
        user = await websocket.request("auth", "getCurrentUser", jwt=second["result"]["jwt"])
        assert user["result"]["_source"]["profileIds"] == ["default"]
        assert user["result"]["strategies"] == ["house"]


async def test_a_new_key_of_the_provider_is_fetched(tmp_path: Path) -> None:
    async with house(tmp_path, onUnknown="create") as place:
        (strategy,) = place.server.app.oidc_strategies
        now_s = 0.0
        strategy._provider._keys._ticks = lambda: now_s
        assert (await place.log_in("Emma"))[0] == 200
        place.provider.tell("renew")
        assert await place.provider.value() == "renewed"
        assert "unknown key" in refused(await place.log_in("Emma")), "keys were fetched a moment ago"
        now_s = 31.0
        assert (await place.log_in("Emma"))[0] == 200


# --- attacks


async def test_a_login_ends_once_and_only_where_it_began(tmp_path: Path) -> None:
    async with house(tmp_path, onUnknown="create") as place:
        browser, other = Browser(), Browser()
        back = await place.visit(browser, "Emma")
        for state in ("", "x", back["state"] + "x", "x" * 5000):
            assert "the login is unknown" in refused(await place.finish(browser, {**back, "state": state}))
        assert (await place.finish(browser, back))[0] == 200
        assert "the login is unknown" in refused(await place.finish(browser, back)), "a replayed answer"
        back = await place.visit(browser, "Emma")
        await place.begin(other)
        assert refused(await place.finish(other, back)) == "the login began elsewhere"
        assert "the login is unknown" in refused(await place.finish(browser, back)), "a state that leaked is over"
        websocket = await place.server.websocket()
        first = await websocket.request("auth", "login", strategy="house")
        back = await Browser().log_in(first["result"]["headers"]["Location"], "Emma", REDIRECT_URI)
        assert refused(await place.finish(browser, back)) == "the login began elsewhere"


async def test_an_application_may_look_after_the_state_itself(tmp_path: Path) -> None:
    async with house(tmp_path, onUnknown="create", requireCookie=False) as place:
        browser = Browser()
        back = await place.visit(browser, "Emma")
        assert not [cookie for cookie in browser.cookies if cookie.name.startswith("kuzzle")]
        websocket = await place.server.websocket()
        assert (await websocket.request("auth", "login", strategy="house", **back))["status"] == 200


async def test_a_code_of_another_login_is_refused(tmp_path: Path) -> None:
    async with house(tmp_path, onUnknown="create") as place:
        attacker, victim = Browser(), Browser()
        stolen = await place.visit(attacker, "Emma")
        own = await place.visit(victim, "Harriet")
        mixed = {**own, "code": stolen["code"]}
        assert refused(await place.finish(victim, mixed)) == "the provider does not know the code"


async def test_an_answer_of_another_provider_is_refused(tmp_path: Path) -> None:
    async with house(tmp_path, onUnknown="create") as place:
        browser = Browser()
        back = await place.visit(browser, "Emma")
        wrong = {**back, "iss": "https://other.example.org"}
        assert refused(await place.finish(browser, wrong)) == "the answer is of another provider"
        back = await place.visit(browser, "Emma")
        del back["iss"]
        assert refused(await place.finish(browser, back)) == "the answer is of another provider"


async def test_what_the_provider_refuses_is_told_in_plain_characters(tmp_path: Path) -> None:
    async with house(tmp_path) as place:
        browser = Browser()
        back = await place.visit(browser, "Emma")
        answer = {"state": back["state"], "iss": back["iss"], "error": "access_denied\r\né" + "x" * 1000}
        text = refused(await place.finish(browser, answer))
        assert text == "the provider refuses: access_denied" + "x" * 84


async def test_a_provider_that_is_down_is_an_error_that_names_it_and_no_failed_login(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with house(tmp_path) as place:
        await place.provider.end()
        page = await Browser().open(f"{place.server.url}/_login/house")
        error = json.loads(page.text)["error"]
        assert (page.status, error["id"]) == (500, "plugin.runtime.unexpected_error")
        assert "the provider of the strategy house cannot be used" in error["message"]
        assert [record.levelname for record in caplog.records if "strategy house" in record.getMessage()] == ["WARNING"]


# --- credentials


async def test_credentials_are_given_changed_and_taken_by_administrators(tmp_path: Path) -> None:
    async with house(tmp_path) as place:
        server = place.server
        await add_user(server, "u1")
        await add_user(server, "u2")
        assert (await server.http("GET", "/credentials/house/_fields")).result == ["subject"]
        assert (await server.http("GET", "/credentials/house/u1/_exists")).result is False
        await give(server, "u1", "Emma")
        assert (await give(server, "u1", "Jane")).status == 412
        assert (await give(server, "u2", "Emma")).status == 412
        assert (await server.http("GET", "/credentials/house/u1")).result == {"subject": "Emma", "kuid": "u1"}
        assert (await server.http("GET", "/credentials/house/Emma/_byId")).result == {"subject": "Emma", "kuid": "u1"}
        changed = await server.http("PUT", "/credentials/house/u1/_update", {"subject": "Jane"})
        assert changed.result == {"subject": "Jane", "kuid": "u1"}
        assert (await server.http("GET", "/credentials/house/Emma/_byId")).status == 412
        assert (await give(server, "u2", "Emma")).status == 200
        assert (await server.http("PUT", "/credentials/house/u1/_update", {"subject": "Emma"})).status == 412
        assert (await server.http("DELETE", "/credentials/house/u1")).status == 200
        assert (await server.http("GET", "/credentials/house/u1")).status == 412
        for wrong in ({}, {"subject": ""}, {"subject": 5}, {"subject": "x" * 256}, {"subject": "x", "kuid": "u2"}):
            reply = await server.http("POST", "/credentials/house/u1/_create", wrong)
            assert reply.status == 400, wrong
        await server.http("DELETE", "/users/u2")
        assert (await server.http("GET", "/credentials/house/Emma/_byId")).status == 412


async def test_nobody_says_himself_who_he_is_at_the_provider(tmp_path: Path) -> None:
    async with house(tmp_path) as place:
        await add_user(place.server, "u1")
        headers = bearer((await login(place.server, "u1"))["jwt"])
        for verb, path in (
            ("POST", "/credentials/house/_me/_create"),
            ("PUT", "/credentials/house/_me/_update"),
            ("POST", "/credentials/house/_me/_validate"),
        ):
            reply = await place.server.http(verb, path, {"subject": "Emma"}, headers=headers)
            assert reply.status == 403, path
        assert (await place.server.http("GET", "/credentials/house/Emma/_byId")).status == 412
