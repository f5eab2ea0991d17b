"""What the process tells about itself and its machine."""

from __future__ import annotations

import os
import platform

import pytest

from kuzzle import host


def test_the_language_is_named() -> None:
    assert host.runtime_version() == f"Python {platform.python_version()}"


def test_memory_is_counted_in_bytes() -> None:
    held = host.memory_used_bytes()
    block = bytearray(os.urandom(1)) * 50_000_000
    assert host.memory_used_bytes() > held + 40_000_000
    del block
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
