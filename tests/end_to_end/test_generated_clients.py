"""Clients that `kuzzle generate client` writes: checked by the tools of their language, and run against a server."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest
import tornado.httpserver
import tornado.web
from harness import Server
from node import CLIENTS, Running, find_chromium, find_program, node, node_running, program_running
from people import CHEAP_PASSWORDS, add_user
from running import ROOT, run
from tornado.testing import bind_unused_port

TYPESCRIPT_APPLICATION = CLIENTS / "generated_typescript.ts"
BOUNDS_APPLICATION = CLIENTS / "generated_bounds.ts"
PYTHON_APPLICATION = CLIENTS / "generated_python.py"
GUIDE = ROOT / "docs" / "clients.md"


@pytest.fixture(scope="module")
def python_package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a client in Python; beside it, in `installed`, it is installed."""
    folder = tmp_path_factory.mktemp("python") / "client"
    done = run(folder.parent, "generate", "client", "--lang", "python", "--out", "client")
    assert (done.returncode, done.stderr) == (0, "")
    source = folder.parent / "source"  # building leaves files behind
    shutil.copytree(folder, source)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--no-deps"]
    options = ["--no-index", "--no-build-isolation", "--target", str(folder.parent / "installed"), str(source)]
    built = subprocess.run([*pip, *options], capture_output=True, text=True, timeout=100, check=False)
    assert built.returncode == 0, built.stderr
    return folder


@pytest.fixture(scope="module")
def typescript_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a client in TypeScript, and what uses it beside it, all of it compiled by the strict compiler."""
    folder = tmp_path_factory.mktemp("typescript")
    client = folder / "node_modules" / "kuzzle-client"
    done = run(folder, "generate", "client", "--lang", "typescript", "--out", str(client))
    assert (done.returncode, done.stderr) == (0, "")
    (folder / "node_modules" / "ws").symlink_to(CLIENTS / "node_modules" / "ws")
    compile_typescript("--project", str(client))
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "guide.ts").write_text(example("typescript"))
    for application in (TYPESCRIPT_APPLICATION, BOUNDS_APPLICATION):
        shutil.copy(application, folder)
    options = ["--strict", "--target", "ES2022", "--module", "NodeNext", "--outDir", str(folder)]
    names = ("guide.ts", TYPESCRIPT_APPLICATION.name, BOUNDS_APPLICATION.name)
    compile_typescript(*options, *(str(folder / name) for name in names))
    return folder


def compile_typescript(*arguments: str) -> None:
    compiler = CLIENTS / "node_modules" / "typescript" / "bin" / "tsc"
    command = [find_program("node", package="nodejs"), str(compiler), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def example(language: str) -> str:
    """Return the example of the guide."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    return str(found)


@asynccontextmanager
async def python_running(package: Path, script: Path, *arguments: str) -> AsyncIterator[Running]:
    path = f"PYTHONPATH={package.parent / 'installed'}"
    async with program_running("/usr/bin/env", path, sys.executable, str(script), *arguments) as running:
        yield running


def test_the_python_client_and_what_uses_it_pass_the_strict_type_checker(python_package: Path, tmp_path: Path) -> None:
    guide = tmp_path / "guide.py"
    guide.write_text(example("python"))
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), "kuzzle_client"]
    done = subprocess.run(
        [*command, str(PYTHON_APPLICATION), str(guide)],
        cwd=python_package,
        env={**os.environ, "MYPYPATH": str(python_package)},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stdout


class Told(Protocol):
    """What an application prints."""

    async def value(self) -> Any:
        """Return the next value."""

    async def rest(self) -> list[Any]:
        """Return the values until its end."""


async def check_application(client: Told, folder: Path, first: Server) -> None:
    """Follow an application over a restart of the server on the same ports."""
    assert await client.value() == [1, ["a b/ü?"], "Ünïcödé/&?", "NoRouteError"]
    assert await client.value() == ["ann", "ann", "OK"]
    assert await client.value() == [
        ["services.storage.document_already_exists", 400, True, True],
        "services.storage.unexpected_not_found",
        [206, 1, ["fine"]],
    ]
    assert await client.value() == "new"
    assert await client.value() == ["new", "new"]
    assert await client.value() == "newer"
    ports = {name: {"port": first.port(name)} for name in ("http", "websocket", "socketio")}
    await first.stop()
    assert await client.value() == ["lost", False]
    async with Server(folder, {"protocols": ports}) as second:
        assert await client.value() == [True, "restored"]
        await second.http("POST", "/library/books/heard/_create", {"year": 2000})
        assert await client.value() == "heard"
        assert await client.rest() == ["ended"]


async def test_the_python_client_runs_an_application_over_a_restart(python_package: Path, tmp_path: Path) -> None:
    async with Server(tmp_path, {"security": {"passwords": CHEAP_PASSWORDS}}) as server:
        await add_user(server, "ann", "admin")
        urls = (f"ws://localhost:{server.port('websocket')}", server.url)
        async with python_running(python_package, PYTHON_APPLICATION, *urls) as client:
            await check_application(client, tmp_path, server)


async def test_the_example_in_python_says_what_the_guide_says(python_package: Path, tmp_path: Path) -> None:
    async with Server(tmp_path, {"security": {"passwords": CHEAP_PASSWORDS}}) as server:
        await add_user(server, "ann", "admin")
        await server.prepare()
        script = tmp_path / "guide.py"
        script.write_text(example("python").replace("7512", str(server.port("websocket"))))
        async with python_running(python_package, script) as guide:
            assert [await guide.line() for _ in said()] == said()
            assert await guide.rest() == []


def said() -> list[str]:
    """Return what the guide says that its examples print."""
    (found,) = re.findall(r"```text\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    return str(found).splitlines()


async def test_the_typescript_client_runs_an_application_in_node(typescript_folder: Path, tmp_path: Path) -> None:
    async with Server(tmp_path, {"security": {"passwords": CHEAP_PASSWORDS}}) as server:
        await add_user(server, "ann", "admin")
        module = typescript_folder / "generated_typescript.js"
        urls = (f"ws://localhost:{server.port('websocket')}", server.url)
        async with node_running("generated_node.mjs", str(module), *urls) as client:
            await check_application(client, tmp_path, server)


async def test_the_typescript_client_bounds_its_queues_and_says_why_subscriptions_end(
    typescript_folder: Path, tmp_path: Path
) -> None:
    async with Server(tmp_path, {"security": {"passwords": CHEAP_PASSWORDS}}) as server:
        await add_user(server, "ann", "admin")
        await server.prepare()
        module = typescript_folder / BOUNDS_APPLICATION.with_suffix(".js").name
        urls = (f"ws://localhost:{server.port('websocket')}", server.url)
        async with node_running("generated_node.mjs", str(module), *urls) as client:
            assert await client.value() == "ConnectionLostError"
            assert await client.value() == [["0", "1"], "SubscriberTooSlowError"]
            assert await client.value() == ["done", "done", "TooManyWaitingError"]
            assert await client.value() == "done"
            expired = ["TokenExpired", "TokenExpiredError"]
            assert await client.value() == [[expired, expired], None, 1, False]
            assert await client.value() == "emma"
            assert await client.value() == [True, "done"]
            assert await client.value() == "stop"
            await server.stop()
            assert await client.value() == ["RequestTimeoutError", "RequestTimeoutError", "TooManyWaitingError"]
            assert await client.rest() == [[True, False]]


async def test_the_example_in_typescript_says_what_the_guide_says(typescript_folder: Path, tmp_path: Path) -> None:
    async with Server(tmp_path, {"security": {"passwords": CHEAP_PASSWORDS}}) as server:
        await add_user(server, "ann", "admin")
        await server.prepare()
        script = typescript_folder / "guide_here.js"
        text = (typescript_folder / "guide.js").read_text()
        script.write_text(text.replace("7512", str(server.port("websocket"))))
        program = find_program("node", package="nodejs")
        async with program_running(program, str(script)) as guide:
            assert [await guide.line() for _ in said()] == [line.replace("'", '"') for line in said()]
            assert await guide.rest() == []


class Page:
    """The application in a page: what it tells comes by HTTP."""

    def __init__(self, folder: Path) -> None:
        values: asyncio.Queue[Any] = asyncio.Queue()
        self.values = values

        class Said(tornado.web.RequestHandler):
            def post(self) -> None:
                values.put_nowait(json.loads(self.request.body))

        class Document(tornado.web.RequestHandler):
            def get(self) -> None:
                self.finish((CLIENTS / "generated_page.html").read_text())

        package = {"path": str(folder / "node_modules" / "kuzzle-client" / "dist")}
        files = (r"/kuzzle-client/(.*)", tornado.web.StaticFileHandler, package)
        script = (r"/(generated_typescript\.js)", tornado.web.StaticFileHandler, {"path": str(folder)})
        socket, self.port = bind_unused_port()
        self.server = tornado.httpserver.HTTPServer(
            tornado.web.Application([("/", Document), ("/said", Said), files, script])
        )
        self.server.add_sockets([socket])

    async def value(self) -> Any:
        return await asyncio.wait_for(self.values.get(), 50)

    async def rest(self) -> list[Any]:
        return [await self.value()]


async def test_the_typescript_client_runs_an_application_in_a_browser(typescript_folder: Path, tmp_path: Path) -> None:
    chromium = find_chromium()
    async with Server(tmp_path, {"security": {"passwords": CHEAP_PASSWORDS}}) as server:
        await add_user(server, "ann", "admin")
        page = Page(typescript_folder)
        urls = f"ws://localhost:{server.port('websocket')},{server.url}"
        browser = asyncio.create_task(node("browser.js", chromium, f"http://localhost:{page.port}/#{urls}"))
        checks = asyncio.create_task(check_application(page, tmp_path, server))
        try:
            await asyncio.wait({browser, checks}, return_when=asyncio.FIRST_COMPLETED)
            if not checks.done():
                await browser  # it failed, and says why
            await checks
            assert (await browser)[0]["value"] == "ended"
        finally:
            for task in (browser, checks):
                task.cancel()
            await asyncio.gather(browser, checks, return_exceptions=True)
            page.server.stop()


BOOKS = {
    "properties": {
        "title": {"type": "text"},
        "year": {"type": "integer"},
        "price": {"type": "float"},
        "sold": {"type": "boolean"},
        "class": {"type": "keyword"},
        "place": {"type": "geo_point"},
        "author": {"properties": {"name": {"type": "keyword"}}},
        "editions": {"type": "nested", "properties": {"day": {"type": "date"}}},
    }
}
PYTHON_USER = """
from kuzzle_client import Kuzzle
from kuzzle_client.models import LibraryBooks

async def use(client: Kuzzle) -> None:
    book: LibraryBooks = {"title": "Emma", "year": 1815, "editions": [{"day": 1}], "author": {"name": "Jane"}}
    await client.document.create("library", "books", book)
"""
TYPESCRIPT_USER = """
import type { Kuzzle, models } from './index.js';

export async function use(client: Kuzzle): Promise<number | undefined> {
  const book: models.LibraryBooks = { title: 'Emma', year: 1815, editions: [{ day: 1 }], author: { name: 'Jane' } };
  await client.document.create('library', 'books', book);
  const read = (await client.document.get('library', 'books', 'emma'))._source as models.LibraryBooks;
  return read.year;
}
"""


def model_options(tmp_path: Path) -> list[str]:
    (tmp_path / "mappings.json").write_text(json.dumps({"library": {"books": BOOKS}}))
    return ["--collections", "library/books", "--mappings", str(tmp_path / "mappings.json")]


@pytest.mark.parametrize(("year", "is_right"), [("1815", True), ('"old"', False)])
def test_models_in_python_hold_documents_to_the_mapping(tmp_path: Path, year: str, is_right: bool) -> None:
    run(tmp_path, "generate", "client", "--lang", "python", "--out", ".", *model_options(tmp_path))
    (tmp_path / "user.py").write_text(PYTHON_USER.replace("1815", year))
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "user.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert (done.returncode == 0) is is_right, done.stdout
    assert is_right or '"year"' in done.stdout


@pytest.mark.parametrize(("year", "is_right"), [("1815", True), ("'old'", False)])
def test_models_in_typescript_hold_documents_to_the_mapping(tmp_path: Path, year: str, is_right: bool) -> None:
    run(tmp_path, "generate", "client", "--lang", "typescript", "--out", ".", *model_options(tmp_path))
    (tmp_path / "src" / "user.ts").write_text(TYPESCRIPT_USER.replace("1815", year))
    if is_right:
        compile_typescript("--project", str(tmp_path), "--noEmit")
    else:
        with pytest.raises(AssertionError, match="'string' is not assignable to type 'number'"):
            compile_typescript("--project", str(tmp_path), "--noEmit")
