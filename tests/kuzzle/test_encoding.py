"""JSON in and out."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuzzle.encoding import JsonError, decode_json, encode_json


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"nul", b"NaN", b'{"a": 1e400}', b'"\xff"', b'"\\ud800"', b"[" * 5000 + b"]" * 5000],
)
def test_what_is_no_json_is_refused(text: bytes) -> None:
    with pytest.raises(JsonError):
        decode_json(text)


@pytest.mark.parametrize("number", [2**63 - 1, -(2**63), 2**64 - 1, 1234567890123456789])
def test_integers_of_64_bits_keep_every_digit(number: int) -> None:
    assert decode_json(f'{{"n": {number}}}') == {"n": number}


@pytest.mark.parametrize("digits", [str(2**64), str(-(2**63) - 1), "1" + "0" * 30, "9" * 5000])
def test_an_integer_beyond_64_bits_is_refused_rather_than_rounded(digits: str) -> None:
    for text in ('{"deep": [{"n": %s}]}', '{"text": "1", "n": %s}', '{"n": %s, "text": "1"}', '["1", %s]', "%s"):
        with pytest.raises(JsonError):
            decode_json(text % digits)


def test_long_digits_in_a_text_or_a_fraction_are_no_integers() -> None:
    assert decode_json('{"card": "99999999999999999999", "pi": 3.14159265358979323846264}') == {
        "card": "99999999999999999999",
        "pi": 3.141592653589793,
    }


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**63), 2**64 - 1)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(st.characters(exclude_categories=["Cs"])),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    )
)
def test_what_is_encoded_decodes_to_the_same(value: object) -> None:
    assert decode_json(encode_json(value)) == value
    assert decode_json(json.dumps(value)) == value


def test_pretty_text_is_indented_by_two() -> None:
    assert encode_json({"a": [1]}, pretty=True) == b'{\n  "a": [\n    1\n  ]\n}'
