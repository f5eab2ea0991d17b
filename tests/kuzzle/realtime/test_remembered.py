"""What the server remembers of documents, and for how long."""

from __future__ import annotations

from kuzzle.realtime.remembered import RememberedRooms


class Clock:
    """Time that passes when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_what_a_document_matched_last_is_told_once() -> None:
    remembered = RememberedRooms(60, 10, Clock())
    assert remembered.replace("library", "books", "1", ("a", "b")) == ()
    assert remembered.replace("library", "books", "1", ("b",)) == ("a", "b")
    assert remembered.replace("library", "authors", "1", ()) == ()
    assert remembered.forget("library", "books", "1") == ("b",)
    assert remembered.forget("library", "books", "1") == ()
    assert len(remembered) == 0


def test_documents_that_match_nothing_take_no_place() -> None:
    remembered = RememberedRooms(60, 10, Clock())
    remembered.replace("library", "books", "1", ())
    assert len(remembered) == 0


def test_a_match_is_forgotten_after_its_time() -> None:
    clock = Clock()
    remembered = RememberedRooms(60, 10, clock)
    remembered.replace("library", "books", "1", ("a",))
    clock.now += 30
    remembered.replace("library", "books", "2", ("a",))
    clock.now += 30
    assert remembered.replace("library", "books", "1", ("a",)) == ()
    assert remembered.replace("library", "books", "2", ("a",)) == ("a",)


def test_without_a_time_a_match_is_remembered_for_ever() -> None:
    clock = Clock()
    remembered = RememberedRooms(0, 10, clock)
    remembered.replace("library", "books", "1", ("a",))
    clock.now += 1e9
    assert remembered.forget("library", "books", "1") == ("a",)


def test_the_oldest_matches_are_forgotten_when_there_are_too_many() -> None:
    remembered = RememberedRooms(60, 4, Clock())
    remembered.replace("library", "books", "1", ("a",))
    remembered.replace("library", "books", "2", ("a", "b"))
    remembered.replace("library", "books", "1", ("a", "b"))
    remembered.replace("library", "books", "3", ("a",))
    assert remembered.forget("library", "books", "2") == ()
    assert remembered.forget("library", "books", "1") == ("a", "b")
    assert remembered.forget("library", "books", "3") == ("a",)
    remembered.replace("library", "books", "4", ("a", "b", "c", "d", "e"))
    assert len(remembered) == 0
