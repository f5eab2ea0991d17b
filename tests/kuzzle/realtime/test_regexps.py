"""Patterns in RE2's dialect, and how they are found."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kuzzle.realtime.regexps import Pattern, RegexpIndex, RegexpProblem, encoded, literals

# fmt: off
PIECES = st.sampled_from((
    "a", "b", "c", "ab", "abc", "cab", ".", "[ab]", "[^c]", "(a|bc)", "(?:abc)", "(?P<n>ab)", "(?i:ab)", r"\.", r"\d",
    r"\x41", r"\101", r"\u0061", "*", "+", "?", "{2}", "{0}", "{0,2}", "{,2}", "|", "^", "$", "é", "[]a]",
    "[[:alpha:]]", "(?s)", "(?i)", r"\Qab\E", r"\pL", "-", r"\-", "*?",
))
# fmt: on
PATTERNS = st.lists(PIECES, max_size=7).map("".join)
TEXTS = st.one_of(st.text("abcABé.{}2,-\n", max_size=12), st.lists(PIECES, max_size=5).map("".join))


def compiled(source: str) -> Pattern:
    try:
        return Pattern(source)
    except RegexpProblem:
        assume(False)
        raise


@settings(max_examples=1500, deadline=None)
@given(PATTERNS, TEXTS)
def test_every_match_has_the_literals_of_its_pattern(source: str, text: str) -> None:
    if compiled(source).is_found_in(encoded(text)):
        assert all(run in text for run in literals(source))


@pytest.mark.parametrize(
    ("source", "runs"),
    [
        ("abc", ["abc"]),
        ("key0123_[a-z]+(?:q17)?", ["key0123_"]),
        ("ab+c", ["ab", "c"]),
        ("abc*d", ["ab", "d"]),
        (r"x\.y[z](q|r)tail$", ["x.y", "tail"]),
        ("abc|def", []),
        ("(?i)abc", []),
        (r"\Qabc\E", []),
    ],
)
def test_the_literals_of_a_pattern(source: str, runs: list[str]) -> None:
    assert [run for run in literals(source) if run] == runs


@settings(max_examples=200, deadline=None)
@given(st.lists(PATTERNS, min_size=1, max_size=10), st.lists(TEXTS, min_size=1, max_size=4))
def test_an_index_finds_what_its_patterns_find(sources: list[str], texts: list[str]) -> None:
    patterns = [compiled(source) for source in sources]
    index: RegexpIndex[int] = RegexpIndex()
    for number, pattern in enumerate(patterns):
        index.add(pattern, number)
    for text in texts:
        assert sorted(index.find(text)) == [
            number for number, pattern in enumerate(patterns) if pattern.is_found_in(encoded(text))
        ]
    for number, source in enumerate(sources):
        index.remove(Pattern(source), number)
    assert not index
    assert not index._triples


def test_a_long_text_is_looked_through_for_few_patterns_and_a_short_one_for_many() -> None:
    index: RegexpIndex[int] = RegexpIndex()
    for number in range(100):
        index.add(Pattern(f"key{number:03}x"), number)
    assert index.find("key042x") == [42]
    assert index.find("-" * 1000 + "key042x") == [42]


@pytest.mark.parametrize(
    ("source", "text", "is_found"),
    [
        ("b", "abc", True),
        ("", "", True),
        (r"\d", "٣", False),
        (r"\bé", "é", False),
        ("^.$", "😀", True),
        ("a.b", "a\nb", False),
        ("^b$", "a\nb", False),
        ("a$", "a\n", False),
        (r"\u0041", "A", True),
        (r"\u{1F600}", "😀", True),
        (r"\\u0041", r"\u0041", True),
        (r"\cA", "\x01", True),
        ("(?<name>a)", "a", True),
        (r"\p{L}", "é", True),
        ("{,2}", "{,2}", True),
    ],
)
def test_the_dialect(source: str, text: str, is_found: bool) -> None:
    assert Pattern(source).is_found_in(encoded(text)) is is_found


@pytest.mark.parametrize(
    ("source", "flags", "text", "is_found"),
    [
        ("É", "i", "é", True),
        ("^b$", "m", "a\nb", True),
        ("a.b", "s", "a\nb", True),
        ("A", "gyu", "a", False),
        ("A", "gyu", "A", True),
    ],
)
def test_the_flags(source: str, flags: str, text: str, is_found: bool) -> None:
    assert Pattern(source, flags).is_found_in(encoded(text)) is is_found


@pytest.mark.parametrize("source", ["(", "[^]", "(?=a)", r"(a)\1", "a**", r"\ca", r"\Z", "x{1001}", r"\u{110000}"])
def test_what_is_no_pattern(source: str) -> None:
    with pytest.raises(RegexpProblem):
        Pattern(source)
