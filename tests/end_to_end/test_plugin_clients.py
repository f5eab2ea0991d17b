"""Clients that are generated from a running server have the actions of its plugins."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

from harness import Server
from node import CLIENTS, find_program
from plugin_folder import described, write_plugin
from running import run

CODE = """
class Greetings(Controller):
    name = "greetings"

    @action("hello")
    async def hello(self, request):
        if request.required("who") == "nobody":
            raise self.context.error("nobody_there", "nobody")
        return {"said": f"Hello {request.required('who')}"}

class Greeter(Plugin):
    name = "polite-greeter"
    errors = {"nobody_there": {"code": 1, "status": 412, "message": "There is %s."}}

    async def init(self, config, context):
        self.greetings.context = context

    def controllers(self):
        self.greetings = Greetings()
        return [self.greetings]
"""
SCHEMAS = {
    "greetings/hello": described(
        http=[{"verb": "GET", "path": "/hello/:who"}],
        arguments={"who": {"in": "path", "required": True, "type": "string", "description": "Whom to greet."}},
        result={
            "type": "object",
            "properties": {"said": {"type": "string", "description": "The greeting."}},
            "required": ["said"],
            "additionalProperties": False,
        },
        errors=["plugin.polite-greeter.nobody_there", "api.assert.missing_argument"],
    )
}


async def test_both_clients_have_what_a_plugin_adds(tmp_path: Path) -> None:
    section = write_plugin(tmp_path, CODE, name="polite-greeter", schemas=SCHEMAS)
    async with Server(tmp_path, {"plugins": {"polite-greeter": section}}) as server:
        for language in ("python", "typescript"):
            arguments = ("generate", "client", "--lang", language, "--out", language, "--url", server.url)
            done = await asyncio.to_thread(run, tmp_path, *arguments)
            assert (done.returncode, done.stderr) == (0, "")
            texts = [path.read_text() for path in (tmp_path / language).rglob("*") if path.is_file()]
            written = "\n".join(texts)
            assert "polite-greeter/greetings" in written
            assert "plugin.polite-greeter.nobody_there" in written
            assert "/_plugin/polite-greeter/hello/{who}" in written
    command = [sys.executable, "-m", "compileall", "-q", str(tmp_path / "python")]
    compiled = await asyncio.to_thread(subprocess.run, command, timeout=60, check=False)
    assert compiled.returncode == 0
    client = tmp_path / "typescript"
    (client / "node_modules").mkdir(exist_ok=True)
    (client / "node_modules" / "ws").symlink_to(CLIENTS / "node_modules" / "ws")
    compiler = CLIENTS / "node_modules" / "typescript" / "bin" / "tsc"
    command = [find_program("node", package="nodejs"), str(compiler), "--project", str(client)]
    compiled = await asyncio.to_thread(subprocess.run, command, capture_output=True, timeout=50, check=False)
    assert compiled.returncode == 0, compiled.stdout
