"""The table of errors."""

from __future__ import annotations

import pytest

from kuzzle.errors import KuzzleError, PartialError, error_table, fill

DOMAINS = {"core": 0, "services": 1, "api": 2, "network": 3, "plugin": 4, "validation": 5, "protocol": 6, "security": 7}


def test_an_error_takes_everything_but_its_values_from_the_table() -> None:
    error = KuzzleError("services.storage.unknown_index", "library")
    assert (error.id, error.code, error.status) == ("services.storage.unknown_index", 16842753, 412)
    assert error.message == str(error) == 'The index "library" does not exist.'


@pytest.mark.parametrize("error_id", sorted(error_table()))
def test_ids_and_codes_name_the_same_domain(error_id: str) -> None:
    domain, subdomain, name = error_id.split(".")
    definition = error_table()[error_id]
    assert definition["code"] >> 24 == DOMAINS[domain]
    assert subdomain
    assert name
    assert 200 < definition["1"]["status"] < 600


def test_codes_are_unique() -> None:
    codes = [definition["code"] for definition in error_table().values()]
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize(
    ("text", "values", "filled"),
    [
        ("a %s c", ["b"], "a b c"),
        ("%s and %s", [1, True], "1 and True"),
        ("no place", ["left"], "no place left"),
        ("two %s", ["in", "all"], "two in all"),
        ("missing %s", [], "missing %s"),
        ("%s then %s", ["%s", "x"], "%s then x"),
        ("%s", ["100%s"], "100%s"),
    ],
)
def test_placeholders_are_filled_left_to_right(text: str, values: list[object], filled: str) -> None:
    assert fill(text, values) == filled


def test_errors_without_id_carry_status_and_text_alone() -> None:
    error = KuzzleError.without_id(503, "Kuzzle is shutting down")
    assert (error.id, error.code, error.status, str(error)) == (None, None, 503, "Kuzzle is shutting down")


def test_a_partial_error_keeps_what_worked() -> None:
    error = PartialError("services.storage.incomplete_fetch", [{"reason": "x"}], {"hits": []})
    assert (error.status, error.errors, error.result) == (206, [{"reason": "x"}], {"hits": []})
