"""`kuzzle backup` and `kuzzle restore`, with real servers that are written to."""

from __future__ import annotations

import http.client
import json
import shutil
import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import apsw
import pytest
from running import FREE_PORTS, RunningServer, run

from kuzzle.storage.sqlite import backup as copies
from kuzzle.storage.sqlite.lock import StoreLock


class Client:
    """A client over one HTTP connection."""

    def __init__(self, server: RunningServer) -> None:
        self._connection = http.client.HTTPConnection("localhost", server.ports["http"], timeout=30)

    def ask(self, verb: str, path: str, body: Any = None) -> Any:
        """Send a request; return its result, which must be one."""
        headers = {} if body is None else {"Content-Type": "application/json"}
        self._connection.request(verb, path, None if body is None else json.dumps(body), headers)
        answer = json.loads(self._connection.getresponse().read())
        assert answer["status"] == 200, answer
        return answer["result"]

    def prepare(self) -> None:
        """Make the collection the tests write to."""
        self.ask("POST", "/library/_create")
        self.ask("PUT", "/library/books", {"properties": {"number": {"type": "integer"}}})

    def create(self, number: int, **members: Any) -> None:
        """Store a document."""
        self.ask("POST", f"/library/books/{number}/_create", {"number": number, **members})

    def numbers(self) -> list[int]:
        """Return what was stored, as a search on the mapped field finds it."""
        found = self.ask("POST", "/library/books/_search?size=9999", {"query": {"exists": {"field": "number"}}})
        return sorted(hit["_source"]["number"] for hit in found["hits"])

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


@contextmanager
def serving(folder: Path) -> Iterator[Client]:
    """Run a server in a folder, and stop it cleanly."""
    with RunningServer(folder) as server:
        with closing(Client(server)) as client:
            yield client
        assert server.stop()[0] == 0


class Writing(threading.Thread):
    """Writes documents one after the other until it is told to stop.

    Attributes:
        acknowledged: Number of the documents that the server has acknowledged: 0 and those that follow.
    """

    def __init__(self, client: Client) -> None:
        super().__init__()
        self.acknowledged = 0
        self.has_begun = threading.Event()
        self.shall_stop = threading.Event()
        self._client = client

    def run(self) -> None:
        while not self.shall_stop.is_set():
            self._client.create(self.acknowledged, text="x" * 2000)
            self.acknowledged += 1
            if self.acknowledged == 50:
                self.has_begun.set()


def test_a_backup_under_writes_holds_what_was_acknowledged_before_it_began(tmp_path: Path) -> None:
    backups = []
    with RunningServer(tmp_path) as server, closing(Client(server)) as client:
        client.prepare()
        writing = Writing(client)
        writing.start()
        try:
            assert writing.has_begun.wait(60)
            for number in range(3):
                before = writing.acknowledged
                ended = run(tmp_path, "backup", f"backup-{number}.db")
                backups.append((before, writing.acknowledged))
                assert (ended.returncode, ended.stderr) == (0, "")
        finally:
            writing.shall_stop.set()
            writing.join(60)
        assert writing.acknowledged > backups[-1][0]  # the server wrote on
        assert server.stop()[0] == 0
    for number, (before, after) in enumerate(backups):
        folder = tmp_path / f"restored-{number}"
        folder.mkdir()
        ended = run(folder, "restore", f"../backup-{number}.db")
        assert (ended.returncode, ended.stderr) == (0, "")
        with serving(folder) as restored:
            numbers = restored.numbers()
            assert numbers == list(range(len(numbers)))  # no hole: one moment of the store
            assert before <= len(numbers) <= after + 1
            restored.create(len(numbers))


def test_writes_between_the_steps_of_a_copy_do_not_start_it_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "store.db"
    steps = 0

    class Writer(apsw.Connection):
        """A connection that has another one write after each step of its backup."""

        def backup(self, *arguments: Any) -> Any:
            return Backup(super().backup(*arguments))

    class Backup:
        def __init__(self, backup: apsw.Backup) -> None:
            self._backup = backup

        def __enter__(self) -> Backup:
            return self

        def __exit__(self, *details: object) -> None:
            self._backup.close()

        @property
        def done(self) -> bool:
            return self._backup.done

        def step(self, pages: int) -> None:
            nonlocal steps
            self._backup.step(pages)
            steps += 1
            assert steps < 100, "the copy began anew"
            with server:
                server.execute("INSERT INTO t VALUES (zeroblob(5000))")

    server = apsw.Connection(str(store))
    server.pragma("journal_mode", "wal")
    server.execute("CREATE TABLE t (x)")
    server.pragma("application_id", copies.APPLICATION_ID)
    server.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) "
                   "INSERT INTO t SELECT zeroblob(5000) FROM n")  # fmt: skip
    monkeypatch.setattr(copies, "_PAGES_PER_STEP", 16)
    monkeypatch.setattr(copies.apsw, "Connection", Writer)
    copies.back_up(store, tmp_path / "backup.db")
    monkeypatch.undo()
    server.close()
    assert 10 < steps < 40
    with closing(sqlite3.connect(tmp_path / "backup.db")) as copy:
        assert copy.execute("SELECT count(*) FROM t").fetchone() == (200,)


def test_a_store_comes_back_as_it_was(tmp_path: Path) -> None:
    with serving(tmp_path) as client:
        client.prepare()
        client.create(1)
    ended = run(tmp_path, "backup", "backup.db")
    size = (tmp_path / "backup.db").stat().st_size
    assert ended.stdout == f"Wrote {tmp_path}/backup.db ({size} bytes) from {tmp_path}/data/kuzzle.db\n"
    assert stat.S_IMODE((tmp_path / "backup.db").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.glob("backup.db*")] == ["backup.db"]
    with serving(tmp_path) as client:
        client.create(2)
    ended = run(tmp_path, "restore", "backup.db", "--force")
    assert ended.stdout == f"Restored {tmp_path}/data/kuzzle.db ({size} bytes) from {tmp_path}/backup.db\n"
    with serving(tmp_path) as client:
        assert client.numbers() == [1]


def test_a_restore_leaves_nothing_of_the_log_of_a_killed_server(tmp_path: Path) -> None:
    with RunningServer(tmp_path) as server, closing(Client(server)) as client:
        client.prepare()
        client.create(1)
        assert run(tmp_path, "backup", "backup.db").returncode == 0
        client.create(2)
        server.process.kill()
        server.process.wait(30)
    assert (tmp_path / "data" / "kuzzle.db-wal").stat().st_size > 0
    assert run(tmp_path, "restore", "backup.db", "--force").returncode == 0
    with serving(tmp_path) as client:
        assert client.numbers() == [1]


def test_a_backup_of_a_killed_server_holds_what_is_in_its_log(tmp_path: Path) -> None:
    with RunningServer(tmp_path) as server, closing(Client(server)) as client:
        client.prepare()
        client.create(1)
        server.process.kill()
        server.process.wait(30)
    assert run(tmp_path, "backup", "backup.db").returncode == 0
    (tmp_path / "new").mkdir()
    assert run(tmp_path / "new", "restore", "../backup.db").returncode == 0
    with serving(tmp_path / "new") as client:
        assert client.numbers() == [1]


def test_a_store_in_use_is_not_restored(tmp_path: Path) -> None:
    with serving(tmp_path) as client:
        client.prepare()
        assert run(tmp_path, "backup", "backup.db").returncode == 0
        client.create(1)
        ended = run(tmp_path, "restore", "backup.db", "--force")
        assert (ended.returncode, ended.stdout) == (1, "")
        lock = tmp_path / "data" / "kuzzle.db.lock"
        assert ended.stderr == f"kuzzle: The store is in use by another server: {lock} is locked\n"
        client.create(2)
        assert client.numbers() == [1, 2]


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store and a backup of it, to be copied."""
    folder = tmp_path_factory.mktemp("example")
    with serving(folder) as client:
        client.prepare()
        client.create(1)
    assert run(folder, "backup", "backup.db").returncode == 0
    return folder


@pytest.fixture
def stopped(example: Path, tmp_path: Path) -> Path:
    """A folder with a store and a backup of it, without a server."""
    shutil.copytree(example, tmp_path, dirs_exist_ok=True)
    return tmp_path


def test_nothing_is_overwritten_without_force(stopped: Path) -> None:
    content = (stopped / "backup.db").read_bytes()
    ended = run(stopped, "backup", "backup.db")
    assert (ended.returncode, ended.stderr) == (
        1,
        f"kuzzle: {stopped}/backup.db exists already; --force overwrites it\n",
    )
    assert (stopped / "backup.db").read_bytes() == content
    ended = run(stopped, "restore", "backup.db")
    expected = f"kuzzle: There is a store {stopped}/data/kuzzle.db already; --force overwrites it\n"
    assert (ended.returncode, ended.stderr) == (1, expected)
    assert run(stopped, "backup", "backup.db", "--force").returncode == 0


@pytest.mark.parametrize("command", ["backup", "restore"])
def test_the_store_itself_is_no_backup(stopped: Path, command: str) -> None:
    ended = run(stopped, command, "data/kuzzle.db", "--force")
    assert (ended.returncode, ended.stderr) == (1, f"kuzzle: {stopped}/data/kuzzle.db is the store itself\n")
    with serving(stopped) as client:
        assert client.numbers() == [1]


def test_backup_and_restore_keep_out_of_each_others_way(stopped: Path) -> None:
    lock = StoreLock(stopped / "data" / "kuzzle.db", suffix=".backup.lock")
    lock.take()
    for command in (("backup", "other.db"), ("restore", "backup.db", "--force")):
        ended = run(stopped, *command)
        assert ended.returncode == 1
        assert "in use by another backup or restore" in ended.stderr
    lock.give_back()


def damaged(content: bytes) -> bytes:
    return content[:8192] + bytes(byte ^ 0xFF for byte in content[8192:])


def newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as store, store:
        store.execute("PRAGMA user_version = 1000")


def foreign(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as store, store:
        store.execute("CREATE TABLE t (x)")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda path: path.write_text("no database at all" * 100), "is not a database"),
        (lambda path: path.write_bytes(b""), "is a database of another program"),
        (lambda path: path.write_bytes(damaged(path.read_bytes())), "is damaged: "),
        (lambda path: path.unlink(), "There is no file "),
        (newer, "is from a newer version: its format is 1000"),
        (foreign, "is a database of another program"),
    ],
)
def test_what_is_no_sound_backup_is_refused_and_the_store_stays(stopped: Path, spoil: Any, reason: str) -> None:
    spoil(stopped / "backup.db")
    ended = run(stopped, "restore", "backup.db", "--force")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert reason in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert list((stopped / "data").glob("*.part*")) == []
    with serving(stopped) as client:
        assert client.numbers() == [1]


def test_without_a_store_there_is_no_backup(tmp_path: Path) -> None:
    ended = run(tmp_path, "backup", "backup.db")
    assert (ended.returncode, ended.stderr) == (1, f"kuzzle: There is no store {tmp_path}/data/kuzzle.db\n")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_is_one_clear_line(stopped: Path) -> None:
    ended = run(stopped, "backup", "nowhere/backup.db")
    expected = f"kuzzle: Cannot write {stopped}/nowhere/backup.db: No such file or directory\n"
    assert (ended.returncode, ended.stderr) == (1, expected)


def test_the_store_of_the_configuration_is_meant(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "kuzzle.yml").write_text("storage: {sqlite: {path: kept/store.db}}")
    with RunningServer(tmp_path, "--config", "there/kuzzle.yml", changes=FREE_PORTS) as server:
        assert run(tmp_path, "backup", "backup.db", "--config", "there/kuzzle.yml").returncode == 0
        assert server.stop()[0] == 0
    changes = {"KUZZLE_STORAGE__SQLITE__PATH": str(tmp_path / "new" / "store.db")}
    assert run(tmp_path, "restore", "backup.db", changes=changes).returncode == 0
    assert (tmp_path / "new" / "store.db").exists()
