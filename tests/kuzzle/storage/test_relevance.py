"""Relevance of texts: which document comes first, and that what it rests on follows every write."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import apsw
import plain_relevance
import pytest

from kuzzle.errors import KuzzleError
from kuzzle.storage.base import DocumentWrite, WriteKind
from kuzzle.storage.query import Search, Sort, parse_query
from kuzzle.storage.sqlite import SqliteStorage, relevance, translation

MAPPING = {"properties": {"t": {"type": "text"}, "k": {"type": "keyword"}}}


async def scores(
    tmp_path: Path, sources: Mapping[str, Any], query: Any, sort: tuple[Sort, ...] = ()
) -> list[tuple[str, float | None]]:
    """Return ids and scores of the hits in their order."""
    storage = SqliteStorage(tmp_path / "kuzzle.db", durability="normal")
    await storage.open()
    try:
        await storage.create_index("i")
        await storage.create_collection("i", "c", MAPPING)
        writes = [DocumentWrite(name, source) for name, source in sources.items()]
        await storage.write_documents("i", "c", WriteKind.CREATE, writes)
        page = await storage.search("i", "c", Search(parse_query(query), sort=sort))
    finally:
        await storage.close()
    return [(hit.id, hit.score) for hit in page.hits]


@pytest.mark.parametrize(
    ("sources", "query", "expected"),
    [
        # How often the word is there.
        ({"once": {"t": "ada x y"}, "twice": {"t": "ada ada y"}}, {"match": {"t": "ada"}}, ["twice", "once"]),
        # How short the text is.
        ({"long": {"t": "ada x y z"}, "short": {"t": "ada x"}}, {"match": {"t": "ada"}}, ["short", "long"]),
        # How rare the word is.
        (
            {"common": {"t": "ada x"}, "rare": {"t": "bob x"}, "other": {"t": "ada y"}},
            {"match": {"t": "ada bob"}},
            ["rare", "common", "other"],
        ),
        # All values of a list are one text.
        ({"list": {"t": ["ada x", "ada y"]}, "one": {"t": "ada x z y"}}, {"match": {"t": "ada"}}, ["list", "one"]),
        # A rare typing error is not worth more than the word.
        (
            {"word": {"t": "quick x"}, "again": {"t": "quick y z"}, "typo": {"t": "quikc x"}},
            {"match": {"t": {"query": "quick", "fuzziness": "AUTO"}}},
            ["word", "again", "typo"],
        ),
        # Terms of a text weigh as well, and a boost multiplies.
        ({"once": {"t": "ada x y"}, "twice": {"t": "ada ada y"}}, {"term": {"t": "ada"}}, ["twice", "once"]),
        (
            {"a": {"t": "ada"}, "b": {"t": "bob"}, "c": {"t": "bob"}},
            {"bool": {"should": [{"match": {"t": "ada"}}, {"match": {"t": {"query": "bob", "boost": 9}}}]}},
            ["b", "c", "a"],
        ),
    ],
)
async def test_the_more_relevant_document_comes_first(
    tmp_path: Path, sources: Mapping[str, Any], query: Any, expected: list[str]
) -> None:
    assert [name for name, _ in await scores(tmp_path, sources, query)] == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"match_all": {}}, 1.0),
        ({"match_all": {"boost": 2}}, 2.0),
        ({"bool": {"filter": {"match": {"t": "ada"}}}}, 0.0),
        ({"constant_score": {"filter": {"match": {"t": "ada"}}}}, 1.0),
        ({"match": {"k": "ada"}}, 1.0),
    ],
)
async def test_only_words_of_texts_are_weighed(tmp_path: Path, query: Any, expected: float) -> None:
    assert await scores(tmp_path, {"a": {"t": "ada", "k": "ada"}}, query) == [("a", expected)]


async def test_a_sort_by_score_may_begin_with_the_least(tmp_path: Path) -> None:
    sources = {"once": {"t": "ada x y"}, "twice": {"t": "ada ada y"}}
    found = await scores(tmp_path, sources, {"match": {"t": "ada"}}, (Sort("_score", "asc"),))
    assert [name for name, _ in found] == ["once", "twice"]


async def test_a_filter_beside_a_match_leaves_its_scores_alone(tmp_path: Path) -> None:
    sources = {"a": {"t": "ada x", "k": "x"}, "b": {"t": "bob"}}
    match = {"match": {"t": "ada"}}
    plain = await scores(tmp_path / "plain", sources, match)
    filtered = {"bool": {"must": match, "filter": {"bool": {"must_not": {"term": {"k": "y"}}}}}}
    assert await scores(tmp_path / "filtered", sources, filtered) == plain


async def test_lengths_follow_every_kind_of_write(tmp_path: Path) -> None:
    storage = SqliteStorage(tmp_path / "kuzzle.db", durability="normal")
    await storage.open()
    try:
        await storage.create_index("i")
        await storage.create_collection("i", "c", MAPPING)
        for kind, name, source in (
            (WriteKind.CREATE, "a", {"t": "one two three"}),
            (WriteKind.CREATE, "b", {"t": "one"}),
            (WriteKind.CREATE, "c", {"t": ["one one", ""]}),
            (WriteKind.REPLACE, "a", {"t": "one two one"}),
            (WriteKind.UPDATE, "b", {"t": "two two two two"}),
            (WriteKind.CREATE_OR_REPLACE, "d", {"k": "no text"}),
            (WriteKind.CREATE_OR_REPLACE, "e", {"t": ""}),
            (WriteKind.CREATE, "gone", {"t": "one two"}),
            (WriteKind.DELETE, "gone", None),
        ):
            await storage.write_documents("i", "c", kind, [DocumentWrite(name, source)])
        page = await storage.search("i", "c", Search(parse_query({"match": {"t": "one"}})))
    finally:
        await storage.close()
    texts = [["one", "two", "one"], ["two"] * 4, ["one", "one"]]
    assert {hit.id: hit.score for hit in page.hits} == pytest.approx(
        {
            name: plain_relevance.score("one", text, texts)
            for name, text in zip("abc", texts, strict=True)
            if name != "b"
        }
    )
    connection = apsw.Connection(str(tmp_path / "kuzzle.db"))
    kept = connection.execute("SELECT texts, words FROM lengths_1 WHERE words OR texts").fetchall()
    connection.close()
    assert kept == [(3, 9)]


@pytest.mark.parametrize(
    ("word", "expansions", "expected"),
    [
        # The nearest term, though another one comes before it in their order.
        ("adda", 1, ["word"]),
        ("adda", 2, ["word", "near"]),
        ("adda", 3, ["word", "near", "far"]),
        # Of equally near ones the first in their order.
        ("adxa", 1, ["word"]),
        ("adxa", 2, ["word", "near"]),
    ],
)
async def test_the_nearest_terms_count_and_the_nearer_more(
    tmp_path: Path, word: str, expansions: int, expected: list[str]
) -> None:
    sources = {"word": {"t": "adda"}, "near": {"t": "adxda"}, "far": {"t": "aba"}}
    query = {"match": {"t": {"query": word, "fuzziness": 2, "max_expansions": expansions}}}
    assert [name for name, _ in await scores(tmp_path, sources, query)] == expected


@pytest.mark.parametrize("most", [0, 65_536])
async def test_near_words_weigh_the_same_summed_once_and_looked_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(relevance, "MAX_SUMMED_ROWS", most)
    sources = {"word": {"t": "ada x", "k": "ada"}, "near": {"t": "adb adb y", "k": ["adb", "aca"]}, "far": {"t": "x"}}
    texts = [["ada", "x"], ["adb", "adb", "y"], ["x"]]
    query = {"match": {"t": {"query": "ada", "fuzziness": 1}}}
    expected = {
        "word": plain_relevance.score("ada", texts[0], texts),
        "near": plain_relevance.score("adb", texts[1], texts) * 2 / 3,
    }
    assert dict(await scores(tmp_path / "text", sources, query)) == pytest.approx(expected)
    query = {"fuzzy": {"k": {"value": "ada", "fuzziness": 1}}}
    assert dict(await scores(tmp_path / "keyword", sources, query)) == pytest.approx({"word": 1.0, "near": 4 / 3})


async def test_the_terms_near_words_are_among_the_words_of_a_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = {"a": {"t": "ada adb adc add"}}
    query = {"match": {"t": {"query": "ada", "fuzziness": 1}}}
    monkeypatch.setattr(translation, "MAX_WORDS", 4)
    # Matching counts each, and so does scoring; the word itself is one more.
    with pytest.raises(KuzzleError, match="a search may look for 4 words"):
        await scores(tmp_path / "refused", sources, query)
    monkeypatch.setattr(translation, "MAX_WORDS", 5)
    assert [name for name, _ in await scores(tmp_path / "taken", sources, query)] == ["a"]
