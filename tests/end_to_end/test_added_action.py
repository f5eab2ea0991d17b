"""An action that is added as a schema and a method appears everywhere, without another line written by hand."""

from __future__ import annotations

import http.client
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from running import ROOT, RunningServer, environment, run

SCHEMA: Mapping[str, Any] = {
    "$schema": "../../action.json",
    "description": "Greets somebody by name.",
    "1": {
        "since": "1.12.0",
        "http": [{"verb": "GET", "path": "/_greet/:who"}],
        "arguments": {
            "who": {"in": "path", "required": True, "type": "string", "description": "Whom."},
            "loudly": {"in": "query", "type": "boolean", "description": "Whether in capitals."},
        },
        "result": {
            "type": "object",
            "properties": {"greeting": {"type": "string", "description": "What is said."}},
            "required": ["greeting"],
            "additionalProperties": False,
        },
        "errors": ["services.storage.not_connected"],
    },
}
METHOD = '''
    @action("greet")
    async def greet(self, request: Request) -> dict[str, str]:
        """Greet somebody."""
        greeting = f"Hello {request.argument('who')}"
        return {"greeting": greeting.upper() if request.argument("loudly") else greeting}
'''


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the product with one more schema and one more method."""
    folder = tmp_path_factory.mktemp("product")
    for name in ("kuzzle", "protocols", "schemas", "docs"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "mkdocs.yml", folder)
    (folder / "schemas" / "api" / "server" / "greet.json").write_text(json.dumps(SCHEMA))
    controller = folder / "kuzzle" / "controllers" / "server.py"
    text = controller.read_text()
    mark = '    @action("now")\n'
    assert text.count(mark) == 1
    controller.write_text(text.replace(mark, f"{METHOD.lstrip(chr(10))}\n{mark}"))
    return folder


def generated(product: Path, folder: Path, *arguments: str) -> Path:
    """Let the product generate something into a file or folder."""
    out = folder / "out"
    done = run(folder, "generate", *arguments, "--out", str(out), changes={"PYTHONPATH": str(product)})
    assert (done.returncode, done.stderr) == (0, "")
    return out


def test_the_server_serves_and_lists_it(product: Path, tmp_path: Path) -> None:
    with RunningServer(tmp_path, search_path=product) as server:

        def get(path: str) -> Any:
            connection = http.client.HTTPConnection("localhost", server.ports["http"], timeout=30)
            connection.request("GET", path)
            answer = connection.getresponse()
            content = json.loads(answer.read())
            connection.close()
            assert answer.status == 200, content
            return content

        assert get("/_greet/Ann?loudly")["result"] == {"greeting": "HELLO ANN"}
        assert get("/_publicApi")["result"]["server"]["greet"]["http"] == [{"url": "/_greet/:who", "verb": "GET"}]
        assert "/_greet/{who}" in get("/openapi.json")["paths"]
        assert "/_greet/{who}" in get("/swagger.json")["paths"]
        assert "server.greet.request" in get("/asyncapi.json")["components"]["messages"]
        assert "server.greet.result" in get("/schema.json")["$defs"]
        code, _, errors = server.stop()
        assert (code, "Traceback" in errors) == (0, False)


@pytest.mark.parametrize(
    ("kind", "place"),
    [
        ("openapi", ("paths", "/_greet/{who}", "get")),
        ("asyncapi", ("components", "messages", "server.greet.answer")),
        ("schema", ("$defs", "server.greet.response")),
    ],
)
def test_the_generated_documents_describe_it(product: Path, tmp_path: Path, kind: str, place: tuple[str, ...]) -> None:
    found = json.loads(generated(product, tmp_path, kind).read_text())
    for name in place:
        found = found[name]
    assert found


@pytest.mark.parametrize(
    ("language", "file", "lines"),
    [
        (
            "python",
            "kuzzle_client/controllers/server.py",
            ["    async def greet(\n        self,\n        who: str,\n", "-> types.ServerGreetResult:"],
        ),
        (
            "typescript",
            "src/controllers/server.ts",
            ["  async greet(\n    who: string,\n", "Promise<types.ServerGreetResult>"],
        ),
    ],
)
def test_both_clients_have_a_method_for_it(
    product: Path, tmp_path: Path, language: str, file: str, lines: list[str]
) -> None:
    text = (generated(product, tmp_path, "client", "--lang", language) / file).read_text()
    assert [line for line in lines if line not in text] == []


def test_the_site_has_a_place_for_it(product: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    ended = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(site)],
        cwd=product,
        env={**environment({}, search_path=product), "PYTHONWARNINGS": ""},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    page = (site / "api" / "server" / "index.html").read_text()
    assert 'id="greet"' in page
    for text in ("Greets somebody by name.", "/_greet/:who", "Whether in capitals."):
        assert text in page, text
    assert "server/#greet" in (site / "api" / "overview" / "index.html").read_text()
