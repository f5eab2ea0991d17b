"""The page on moving from Kuzzle: its commands, run from one server to another, and its table of options."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from documentation import DOCS, read_blocks, read_sections
from running import RunningServer, environment, run
from shell_operator import Operator

from kuzzle.config.options import leaves, load_options

TEXT = (DOCS / "moving.md").read_text()
MAPPING = {"properties": {"title": {"type": "text"}, "year": {"type": "integer"}}}
RULES = {"strict": True, "fields": {"title": {"type": "string"}, "year": {"type": "integer"}}}


def follow(folder: Path, old: RunningServer, new: RunningServer) -> None:
    """Run every command of the page in its order, in a folder."""
    kuzzle = folder / "kuzzle"
    kuzzle.write_text(f'#!/bin/sh\nexec {sys.executable} -m kuzzle "$@"\n')
    kuzzle.chmod(0o755)
    changed = environment({})
    changed["PATH"] = f"{folder}:{Path(sys.executable).parent}:{changed['PATH']}"
    for block in read_blocks(TEXT):
        if block.language == "python":
            (folder / block.title).write_text(block.code)
            continue
        code = block.code
        for name, server in (("old", old), ("new", new)):
            code = code.replace(f"--host {name}.example --port 7512", f"--port {server.ports['websocket']}")
        assert "example" not in code
        command = ["bash", "-e", "-c", code]
        done = subprocess.run(
            command, cwd=folder, env=changed, capture_output=True, text=True, timeout=100, check=False
        )
        assert (done.returncode, "Traceback" in done.stderr) == (0, False), (block.title, done.stdout, done.stderr)


def fill(old: Operator) -> None:
    """What there is on the old server."""
    old.query("admin:loadMappings", {"library": {"books": MAPPING}}, refresh="wait_for")
    where = {"index": "library", "collection": "books"}
    old.query("document:create", {"title": "Emma", "year": 1815}, _id="emma", refresh="wait_for", **where)
    old.query("collection:updateSpecifications", {"library": {"books": RULES}}, refresh="wait_for")
    rights = {"document": {"actions": {"get": True}}, "auth": {"actions": {"login": True, "getCurrentUser": True}}}
    securities = {
        "roles": {"reader": {"controllers": rights}},
        "profiles": {"readers": {"policies": [{"roleId": "reader", "restrictedTo": [{"index": "library"}]}]}},
        "users": {"ann": {"content": {"profileIds": ["readers"], "name": "Ann"}, "credentials": {}}},
    }
    old.query("admin:loadSecurities", securities, refresh="wait_for")


def hashes() -> dict[str, Any]:
    """What Elasticsearch has of a password, as Kuzzle's plugin stores it."""
    digest = hmac.digest(b"salt", b"Highbury", hashlib.sha512).hex()
    secret = {"kuid": "ann", "userPassword": digest, "userSalt": "salt", "algorithm": "sha512", "stretching": False,
              "encryption": "hmac", "pepper": False}  # fmt: skip
    return {"hits": {"total": 1, "hits": [{"_id": "ann@example.org", "_source": secret}]}}


def test_everything_of_one_server_is_on_the_other_after_the_commands_of_the_page(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("old", "new", "here")]
    for folder in folders:
        folder.mkdir()
    old_folder, new_folder, here = folders
    (here / "hashes.json").write_text(json.dumps(hashes()))
    with RunningServer(old_folder) as old, RunningServer(new_folder) as new:
        fill(Operator(here, old.ports["websocket"]))
        follow(here, old, new)
        operator = Operator(here, new.ports["websocket"])
        where = {"index": "library", "collection": "books"}
        assert operator.query("document:get", _id="emma", **where)["_source"]["year"] == 1815
        kept = operator.query("collection:getMapping", **where)["library"]["mappings"]["books"]["properties"]
        assert kept.items() >= MAPPING["properties"].items()
        assert operator.query("collection:getSpecifications", **where)["validation"] == RULES
        asked = ("query", "auth:getCurrentUser", "--username", "ann@example.org", "--password", "Highbury")
        ended = operator.run(*asked)
        assert ended.returncode == 0, ended.stderr
        user = json.loads(ended.stdout)
        assert (user["_id"], user["_source"]["name"], user["_source"]["profileIds"]) == ("ann", "Ann", ["readers"])
        profile = operator.query("security:getProfile", _id="readers")
        assert profile["_source"]["policies"] == [{"roleId": "reader", "restrictedTo": [{"index": "library"}]}]


def test_every_option_that_the_page_leads_to_is_one() -> None:
    known = {".".join(path[:length]) for path, _ in leaves(load_options()) for length in range(1, len(path) + 1)}
    rows = re.findall(r"^\| (`.*) \| (`.*) \|$", read_sections(TEXT, 2)["Configuration"], re.MULTILINE)
    assert len(rows) > 5
    for _, places in rows:
        for place in re.findall(r"`([^`]+)`", places):
            assert place in known, place


def test_the_file_that_is_written_first_can_be_started_with(tmp_path: Path) -> None:
    assert run(tmp_path, "init").returncode == 0
    assert run(tmp_path, "check").returncode == 0
