"""Statements on what a look-up finds: its rows stand for the documents, which need not be read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from kuzzle.storage.sqlite.catalogue import CollectionState
from kuzzle.storage.sqlite.expressions import Score
from kuzzle.storage.sqlite.lookups import MOST_KEPT
from kuzzle.storage.sqlite.translation import Translation

# What more documents than this match is met soon on the way through all of them, and not kept in memory.
MANY: Final = 32_768


@dataclass(frozen=True, slots=True)
class Leading:
    """The rest of a statement, in which `d` has the rids of all that match, and nothing else.

    Attributes:
        source: The rest of a statement that asks for no score.
        scored: The same where the score is known.
        score: The expression of the score there; None: it asks for more than rids.
        is_in_order: The rows are in the order of documents.
    """

    source: str
    scored: str
    score: str | None
    is_in_order: bool


def find_leading(translation: Translation, state: CollectionState, condition: str, score: Score) -> Leading | None:
    """Return the statement on the look-up that leads a condition, None where there is none."""
    led = translation.lookups.lead(condition)
    if led is None:
        return None
    if led.joined is not None:
        source = f"FROM ({led.joined}) AS d"
        found = score if isinstance(score, float) else translation.relevance.along(led.joined, score)
        return Leading(source, source, _of_rids(found), is_in_order=True)
    if led.rest is not None and asks_document(led.rest):
        return None
    lookup, table, lookups = led.lookup, state.values_table, translation.lookups
    if (led.others or led.without) and isinstance(score, float):
        # The limit keeps SQLite from asking the rest of what either set has, instead of what both have.
        rest = "" if led.rest is None else f" WHERE {led.rest}"
        source = f"FROM ({lookups.rids(led)} LIMIT -1) AS d{rest}"
        return Leading(source, source, None, is_in_order=lookups.is_in_order(led))
    tests = lookups.tests(led)
    if lookup.is_single:
        source = f"FROM {table} AS d WHERE {lookup.where}{f' AND {tests}' if tests else ''}"
        found = score if isinstance(score, float) else translation.relevance.along(lookup.where, score)
        return Leading(source, source, _of_rids(found), lookup.is_one_value)
    if not lookup.words and (not isinstance(score, float) or is_met_soon(translation, condition)):
        return None
    rest = f" WHERE {tests}" if tests else ""
    source = f"FROM (SELECT DISTINCT rid FROM {table} WHERE {lookup.where}) AS d{rest}"
    if isinstance(score, float):
        return Leading(source, source, None, is_in_order=False)
    columns, grouped = translation.relevance.grouped(lookup.number, lookup.words, score)
    sums = "".join(f", {column}" for column in columns)
    scored = f"FROM (SELECT rid{sums} FROM {table} WHERE {lookup.where} GROUP BY rid) AS d{rest}"
    return Leading(source, scored, _of_rids(grouped), is_in_order=False)


def counted(translation: Translation, state: CollectionState, condition: str) -> str | None:
    """Return the rest of a statement that has a row for each match, where one look-up finds each several times."""
    led = translation.lookups.lead(condition)
    if led is None or not led.is_alone or led.lookup.is_single:
        return None
    return f"FROM (SELECT DISTINCT rid FROM {state.values_table} WHERE {led.lookup.where})"


def is_met_soon(translation: Translation, condition: str) -> bool:
    """Tell whether a page is found sooner by asking each document than by making a set of all that match.

    What several look-ups find together may be much less than what each finds.
    """
    led = translation.lookups.lead(condition)
    if led is not None and (led.others or led.without):
        return False
    size = translation.lookups.size(condition, MANY)
    return size is not None and size > MANY


def is_kept(translation: Translation, condition: str, most: int) -> bool:
    """Tell whether the rids of all that match are better kept than found again: they are few, and took some asking.

    Args:
        most: How many may match; what several look-ups find is much less than what each finds.
    """
    led = translation.lookups.lead(condition)
    return led is not None and not led.is_alone and led.size <= (MOST_KEPT if led.others else most)


def _of_rids(score: Score) -> str | None:
    return score if isinstance(score, str) and not asks_document(score) else None


def asks_document(expression: str) -> bool:
    """Tell whether an expression asks for more of `d` than its rid."""
    return re.search(r"\bd\.(?!rid\b)", expression) is not None
