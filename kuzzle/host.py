"""What the process can tell about itself and the machine it runs on."""

from __future__ import annotations

import functools
import os
import platform
import resource
import sys
from pathlib import Path
from typing import Any

_PROCESSORS = Path("/proc/cpuinfo")
_MEMORY_PAGES = Path("/proc/self/statm")


def runtime_version() -> str:
    """Return the language and its version, like `Python 3.11.2`."""
    return f"Python {platform.python_version()}"


def memory_used_bytes() -> int:
    """Return the memory the process holds; where Linux's files are missing, the most it ever held."""
    try:
        return int(_MEMORY_PAGES.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024


def machine_memory_bytes() -> tuple[int, int]:
    """Return the memory of the machine and what of it is free; 0 where the system does not tell."""
    page = os.sysconf("SC_PAGE_SIZE")
    try:
        return os.sysconf("SC_PHYS_PAGES") * page, os.sysconf("SC_AVPHYS_PAGES") * page
    except (OSError, ValueError):
        return 0, 0


@functools.cache  # reading them can take long where there are many
def processors() -> list[dict[str, Any]]:
    """Return the name and the clock (MHz, 0 when unknown) of each processor."""
    try:
        text = _PROCESSORS.read_text(errors="replace")
    except OSError:
        text = ""
    found = [_processor(part) for part in text.split("\n\n") if part.startswith("processor")]
    return found or [{"model": platform.processor() or platform.machine(), "speed": 0}] * (os.cpu_count() or 1)


def _processor(part: str) -> dict[str, Any]:
    facts = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in part.splitlines())}
    try:
        speed = int(float(facts.get("cpu MHz", "0")))
    except ValueError:
        speed = 0
    return {"model": facts.get("model name") or platform.machine(), "speed": speed}
