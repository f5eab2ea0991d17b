"""Servers that do the same work, measured in turn.

The measure is the CPU time of the server's process for one request (utime + stime of /proc/PID/stat): it
hardly swings with what else the machine does, as requests a second do. Every contestant gets several rounds,
in turn with the others, and the best one counts; before them a round that is not counted warms it up.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from load import Link, drive

ROUNDS = 5
ROUND_SECONDS = 0.7
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Contestant:
    """A server under load.

    Attributes:
        name: Shown in the table.
        pid: Its process.
        open_links: Opens the connections of one round.
        sign: What the last answers of every connection must hold, so that refusals are not counted as work.
        target: The most that our cost may be as a multiple of this peer's; None where none is set.
        cpu_us: CPU time a request in microseconds, by round.
        per_second: Requests a second, by round.
    """

    name: str
    pid: int
    open_links: Callable[[], Sequence[Link]]
    sign: bytes = b""
    target: float | None = None
    cpu_us: list[float] = field(default_factory=list)
    per_second: list[float] = field(default_factory=list)


def cpu_seconds(pid: int) -> float:
    """CPU time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS


def memory_mib(pid: int) -> float:
    """Resident memory of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


def compete(contestants: Sequence[Contestant], window: int, *, rounds: int = ROUNDS) -> None:
    """Measure the contestants in turn."""
    for contestant in contestants:
        _round(contestant, window, is_counted=False)
    for _ in range(rounds):
        for contestant in contestants:
            _round(contestant, window, is_counted=True)


def _round(contestant: Contestant, window: int, *, is_counted: bool) -> None:
    links = contestant.open_links()
    cpu, start = cpu_seconds(contestant.pid), time.perf_counter()
    done = drive(links, window, ROUND_SECONDS)
    elapsed, cpu = time.perf_counter() - start, cpu_seconds(contestant.pid) - cpu
    for link in links:
        if contestant.sign not in link.last:
            raise RuntimeError(f"{contestant.name} answered {link.last!r}")
        link.close()
    if is_counted:
        contestant.cpu_us.append(cpu / done * 1e6)
        contestant.per_second.append(done / elapsed)


def table(title: str, ours: Contestant, peers: Sequence[Contestant]) -> str:
    """The rows of a contest, as Markdown."""
    cost = min(ours.cpu_us)
    rows = [f"| **{title}** | {ours.name} | {cost:.1f} | | | {max(ours.per_second):,.0f} |"]
    for peer in peers:
        ratio = cost / min(peer.cpu_us)
        target = "" if peer.target is None else f"{peer.target} {'kept' if ratio <= peer.target else '**missed**'}"
        rows.append(
            f"| | {peer.name} | {min(peer.cpu_us):.1f} | {ratio:.2f} | {target} | {max(peer.per_second):,.0f} |"
        )
    return "\n".join(rows)


HEADING = (
    "| work | server | CPU us a request | ours is so many times this | target | requests/s |\n"
    "|---|---|---:|---:|---|---:|"
)
