"""What the process tells about itself and its machine."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from kuzzle import host

ROOT = Path(__file__).resolve().parents[2]


def test_the_language_is_named() -> None:
    assert host.runtime_version() == f"Python {platform.python_version()}"


def test_memory_is_counted_in_bytes() -> None:
    # In a process of its own: one that has run other tests may give memory back meanwhile.
    code = (
        "from kuzzle import host; held = host.memory_used_bytes(); block = b'x' * 50_000_000; "
        "print(host.memory_used_bytes() - held)"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert 40_000_000 < int(ended.stdout) < 60_000_000
    total, free = host.machine_memory_bytes()
    assert 0 < free < total


def test_every_processor_is_described() -> None:
    found = host.processors()
    assert len(found) >= 1
    for processor in found:
        assert set(processor) == {"model", "speed"}
        assert processor["model"]
        assert processor["speed"] >= 0


def test_a_machine_without_the_files_of_linux_is_described_too(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = host._PROCESSORS.with_name("no-such-file")
    monkeypatch.setattr(host, "_PROCESSORS", missing)
    monkeypatch.setattr(host, "_MEMORY_PAGES", missing)
    assert len(host.processors.__wrapped__()) == os.cpu_count()
    assert host.memory_used_bytes() > 1_000_000
