"""What a storage shows of the places where a search found something."""

from __future__ import annotations

from typing import Any

import pytest

from kuzzle.storage.base import Storage
from tests.contracts.filling import make_collection, put_all, search

MAPPING = {
    "properties": {
        "title": {"type": "text", "fields": {"raw": {"type": "keyword"}}},
        "tags": {"type": "keyword"},
        "o": {"properties": {"note": {"type": "text", "analyzer": "whitespace"}}},
        "year": {"type": "integer"},
    }
}
LONG = " ".join(["one two three four five six seven needle eight nine ten"] * 8)
DOCUMENTS: dict[str, dict[str, Any]] = {
    "a": {"title": "The Quick, brown Fox: it's a fox!", "tags": ["red fox", "dog"], "year": 3},
    "b": {"title": ["a fox here", "nothing", "FOX"], "o": {"note": "Fox fox"}, "o.note": "a fox"},
    "c": {"title": LONG},
}
FOX = {"match": {"title": "fox"}}


class HighlightContract:
    """Fragments of the fields that matched."""

    @pytest.mark.parametrize(
        ("document_id", "query", "highlight", "expected"),
        [
            ("a", FOX, {"fields": {"title": {}}}, {"title": ["The Quick, brown <em>Fox</em>: it's a <em>fox</em>!"]}),
            ("b", FOX, {"fields": {"title": {}}}, {"title": ["a <em>fox</em> here", "<em>FOX</em>"]}),
            ("b", FOX, {"fields": {"title": {"number_of_fragments": 1}}}, {"title": ["a <em>fox</em> here"]}),
            ("a", FOX, {"fields": {"tags": {}}}, {}),
            ("a", {"term": {"tags": "red fox"}}, {"fields": {"tags": {}}}, {"tags": ["<em>red fox</em>"]}),
            ("a", {"term": {"tags": "red fox"}}, {"fields": {"*": {}}}, {"tags": ["<em>red fox</em>"]}),
            ("a", {"prefix": {"title.raw": "The"}}, {"fields": [{"title.*": {}}]},
             {"title.raw": ["<em>The Quick, brown Fox: it's a fox!</em>"]}),
            ("a", {"wildcard": {"title": "q*k"}}, {"pre_tags": ["<b>"], "post_tags": ["</b>"], "fields": {"ti*": {}}},
             {"title": ["The <b>Quick</b>, brown Fox: it's a fox!"]}),
            ("b", FOX, {"fields": {"o.note": {"require_field_match": False}}},
             {"o.note": ["Fox <em>fox</em>", "a <em>fox</em>"]}),
            ("b", {"bool": {"filter": [FOX], "must_not": [{"term": {"title": "absent"}}]}},
             {"type": "unified", "fields": {"title": {"number_of_fragments": 1}}}, {"title": ["a <em>fox</em> here"]}),
            ("c", {"match": {"title": "NEEDLE"}}, {"fields": {"title": {"number_of_fragments": 0}}},
             {"title": [LONG.replace("needle", "<em>needle</em>")]}),
            ("a", {"match_bool_prefix": {"title": "brown qui"}}, {"fields": {"title": {}}},
             {"title": ["The <em>Quick</em>, <em>brown</em> Fox: it's a fox!"]}),
            ("a", {"multi_match": {"query": "dog", "fields": ["title", "ta*"]}}, {"fields": {"*": {}}},
             {"tags": ["<em>dog</em>"]}),
            ("a", {"fuzzy": {"title": "quikc"}}, {"fields": {"title": {}}},
             {"title": ["The <em>Quick</em>, brown Fox: it's a fox!"]}),
            ("a", {"match": {"title": {"query": "BROWM its", "fuzziness": 1}}}, {"fields": {"title": {}}},
             {"title": ["The Quick, <em>brown</em> Fox: <em>it's</em> a fox!"]}),
            ("a", {"multi_match": {"query": "red fix", "fields": ["ta*"], "fuzziness": "AUTO"}},
             {"fields": {"*": {}}}, {"tags": ["<em>red fox</em>"]}),
            ("a", {"term": {"tags": {"value": "DOG", "case_insensitive": True}}}, {"fields": {"*": {}}},
             {"tags": ["<em>dog</em>"]}),
            # Of a phrase only the words that stand together.
            ("b", {"match_phrase": {"title": "a FOX"}}, {"fields": {"title": {}}},
             {"title": ["<em>a</em> <em>fox</em> here"]}),
            ("a", {"match_phrase": {"title": {"query": "fox quick", "slop": 3}}}, {"fields": {"title": {}}},
             {"title": ["The <em>Quick</em>, brown <em>Fox</em>: it's a fox!"]}),
            ("a", {"match_phrase_prefix": {"title": "a f"}}, {"fields": {"title": {}}},
             {"title": ["The Quick, brown Fox: it's <em>a</em> <em>fox</em>!"]}),
            ("a", {"multi_match": {"query": "red fox", "fields": ["ta*", "title"], "type": "phrase"}},
             {"fields": {"*": {}}}, {"tags": ["<em>red fox</em>"]}),
            ("b", {"multi_match": {"query": "fox here", "fields": ["title", "o.*"], "type": "cross_fields"}},
             {"fields": {"title": {"number_of_fragments": 1}, "o.note": {}}},
             {"title": ["a <em>fox</em> <em>here</em>"], "o.note": ["Fox <em>fox</em>", "a <em>fox</em>"]}),
            ("a", {"range": {"year": {"gt": 1}}}, {"fields": {"*": {}, "unknown": {}}}, {}),
        ],
    )  # fmt: skip
    async def test_what_was_found_stands_between_tags(
        self, storage: Storage, document_id: str, query: Any, highlight: Any, expected: Any
    ) -> None:
        await make_collection(storage, MAPPING)
        await put_all(storage, DOCUMENTS)
        for source in (True, False):
            page = await search(storage, query=query, highlight=highlight, _source=source)
            hits = {hit.id: hit for hit in page.hits}
            assert hits[document_id].highlight == expected
            assert hits[document_id].source == (DOCUMENTS[document_id] if source else None)

    async def test_a_long_text_is_shown_in_fragments(self, storage: Storage) -> None:
        await make_collection(storage, MAPPING)
        await put_all(storage, DOCUMENTS)
        option = {"fields": {"title": {}}, "fragment_size": 60, "number_of_fragments": 3}
        (hit,) = (await search(storage, query={"match": {"title": "needle"}}, highlight=option)).hits
        assert hit.highlight is not None
        fragments = hit.highlight["title"]
        assert len(fragments) == 3
        for fragment in fragments:
            assert "<em>needle</em>" in fragment
            plain = fragment.replace("<em>", "").replace("</em>", "")
            assert len(plain) <= 60
            assert plain in LONG
