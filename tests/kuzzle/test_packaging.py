"""The distribution: what reaches the wheel, and that a server installed from it runs anywhere."""

from __future__ import annotations

import re
import shutil
import site
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from running import ROOT, RunningServer, run

from kuzzle import __version__

SHIPPED = ("kuzzle", "protocols", "schemas")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy of the sources, without network."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    for name in (*SHIPPED, "setup.py", "pyproject.toml", "MANIFEST.in", "README.md", "LICENSE"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            source.mkdir(exist_ok=True)
            shutil.copy(ROOT / name, source)
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(source))
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel into an environment of its own, which borrows the dependencies of ours."""
    folder = tmp_path_factory.mktemp("installed") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True, timeout=120)
    python = folder / "bin" / "python"
    pip("--python", str(python), "install", "--no-deps", "--no-index", str(wheel))
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "borrowed.pth").write_text("".join(f"{path}\n" for path in site.getsitepackages()))
    return folder


def pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_wheel_holds_every_file_of_the_packages_and_no_other(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    expected = {
        str(path.relative_to(ROOT))
        for folder in SHIPPED
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert held == expected


def test_the_wheel_tells_its_version_licence_and_command(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        texts = {
            name.rsplit("/", 1)[1]: archive.read(name).decode() for name in archive.namelist() if ".dist-info/" in name
        }
    assert f"\nVersion: {__version__}\n" in texts["METADATA"]
    assert re.search("^License(-Expression)?: Apache-2.0$", texts["METADATA"], re.MULTILINE)
    assert "kuzzle = kuzzle.cli:main" in texts["entry_points.txt"]
    assert texts["LICENSE"] == (ROOT / "LICENSE").read_text()


@pytest.mark.parametrize("program", [("bin/kuzzle",), ("bin/python", "-m", "kuzzle")])
def test_an_installed_server_runs_from_a_foreign_folder(
    installed: Path, tmp_path: Path, program: tuple[str, ...]
) -> None:
    for decoy in ("protocols", "schemas"):
        (tmp_path / decoy).mkdir()
        (tmp_path / decoy / "__init__.py").write_text("raise RuntimeError('a decoy was imported')")
    command = [str(installed / program[0]), *program[1:]]
    with RunningServer(tmp_path, program=command, search_path=None) as server:
        assert server.summary[0].startswith(f"Kuzzle {__version__} ")
        assert set(server.ports) == {"http", "websocket", "socketio", "mqtt"}
        assert server.stop()[0] == 0
    assert (tmp_path / "data" / "kuzzle.db").exists()


def test_an_installed_server_writes_its_configuration(installed: Path, tmp_path: Path) -> None:
    ended = run(tmp_path, "init", program=[str(installed / "bin" / "kuzzle")], changes={"PYTHONPATH": ""})
    assert ended.returncode == 0
    assert (tmp_path / "kuzzle.yml").read_text() == (ROOT / "kuzzle.yml").read_text()
