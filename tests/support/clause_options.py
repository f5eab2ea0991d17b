"""Every clause and every option that it takes, and what shows that the option is honoured.

An option stands for one of three things. `Changes`: with the value, the hits or their scores are others than
without. `Refused`: 400. `Hint`: Elasticsearch itself says that it only tells how to search, so nothing changes, but a
value that it does not know is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

MAPPING = {
    "properties": {
        "k": {"type": "keyword"},
        "t": {"type": "text"},
        "u": {"type": "text"},
        "n": {"type": "integer"},
        "d": {"type": "date"},
        "g": {"type": "geo_point"},
        "o": {"type": "nested", "properties": {"n": {"type": "integer"}}},
    }
}
DOCUMENTS: dict[str, dict[str, Any]] = {
    "a": {"k": "Ada", "t": "red fox", "u": "a fox", "n": 1, "d": "2020-01-01T23:30:00Z", "g": "0,0", "o": [{"n": 1}]},
    "b": {"k": "ada", "t": "fox red fox jumps", "u": "dog", "n": 2, "d": 0, "g": "60,0", "o": [{"n": 2}, {"n": 7}]},
    "c": {"k": "bob", "t": "red fix dog", "u": "red", "n": 3, "d": "2020-01-02", "g": "60.9,1.5", "o": []},
    "d": {"k": "a1", "t": "red big foxes jump fox", "u": "red red fox dog", "n": 4, "d": "2021", "g": "0.5,0.5"},
}
ALL: dict[str, Any] = {"match_all": {}}
FOX: dict[str, Any] = {"match": {"t": "fox"}}


@dataclass(frozen=True)
class Changes:
    """The hits are others with this value, or the query is not refused any more.

    `base` replaces the options beside it, `below` the name of the field that they stand under.
    """

    value: Any
    base: dict[str, Any] | None = None
    below: str | None = None


@dataclass(frozen=True)
class Refused:
    """This value is refused."""

    value: Any


@dataclass(frozen=True)
class Hint:
    """These values change nothing, the wrong one is refused."""

    values: tuple[Any, ...]
    wrong: Any


Option = Changes | Refused | Hint
BOOST = Changes(3)
NAME = Changes("x")


@dataclass(frozen=True)
class Clause:
    """A clause, its options and where they stand: beside `base`, or below its field."""

    base: dict[str, Any]
    options: dict[str, Option]
    below: str | None = None
    always: dict[str, Option] = field(default_factory=lambda: {"boost": BOOST, "_name": NAME})

    def all_options(self) -> dict[str, Option]:
        """Return the options, those that all clauses have included."""
        return {**self.always, **self.options}

    def query(
        self, clause: str, options: dict[str, Any], base: dict[str, Any] | None = None, below: str | None = None
    ) -> dict[str, Any]:
        """Return the clause with some options."""
        content = {**(self.base if base is None else base), **options}
        field = below or self.below
        return {clause: content if field is None else {field: content}}


def geo(unmapped: dict[str, Any]) -> dict[str, Option]:
    """Return the options of a clause about places; `unmapped` is one about a field that is not mapped."""
    return {
        "ignore_unmapped": Changes(True, unmapped),
        "validation_method": Refused("COERCE"),
        "coerce": Refused(True),
        "ignore_malformed": Refused(True),
    }


BOX = {"top_left": "1,-1", "bottom_right": "-1,1"}
TRIANGLE = {"points": ["-1,-1", "1,-1", "0,9"]}
BOX_OPTIONS = {"type": Hint(("memory", "indexed"), "disk"), **geo({"none": BOX})}
FUZZINESS = {
    # What `match_bool_prefix` takes for the beginning of a word may not differ.
    "fuzziness": Changes(1, {"query": "fax z"}),
    "prefix_length": Changes(2, {"query": "fax z", "fuzziness": 1}),
    "max_expansions": Changes(1, {"query": "fax z", "fuzziness": 1}),
    "fuzzy_transpositions": Changes(False, {"query": "fxo z", "fuzziness": 1}),
}
WORDS: dict[str, Option] = {
    "operator": Changes("and"),
    "minimum_should_match": Changes(2),
    "analyzer": Changes("keyword"),
    "lenient": Changes(True, {"query": "x"}, "n"),
    **FUZZINESS,
}
PHRASE: dict[str, Option] = {
    "slop": Changes(3),
    "phrase_slop": Changes(3),
    "analyzer": Changes("keyword"),
    "zero_terms_query": Changes("all", {"query": "!"}),
    "lenient": Changes(True, {"query": "x"}, "n"),
}
REWRITE = Hint(("constant_score", "constant_score_boolean", "constant_score_blended"), "scoring_boolean")
TWO = [FOX, {"term": {"t": "red"}}]

CLAUSES: dict[str, Clause] = {
    "match_all": Clause({}, {}),
    "match_none": Clause({}, {}, always={"boost": Refused("much"), "_name": Refused(1)}),
    "term": Clause({"value": "Ada"}, {"case_insensitive": Changes(True)}, below="k"),
    "terms": Clause({"k": ["Ada", "bob"]}, {}),
    "range": Clause(
        {"gte": 2, "lt": 4},
        {
            **{name: Changes(3) for name in ("gt", "gte", "ge", "from")},
            **{name: Changes(2) for name in ("lt", "lte", "le", "to")},
            "include_lower": Changes(False, {"from": 2}),
            "includeLower": Changes(False, {"from": 2}),
            "include_upper": Changes(False, {"to": 2}),
            "includeUpper": Changes(False, {"to": 2}),
            "format": Refused("yyyy"),
            "time_zone": Refused("+01:00"),
        },
        below="n",
    ),
    "exists": Clause({"field": "k"}, {}),
    "ids": Clause(
        {"values": ["a", "c"]},
        {
            "type": Changes("other"),
            "types": Changes(["other"]),
            "_type": Changes("other"),
        },
    ),
    "bool": Clause(
        {"should": TWO},
        {
            "must": Changes(FOX),
            "filter": Changes(FOX),
            "should": Changes([FOX]),
            "must_not": Changes(FOX),
            "mustNot": Changes(FOX),
            "minimum_should_match": Changes(2),
            "minimumShouldMatch": Changes(2),
            "adjust_pure_negative": Changes(False, {"must_not": FOX}),
            "disable_coord": Hint((True, False), "perhaps"),
        },
    ),
    "constant_score": Clause({"filter": FOX}, {}),
    "dis_max": Clause({"queries": TWO}, {"tie_breaker": Changes(1)}),
    "boosting": Clause({"positive": ALL, "negative": FOX, "negative_boost": 0.5}, {"negative_boost": Changes(0.1)}),
    "function_score": Clause(
        {"query": ALL, "weight": 2},
        {
            "weight": Changes(3),
            "field_value_factor": Changes({"field": "n"}),
            "functions": Changes([{"weight": 5}], {"query": ALL}),
            "score_mode": Changes("sum", {"functions": [{"weight": 2}, {"weight": 3}]}),
            "boost_mode": Changes("sum", {"query": {"constant_score": {"filter": ALL, "boost": 7}}, "weight": 2}),
            "max_boost": Changes(1.5),
            "min_score": Changes(2.5),
            **{name: Refused({}) for name in ("script_score", "random_score", "gauss", "exp", "linear")},
        },
    ),
    "nested": Clause(
        {"path": "o", "query": {"range": {"o.n": {"gte": 2}}}},
        {
            "score_mode": Changes("sum"),
            "ignore_unmapped": Changes(True, {"path": "none", "query": ALL}),
            "inner_hits": Changes({}),
        },
    ),
    "geo_distance": Clause(
        {"g": "60,0", "distance": "150km"},
        {
            "unit": Changes("mi", {"g": "60,0", "distance": 100}),
            "distance_type": Changes("plane"),
            "optimize_bbox": Hint(("memory", "indexed", "none"), "all"),
            **geo({"none": "0,0", "distance": 1}),
        },
    ),
    "geo_bounding_box": Clause({"g": BOX}, BOX_OPTIONS),
    "geo_bbox": Clause({"g": BOX}, BOX_OPTIONS),
    "geo_polygon": Clause({"g": TRIANGLE}, geo({"none": TRIANGLE})),
    "match": Clause(
        {"query": "red fox"},
        {
            **WORDS,
            "zero_terms_query": Changes("all", {"query": "!"}),
            "auto_generate_synonyms_phrase_query": Hint((True, False), "perhaps"),
            "type": Changes("phrase"),
            "slop": Changes(3, {"query": "red fox", "type": "phrase"}),
            "phrase_slop": Changes(3, {"query": "red fox", "type": "phrase"}),
        },
        below="t",
    ),
    "match_bool_prefix": Clause({"query": "red fo"}, {**WORDS, **FUZZINESS}, below="t"),
    "match_phrase": Clause({"query": "red fox"}, PHRASE, below="t"),
    "match_phrase_prefix": Clause(
        {"query": "red fo"}, {**PHRASE, "max_expansions": Changes(1, {"query": "fo"})}, below="t"
    ),
    "multi_match": Clause(
        {"query": "red fox", "fields": ["t", "u"]},
        {
            **{
                name: Changes(option.value, option.base and {"fields": [option.below or "t"], **option.base})
                if isinstance(option, Changes)
                else option
                for name, option in WORDS.items()
            },
            "fields": Changes(["t^2", "u"]),
            "type": Changes("most_fields"),
            "tie_breaker": Changes(0.5),
            "zero_terms_query": Changes("all", {"query": "!", "fields": ["t"]}),
            "slop": Changes(3, {"query": "red fox", "fields": ["t"], "type": "phrase"}),
            "phrase_slop": Changes(3, {"query": "red fox", "fields": ["t"], "type": "phrase"}),
        },
    ),
    "prefix": Clause({"value": "a"}, {"case_insensitive": Changes(True), "rewrite": REWRITE}, below="k"),
    "wildcard": Clause({"value": "a*"}, {"case_insensitive": Changes(True), "rewrite": REWRITE}, below="k"),
    "regexp": Clause(
        {"value": "a<1-9>|a.*a"},
        {
            "case_insensitive": Changes(True),
            "flags": Changes("NONE"),
            "flags_value": Refused(1),
            "max_determinized_states": Refused(1),
            "rewrite": REWRITE,
        },
        below="k",
    ),
    "fuzzy": Clause(
        {"value": "fax"},
        {
            "fuzziness": Changes(0),
            "prefix_length": Changes(2),
            "max_expansions": Changes(1),
            "transpositions": Changes(False, {"value": "fxo", "fuzziness": 1}),
        },
        below="t",
    ),
    "query_string": Clause(
        {"query": "red fox"},
        {
            "fields": Changes(["t"]),
            "default_field": Changes("t"),
            "default_operator": Changes("and"),
            "analyzer": Changes("keyword", {"query": "Red"}),
            "quote_analyzer": Changes("keyword", {"query": '"red fox"'}),
            "analyze_wildcard": Changes(True, {"query": "big-f*", "fields": ["t"]}),
            "allow_leading_wildcard": Changes(False, {"query": "*ox"}),
            "auto_generate_phrase_queries": Changes(True, {"query": "red-fox"}),
            "auto_generate_synonyms_phrase_query": Hint((True, False), "perhaps"),
            "enable_position_increments": Refused(False),
            "split_on_whitespace": Refused(False),
            "escape": Changes(True, {"query": "red NOT fox (", "fields": ["t"]}),
            "fuzziness": Changes(2, {"query": "faxs~", "fields": ["t"]}),
            "fuzzy_prefix_length": Changes(2, {"query": "fax~", "fields": ["t"]}),
            "fuzzy_max_expansions": Changes(1, {"query": "fax~", "fields": ["t"]}),
            "fuzzy_transpositions": Changes(False, {"query": "fxo~1", "fields": ["t"]}),
            "lenient": Changes(True, {"query": "x", "fields": ["n"]}),
            "minimum_should_match": Changes(2),
            "max_determinized_states": Changes(1, {"query": "/r.d/"}),
            "phrase_slop": Changes(3, {"query": '"red fox"', "fields": ["t"]}),
            "rewrite": REWRITE,
            "tie_breaker": Changes(0.5),
            "type": Changes("most_fields"),
            "use_dis_max": Changes(False),
            "time_zone": Changes("+01:00", {"query": "d:[2020-01-02 TO 2020-01-02]"}),
            "all_fields": Changes(True, {"query": "red", "fields": ["t"]}),
        },
    ),
    "simple_query_string": Clause(
        {"query": "red fox"},
        {
            "fields": Changes(["t"]),
            "default_operator": Changes("and"),
            "analyzer": Changes("keyword", {"query": "Red"}),
            "analyze_wildcard": Changes(True, {"query": "big-f*", "fields": ["t"]}),
            "auto_generate_synonyms_phrase_query": Hint((True, False), "perhaps"),
            "flags": Changes("NONE", {"query": "red -fox"}),
            "fuzzy_prefix_length": Changes(2, {"query": "fax~1", "fields": ["t"]}),
            "fuzzy_max_expansions": Changes(1, {"query": "fax~1", "fields": ["t"]}),
            "fuzzy_transpositions": Changes(False, {"query": "fxo~1", "fields": ["t"]}),
            "lenient": Changes(True, {"query": "x", "fields": ["n"]}),
            "minimum_should_match": Changes(2),
            "all_fields": Changes(True, {"query": "red", "fields": ["t"]}),
        },
    ),
}
# Names that stand for the content of a clause, not for an option of it.
CONTENT: frozenset[str] = frozenset(
    {
        "value",
        "term",
        "prefix",
        "wildcard",
        "query",
        "queries",
        "filter",
        "positive",
        "negative",
        "path",
        "field",
        "values",
        "distance",
        "points",
    }
)
