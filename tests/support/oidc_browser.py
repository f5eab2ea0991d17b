"""A browser as far as logging in at a provider needs one: cookies, redirects and forms."""

from __future__ import annotations

import asyncio
import html.parser
import urllib.error
import urllib.request
from dataclasses import dataclass
from http.cookiejar import CookieJar
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

_MAX_HOPS = 20


@dataclass
class Page:
    """What a browser was answered."""

    url: str
    status: int
    location: str | None
    text: str


class Browser:
    """Follows redirects and sends forms, until it is sent to a place that the test itself looks after."""

    def __init__(self) -> None:
        self.cookies = CookieJar()
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(self.cookies), _NoRedirects()
        )

    async def open(self, url: str, form: dict[str, str] | None = None) -> Page:
        """Send one request, with the cookies of its place."""
        return await asyncio.to_thread(self._open, url, form)

    def _open(self, url: str, form: dict[str, str] | None) -> Page:
        body = None if form is None else urlencode(form).encode()
        try:
            response: Any = self._opener.open(url, body, timeout=30)
        except urllib.error.HTTPError as error:
            response = error
        with response:
            location = response.headers.get("Location")
            place = None if location is None else urljoin(url, location)
            return Page(url, response.status, place, response.read().decode())

    async def log_in(self, url: str, name: str, until: str) -> dict[str, str]:
        """Go from a provider's page to where it sends people back, logging in and consenting on the way.

        Returns:
            The arguments of the URL below `until` that the provider redirects to.
        """
        page = await self.open(url)
        for _ in range(_MAX_HOPS):
            if page.location is not None and page.location.startswith(until):
                return dict(parse_qsl(urlsplit(page.location).query))
            if page.location is not None:
                page = await self.open(page.location)
                continue
            form = _Form(page.text)
            assert form.action, f"{page.status} without a form: {page.text[:500]}"
            fields = {**form.hidden, **({"login": name, "password": "any"} if "login" in form.names else {})}
            page = await self.open(urljoin(page.url, form.action), fields)
        raise AssertionError(f"it goes on and on, at last to {page.url}")


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_details: Any) -> None:
        """Follow none."""


class _Form(html.parser.HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.action = ""
        self.hidden: dict[str, str] = {}
        self.names: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Take note of the form and its fields."""
        found = dict(attributes)
        if tag == "form":
            self.action = found.get("action") or ""
        elif tag == "input" and found.get("name"):
            self.names.add(found["name"] or "")
            if found.get("type") == "hidden":
                self.hidden[found["name"] or ""] = found.get("value") or ""
