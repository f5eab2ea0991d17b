"""Analysers: the tokens of texts, and where they stand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuzzle.errors import KuzzleError
from kuzzle.storage.base import DocumentWrite, WriteKind
from kuzzle.storage.fields import ANALYZERS
from kuzzle.storage.mapping import Mapping
from kuzzle.storage.query import parse_query
from kuzzle.storage.search_body import parse_search
from kuzzle.storage.sqlite import SqliteStorage
from kuzzle.storage.sqlite.analysis import spans_of, tokens_of
from kuzzle.storage.sqlite.stemming import english_stems

TEXT = "The Dog's 2 QUICK-brown_foxes weren't Running, é\u00e9!"


@pytest.mark.parametrize(
    ("analyzer", "tokens"),
    [
        ("standard", ["the", "dog's", "2", "quick", "brown_foxes", "weren't", "running", "é\u00e9"]),
        ("simple", ["the", "dog", "s", "quick", "brown", "foxes", "weren", "t", "running", "é\u00e9"]),
        ("whitespace", ["The", "Dog's", "2", "QUICK-brown_foxes", "weren't", "Running,", "é\u00e9!"]),
        ("keyword", [TEXT]),
        ("pattern", ["the", "dog", "s", "2", "quick", "brown_foxes", "weren", "t", "running"]),
        ("stop", [None, "dog", "s", "quick", "brown", "foxes", "weren", "t", "running", "é\u00e9"]),
        ("english", [None, "dog", "2", "quick", "brown_fox", "weren't", "run", "é\u00e9"]),
    ],
)
def test_an_analyser_makes_tokens_of_a_text(analyzer: str, tokens: list[str | None]) -> None:
    assert tokens_of(analyzer, TEXT) == tokens
    assert tokens_of(analyzer, "") == []


@given(st.sampled_from(sorted(ANALYZERS)), st.text("aZ's \u2019-_1\u00e9\u00df.x", max_size=40))
def test_tokens_stand_where_their_spans_say(analyzer: str, text: str) -> None:
    spans = spans_of(analyzer, text)
    assert [token for _, _, token in spans] == tokens_of(analyzer, text)
    ends = [0, *(end for _, end, _ in spans)]
    assert all(before <= start < end for before, (start, end, _) in zip(ends, spans, strict=False))


@pytest.mark.parametrize(
    ("word", "stem"),
    [
        ("caresses", "caress"),
        ("ponies", "poni"),
        ("plastered", "plaster"),
        ("hopping", "hop"),
        ("relational", "relat"),
        ("generalizations", "gener"),
        ("us", "us"),
        # What the author of the algorithm changed after his paper.
        ("possibly", "possibl"),
        ("assemblies", "assembl"),
        ("apology", "apolog"),
        ("apologies", "apolog"),
        ("fly", "fly"),
        ("logy", "logi"),
        ("bly", "bly"),
    ],
)
def test_english_words_are_cut_as_porter_cuts_them(word: str, stem: str) -> None:
    assert english_stems([word, "x"]) == [stem, "x"]


MAPPING: dict[str, Any] = {
    "properties": {
        "en": {"type": "text", "analyzer": "english", "fields": {"plain": {"type": "text"}}},
        "begin": {"type": "text", "search_analyzer": "english", "search_quote_analyzer": "standard"},
        "flat": {"type": "text", "norms": False, "index_options": "docs"},
    }
}
DOCUMENTS: dict[str, Any] = {
    "a": {"en": "The dogs of a fox were running", "begin": "running dog", "flat": "dog dog dog and a long text"},
    "b": {"en": "A dog ran", "begin": "run dog", "flat": "dog"},
}


async def search(tmp_path: Path, body: Any) -> Any:
    """Return the hits of a search by id."""
    storage = SqliteStorage(tmp_path / "kuzzle.db", durability="normal")
    await storage.open()
    try:
        await storage.create_index("i")
        await storage.create_collection("i", "c", MAPPING)
        writes = [DocumentWrite(name, source) for name, source in DOCUMENTS.items()]
        await storage.write_documents("i", "c", WriteKind.CREATE, writes)
        page = await storage.search("i", "c", parse_search(body, offset=None, size=None))
    finally:
        await storage.close()
    return {hit.id: hit for hit in page.hits}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"match": {"en": "Running dogs"}}, {"a", "b"}),
        ({"match": {"en": {"query": "runs", "operator": "and"}}}, {"a"}),
        ({"match": {"en": "the"}}, set()),
        ({"match": {"en.plain": "dog"}}, {"b"}),
        ({"match": {"en": {"query": "running", "analyzer": "standard"}}}, set()),
        ({"match_phrase": {"en": "dog foxes"}}, set()),
        ({"match_phrase": {"en": "dog of the foxes"}}, {"a"}),
        ({"match_phrase_prefix": {"en": "foxes were ru"}}, {"a"}),
        ({"multi_match": {"query": "foxes runs", "fields": ["en*"], "operator": "and"}}, {"a"}),
        ({"multi_match": {"query": "ran fox", "fields": ["en", "en.plain"], "type": "cross_fields"}}, {"a", "b"}),
        # Words that are looked for are cut otherwise than those that are found, and phrases otherwise still.
        ({"match": {"begin": "running"}}, {"b"}),
        ({"match_phrase": {"begin": "running"}}, {"a"}),
        ({"match_phrase_prefix": {"begin": "running"}}, {"a", "b"}),
    ],
)
async def test_a_field_is_searched_by_its_analysers(tmp_path: Path, query: Any, expected: set[str]) -> None:
    assert set(await search(tmp_path, {"query": query})) == expected


async def test_words_are_shown_as_they_stand_though_their_stems_are_found(tmp_path: Path) -> None:
    body = {"query": {"match": {"en": "dog runs the"}}, "highlight": {"fields": {"en": {}}}}
    hits = await search(tmp_path, body)
    assert hits["a"].highlight == {"en": ["The <em>dogs</em> of a fox were <em>running</em>"]}


async def test_neither_frequency_nor_length_counts_where_the_mapping_says_so(tmp_path: Path) -> None:
    hits = await search(tmp_path, {"query": {"match": {"flat": "dog"}}})
    assert hits["a"].score == hits["b"].score


async def test_a_phrase_needs_places(tmp_path: Path) -> None:
    assert set(await search(tmp_path / "word", {"query": {"match_phrase": {"flat": "dog"}}})) == {"a", "b"}
    with pytest.raises(KuzzleError, match=r"field:\[flat\] was indexed without position data"):
        await search(tmp_path, {"query": {"match_phrase": {"flat": "long text"}}})


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("analyzer", "klingon"),
        ("analyzer", ["english"]),
        ("search_analyzer", "my_own"),
        ("search_quote_analyzer", 1),
        ("index_options", "some"),
        ("norms", "no"),
    ],
)
def test_what_no_analyser_is_called_is_refused(parameter: str, value: Any) -> None:
    with pytest.raises(KuzzleError) as refused:
        Mapping().merge({"properties": {"t": {"type": "text", parameter: value}}})
    assert refused.value.id == "services.storage.invalid_mapping_argument"


def test_analysers_of_ones_own_are_refused() -> None:
    settings = {"analysis": {"analyzer": {"mine": {"tokenizer": "standard", "filter": ["lowercase"]}}}}
    with pytest.raises(KuzzleError) as refused:
        Mapping().merge({"settings": settings, "properties": {}})
    assert refused.value.id == "services.storage.invalid_mapping"
    assert "settings" in refused.value.message
    with pytest.raises(KuzzleError, match=r"\[match\] analyzer \[mine\] not found"):
        parse_query({"match": {"t": {"query": "a", "analyzer": "mine"}}})
