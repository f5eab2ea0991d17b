"""The plugins of the page "Write a plugin": they do what it says, and the page shows the files that run here."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import tornado.httpserver
import tornado.httputil
import tornado.netutil
import yaml
from documentation import DOCS, ROOT, read_blocks
from harness import Reply, Server
from people import bearer

EXAMPLES = DOCS / "examples" / "plugins"
GUESTBOOK = {"plugins": {"guestbook": {"path": str(EXAMPLES / "guestbook"), "config": {"refusedWords": ["Humbug"]}}}}
ENTRY = {"name": "Emma", "text": "A lovely house"}


# --- the guest book


async def test_the_guest_book_is_signed_and_read_over_http(tmp_path: Path) -> None:
    async with Server(tmp_path, GUESTBOOK) as server:
        signed = (await server.http("POST", "/_plugin/guestbook/entries", ENTRY)).result
        assert {**signed, "_id": "", "signedAt": 0} == {**ENTRY, "_id": "", "signedAt": 0}
        await server.http("POST", "/_plugin/guestbook/entries", {"name": "Jane", "text": "Thank you"})
        listed = (await server.http("GET", "/_plugin/guestbook/entries?name=Emma")).result
        assert listed == {"entries": [signed], "total": 1}
        assert (await server.http("GET", "/_plugin/guestbook/entries?size=1")).result["total"] == 2
        assert (await server.http("GET", "/_list")).result == {"indexes": []}


async def test_the_guest_book_refuses_by_its_schema_and_by_its_pipe(tmp_path: Path) -> None:
    async with Server(tmp_path, GUESTBOOK) as server:
        for body, error_id in (
            ({"name": "Emma"}, "api.assert.missing_argument"),
            ({"name": "Emma", "text": 5}, "api.assert.invalid_type"),
            ({"name": "Ebenezer", "text": "Christmas is humbug"}, "plugin.guestbook.rude"),
        ):
            reply = await server.http("POST", "/_plugin/guestbook/entries", body)
            assert (reply.status, reply.json["error"]["id"]) == (400, error_id)
        reply = await server.http("GET", "/_plugin/guestbook/entries?size=0")
        assert reply.json["error"]["id"] == "api.assert.invalid_argument"


async def test_subscribers_hear_of_an_entry_over_websocket(tmp_path: Path) -> None:
    async with Server(tmp_path, GUESTBOOK) as server:
        websocket = await server.websocket()
        await websocket.request("realtime", "subscribe", index="guestbook", collection="entries", body={})
        answer = await websocket.request("guestbook/entries", "sign", body=ENTRY)
        assert answer["error"] is None
        heard = (await websocket.notification())["result"]["_source"]
        assert (heard["name"], heard["text"]) == ("Emma", "A lovely house")
        listed = await websocket.request("guestbook/entries", "list", name="Emma")
        assert listed["result"]["total"] == 1


async def test_entries_outlive_a_restart(tmp_path: Path) -> None:
    for expected in (1, 2):
        async with Server(tmp_path, GUESTBOOK) as server:
            await server.http("POST", "/_plugin/guestbook/entries", ENTRY)
            assert (await server.http("GET", "/_plugin/guestbook/entries")).result["total"] == expected


# --- the club


class ClubHouse:
    """The provider: whoever knocks is Emma."""

    def __init__(self) -> None:
        (self._socket,) = tornado.netutil.bind_sockets(0, "127.0.0.1")
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.server = tornado.httpserver.HTTPServer(self._answer)
        self.server.add_socket(self._socket)
        self.codes = {"first": "emma", "second": "emma", "third": "harriet"}
        self.asked: list[dict[str, str]] = []

    def _answer(self, request: tornado.httputil.HTTPServerRequest) -> None:
        form = {name: value[0] for name, value in parse_qs(request.body.decode()).items()}
        self.asked.append(form)
        member = self.codes.pop(form.get("code", ""), None)
        is_known = request.path == "/token" and form["client_secret"] == "of the house" and member is not None
        body = json.dumps({"member": member} if is_known else {"error": "invalid_grant"}).encode()
        assert request.connection is not None
        line = tornado.httputil.ResponseStartLine("HTTP/1.1", 200 if is_known else 400, "Said")
        headers = tornado.httputil.HTTPHeaders({"Content-Length": str(len(body))})
        sent = request.connection.write_headers(line, headers, body)
        asyncio.ensure_future(sent).add_done_callback(lambda done: done.cancelled() or done.exception())
        request.connection.finish()


@asynccontextmanager
async def club_server(folder: Path) -> AsyncIterator[tuple[Server, ClubHouse]]:
    """A server whose users are members of a club."""
    house = ClubHouse()
    config = {
        "club": house.url,
        "clientId": "kuzzle",
        "clientSecret": "of the house",
        "redirectUri": "https://here.example/_login/club",
        "profiles": ["default"],
    }
    try:
        async with Server(
            folder, {"plugins": {"club": {"path": str(EXAMPLES / "club.py"), "config": config}}}
        ) as server:
            yield server, house
    finally:
        house.server.stop()
        await house.server.close_all_connections()


async def begin(server: Server) -> tuple[str, dict[str, str]]:
    """Do the first step; return the state and the headers that a browser sends from then on."""
    reply = await server.http("GET", "/_login/club", follow_redirects=False)
    assert reply.status == 302
    query = parse_qs(urlsplit(reply.headers["Location"]).query)
    assert query["client_id"] == ["kuzzle"]
    return query["state"][0], {"Cookie": reply.headers["Set-Cookie"].partition(";")[0]}


async def come_back(server: Server, code: str, state: str, headers: Mapping[str, str]) -> Reply:
    """Do the second step."""
    return await server.http("GET", f"/_login/club?{urlencode({'code': code, 'state': state})}", headers=headers)


async def test_a_member_becomes_a_user_once(tmp_path: Path) -> None:
    async with club_server(tmp_path) as (server, house):
        first = await come_back(server, "first", *await begin(server))
        assert first.status == 200
        assert house.asked[-1]["redirect_uri"] == "https://here.example/_login/club"
        second = (await come_back(server, "second", *await begin(server))).result
        assert second["_id"] == first.result["_id"]
        other = (await come_back(server, "third", *await begin(server))).result
        assert other["_id"] != second["_id"]
        me = (await server.http("GET", "/users/_me", headers=bearer(second["jwt"]))).result
        assert (me["_id"], me["_source"]["profileIds"], me["strategies"]) == (second["_id"], ["default"], ["club"])
        shown = (await server.http("GET", "/credentials/club/_me", headers=bearer(second["jwt"]))).result
        assert shown == {"member": "emma", "kuid": second["_id"]}


async def test_who_brings_a_wrong_code_or_began_elsewhere_is_refused(tmp_path: Path) -> None:
    async with club_server(tmp_path) as (server, house):
        state, headers = await begin(server)
        other_state, _ = await begin(server)
        for code, given, sent, text in (
            ("made up", state, headers, "the club does not know the code"),
            ("first", other_state, headers, "the login began elsewhere"),
            ("first", state, {}, "the login began elsewhere"),
            ("first", "é", headers, "the login began elsewhere"),
        ):
            reply = await come_back(server, code, given, sent)
            assert (reply.status, reply.json["error"]["message"]) == (401, text)
        assert "first" in house.codes


async def test_a_club_that_does_not_answer_is_told_without_details(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with club_server(tmp_path) as (server, house):
        step = await begin(server)
        house.server.stop()
        reply = await come_back(server, "first", *step)
        assert (reply.status, reply.json["error"]["id"]) == (500, "plugin.runtime.unexpected_error")
        assert "of the house" not in caplog.text


async def test_administrators_give_and_take_a_membership(tmp_path: Path) -> None:
    async with club_server(tmp_path) as (server, _):
        websocket = await server.websocket()
        body: dict[str, Any] = {"content": {"profileIds": ["default"]}, "credentials": {"club": {"member": "emma"}}}
        created = await websocket.request("security", "createUser", _id="ada", body=body)
        assert created["error"] is None
        result = (await come_back(server, "first", *await begin(server))).result
        assert result["_id"] == "ada"
        changed = await websocket.request(
            "security", "updateCredentials", _id="ada", strategy="club", body={"member": "harriet"}
        )
        assert changed["result"] == {"member": "harriet", "kuid": "ada"}
        mine = await websocket.request(
            "auth", "updateMyCredentials", strategy="club", body={"member": "emma"}, jwt=result["jwt"]
        )
        assert mine["status"] == 403
        await websocket.request("security", "deleteCredentials", _id="ada", strategy="club")
        answer = await websocket.request("security", "hasCredentials", _id="ada", strategy="club")
        assert answer["result"] is False


# --- the page


def test_the_page_shows_the_files_that_run_here() -> None:
    text = (DOCS / "plugins.md").read_text()
    shown = re.findall(r'^--8<-- "(.+)"$', text, re.MULTILINE)
    files = {path.relative_to(DOCS).as_posix() for path in EXAMPLES.rglob("*") if path.suffix in (".py", ".json")}
    assert set(shown) == files
    assert "pymdownx.snippets: {base_path: [docs], check_paths: true}" in (ROOT / "mkdocs.yml").read_text()


def blanked(text: str) -> list[Any]:
    """Return the answers of a text, without what is another every time."""
    return [
        json.loads(re.sub(r'"(_id|requestId)":"[^"]+"|"signedAt":\d+', '"x":0', line)) for line in text.splitlines()
    ]


async def test_its_commands_are_answered_as_it_says(tmp_path: Path) -> None:
    blocks = list(read_blocks((DOCS / "plugins.md").read_text()))
    (commands,) = [block.code for block in blocks if block.language == "sh"]
    (answers,) = [block.code for block in blocks if block.title == "Answers"]
    (configuration,) = [yaml.safe_load(block.code) for block in blocks if block.language == "yaml"]
    section = configuration["plugins"]["guestbook"]
    section["path"] = str(DOCS / "examples" / section["path"])
    async with Server(tmp_path, configuration) as server:
        script = commands.replace("http://localhost:7512", server.url).replace("curl ", "curl -sS -w '\\n' ")
        process = await asyncio.create_subprocess_exec("bash", "-e", "-c", script, stdout=asyncio.subprocess.PIPE)
        printed, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0
    assert blanked(printed.decode()) == blanked(answers)


def test_the_site_has_their_code(tmp_path: Path) -> None:
    markdown = pytest.importorskip("markdown")
    extensions = ["pymdownx.superfences", "pymdownx.snippets"]
    options: dict[str, Any] = {"pymdownx.snippets": {"base_path": [str(DOCS)], "check_paths": True}}
    page = markdown.markdown((DOCS / "plugins.md").read_text(), extensions=extensions, extension_configs=options)
    plain = re.sub(r"<[^>]+>", "", page)
    assert "class Guestbook(Plugin):" in plain
    assert "class ClubStrategy(Strategy):" in plain
    assert "--8&lt;--" not in page
