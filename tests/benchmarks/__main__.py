"""The benchmark suite: `.venv/bin/python tests/benchmarks [PART ...]`.

Parts: http websocket socketio mqtt create fanout rights pipes logins ms start. Prints Markdown tables; without names,
of all parts. README.md tells how they are meant.
"""

from __future__ import annotations

import argparse
import platform
import subprocess
import sys
from collections.abc import Callable, Mapping

import document_create
import empty_pipes
import fanout
import logins
import memory_storage
import protocols_contest
import rights
import startup
from contest import HEADING
from processes import has_mosquitto, plain_python

CONTESTS: Mapping[str, tuple[Callable[[], str], ...]] = {
    "http": (protocols_contest.http,),
    "websocket": (protocols_contest.websocket,),
    "socketio": (protocols_contest.socketio,),
    "mqtt": (protocols_contest.mqtt_request, protocols_contest.mqtt_qos1),
}


def _memory_storage() -> str:
    return f"{HEADING}\n{memory_storage.run()}"


TABLES: Mapping[str, Callable[[], str]] = {
    "create": document_create.run,
    "fanout": fanout.run,
    "rights": rights.run,
    "pipes": empty_pipes.run,
    "logins": logins.run,
    "ms": _memory_storage,
    "start": startup.run,
}


def show(text: str) -> None:
    """Print at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> None:
    """Run the parts that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", choices=[*CONTESTS, *TABLES, []], metavar="PART")
    wanted = parser.parse_args().parts or [*CONTESTS, *TABLES]
    plain_python()
    node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    show(f"CPython {platform.python_version()}, Node {node}\n")
    if "mqtt" in wanted and not has_mosquitto():
        show("Mosquitto is missing (apt-get install mosquitto): measured without it\n")
    if any(name in CONTESTS for name in wanted):
        show(HEADING)
    for name, contests in CONTESTS.items():
        if name in wanted:
            for contest in contests:
                show(contest())
    for name, run in TABLES.items():
        if name in wanted:
            show(f"\n{run()}")


if __name__ == "__main__":
    main()
