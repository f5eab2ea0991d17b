"""Logins by a club that knows its members: OAuth 2's way of two steps, with a redirect between them."""

from __future__ import annotations

import asyncio
import hmac
import json
import secrets
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any, ClassVar
from urllib.parse import urlencode

from tornado.httpclient import AsyncHTTPClient, HTTPError

from kuzzle.plugins import Accepted, KuzzleError, Plugin, PluginContext, Redirected, Refused, Request, Strategy

COOKIE = "club-state"


class ClubStrategy(Strategy):
    """Who has a membership number there is a user here."""

    name = "club"
    fields = ("member",)

    def __init__(self, config: Mapping[str, Any], context: PluginContext) -> None:
        self.config = config
        self.client = context.client
        self.members = context.storage.repository("members")
        self.changes = asyncio.Lock()

    async def verify(self, request: Request) -> Accepted | Refused | Redirected:
        """Send people to the club, or take what they bring back from there."""
        code = request.argument("code")
        if code is None:
            return self.first_step()
        # Whoever comes back must be the one who was sent: nobody logs others in as himself by a link.
        state = request.argument("state")
        if not isinstance(state, str) or not hmac.compare_digest(state.encode(), cookie_of(request).encode()):
            return Refused("the login began elsewhere")
        member = await self.ask_club(str(code))
        return Refused("the club does not know the code") if member is None else Accepted(await self.user_of(member))

    def first_step(self) -> Redirected:
        state = secrets.token_urlsafe(32)
        query = {
            "response_type": "code",
            "client_id": self.config["clientId"],
            "redirect_uri": self.config["redirectUri"],
            "state": state,
        }
        return Redirected(
            302,
            {
                "Location": f"{self.config['club']}/authorize?{urlencode(query)}",
                "Set-Cookie": f"{COOKIE}={state}; Max-Age=600; Path=/; HttpOnly; SameSite=Lax",
                "Cache-Control": "no-store",
            },
        )

    async def ask_club(self, code: str) -> str | None:
        """Return whose code it is; None: nobody's."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "client_id": self.config["clientId"],
            "client_secret": self.config["clientSecret"],
            "redirect_uri": self.config["redirectUri"],
        }
        try:
            answer = await AsyncHTTPClient().fetch(
                f"{self.config['club']}/token",
                method="POST",
                body=urlencode(form),
                request_timeout=10,
                follow_redirects=False,
            )
        except HTTPError as error:
            if error.code == 400:
                return None
            raise
        member: str = json.loads(answer.body)["member"]
        return member

    async def user_of(self, member: str) -> str:
        """Return the user that a member is; one who comes for the first time becomes one."""
        async with self.changes:
            (known,) = await self.members.m_get([member]) or (None,)
            if known is not None:
                kuid: str = known.content["kuid"]
                return kuid
            content = {"profileIds": self.config["profiles"]}
            body = {"content": content, "credentials": {}}
            created = await self.client.execute("security", "createUser", body=body)
            await self.members.create({"kuid": created["_id"]}, member)
            return str(created["_id"])

    # --- the credentials of a user: his membership

    async def exists(self, request: Request | None, kuid: str) -> bool:
        """Tell whether a user is a member."""
        return await self.find(kuid) is not None

    async def get_info(self, request: Request | None, kuid: str) -> dict[str, Any]:
        """Return what may be shown."""
        member = await self.find(kuid)
        if member is None:
            raise KuzzleError.without_id(404, f'the user "{kuid}" is no member')
        return {"member": member, "kuid": kuid}

    async def validate(
        self, request: Request | None, secrets: Mapping[str, Any], kuid: str | None, *, is_update: bool
    ) -> None:
        """Let nobody but administrators say which member a user is."""
        if request is not None and request.controller == "auth":
            raise KuzzleError.without_id(403, "The club alone says who is a member")
        if not (isinstance(secrets.get("member"), str) and secrets["member"]):
            raise KuzzleError("api.assert.missing_argument", "member")

    async def create(self, request: Request | None, secrets: Mapping[str, Any], kuid: str) -> dict[str, Any]:
        """Make a user a member."""
        async with self.changes:
            if await self.find(kuid) is not None:
                raise KuzzleError.without_id(412, f'the user "{kuid}" is a member already')
            await self.members.create({"kuid": kuid}, secrets["member"])
        return {"member": secrets["member"], "kuid": kuid}

    async def update(self, request: Request | None, secrets: Mapping[str, Any], kuid: str) -> dict[str, Any]:
        """Give a user another membership."""
        async with self.changes:
            old = await self.find(kuid)
            await self.members.create({"kuid": kuid}, secrets["member"])
            if old is not None:
                await self.members.delete(old)
        return {"member": secrets["member"], "kuid": kuid}

    async def delete(self, request: Request | None, kuid: str) -> None:
        """Take the membership from a user."""
        member = await self.find(kuid)
        if member is not None:
            await self.members.delete(member)

    async def find(self, kuid: str) -> str | None:
        """Return the membership number of a user."""
        page = await self.members.search({"query": {"term": {"kuid": kuid}}}, size=1)
        return page.documents[0].id if page.documents else None


def cookie_of(request: Request) -> str:
    """Return what the first step has left in the browser."""
    try:
        found = SimpleCookie(request.connection.headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return "" if found is None else found.value


class Club(Plugin):
    """The plugin that brings the strategy."""

    name = "club"
    config_schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "properties": {
            "club": {"type": "string"},
            "clientId": {"type": "string"},
            "clientSecret": {"type": "string"},
            "redirectUri": {"type": "string"},
            "profiles": {"type": "array", "items": {"type": "string"}, "default": ["default"]},
        },
        "required": ["club", "clientId", "clientSecret", "redirectUri"],
        "additionalProperties": False,
    }

    async def init(self, config: Mapping[str, Any], context: PluginContext) -> None:
        """Get ready."""
        await context.storage.bootstrap({"members": {"properties": {"kuid": {"type": "keyword"}}}})
        self.strategy = ClubStrategy(config, context)

    def strategies(self) -> list[Strategy]:
        """Return the way to log in."""
        return [self.strategy]
