"""Random bytes that were asked for in advance."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

from kuzzle.connection import new_id
from kuzzle.randomness import SIZE_BYTES, random_bytes


def test_no_thread_gets_what_another_got() -> None:
    with ThreadPoolExecutor(8) as threads:
        taken = [
            each for part in threads.map(lambda _: [random_bytes() for _ in range(1_000)], range(16)) for each in part
        ]
    assert len(set(taken)) == len(taken) == 16_000
    assert {len(each) for each in taken} == {SIZE_BYTES}


def test_a_child_does_not_get_what_its_parent_gets() -> None:
    random_bytes()
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.write(writer, b"".join(random_bytes() for _ in range(10)))
        os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(reader, 10 * SIZE_BYTES)
    os.close(reader)
    os.close(writer)
    ours = {random_bytes() for _ in range(600)}
    assert len(theirs) == 10 * SIZE_BYTES
    assert ours.isdisjoint(theirs[start : start + SIZE_BYTES] for start in range(0, len(theirs), SIZE_BYTES))


def test_an_id_is_a_uuid_of_version_4() -> None:
    ids = [new_id() for _ in range(1_000)]
    assert len(set(ids)) == 1_000
    for each in ids:
        assert [len(part) for part in each.split("-")] == [8, 4, 4, 4, 12]
        assert each[14] == "4"
        assert each[19] == "a"
