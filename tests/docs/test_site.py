"""The documentation: everything has its place on the site, and its examples run."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from documentation import read_sections
from harness import Server
from wire import check_response

from kuzzle.catalogue import Catalogue
from kuzzle.config.options import leaves, load_options
from kuzzle.errors import error_table
from kuzzle.schemas import load_schema

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
# Controllers whose calls the tests of actions do not list.
WITHOUT_EXAMPLES = {"kuzzle-plugin-auth-passport-local/password"}


@pytest.fixture(scope="module")
def pages() -> ModuleType:
    specification = importlib.util.spec_from_file_location("pages", DOCS / "pages.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as HTML; links that lead nowhere fail the build."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    ended = subprocess.run(command, cwd=ROOT, env={"PYTHONPATH": str(ROOT), "PATH": ""}, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    return folder


def test_every_action_has_its_place_with_its_routes_arguments_and_errors(site: Path, pages: ModuleType) -> None:
    for definition in Catalogue.load(1):
        name = pages.file_name(definition.controller).removesuffix(".md")
        text = (site / "api" / ("" if name == "index" else name) / "index.html").read_text()
        assert f'id="{definition.name.lower()}"' in text, definition.name
        for route in definition.routes:
            assert route.path in text, route
        for name in (*definition.arguments, *definition.specification["errors"]):
            assert f"<code>{name}</code>" in text, (definition.name, name)


def test_every_error_and_option_has_its_place(site: Path, pages: ModuleType) -> None:
    errors = (site / "errors" / "index.html").read_text()
    for error, entry in error_table().items():
        assert ("1" in entry) == (f'id="{error.replace(".", "-")}"' in errors), error
    configuration = (site / "configuration" / "index.html").read_text()
    sections = read_sections(pages.configuration_page(load_options()), 2)
    for path, _ in leaves(load_options()):
        assert f"| `{path[-1]}` |" in sections[".".join(path[:-1])], path
        assert f"<code>{path[-1]}</code>" in configuration, path
        assert f">{'.'.join(path[:-1])}<" in configuration, path


def test_every_event_has_its_place(site: Path, pages: ModuleType) -> None:
    text = (site / "events" / "index.html").read_text()
    for event in load_schema("events.json"):
        assert f'id="{pages.event_anchor(event["name"])}"' in text, event["name"]


def test_every_action_has_an_example_and_no_example_lacks_its_action() -> None:
    known = {(definition.controller, definition.name) for definition in Catalogue.load(1)}
    examples = ROOT / "schemas" / "examples"
    shown = {(str(path.parent.relative_to(examples)), path.stem) for path in examples.glob("**/*.json")}
    assert shown <= known
    assert {action for action in known - shown if action[0] not in WITHOUT_EXAMPLES} == set()


def test_no_block_of_code_is_shown_as_text(site: Path) -> None:
    for page in site.rglob("*.html"):
        assert "```" not in page.read_text(), page


def test_nothing_on_the_site_is_fetched_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        for address in re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="([^"]+)"', page.read_text()):
            assert not address.startswith(("http:", "https:", "//")), (page, address)


# --- examples on pages that people wrote


def blocks(name: str, language: str) -> Iterator[str]:
    """The code of a page in one language."""
    for found in re.finditer(rf"^```{language}\n(.*?)^```$", (DOCS / name).read_text(), re.MULTILINE | re.DOTALL):
        yield found[1]


def values(text: str) -> Iterator[Any]:
    """The JSON texts that stand behind each other."""
    position = 0
    while position < len(text):
        value, position = json.JSONDecoder().raw_decode(text, position)
        yield value
        position += len(text[position:]) - len(text[position:].lstrip())


async def run_shell(server: Server, script: str) -> list[Any]:
    """Run the commands of a page against a server; what they print."""
    command = script.replace("http://localhost:7512", server.url).replace("curl ", "curl --silent --show-error ")
    process = await asyncio.create_subprocess_exec(
        "bash", "-e", "-c", command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return list(values(out.decode().strip()))


async def test_the_first_steps_and_the_messages_of_the_protocols_run_as_they_stand(server: Server) -> None:
    answers = [answer for script in blocks("index.md", "sh") for answer in await run_shell(server, script)]
    assert len(answers) == 7
    for answer in answers:
        check_response(answer)
        assert answer["status"] == 200, answer
    found, _, document, counted = (answer["result"] for answer in answers[3:])
    assert [hit["_id"] for hit in found["hits"]] == ["emma"]
    assert document["_source"]["pages"] == 474
    assert counted["count"] == 1

    websocket = await server.websocket()
    subscribed, created, published = [
        await websocket.request(**json.loads(message)) for message in blocks("protocols.md", "json")
    ]
    assert {subscribed["status"], created["status"], published["status"]} == {200}
    heard = [await asyncio.wait_for(websocket.notifications.get(), 10) for _ in range(2)]
    assert [notification["action"] for notification in heard] == ["create", "publish"]
    assert {notification["room"] for notification in heard} == {subscribed["result"]["channel"]}
