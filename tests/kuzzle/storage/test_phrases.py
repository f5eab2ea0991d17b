"""Phrases: read from what clients write, found word by word, ranked, refused by name."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import apsw
import pytest

from kuzzle.errors import KuzzleError
from kuzzle.storage.base import DocumentWrite, WriteKind
from kuzzle.storage.fields import MAX_VALUE_GAP
from kuzzle.storage.mapping import Mapping
from kuzzle.storage.query import Search, parse_query
from kuzzle.storage.sqlite import SqliteStorage, phrases
from kuzzle.storage.sqlite.schema import load_catalogue, open_reader
from kuzzle.storage.sqlite.searching import search_documents
from kuzzle.storage.text_tree import MatchPhrase, MatchPhrasePrefix, MultiMatch

MAPPING: dict[str, Any] = {
    "properties": {
        "t": {"type": "text"},
        "near": {"type": "text", "position_increment_gap": 0},
        "s": {"type": "text", "analyzer": "stop"},
        "k": {"type": "keyword"},
        "n": {"type": "integer"},
        "notes": {"type": "nested", "properties": {"t": {"type": "text"}}},
    }
}
FIFTY = " ".join(f"w{number}" for number in range(50))
DOCUMENTS: dict[str, Any] = {
    "fox": {"t": "The quick brown Fox", "k": "quick brown", "n": 7, "s": "to be or not to be quick"},
    "dog": {"t": "a brown, quick dog; quick brown dog", "notes": [{"t": "lazy dog"}, {"t": "quick fox"}]},
    "two": {"t": ["the quick", "brown fox"], "near": ["the quick", "brown fox"], "s": "be it quick"},
    "row": {"t": "row row row your boat", "notes": [{"t": "quick"}, {"t": "fox"}]},
    "web": {"t": "quick browser", "s": "quick"},
    "mute": {"t": ""},
}


async def search(tmp_path: Path, query: Any) -> dict[str, float | None]:
    """Return ids and scores of what a query finds, the best first."""
    storage = SqliteStorage(tmp_path / "kuzzle.db", durability="normal")
    await storage.open()
    try:
        await storage.create_index("i")
        await storage.create_collection("i", "c", MAPPING)
        writes = [DocumentWrite(name, source) for name, source in DOCUMENTS.items()]
        await storage.write_documents("i", "c", WriteKind.CREATE, writes)
        page = await storage.search("i", "c", Search(parse_query(query)))
    finally:
        await storage.close()
    return {hit.id: hit.score for hit in page.hits}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"match_phrase": {"t": "a b"}}, MatchPhrase("t", "a b")),
        (
            {
                "match_phrase": {
                    "t": {
                        "query": "a b",
                        "slop": 2,
                        "analyzer": "simple",
                        "zero_terms_query": "all",
                        "lenient": True,
                        "boost": 3,
                    }
                }
            },
            MatchPhrase("t", "a b", 2, "simple", "all", True, 3.0),
        ),
        ({"match_phrase_prefix": {"t": "a b"}}, MatchPhrasePrefix("t", "a b")),
        (
            {"match_phrase_prefix": {"t": {"query": "a b", "phrase_slop": "1", "max_expansions": 9}}},
            MatchPhrasePrefix("t", "a b", 1, 9),
        ),
        ({"match_phrase_prefix": {"t": {"query": "a", "max_expansions": 1e9}}}, MatchPhrasePrefix("t", "a", 0, 1024)),
        ({"match": {"t": {"query": "a b", "type": "phrase", "slop": 1}}}, MatchPhrase("t", "a b", 1)),
        (
            {"match": {"t": {"query": "a b", "type": "phrase_prefix", "max_expansions": 5}}},
            MatchPhrasePrefix("t", "a b", max_expansions=5),
        ),
        (
            {"multi_match": {"query": "a b", "fields": ["t^2"], "type": "phrase", "slop": 1, "tie_breaker": 0.5}},
            MultiMatch((("t", 2.0),), "a b", "phrase", tie_breaker=0.5, slop=1),
        ),
        (
            {"multi_match": {"query": "a b", "fields": ["*"], "type": "phrase_prefix", "max_expansions": 7}},
            MultiMatch((("*", 1.0),), "a b", "phrase_prefix", max_expansions=7),
        ),
    ],
)
def test_a_phrase_is_read(body: Any, expected: Any) -> None:
    assert parse_query(body) == expected


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            {"match_phrase": {"t": {"query": "a", "operator": "and"}}},
            "[match_phrase] query does not support [operator]",
        ),
        ({"match_phrase": {"t": {"query": "a", "max_expansions": 2}}}, "does not support [max_expansions]"),
        ({"match_phrase": {"t": {"query": "a", "slop": -1}}}, "[match_phrase] No negative slop allowed."),
        ({"match_phrase": {"t": {"query": "a", "analyzer": "x"}}}, "[match_phrase] analyzer [x] not found"),
        ({"match_phrase": {"t": {"slop": 1}}}, "No text specified for text query"),
        ({"match_phrase": {"t": "a", "k": "b"}}, "[match_phrase] query doesn't support multiple fields"),
        ({"match_phrase_prefix": {"t": {"query": "a", "max_expansions": 0}}}, "requires maxExpansions to be positive"),
        ({"match": {"t": {"query": "a", "type": "span"}}}, "[match] unknown type [span]"),
        ({"match": {"t": {"query": "a", "type": "phrase", "fuzziness": 1}}}, "Fuzziness not allowed for type [phrase]"),
        (
            {"multi_match": {"query": "a", "fields": ["t"], "type": "phrase_prefix", "fuzziness": "AUTO"}},
            "Fuzziness not allowed for type [phrase_prefix]",
        ),
    ],
)
def test_a_phrase_that_cannot_be_read_is_refused_by_name(body: Any, message: str) -> None:
    with pytest.raises(KuzzleError) as refused:
        parse_query(body)
    assert refused.value.id == "services.storage.unexpected_bad_request"
    assert message in refused.value.message


FOUND: list[tuple[dict[str, Any], set[str]]] = [
    ({"match_phrase": {"t": "Quick BROWN"}}, {"fox", "dog"}),
    ({"match_phrase": {"t": "brown quick"}}, {"dog"}),
    ({"match_phrase": {"t": {"query": "brown quick", "slop": 2}}}, {"fox", "dog"}),
    ({"match_phrase": {"t": {"query": "the fox", "slop": 1}}}, set()),
    ({"match_phrase": {"t": {"query": "the fox", "slop": 2}}}, {"fox"}),
    # The values of a list are a hundred words apart, unless the mapping says otherwise.
    ({"match_phrase": {"t": {"query": "quick brown fox", "slop": 99}}}, {"fox"}),
    ({"match_phrase": {"t": {"query": "quick brown fox", "slop": 100}}}, {"fox", "two"}),
    ({"match_phrase": {"near": "quick brown"}}, {"two"}),
    ({"match_phrase": {"t": "row row row"}}, {"row"}),
    ({"match_phrase": {"t": "row row row row"}}, set()),
    ({"match_phrase": {"t": {"query": "row row row row", "slop": 50}}}, set()),
    ({"match_phrase": {"t": {"query": "boat row", "slop": 3}}}, {"row"}),
    ({"match_phrase": {"t": "quick cat"}}, set()),
    ({"match_phrase": {"t": "quick"}}, {"fox", "dog", "two", "web"}),
    ({"match_phrase": {"t": "!"}}, set()),
    ({"match_phrase": {"t": {"query": "!", "zero_terms_query": "all"}}}, set(DOCUMENTS)),
    # Words that an analyser leaves out keep their places.
    ({"match_phrase": {"s": "to be quick"}}, {"fox", "two", "web"}),
    ({"match_phrase": {"s": "quick or not quick"}}, set()),
    ({"match_phrase": {"t": {"query": "the brown", "analyzer": "stop"}}}, {"fox", "dog", "two"}),
    ({"match_phrase": {"k": "quick brown"}}, {"fox"}),
    ({"match_phrase": {"k": "quick"}}, set()),
    ({"match_phrase": {"n": "7"}}, {"fox"}),
    ({"match_phrase": {"n": {"query": "seven", "lenient": True}}}, set()),
    ({"match_phrase": {"_id": "dog"}}, {"dog"}),
    ({"match_phrase": {"none": "quick"}}, set()),
    ({"match_phrase_prefix": {"t": "quick bro"}}, {"fox", "dog", "web"}),
    ({"match_phrase_prefix": {"t": {"query": "quick bro", "max_expansions": 1}}}, {"fox", "dog"}),
    ({"match_phrase_prefix": {"t": "bro"}}, {"fox", "dog", "two", "web"}),
    ({"match_phrase_prefix": {"t": {"query": "bro", "max_expansions": 1}}}, {"fox", "dog", "two"}),
    ({"match_phrase_prefix": {"t": {"query": "fox br", "slop": 2}}}, {"fox", "two"}),
    ({"match_phrase_prefix": {"t": {"query": "row ro", "slop": 1}}}, {"row"}),
    ({"match_phrase_prefix": {"t": {"query": "lazy la", "slop": 1}}}, set()),
    # One word of a text is not two of a phrase.
    ({"match_phrase_prefix": {"t": {"query": "brown bro", "slop": 1}}}, set()),
    ({"match_phrase_prefix": {"t": {"query": "boat bo", "slop": 1}}}, set()),
    ({"match_phrase_prefix": {"t": "bro qui"}}, set()),
    ({"match_phrase_prefix": {"t": "quick x"}}, set()),
    ({"match_phrase_prefix": {"k": "quick b"}}, set()),
    ({"match_phrase_prefix": {"k": "quick brown"}}, {"fox"}),
    ({"multi_match": {"query": "quick brown", "fields": ["*"], "type": "phrase"}}, {"fox", "dog", "two"}),
    ({"multi_match": {"query": "quick bro", "fields": ["*"], "type": "phrase_prefix"}},
     {"fox", "dog", "two", "web"}),
    ({"multi_match": {"query": "7", "fields": ["t", "n"], "type": "phrase"}}, {"fox"}),
    ({"bool": {"must": {"match_phrase": {"t": "quick brown"}}, "must_not": {"match_phrase": {"t": "brown dog"}}}},
     {"fox"}),
    ({"nested": {"path": "notes", "query": {"match_phrase": {"notes.t": "quick fox"}}}}, {"dog"}),
    ({"nested": {"path": "notes", "query": {"match_phrase_prefix": {"notes.t": "lazy d"}}}}, {"dog"}),
    ({"match_phrase": {"notes.t": "quick fox"}}, set()),
]  # fmt: skip


@pytest.mark.parametrize(("query", "expected"), FOUND)
async def test_a_phrase_is_found_word_by_word(tmp_path: Path, query: Any, expected: set[str]) -> None:
    assert set(await search(tmp_path, query)) == expected


@pytest.mark.parametrize("query", [query for query, _ in FOUND])
async def test_rows_that_are_joined_score_as_when_each_document_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, query: Any
) -> None:
    joined = await search(tmp_path / "joined", query)
    monkeypatch.setattr(phrases, "MAX_LED", 0)
    asked = await search(tmp_path / "asked", query)
    assert list(joined.items()) == list(asked.items())


async def test_the_rows_of_a_phrase_are_read_once(tmp_path: Path) -> None:
    await search(tmp_path, {"match_all": {}})
    connection = open_reader(tmp_path / "kuzzle.db")
    state = load_catalogue(connection).indexes["i"].collections["c"]
    statements: list[str] = []

    def trace(_cursor: apsw.Cursor, statement: str, _values: Any) -> bool:
        statements.append(statement)
        return True

    connection.exec_trace = trace
    found = search_documents(connection, "i", state, Search(parse_query({"match_phrase": {"t": "quick brown"}})), 0)
    connection.close()
    assert found.total == 2
    (page,) = [statement for statement in statements if "places" in statement]
    assert "CROSS JOIN" in page
    assert "EXISTS" not in page


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"match_phrase": {"n": "seven"}}, 'For input string: "seven"'),
        ({"match_phrase": {"t": f"{FIFTY} w50"}}, "A phrase may have up to 50 different words"),
        (
            {"bool": {"should": [{"match_phrase": {"t": FIFTY}}] * 90}},
            "4096 words",
        ),
    ],
)
async def test_a_phrase_that_the_store_cannot_find_is_refused_by_name(tmp_path: Path, query: Any, message: str) -> None:
    with pytest.raises(KuzzleError) as refused:
        await search(tmp_path, query)
    assert refused.value.id == "services.storage.unexpected_bad_request"
    assert message in refused.value.message


async def test_the_longest_phrase_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = " ".join(f"w{number}" for number in range(50))
    monkeypatch.setitem(DOCUMENTS, "long", {"t": f"before {text} after"})
    assert set(await search(tmp_path, {"match_phrase": {"t": text}})) == {"long"}
    reversed_text = " ".join(reversed(text.split()))
    assert set(await search(tmp_path / "back", {"match_phrase": {"t": {"query": reversed_text, "slop": 98}}})) == {
        "long"
    }


async def test_a_phrase_weighs_as_its_words_together_and_less_when_they_are_apart(tmp_path: Path) -> None:
    # Of five texts with 22 words four have `quick` and three have `brown`.
    rarity = math.log(1 + 1.5 / 4.5) + math.log(1 + 2.5 / 3.5)

    def weight(frequency: float, length: int) -> float:
        return rarity * frequency * 2.2 / (frequency + 1.2 * (0.25 + 0.75 * length * 5 / 22))

    exact = await search(tmp_path / "exact", {"match_phrase": {"t": "quick brown"}})
    assert exact == pytest.approx({"fox": weight(1, 4), "dog": weight(1, 7)})
    near = await search(tmp_path / "near", {"match_phrase": {"t": {"query": "quick brown", "slop": 2, "boost": 2}}})
    # Of the second text the words before its middle are 2 apart from the phrase, those across it 1.
    assert near == pytest.approx({"fox": 2 * weight(1, 4), "dog": 2 * weight(1 / 3 + 1, 7)})
    assert list(exact) == list(near)[:2]


async def test_places_follow_every_kind_of_write(tmp_path: Path) -> None:
    storage = SqliteStorage(tmp_path / "kuzzle.db", durability="normal")
    await storage.open()
    try:
        await storage.create_index("i")
        await storage.create_collection("i", "c", MAPPING)
        phrase = parse_query({"match_phrase": {"t": "one two"}})
        for kind, source, is_found in (
            (WriteKind.CREATE, {"t": "one two"}, True),
            (WriteKind.REPLACE, {"t": "two one"}, False),
            (WriteKind.UPDATE, {"t": "one two one two"}, True),
            (WriteKind.UPDATE, {"t": "two one one two"}, True),
            (WriteKind.CREATE_OR_REPLACE, {"t": ["one", "two"]}, False),
        ):
            await storage.write_documents("i", "c", kind, [DocumentWrite("a", source)])
            assert await storage.count("i", "c", phrase) == is_found, source
    finally:
        await storage.close()


@pytest.mark.parametrize("gap", [-1, 1.5, True, "1", MAX_VALUE_GAP + 1])
def test_a_gap_between_values_is_a_number_within_bounds(gap: Any) -> None:
    definition = {"type": "text", "position_increment_gap": gap}
    with pytest.raises(KuzzleError) as refused:
        Mapping().merge({"properties": {"t": definition}})
    assert refused.value.id == "services.storage.invalid_mapping_argument"


def test_the_gap_between_values_cannot_change() -> None:
    mapping = Mapping().merge(MAPPING)
    with pytest.raises(KuzzleError) as refused:
        mapping.merge({"properties": {"near": {"type": "text", "position_increment_gap": 1}}})
    assert refused.value.id == "services.storage.cannot_change_mapping"
