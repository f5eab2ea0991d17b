"""A guest book: visitors sign it, and whoever subscribes to it hears of new entries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from kuzzle.plugins import Controller, Plugin, PluginContext, Request, action


class Entries(Controller):
    """Signing and reading; `schemas/entries/` describes both, and every call is checked by that."""

    name = "entries"

    def __init__(self, plugin: Guestbook) -> None:
        self.plugin = plugin

    @action("sign")
    async def sign(self, request: Request) -> dict[str, Any]:
        """Store an entry."""
        entry = {"name": request.body["name"], "text": request.body["text"], "signedAt": request.timestamp}
        stored = await self.plugin.entries.create(entry)
        return {"_id": stored.id, **stored.content}

    @action("list")
    async def list(self, request: Request) -> dict[str, Any]:
        """Return the newest entries."""
        search: dict[str, Any] = {"sort": [{"signedAt": "desc"}]}
        if request.argument("name") is not None:
            search["query"] = {"term": {"name": request.argument("name")}}
        page = await self.plugin.entries.search(search, size=request.argument("size"))
        return {"entries": [{"_id": each.id, **each.content} for each in page.documents], "total": page.total}


class Guestbook(Plugin):
    """The plugin: what it is called, what it can be told, and what it contributes."""

    name = "guestbook"
    version = "1.0.0"
    errors: ClassVar[Mapping[str, Any]] = {"rude": {"code": 1, "status": 400, "message": 'Nobody writes "%s" here'}}
    config_schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "properties": {"refusedWords": {"type": "array", "items": {"type": "string"}, "default": []}},
        "additionalProperties": False,
    }

    async def init(self, config: Mapping[str, Any], context: PluginContext) -> None:
        """Make the collection; runs once, before the first client comes."""
        self.context = context
        self.refused_words = {word.lower() for word in config["refusedWords"]}
        properties = {"name": {"type": "keyword"}, "text": {"type": "text"}, "signedAt": {"type": "date"}}
        await context.storage.bootstrap({"entries": {"properties": properties}})
        self.entries = context.storage.repository("entries")

    def controllers(self) -> list[Controller]:
        """Return what becomes the controller `guestbook/entries`."""
        return [Entries(self)]

    def pipes(self) -> dict[str, Any]:
        """Return what is asked before something happens."""
        return {"guestbook/entries:beforeSign": self.check}

    def hooks(self) -> dict[str, Any]:
        """Return what is told after something has happened."""
        return {"guestbook/entries:afterSign": self.announce}

    async def check(self, request: Request) -> Request:
        """Refuse some words; what a pipe returns goes on."""
        text = request.body_member("text")
        if isinstance(text, str):  # what else it may be is refused later, by the schema
            for word in text.lower().split():
                if word in self.refused_words:
                    raise self.context.error("rude", word)
        return request

    async def announce(self, request: Request) -> None:
        """Tell the subscribers of guestbook/entries."""
        message = {"name": request.body["name"], "text": request.body["text"]}
        await self.context.client.execute("realtime", "publish", index="guestbook", collection="entries", body=message)
