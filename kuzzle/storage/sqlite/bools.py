"""Clauses joined by `bool`, as SQL.

Of the clauses that must hold, the one that the fewest documents match leads: it is made into a set, and what would
make a much larger set is asked about each document of it instead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from kuzzle.storage.sqlite.expressions import EVERYTHING, NOTHING, Score, joined
from kuzzle.storage.sqlite.lookups import ASKING_COSTS
from kuzzle.storage.tree import Bool, Query

if TYPE_CHECKING:
    from kuzzle.storage.sqlite.translation import Translation


Part = tuple[str, Callable[[], str]]
"""A condition as a set, and what gives it as a question about each document."""


def condition(translation: Translation, query: Bool) -> str:
    """Return the condition that documents match.

    Raises:
        KuzzleError
    """
    must = _parts(translation, (*query.must, *query.filter))
    should = _parts(translation, query.should)
    must_not = _parts(translation, query.must_not)
    if query.required_should > len(should):
        return NOTHING
    if not translation.asks_each:
        must_not = [part for part in must_not if translation.lookups.size(part[0], 1) != 0]
    return conjunction(translation, must, should, query.required_should, must_not)


def conjunction(
    translation: Translation,
    must: Sequence[Part],
    should: Sequence[Part] = (),
    required: int = 0,
    must_not: Sequence[Part] = (),
) -> str:
    """Return the condition that some conditions hold together, with the rarest of them in the lead."""
    lookups = translation.lookups
    found = None if translation.asks_each else lookups.smallest(_texts(must))
    if found is None:
        return _joined(_texts(must), _some(_texts(should), required), _texts(must_not))
    place, size = found
    if not size:
        return NOTHING
    leader, _ = must[place]
    sets, asked = _divided(translation, _narrowed(translation, [*must[:place], *must[place + 1 :]], size))
    without, excluded = _divided(translation, _narrowed(translation, must_not, size))
    optional = _narrowed(translation, should, size) if required else []
    rest = _joined(asked, _some(optional, required), excluded)
    return lookups.led_by(leader, size, sets, without, rest)


def score(translation: Translation, query: Bool) -> Score:
    """Return the score of the documents that match: the scores of what matched, added up.

    Raises:
        KuzzleError
    """
    fixed = 0.0
    parts = []
    for clause in query.must:
        found = translation.score(clause)
        if isinstance(found, float):
            fixed += found
        else:
            parts.append(found)
    for clause in query.should:
        found = translation.score(clause)
        if found != 0.0:
            parts.append(f"(({translation.condition(clause)}) * {translation.number(found)})")
    if not parts:
        return fixed * query.boost
    if len(parts) == 1 and fixed == 0.0 and query.boost == 1.0:
        return parts[0]
    return f"({joined([*parts, translation.number(fixed)], '+')} * {translation.number(query.boost)})"


def _parts(translation: Translation, clauses: Sequence[Query]) -> list[Part]:
    return [(translation.condition(clause), partial(translation.question, clause)) for clause in clauses]


def _texts(parts: Sequence[Part]) -> list[str]:
    return [text for text, _ in parts]


def _narrowed(translation: Translation, parts: Sequence[Part], left: int) -> list[str]:
    """Return conditions in the cheaper of their forms, where so many documents are left to ask about."""
    limit = ASKING_COSTS * left
    chosen = []
    for text, ask in parts:
        size = translation.lookups.size(text, limit)
        chosen.append(text if size is not None and size <= limit else ask())
    return chosen


def _divided(translation: Translation, texts: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return which of some conditions are single look-ups, and which are not."""
    sets = [text for text in texts if translation.lookups.is_known(text)]
    return sets, [text for text in texts if not translation.lookups.is_known(text)]


def _joined(must: Sequence[str], should: Sequence[str], must_not: Sequence[str]) -> str:
    parts = [part for part in (*must, *should, *(f"NOT {part}" for part in must_not)) if part != EVERYTHING]
    return joined(parts, "AND") if parts else EVERYTHING


def _some(parts: Sequence[str], required: int) -> Sequence[str]:
    """Return what must hold so that so many of some conditions do."""
    if not required:
        return ()
    if required == 1:
        return (joined(parts, "OR"),)
    if required == len(parts):
        return parts
    return (f"({joined([f'({part})' for part in parts], '+')} >= {required})",)
