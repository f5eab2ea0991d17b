"""Clauses that hold together: the rarest leads, the others are sets or questions, and the answer is the same."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import apsw
import pytest

from kuzzle.errors import KuzzleError
from kuzzle.storage.base import DocumentWrite, WriteKind
from kuzzle.storage.query import parse_search
from kuzzle.storage.sqlite import automata, leading, pages, texts
from kuzzle.storage.sqlite.backend import SqliteStorage
from kuzzle.storage.sqlite.schema import load_catalogue, open_reader
from kuzzle.storage.sqlite.searching import search_documents

MAPPING = {
    "properties": {
        "rare": {"type": "keyword"},
        "half": {"type": "boolean"},
        "number": {"type": "integer"},
        "text": {"type": "text"},
    }
}
DOCUMENTS = 400


def source(number: int) -> dict[str, Any]:
    """A document; `text` has one word that all have, and one that a few have."""
    dice = random.Random(number)
    return {
        "rare": [f"r{dice.randrange(40)}", f"r{dice.randrange(40)}"],
        "half": dice.random() < 0.5,
        "number": dice.randrange(100),
        "text": f"common word{dice.randrange(20)}",
    }


@asynccontextmanager
async def filled(path: Path) -> AsyncIterator[SqliteStorage]:
    storage = SqliteStorage(path)
    await storage.open()
    try:
        await storage.create_index("i")
        await storage.create_collection("i", "c", MAPPING)
        writes = [DocumentWrite(f"d{number}", source(number)) for number in range(DOCUMENTS)]
        await storage.write_documents("i", "c", WriteKind.CREATE, writes)
        yield storage
    finally:
        await storage.close()


RARE, HALF, WIDE = {"term": {"rare": "r3"}}, {"term": {"half": True}}, {"range": {"number": {"gte": 10}}}
COMMON, NOBODY = {"match": {"text": "common"}}, {"term": {"rare": "nobody"}}

Holds = Callable[[dict[str, Any]], bool]


def is_rare(document: dict[str, Any]) -> bool:
    return "r3" in document["rare"]


def is_wide(document: dict[str, Any]) -> bool:
    return bool(document["number"] >= 10)


CASES: list[tuple[dict[str, Any], Holds]] = [
    ({"filter": [RARE, HALF, WIDE]}, lambda it: is_rare(it) and it["half"] and is_wide(it)),
    ({"filter": [WIDE, HALF]}, lambda it: it["half"] and is_wide(it)),
    ({"filter": [RARE], "must_not": [HALF]}, lambda it: is_rare(it) and not it["half"]),
    ({"filter": [RARE], "must_not": [NOBODY]}, is_rare),
    ({"filter": [HALF, NOBODY]}, lambda it: False),
    ({"filter": [WIDE], "must_not": [HALF]}, lambda it: is_wide(it) and not it["half"]),
    ({"filter": [WIDE, HALF, COMMON]}, lambda it: it["half"] and is_wide(it)),
    ({"filter": [WIDE, HALF], "must_not": [RARE]}, lambda it: it["half"] and is_wide(it) and not is_rare(it)),
    ({"filter": [COMMON, WIDE], "must_not": [RARE, HALF]},
     lambda it: is_wide(it) and not is_rare(it) and not it["half"]),
    ({"must_not": [RARE]}, lambda it: not is_rare(it)),
    (
        {"filter": [RARE], "should": [HALF, WIDE], "minimum_should_match": 1},
        lambda it: is_rare(it) and (it["half"] or is_wide(it)),
    ),
    (
        {"filter": [RARE], "should": [HALF, WIDE, NOBODY], "minimum_should_match": 2},
        lambda it: is_rare(it) and it["half"] and is_wide(it),
    ),
    (
        {"filter": [RARE, {"bool": {"filter": [HALF, COMMON], "must_not": [WIDE]}}]},
        lambda it: is_rare(it) and it["half"] and not is_wide(it),
    ),
    ({"filter": [RARE, {"exists": {"field": "number"}}, {"wildcard": {"text": "*ord1"}}]},
     lambda it: is_rare(it) and it["text"].endswith("word1")),
    ({"must": [{"match": {"text": {"query": "common word3", "operator": "and"}}}]},
     lambda it: it["text"].endswith("word3")),
    ({"filter": [HALF, *({"range": {"number": {"gte": -number}}} for number in range(600))]},
     lambda it: it["half"]),
    ({"filter": [RARE, HALF, WIDE], "must": [{"match": {"text": "word3"}}]},
     lambda it: is_rare(it) and it["half"] and is_wide(it) and it["text"].endswith("word3")),
    ({"filter": [{"terms": {"rare": ["r3", "r4"]}}, {"terms": {"rare": ["r3", "r5"]}}, WIDE]},
     lambda it: ("r3" in it["rare"] or {"r4", "r5"} <= set(it["rare"])) and is_wide(it)),
    ({"filter": [RARE, {"ids": {"values": [f"d{number}" for number in range(200)]}}]}, is_rare),
]  # fmt: skip


@pytest.mark.parametrize("case", range(len(CASES)))
async def test_the_form_of_a_clause_changes_nothing(tmp_path: Path, case: int) -> None:
    query, holds = CASES[case]
    last = 200 if "ids" in str(query) else DOCUMENTS
    expected = [f"d{number}" for number in range(last) if holds(source(number))]
    async with filled(tmp_path / "kuzzle.db") as storage:
        for sort in ([], [{"number": "asc"}], [{"number": "desc"}, "_id"]):
            body = {"query": {"bool": query}, "sort": sort}
            found = await storage.search("i", "c", parse_search(body, offset=0, size=DOCUMENTS))
            assert found.total == len(expected)
            assert sorted(hit.id for hit in found.hits) == sorted(expected)
            some = await storage.search("i", "c", parse_search(body, offset=3, size=5))
            assert [hit.id for hit in some.hits] == [hit.id for hit in found.hits[3:8]]
            assert some.total == len(expected)


# What makes a sorted page be found by a set, by questions on the way along the index, and by sorting all.
WAYS = {
    "set": {"_GATHERING": -1000},
    "questions": {"_GATHERING": 1000, "_ASKING": 0},
    "sorting": {"_GATHERING": 1000, "_SORTING": 0},
}


@pytest.mark.parametrize("many", [0, 10_000])
@pytest.mark.parametrize("way", WAYS)
async def test_however_a_sorted_page_is_found_it_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, many: int
) -> None:
    for name, cost in WAYS[way].items():
        monkeypatch.setattr(pages, name, cost)
    monkeypatch.setattr(pages, "MANY", many)
    documents = [source(number) for number in range(DOCUMENTS)]
    async with filled(tmp_path / "kuzzle.db") as storage:
        for query, holds in CASES[:10]:
            matching = [number for number, document in enumerate(documents) if holds(document)]
            ascending = sorted(matching, key=lambda number: documents[number]["number"])
            descending = sorted(matching, key=lambda number: (-documents[number]["number"], f"d{number}"))
            for sort, ordered in (([{"number": "asc"}], ascending), ([{"number": "desc"}, "_id"], descending)):
                for start in (0, 9, len(ordered) - 2):
                    body = {"query": {"bool": query}, "sort": sort, "aggs": {"h": {"terms": {"field": "half"}}}}
                    found = await storage.search("i", "c", parse_search(body, offset=max(0, start), size=5))
                    expected = ordered[max(0, start) :][:5]
                    assert [hit.id for hit in found.hits] == [f"d{number}" for number in expected]
                    assert found.total == len(ordered)
                    assert found.aggregations is not None
                    counts = [bucket["doc_count"] for bucket in found.aggregations["h"]["buckets"]]
                    assert sum(counts) == len(ordered)
                    if len(found.hits) == 5:
                        after = {**body, "search_after": found.hits[-1].sort}
                        if len(sort) == 1:
                            value = documents[expected[-1]]["number"]
                            later = [number for number in ordered if documents[number]["number"] > value]
                        else:
                            later = ordered[start + 5 :]
                        following = await storage.search("i", "c", parse_search(after, offset=0, size=5))
                        assert [hit.id for hit in following.hits] == [f"d{number}" for number in later[:5]]


async def test_the_score_of_the_leading_word_is_that_of_the_word_alone(tmp_path: Path) -> None:
    async with filled(tmp_path / "kuzzle.db") as storage:
        word = {"match": {"text": "word7"}}
        alone = await storage.search("i", "c", parse_search({"query": word}, offset=0, size=DOCUMENTS))
        # Sorted first by what is the same for all, the scores are computed without walking the rows of the word.
        body = {"query": word, "sort": ["_score", "_id"]}
        by_keys = await storage.search("i", "c", parse_search(body, offset=0, size=DOCUMENTS))
        assert alone.total > 5
        assert {hit.id: hit.score for hit in alone.hits} == {hit.id: hit.score for hit in by_keys.hits}
        assert alone.max_score == alone.hits[0].score


async def test_a_wrong_clause_is_refused_beside_one_that_nothing_matches(tmp_path: Path) -> None:
    async with filled(tmp_path / "kuzzle.db") as storage:
        body = {"query": {"bool": {"filter": [NOBODY, {"term": {"number": "no number"}}]}}}
        with pytest.raises(KuzzleError):
            await storage.search("i", "c", parse_search(body, offset=None, size=None))


async def test_what_many_documents_match_is_asked_of_the_few_that_the_rarest_clause_finds(tmp_path: Path) -> None:
    path = tmp_path / "kuzzle.db"
    async with filled(path):
        statements: list[str] = []

        def trace(_cursor: apsw.Cursor, statement: str, values: Any) -> bool:
            statements.append(statement)
            return True

        connection = open_reader(path)
        state = load_catalogue(connection).indexes["i"].collections["c"]
        connection.exec_trace = trace
        search = parse_search({"query": {"bool": {"filter": [HALF, WIDE, RARE]}}}, offset=0, size=20)
        search_documents(connection, "i", state, search, 0)
        connection.close()
    rare, half, number = (state.field_numbers[name] for name in ("rare", "half", "number"))
    (page,) = [statement for statement in statements if "ORDER BY" in statement]
    assert f"FROM values_1 AS d WHERE field = {rare} AND value = " in page
    assert f"EXISTS (SELECT 1 FROM values_1 WHERE rid = d.rid AND field = {half} " in page
    assert f"EXISTS (SELECT 1 FROM values_1 WHERE rid = d.rid AND field = {number} " in page


PATTERNS: list[tuple[dict[str, Any], Holds]] = [
    ({"wildcard": {"rare": "*1"}}, lambda it: any(value.endswith("1") for value in it["rare"])),
    ({"wildcard": {"rare": "?3*"}}, lambda it: any(value[1] == "3" for value in it["rare"])),
    ({"regexp": {"text": "[a-w]ord1[0-4]"}}, lambda it: it["text"][-2:] in ("10", "11", "12", "13", "14")),
    ({"wildcard": {"rare": "*x*"}}, lambda it: False),
    ({"bool": {"must": [{"wildcard": {"rare": "*1"}}, RARE]}},
     lambda it: is_rare(it) and any(value.endswith("1") for value in it["rare"])),
]  # fmt: skip


@pytest.mark.parametrize("most", [0, 1, 10_000])
@pytest.mark.parametrize("case", range(len(PATTERNS)))
async def test_patterns_find_the_same_as_terms_and_row_by_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: int, most: int
) -> None:
    monkeypatch.setattr(texts, "MAX_ACCEPTED", most)
    query, holds = PATTERNS[case]
    expected = [f"d{number}" for number in range(DOCUMENTS) if holds(source(number))]
    async with filled(tmp_path / "kuzzle.db") as storage:
        found = await storage.search("i", "c", parse_search({"query": query}, offset=0, size=DOCUMENTS))
    assert [hit.id for hit in found.hits] == expected
    assert found.total == len(expected)


async def test_a_pattern_is_tried_once_on_a_term_that_many_documents_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []
    real = automata.Automaton.accepts

    def accepts(self: automata.Automaton, term: str) -> bool:
        tried.append(term)
        return real(self, term)

    monkeypatch.setattr(automata.Automaton, "accepts", accepts)
    async with filled(tmp_path / "kuzzle.db") as storage:
        body = {"query": {"wildcard": {"rare": "*1*"}}}
        assert (await storage.search("i", "c", parse_search(body, offset=0, size=5))).total > 40
    # r1, r10 to r19, r21 and r31: the others have no 1, which SQLite sees by itself.
    assert sorted(tried) == ["r1", *(f"r1{digit}" for digit in range(10)), "r21", "r31"]


@pytest.mark.parametrize("missing", ["_first", "_last"])
@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_pages_by_several_keys_follow_one_another_without_gap(tmp_path: Path, order: str, missing: str) -> None:
    """A part of the matches is sorted for each page, all of them for the whole list."""
    async with filled(tmp_path / "kuzzle.db") as storage:
        sources = [{"number": [place * 37 % 11, 50] if place % 9 else None} for place in range(100)]
        writes = [DocumentWrite(f"e{place}", each) for place, each in enumerate(sources)]
        await storage.write_documents("i", "c", WriteKind.CREATE, writes)
        sort = [{"number": {"order": order, "missing": missing}}, {"_uid": "desc"}]
        query = {"bool": {"must_not": [RARE]}}
        whole = await storage.search("i", "c", parse_search({"query": query, "sort": sort}, offset=0, size=500))
        paged: list[str] = []
        after = None
        while True:
            body = {"query": query, "sort": sort, **({"search_after": after} if after else {})}
            page = await storage.search("i", "c", parse_search(body, offset=0, size=13))
            if not page.hits:
                break
            paged += [hit.id for hit in page.hits]
            after = page.hits[-1].sort
    assert paged == [hit.id for hit in whole.hits]
    assert len(paged) == whole.total > 450


async def test_a_page_by_several_keys_sorts_a_part_of_the_matches(tmp_path: Path) -> None:
    path = tmp_path / "kuzzle.db"
    async with filled(path):
        statements: list[str] = []

        def trace(_cursor: apsw.Cursor, statement: str, values: Any) -> bool:
            statements.append(statement)
            return True

        connection = open_reader(path)
        state = load_catalogue(connection).indexes["i"].collections["c"]
        connection.exec_trace = trace
        body = {"sort": [{"number": "asc"}, {"_uid": "asc"}], "search_after": [50, "c#d5"]}
        page = search_documents(connection, "i", state, parse_search(body, offset=0, size=5), 0)
        connection.close()
    assert len(page.hits) == 5
    (sorting,) = [statement for statement in statements if "ORDER BY k0" in statement]
    assert f"WHERE field = {state.field_numbers['number']} AND value >= " in sorting
    assert " AND value <= " in sorting


async def test_patterns_see_what_a_nested_object_includes_in_its_parent(tmp_path: Path) -> None:
    storage = SqliteStorage(tmp_path / "kuzzle.db")
    await storage.open()
    await storage.create_index("i")
    await storage.create_collection("i", "c", {"properties": {"n": {"type": "nested", "include_in_parent": True}}})
    await storage.write_document("i", "c", WriteKind.CREATE, DocumentWrite("a", {"n": [{"k": "one"}, {"k": "two"}]}))
    for query in ({"wildcard": {"n.k": "*wo"}}, {"nested": {"path": "n", "query": {"wildcard": {"n.k": "*wo"}}}}):
        found = await storage.search("i", "c", parse_search({"query": query}, offset=0, size=5))
        assert [hit.id for hit in found.hits] == ["a"]
        both = {"bool": {"must": [query, {"exists": {"field": "n.k"}}]}}
        assert (await storage.search("i", "c", parse_search({"query": both}, offset=0, size=5))).total == 1
    await storage.close()


async def test_the_words_of_a_text_score_together_as_each_does_alone(tmp_path: Path) -> None:
    async with filled(tmp_path / "kuzzle.db") as storage:

        async def scores(query: dict[str, Any], sort: list[Any]) -> dict[str, float | None]:
            body = {"query": query, "sort": sort, "track_scores": True}
            found = await storage.search("i", "c", parse_search(body, offset=0, size=DOCUMENTS))
            assert found.total == len(found.hits)
            return {hit.id: hit.score for hit in found.hits}

        words = {"match": {"text": "word1 word2 common nowhere"}}
        few = {"match": {"text": "word1 word2"}}
        beside = {"bool": {"filter": [few], "should": [{"match": {"text": "word2 common"}}], "must": [few]}}
        for query in (words, few, beside, {"bool": {"must": [few], "must_not": [HALF]}}):
            # By relevance the rows of the words are walked; in the order of storing each document is asked.
            walked, asked = await scores(query, []), await scores(query, ["_doc"])
            assert walked
            assert walked.keys() == asked.keys()
            assert walked == pytest.approx(asked)


@pytest.mark.parametrize("many", [0, 32_768])
async def test_what_many_documents_match_is_found_and_counted_alike_either_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, many: int
) -> None:
    monkeypatch.setattr(leading, "MANY", many)
    either = {"terms": {"rare": ["r3", "r4", "r5"]}}
    cases: list[tuple[dict[str, Any], Holds]] = [
        ({"exists": {"field": "rare"}}, lambda it: True),
        (WIDE, is_wide),
        (either, lambda it: any(value in ("r3", "r4", "r5") for value in it["rare"])),
        ({"bool": {"filter": [WIDE, either]}}, lambda it: is_wide(it) and bool({"r3", "r4", "r5"} & {*it["rare"]})),
        ({"bool": {"filter": [WIDE], "must_not": [HALF]}}, lambda it: is_wide(it) and not it["half"]),
    ]
    async with filled(tmp_path / "kuzzle.db") as storage:
        for query, holds in cases:
            expected = [f"d{number}" for number in range(DOCUMENTS) if holds(source(number))]
            page = await storage.search("i", "c", parse_search({"query": query}, offset=7, size=9))
            assert [hit.id for hit in page.hits] == expected[7:16]
            # A document with several of the values is one match.
            assert page.total == len(expected)


async def plan(path: Path, query: dict[str, Any], sign: str) -> list[str]:
    """Return the steps of the statement that finds what matches, known by a sign in its text."""
    statements: list[tuple[str, Any]] = []

    def trace(_cursor: apsw.Cursor, statement: str, values: Any) -> bool:
        statements.append((statement, values))
        return True

    async with filled(path):
        connection = open_reader(path)
        state = load_catalogue(connection).indexes["i"].collections["c"]
        connection.exec_trace = trace
        search_documents(connection, "i", state, parse_search({"query": query}, offset=0, size=10), 0)
        connection.exec_trace = None
        (found,) = [(text, values) for text, values in statements if sign in text]
        steps = [step for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {found[0]}", found[1])]
        connection.close()
    return steps


async def test_sets_of_like_size_are_met_along_the_index(tmp_path: Path) -> None:
    """And not by seeking each document of one among the rows of the other."""
    query = {"bool": {"filter": [WIDE, HALF], "must_not": [{"range": {"number": {"gte": 90}}}]}}
    steps = await plan(tmp_path / "kuzzle.db", query, "INTERSECT")
    assert "MERGE (INTERSECT)" in steps
    assert "MERGE (EXCEPT)" in steps
    assert not any("LIST SUBQUERY" in step for step in steps)


async def test_rows_that_are_not_in_the_order_of_documents_are_walked_and_not_sorted(tmp_path: Path) -> None:
    """The set they are looked for in is made of rows that are in order."""
    query = {"bool": {"filter": [WIDE, HALF, COMMON], "must_not": [RARE]}}
    steps = await plan(tmp_path / "kuzzle.db", query, "IN (")
    walk, *inside = [step for step in steps if "SEARCH" in step]
    assert walk == "SEARCH values_1 USING PRIMARY KEY (field=? AND value>?)"
    assert inside
    assert set(inside) == {"SEARCH values_1 USING PRIMARY KEY (field=? AND value=?)"}
    assert any("LIST SUBQUERY" in step for step in steps)
