"""Diagnostic snapshots of the server, a folder each.

They tell what Kuzzle's dumps tell, of a server in Python: `kuzzle.json`, `plugins.json`, `python.json`
(in place of `nodejs.json`), `os.json`, `statistics.json`, and `stacks.txt`, what each thread was doing,
where Kuzzle leaves a core dump: that would hold the secrets and documents of every user.

What is secret stays out: of the configuration what is marked so, of the environment all values.
"""

from __future__ import annotations

import faulthandler
import json
import os
import platform
import re
import shutil
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import kuzzle
from kuzzle import host

# Folders of that form, and no others, are counted and removed as old snapshots.
_SNAPSHOT: Final = re.compile(r"[0-9]{8}-[0-9]{6}-[A-Za-z0-9._-]*")
_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9._-]+")
_MAX_NAME_LENGTH: Final = 200


def snapshot_name(now_s: float, suffix: str) -> str:
    """Return the name of a snapshot's folder: `YYYYMMDD-HHmmss-suffix`, at most 200 characters.

    What could lead elsewhere, and all that is neither an ASCII letter nor a digit, `.`, `_` or `-`, becomes `-`.
    """
    moment = time.strftime("%Y%m%d-%H%M%S", time.localtime(now_s))
    return f"{moment}-{_NOT_IN_NAMES.sub('-', suffix)}"[:_MAX_NAME_LENGTH]


def describe_server(config: Mapping[str, Any], statistics: object) -> dict[str, Any]:
    """Return the content of each JSON file by its name.

    Args:
        config: The configuration, secrets left out.
        statistics: The frames that are kept.
    """
    total, free = host.machine_memory_bytes()
    try:
        load: tuple[float, ...] = os.getloadavg()
    except OSError:
        load = ()
    return {
        "kuzzle.json": {"version": kuzzle.__version__, "config": config},
        "plugins.json": {},
        "python.json": {
            "env": sorted(os.environ),
            "argv": sys.argv,
            "version": sys.version,
            "implementation": platform.python_implementation(),
            "executable": sys.executable,
            "modules": sorted(sys.modules),
        },
        "os.json": {
            "platform": platform.platform(),
            "loadavg": load,
            "uptime": time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else None,
            "cpus": host.processors(),
            "mem": {"total": total, "free": free},
            "networkInterfaces": [name for _, name in socket.if_nameindex()],
        },
        "statistics.json": statistics,
    }


def write_snapshot(folder: Path, name: str, files: Mapping[str, Any], *, kept: int) -> None:
    """Write a snapshot and remove the oldest, so that at most `kept` remain. Blocks.

    Raises:
        OSError: It cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _remove_oldest(folder, kept - 1, besides=name)
    snapshot = folder / name
    snapshot.mkdir(mode=0o700, exist_ok=True)
    for file, content in files.items():
        (snapshot / file).write_bytes(_json(content))
    with (snapshot / "stacks.txt").open("w") as stacks:
        faulthandler.dump_traceback(stacks, all_threads=True)


def _remove_oldest(folder: Path, kept: int, *, besides: str) -> None:
    snapshots = sorted(
        entry.name
        for entry in folder.iterdir()
        if _SNAPSHOT.fullmatch(entry.name) and entry.is_dir() and not entry.is_symlink() and entry.name != besides
    )
    for name in snapshots[: max(0, len(snapshots) - kept)]:
        shutil.rmtree(folder / name)


def _json(content: Any) -> bytes:
    """Return JSON indented as Kuzzle's dumps are: by one space a level, with a newline at the end."""
    return f"{json.dumps(content, indent=1)}\n".encode()
