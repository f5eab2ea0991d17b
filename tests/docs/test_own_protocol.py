"""The page on writing a protocol: its code is the tested example, and what it says of it is so."""

from __future__ import annotations

import ast
import asyncio
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from documentation import DOCS, ROOT, read_blocks
from harness import Server
from talkers import LINES

from protocols.base import Protocol

PAGE = (DOCS / "protocols-custom.md").read_text()
EXAMPLE = DOCS / "examples" / "protocols" / "line_protocol.py"
MARK = re.compile(r"^ *# --8<-- \[(start|end):(\w+)\]$", re.MULTILINE)


def test_the_page_shows_every_part_of_the_example_in_its_order() -> None:
    shown = [block.code for block in read_blocks(PAGE) if block.language == "python"]
    marks = MARK.findall(EXAMPLE.read_text())
    assert marks[::2] == [("start", name) for _, name in marks[1::2]]
    names = [name for kind, name in marks if kind == "start"]
    assert shown == [f'--8<-- "examples/protocols/line_protocol.py:{name}"\n' for name in names]


def test_the_parts_leave_nothing_of_the_example_out() -> None:
    text = EXAMPLE.read_text()
    parts = re.split(MARK, text)
    outside = "".join(parts[index] for index in range(0, len(parts), 3) if index == 0 or parts[index - 2] == "end")
    assert [type(node) for node in ast.parse(outside).body] == [ast.Expr]  # what the module says of itself


def test_the_site_shows_the_code_itself(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)]
    ended = subprocess.run(command, cwd=ROOT, env={"PYTHONPATH": str(ROOT), "PATH": ""}, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    text = re.sub(r"<[^>]+>", "", (tmp_path / "protocols-custom" / "index.html").read_text())
    assert "--8<--" not in text
    for name in vars(Protocol):
        if not name.startswith("_") and name not in ("hold_channel", "replay", "options_schema"):
            assert f"def {name}(self" in text, name


def test_the_page_names_all_modules_of_the_server_that_protocols_use() -> None:
    rows = re.findall(r"^\| (`.+?`) \|", PAGE, re.MULTILINE)
    named = {module for row in rows for module in re.findall(r"`([\w.]+)`", row)}
    used = {
        node.module
        for path in (EXAMPLE, ROOT / "protocols" / "base.py", *(ROOT / "protocols").glob("*/*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom)
        and node.module
        and (node.module.startswith("kuzzle.") or (path == EXAMPLE and node.module.startswith("protocols.")))
    }
    assert {one for one in used if not any(one == each or one.startswith(f"{each}.") for each in named)} == set()
    assert {each for each in named if each.startswith("kuzzle.") and not any(one.startswith(each) for one in used)} <= {
        "kuzzle.config"
    }


@pytest.mark.parametrize("block", [block.code for block in read_blocks(PAGE) if block.language == "sh"])
async def test_the_shell_is_a_client(tmp_path: Path, block: str) -> None:
    shutil.copy(EXAMPLE, tmp_path)
    async with Server(tmp_path, {"protocols": {"lines": LINES}}) as server:
        await server.prepare()
        code = block.replace("localhost/7513", f"localhost/{server.port('lines')}")
        code = code.replace("localhost:7512", f"localhost:{server.port('http')}")
        process = await asyncio.create_subprocess_exec("bash", "-e", "-c", code, stdout=asyncio.subprocess.PIPE)
        out, _ = await asyncio.wait_for(process.communicate(), 60)
    decoder, position, values = json.JSONDecoder(), 0, []
    text = out.decode().strip()
    while position < len(text):
        value, position = decoder.raw_decode(text, position)
        values.append(value)
        position += len(text[position:]) - len(text[position:].lstrip())
    answer, created, notification = values
    assert (answer["status"], answer["room"], created["status"]) == (200, "watch", 200)
    assert (notification["result"]["_id"], notification["protocol"]) == ("emma", "http")
    assert notification["room"] == answer["result"]["channel"]
