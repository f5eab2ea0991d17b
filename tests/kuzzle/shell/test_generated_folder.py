"""A folder of generated files: runs replace what runs wrote, and touch nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kuzzle.shell.errors import ShellError
from kuzzle.shell.generated_folder import LIST_NAME, GeneratedFolder


def write(folder: Path, **files: str) -> list[str]:
    """Write files; two underscores in a name stand for a slash, one for a dot."""
    return GeneratedFolder(folder).write(
        {name.replace("__", "/").replace("_", "."): text for name, text in files.items()}
    )


def content(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != LIST_NAME)
    return {path.relative_to(folder).as_posix(): path.read_text() for path in files}


def test_files_that_are_no_longer_written_are_removed_with_the_folders_they_leave_empty(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert write(out, a_py="1", deep__er__b_py="2", deep__c_py="3") == []
    assert write(out, a_py="new", deep__c_py="3") == []
    assert content(out) == {"a.py": "new", "deep/c.py": "3"}
    assert not (out / "deep" / "er").exists()
    assert write(out, d_ts="4") == []
    assert content(out) == {"d.ts": "4"}
    assert sorted(path.name for path in out.iterdir()) == [LIST_NAME, "d.ts"]


def test_files_of_others_stay(tmp_path: Path) -> None:
    write(tmp_path, deep__a_py="1", b_py="2")
    (tmp_path / "deep" / "mine.py").write_text("mine")
    write(tmp_path, b_py="2")
    assert content(tmp_path) == {"b.py": "2", "deep/mine.py": "mine"}


def test_a_generated_file_that_was_changed_is_overwritten_or_left_but_never_removed(tmp_path: Path) -> None:
    write(tmp_path, a_py="1", b_py="2")
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text("changed")
    assert write(tmp_path, a_py="3") == ["b.py"]
    assert content(tmp_path) == {"a.py": "3", "b.py": "changed"}


@pytest.mark.parametrize("kind", ["file", "folder", "link", "linked folder"])
def test_a_file_of_somebody_else_in_the_way_is_refused_and_nothing_written(tmp_path: Path, kind: str) -> None:
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    elsewhere.mkdir()
    out.mkdir()
    (elsewhere / "mine.json").write_text("mine")
    if kind == "linked folder":
        (out / "package").symlink_to(elsewhere)
    else:
        (out / "package").mkdir()
        way = out / "package" / "mine.json"
        if kind == "file":
            way.write_text("mine")
        elif kind == "folder":
            way.mkdir()
        else:
            way.symlink_to(elsewhere / "mine.json")
    with pytest.raises(ShellError, match="exists and was not generated"):
        write(out, first_py="1", package__mine_json="generated")
    assert (elsewhere / "mine.json").read_text() == "mine"
    assert not (out / "first.py").exists()


def test_a_file_that_has_the_very_content_already_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("1")
    write(tmp_path, a_py="1")
    write(tmp_path, b_py="2")
    assert content(tmp_path) == {"b.py": "2"}


def test_the_same_files_leave_the_same_list(tmp_path: Path) -> None:
    write(tmp_path / "a", x_py="1", b_py="2")
    write(tmp_path / "b", old_py="0")
    write(tmp_path / "b", b_py="2", x_py="1")
    assert (tmp_path / "a" / LIST_NAME).read_bytes() == (tmp_path / "b" / LIST_NAME).read_bytes()


@pytest.mark.parametrize(
    "files",
    [{"../mine.py": "x"}, {"/mine.py": "x"}, {".": "x"}, {"a\0": "x"}, {"a.py": 1}, [], "text", None],
)
def test_a_list_that_no_run_wrote_is_refused(tmp_path: Path, files: object) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (tmp_path / "mine.py").write_text("mine")
    (out / LIST_NAME).write_text(json.dumps({"files": files}))
    with pytest.raises(ShellError, match="no list of generated files"):
        write(out, a_py="1")
    assert (tmp_path / "mine.py").read_text() == "mine"
    assert not (out / "a.py").exists()


def test_a_link_that_took_the_place_of_a_generated_file_is_left(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, a_py="1", b_py="2")
    (tmp_path / "mine.py").write_text("1")
    (out / "a.py").unlink()
    (out / "a.py").symlink_to(tmp_path / "mine.py")
    assert write(out, b_py="2") == ["a.py"]
    assert (tmp_path / "mine.py").read_text() == "1"


def test_a_file_that_somebody_removed_is_not_missed(tmp_path: Path) -> None:
    write(tmp_path, a_py="1", b_py="2")
    (tmp_path / "a.py").unlink()
    assert write(tmp_path, b_py="2") == []
