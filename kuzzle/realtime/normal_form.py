"""The normal form of a filter: an *or* of *ands* of clauses, the same for every way to write it.

Negations stand at the clauses already (`filters.py`). Here the rest is multiplied out; in each *and*
the clauses about one field are settled among themselves (a known value decides all others), impossible
*ands* go, those that contain another one go too, and everything is sorted.

Multiplying out can grow without end, so all work is paid from one budget: a hostile filter is refused
after a tenth of a second at most where `max_terms` is the default, whatever it would have come to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from kuzzle.errors import KuzzleError
from kuzzle.realtime.operators import EVERY_KIND, Clause, Equals, Exists, InRange, InShape, Unplaceable

Term = frozenset[Clause]
NormalForm = tuple[tuple[Clause, ...], ...]
"""Sorted *ands* of sorted clauses. `()` matches nothing, `((),)` everything."""

# Clauses that may be read or copied for each *and* that a filter may come to.
WORK_PER_TERM: Final = 32
# Up to so many *ands* are each compared with all others, clause by clause: ten milliseconds at most.
_MAX_COMPARED: Final = 64
_COUNT_END: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds; without parts: always."""

    parts: Sequence[Expression]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds; without parts: never."""

    parts: Sequence[Expression]


Expression = Clause | AllOf | AnyOf


def normal_form(expression: Expression, max_terms: int) -> NormalForm:
    """Bring an expression to its normal form.

    Raises:
        KuzzleError: `core.realtime.too_many_terms`: more *ands* than `max_terms`, or too much work to
            find out.
    """
    terms = _Expansion(expression, max_terms).expand(expression)
    if len(terms) <= _MAX_COMPARED:
        terms = _without_implied(terms)
    if len(terms) > max_terms:
        raise KuzzleError("core.realtime.too_many_terms", max_terms, len(terms))
    return tuple(sorted((tuple(sorted(term, key=_key)) for term in terms), key=_keys))


def are_exclusive(form: NormalForm) -> bool:
    """Tell whether no document can match two of the *ands*, as far as one look can tell."""
    first = form[0] if form else ()
    for clause in first:
        if isinstance(clause, Equals) and not clause.is_negated:
            values = {other.key for term in form for other in term if _is_equality_on(other, clause.field)}
            return len(values) == len(form)
    return len(form) < 2


class _Expansion:
    """Multiplies one expression out."""

    def __init__(self, expression: Expression, max_terms: int) -> None:
        self._expression = expression
        self._max_terms = max_terms
        self._budget = max_terms * WORK_PER_TERM

    def expand(self, expression: Expression) -> Collection[Term]:
        if isinstance(expression, Clause):
            return (frozenset((expression,)),)
        if isinstance(expression, AnyOf):
            return self._any_of(expression.parts)
        return self._all_of(expression.parts)

    def _any_of(self, parts: Sequence[Expression]) -> Collection[Term]:
        terms: set[Term] = set()
        for part in parts:
            expanded = self.expand(part)
            self._pay(len(expanded))
            terms.update(expanded)
        return without_absorbed(terms)

    def _all_of(self, parts: Sequence[Expression]) -> Collection[Term]:
        expanded = sorted((self.expand(part) for part in parts), key=len)
        common = settled(clause for terms in expanded if len(terms) == 1 for term in terms for clause in term)
        if common is None or (expanded and not expanded[0]):
            return ()
        product: Collection[Term] = (common,)
        for terms in expanded:
            if len(terms) > 1:
                product = self._multiply(product, terms)
        return product

    def _multiply(self, left: Collection[Term], right: Collection[Term]) -> Collection[Term]:
        terms: set[Term] = set()
        for one in left:
            for other in right:
                self._pay(len(one) + len(other))
                both = settled(one | other)
                if both is not None:
                    terms.add(both)
        return without_absorbed(terms)

    def _pay(self, clauses: int) -> None:
        self._budget -= clauses
        if self._budget < 0:
            count = _count(self._expression)
            if count <= self._max_terms:  # few, but long ones
                raise too_much_work(self._max_terms)
            received = f"more than {_COUNT_END}" if count >= _COUNT_END else count
            raise KuzzleError("core.realtime.too_many_terms", self._max_terms, received)


def too_much_work(max_terms: int) -> KuzzleError:
    """Return the refusal of a filter that has too many clauses, whatever terms it comes to."""
    limit = max_terms * WORK_PER_TERM
    return KuzzleError("core.realtime.too_many_terms", limit, f"more than {limit}")


def settled(clauses: Iterable[Clause]) -> Term | None:
    """Return an *and* without the clauses that its others imply; None when it can never hold."""
    fields: dict[str, set[Clause]] = {}
    for clause in clauses:
        fields.setdefault(clause.field, set()).add(clause)
    left: set[Clause] = set()
    for on_field in fields.values():
        if len(on_field) > 1:
            kept = _settled_on_field(on_field)
            if kept is None:
                return None
            left |= kept
        else:
            left |= on_field
    return frozenset(left)


def _settled_on_field(clauses: set[Clause]) -> set[Clause] | None:
    """Settle the clauses about one field; they are at least two."""
    for clause in clauses:  # a known value, or absence, decides every other clause
        if isinstance(clause, Equals) and not clause.is_negated:
            return {clause} if all(other.holds(clause.value) for other in clauses) else None
        if isinstance(clause, Exists) and clause.is_negated:
            return {clause} if all(other.is_negated for other in clauses) else None
    if any(clause.negation() in clauses for clause in clauses if clause.is_negated):
        return None
    positive = [clause for clause in clauses if not clause.is_negated]
    if not _can_stand_together(positive):
        return None
    ranges = [clause for clause in positive if isinstance(clause, InRange)]
    if ranges:
        return _settled_on_number(clauses, ranges)
    return {clause for clause in clauses if not _is_implied(clause, positive)}


def _is_implied(clause: Clause, positive: list[Clause]) -> bool:
    """Tell whether a clause holds whenever all these positive ones about the same field do."""
    if isinstance(clause, Exists):
        return any(not isinstance(other, Exists) for other in positive)
    if not clause.is_negated:
        return False
    if isinstance(clause, Equals):
        return any(not other.accepts(clause.value) for other in positive)
    if isinstance(clause, Unplaceable):
        return any(isinstance(other, InShape) for other in positive)
    return not _can_stand_together((clause, *positive))


def _can_stand_together(clauses: Iterable[Clause]) -> bool:
    """Tell whether a value of any one type may satisfy the positive form of all these clauses."""
    return bool(EVERY_KIND.intersection(*(clause.kinds for clause in clauses)))


def _settled_on_number(clauses: set[Clause], ranges: list[InRange]) -> set[Clause] | None:
    """Settle the clauses about a field that must be a number in all these ranges."""
    low, high = max(one.low for one in ranges), min(one.high for one in ranges)
    if low > high:
        return None
    common = InRange(ranges[0].field, low, high)
    kept: set[Clause] = {common}
    for clause in clauses:
        if not clause.is_negated:
            continue
        if isinstance(clause, Unplaceable) or (isinstance(clause, Equals) and common.accepts(clause.value)):
            kept.add(clause)
        elif isinstance(clause, InRange) and clause.low <= high and low <= clause.high:
            if clause.low <= low and high <= clause.high:
                return None
            kept.add(clause)
    return kept


def without_absorbed(terms: Collection[Term]) -> Collection[Term]:
    """Drop each *and* that contains another one whole: whenever it holds, so does the smaller."""
    if len(terms) < 2:
        return terms
    kept: list[Term] = []
    uses = Counter(clause for term in terms for clause in term)
    by_clause: dict[Clause, list[Term]] = {}  # each term by its rarest clause: so few have to be compared
    for term in sorted(terms, key=len):
        if not term:
            return (term,)
        if any(smaller <= term for clause in term for smaller in by_clause.get(clause, ())):
            continue
        kept.append(term)
        by_clause.setdefault(min(term, key=uses.__getitem__), []).append(term)
    return kept


def _without_implied(terms: Collection[Term]) -> Collection[Term]:
    """Drop each *and* whose clauses imply those of another one, as a value implies its range."""
    if all(map(_says_values, terms)):  # nothing but the value itself implies a value, and that is absorbed already
        return terms
    kept: list[Term] = []
    for term in terms:
        if not any(_implies(term, weaker) for weaker in kept):
            kept = [other for other in kept if not _implies(other, term)]
            kept.append(term)
    return kept


def _implies(term: Term, weaker: Term) -> bool:
    for clause in weaker:  # what tells most of them apart, in a hundredth of the time
        if type(clause) is Equals and not clause.is_negated and clause not in term:
            return False
    fields = {clause.field for clause in term}
    return all(clause.field in fields for clause in weaker) and settled(weaker | term) == term


def _count(expression: Expression) -> int:
    """Count the *ands* that plain multiplication gives, up to `_COUNT_END`."""
    if isinstance(expression, Clause):
        return 1
    counts = [_count(part) for part in expression.parts]
    if isinstance(expression, AnyOf):
        return min(sum(counts), _COUNT_END)
    product = 1
    for count in counts:
        product = min(product * count, _COUNT_END)
    return product


def _says_values(term: Term) -> bool:
    """Tell whether an *and* asks for the values of fields and nothing else."""
    return all(type(clause) is Equals and not clause.is_negated for clause in term)


def _is_equality_on(clause: Clause, field: str) -> bool:
    return isinstance(clause, Equals) and not clause.is_negated and clause.field == field


def _key(clause: Clause) -> tuple[object, ...]:
    return clause.key


def _keys(term: tuple[Clause, ...]) -> list[tuple[object, ...]]:
    return [clause.key for clause in term]
