"""Every block of code on pages and in the README is run or read; a new one must find its place here."""

from __future__ import annotations

import asyncio
import json
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from documentation import DOCS, ROOT, Block, read_blocks
from harness import Server
from node import CLIENTS, Running, find_program, program_running
from running import RunningServer, environment

from kuzzle.config import Config
from kuzzle.config.options import load_options

PAGES: Final = (ROOT / "README.md", *sorted(DOCS.glob("*.md")))
BLOCKS: Final = [(page.name, block) for page in PAGES for block in read_blocks(page.read_text())]
# Pages whose blocks, but for configurations, a test of its own runs.
RUN_ELSEWHERE: Final[Mapping[str, str]] = {
    "clients.md": "tests/end_to_end/test_generated_clients.py",
    "differences.md": "no code",
    "filters.md": "tests/docs/test_filters.py",
    "index.md": "tests/docs/test_site.py",
    "moving.md": "tests/docs/test_moving.py",
    "plugins.md": "tests/docs/test_plugin_examples.py",
    "protocols-custom.md": "tests/docs/test_own_protocol.py",
    "search.md": "tests/docs/test_search.py",
}
# What needs a machine of its own, by a line of the block.
NOT_HERE: Final[Mapping[str, str]] = {
    "useradd --system": "a service needs root and systemd",
    "systemctl stop kuzzle": "so does its restore, whose command tests/kuzzle/test_backup.py runs",
    "python3 -m venv": "an installation; tests/kuzzle/test_packaging.py makes one",
    "tests/run": "this very suite",
}
# Blocks of languages that are no programs, and those that a test below or elsewhere runs, by a line of them.
RUN_BY_NAME: Final[Mapping[str, str]] = {
    "curl http://localhost:7512/\n": "tests/end_to_end/test_first_steps.py",
    "socket.onopen": "test_the_websocket_of_the_readme_hears",
    "socket.io/socket.io.js": "test_the_socketio_examples_are_answered",
    "socket.once('my-request'": "test_the_socketio_examples_are_answered",
    "mqtt subscribe": "test_the_mqtt_examples_are_answered",
    "mqtt publish": "test_the_mqtt_examples_are_answered",
    "mosquitto_rr": "test_the_mqtt_examples_are_answered",
    "kuzzle-sdk": "test_the_sdk_of_the_readme_writes",
    "curl -X POST localhost:7512/ms/": "test_the_commands_of_the_memory_storage_count",
    "kuzzle create-first-admin": "test_the_first_administrator_is_made_and_a_backup_is",
    "kuzzle backup": "test_the_first_administrator_is_made_and_a_backup_is",
    '"controller"': "tests/docs/test_site.py, tests/kuzzle/realtime/test_recovery.py",
    '"recovered"': "tests/kuzzle/realtime/test_recovery.py",
    "lines: {class:": "tests/end_to_end/test_own_protocol.py has such a protocol",
}


def known_place(page: str, block: Block) -> str | None:
    """Return where a block is run, or why it is not; None where nobody knows."""
    if block.language == "yaml":
        return "test_a_configuration_is_one"
    if page in RUN_ELSEWHERE:
        return RUN_ELSEWHERE[page]
    return next((why for mark, why in {**NOT_HERE, **RUN_BY_NAME}.items() if mark in block.code), None)


def block_with(page: str, mark: str) -> Block:
    (found,) = [block for name, block in BLOCKS if name == page and mark in block.code]
    return found


def test_every_block_is_run_somewhere() -> None:
    assert [(page, block.code) for page, block in BLOCKS if known_place(page, block) is None] == []


def test_every_mark_stands_for_a_block() -> None:
    texts = [block.code for _, block in BLOCKS]
    assert [mark for mark in {**NOT_HERE, **RUN_BY_NAME} if not any(mark in text for text in texts)] == []


@pytest.mark.parametrize(
    ("page", "block"), [each for each in BLOCKS if each[1].language == "yaml"], ids=lambda each: str(each)[:24]
)
def test_a_configuration_is_one(tmp_path: Path, page: str, block: Block) -> None:
    options = yaml.safe_load(block.code)
    assert options.keys() <= load_options()["properties"].keys(), page
    if "class" in json.dumps(options.get("protocols", {})):
        return  # its module is the reader's own
    (tmp_path / "kuzzle.yml").write_text(block.code)
    Config.load(tmp_path / "kuzzle.yml", {})


async def shell(code: str, **variables: str) -> str:
    """Run a script of a page and return what it prints."""
    process = await asyncio.create_subprocess_exec(
        *("bash", "-e", "-c", code),
        env={**environment({}), **variables},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, err.decode()
    return out.decode()


async def test_the_commands_of_the_memory_storage_count(server: Server) -> None:
    code = block_with("memory-storage.md", "/ms/_incr").code.replace(
        "localhost:7512", f"localhost:{server.port('http')}"
    )
    answers = (await shell(code.replace("curl ", "curl -sS -w '\\n' "))).splitlines()
    assert [json.loads(answer)["result"] for answer in answers] == ["OK", 42, "42"]


async def test_the_websocket_of_the_readme_hears(server: Server, tmp_path: Path) -> None:
    await server.prepare("index", "collection")
    script = tmp_path / "subscriber.mjs"
    code = block_with("README.md", "socket.onopen").code.replace("7512", str(server.port("websocket")))
    ws = CLIENTS / "node_modules" / "ws" / "wrapper.mjs"  # before version 22 Node has no WebSocket of its own
    shown = "message => console.log(JSON.stringify(JSON.parse(message.data)))"
    assert "message => console.log(JSON.parse(message.data))" in code
    code = code.replace("message => console.log(JSON.parse(message.data))", shown)
    script.write_text(f"import {{WebSocket}} from {json.dumps(str(ws))};\n{code}")
    async with program_running(find_program("node", package="nodejs"), str(script)) as running:
        subscribed = await running.value()
        assert (subscribed["requestId"], subscribed["status"]) == ("my-request", 200)
        await server.http("POST", "/index/collection/_create", {"lastName": "Byron"})
        await server.http("POST", "/index/collection/ada/_create", {"lastName": "Lovelace"})
        heard = await running.value()
        assert (heard["room"], heard["result"]["_id"]) == (subscribed["result"]["channel"], "ada")


@pytest.mark.parametrize("page", ["README.md", "protocols.md"])
async def test_the_socketio_examples_are_answered(server: Server, tmp_path: Path, page: str) -> None:
    code = block_with(page, "socket.once('my-request'").code
    if "<script" in code:
        assert 'src="http://localhost:7512/socket.io/socket.io.js"' in code
        code = code.partition("<script>\n")[2].partition("</script>")[0]
    code = code.replace("7512", str(server.port("socketio"))).replace("console.log(response)", "done(response)")
    done = "const done = response => { console.log(JSON.stringify(response)); socket.close(); };"
    script = tmp_path / "asker.cjs"
    module = json.dumps(str(CLIENTS / "node_modules" / "socket.io-client-2.0"))
    script.write_text(f"const io = require({module});\n{done}\n{code}")
    async with program_running(find_program("node", package="nodejs"), str(script)) as running:
        (answer,) = await running.rest()
    assert (answer["status"], answer["action"]) == (200, "now")


async def test_the_sdk_of_the_readme_writes(server: Server, tmp_path: Path) -> None:
    await server.prepare("index", "collection")
    code = block_with("README.md", "kuzzle-sdk").code
    module = json.dumps(str(CLIENTS / "node_modules" / "kuzzle-sdk"))
    code = code.replace("'kuzzle-sdk'", module)
    code = code.replace("'localhost'", f"'localhost', {{port: {server.port('websocket')}}}")
    script = tmp_path / "writer.cjs"
    script.write_text(f"(async () => {{\n{code}\nkuzzle.disconnect();\n}})();\n")
    async with program_running(find_program("node", package="nodejs"), str(script)) as running:
        assert await running.rest() == []
    await server.http("POST", "/index/_refresh")
    counted = await server.http("POST", "/index/collection/_count", {"query": {"match": {"firstName": "grace"}}})
    assert counted.result["count"] == 1


async def test_the_mqtt_examples_are_answered(server: Server) -> None:
    await server.prepare("index", "collection")
    port = str(server.port("mqtt"))
    command = block_with("protocols.md", "mosquitto_rr").code
    find_program("mosquitto_rr", package="mosquitto-clients")
    now = json.loads(await shell(command.replace("mosquitto_rr ", f"mosquitto_rr -p {port} ")))
    assert (now["status"], now["action"]) == (200, "now")
    mqtt = CLIENTS / "node_modules" / ".bin" / "mqtt"
    node = find_program("node", package="nodejs")
    subscribe = shlex.split(block_with("README.md", "mqtt subscribe").code)
    publish = shlex.split(block_with("README.md", "mqtt publish").code)
    assert subscribe[0] == publish[0] == "mqtt"
    async with program_running(node, str(mqtt), *subscribe[1:], "-p", port) as subscriber:
        answer = asyncio.ensure_future(shown_answer(subscriber))
        while not answer.done():  # nothing tells when the subscription stands
            async with program_running(node, str(mqtt), *publish[1:], "-p", port) as publisher:
                await publisher.process.wait()
            await asyncio.wait([answer], timeout=2)
    assert (await answer)["result"]["_source"]["lastName"] == "Doe"


async def shown_answer(subscriber: Running) -> Any:
    """Return the first answer that is shown; requests are shown too."""
    while True:
        message = json.loads((await subscriber.line()).partition(" ")[2])
        if "status" in message:
            assert message["status"] == 200, message
            return message


def test_the_first_administrator_is_made_and_a_backup_is(tmp_path: Path) -> None:
    kuzzle = tmp_path / "kuzzle"
    kuzzle.write_text(f'#!/bin/sh\nexec {sys.executable} -m kuzzle "$@"\n')
    kuzzle.chmod(0o755)
    with RunningServer(tmp_path) as server:
        changed = environment({"PASSWORD": "engine"})
        changed["PATH"] = f"{tmp_path}:{changed['PATH']}"
        lines = block_with("operations.md", "kuzzle create-first-admin").code.splitlines()
        assert lines[1].startswith("printf ")
        first = lines[1].replace("--host kuzzle.example --port 7512", f"--port {server.ports['websocket']}")
        backup = block_with("operations.md", "kuzzle backup /var").code.replace("/var/backups", str(tmp_path))
        for code in (first, backup):
            done = subprocess.run(
                ["bash", "-e", "-c", code],
                cwd=tmp_path,
                env=changed,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            assert done.returncode == 0, (code, done.stderr)
    assert list(tmp_path.glob("kuzzle-*.db"))
