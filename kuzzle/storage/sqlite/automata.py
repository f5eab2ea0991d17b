"""Patterns of terms as automata: a term is looked at once, character by character, whatever the pattern is.

A state is the expression that the rest of the term has to match (Brzozowski's derivatives), so complement
and intersection cost no more than the rest; states are worked out when the first term comes to them.
There is no backtracking, and what a pattern may cost is bounded.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from kuzzle.storage.reading import bad_request
from kuzzle.storage.text_tree import MAX_STATES

# Steps of building states, each of a microsecond: what one pattern may take of a reader's time.
MAX_STEPS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Characters:
    """One character, of these ranges or of none of them."""

    ranges: tuple[tuple[str, str], ...]
    is_negated: bool = False
    ignores_case: bool = False

    def accepts(self, one: str) -> bool:
        """Tell whether a character is one of these."""
        forms = {one, one.lower(), one.upper()} if self.ignores_case else (one,)
        is_among = any(low <= form <= high for low, high in self.ranges for form in forms)
        return is_among is not self.is_negated


@dataclass(frozen=True, slots=True)
class Sequence:
    """Expressions one after the other; without any: the empty text."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """One of several expressions; of none: nothing at all."""

    choices: frozenset[Expression]


@dataclass(frozen=True, slots=True)
class Both:
    """What all of several expressions match."""

    parts: frozenset[Expression]


@dataclass(frozen=True, slots=True)
class Not:
    """What an expression does not match."""

    inner: Expression


@dataclass(frozen=True, slots=True)
class Repeated:
    """An expression from `least` to `most` times; None: without end."""

    inner: Expression
    least: int
    most: int | None


Expression = Characters | Sequence | Either | Both | Not | Repeated
EMPTY: Final = Sequence(())
NOTHING: Final = Either(frozenset())
ANY_CHARACTER: Final = Characters((), is_negated=True)
ANYTHING: Final = Repeated(ANY_CHARACTER, 0, None)


def literal(text: str, *, ignores_case: bool = False) -> Expression:
    """Return the expression of a text."""
    return sequence(character(one, ignores_case=ignores_case) for one in text)


def character(one: str, *, ignores_case: bool = False) -> Characters:
    """Return the expression of a character."""
    return Characters(((one, one),), ignores_case=ignores_case)


def sequence(parts: Iterable[Expression]) -> Expression:
    """Return expressions one after the other, flattened."""
    flat: list[Expression] = []
    for part in parts:
        if part == NOTHING:
            return NOTHING
        flat.extend(part.parts if isinstance(part, Sequence) else (part,))
    return flat[0] if len(flat) == 1 else Sequence(tuple(flat))


def either(choices: Iterable[Expression]) -> Expression:
    """Return one of several expressions, flattened."""
    flat: set[Expression] = set()
    for choice in choices:
        flat.update(choice.choices if isinstance(choice, Either) else (choice,))
    return next(iter(flat)) if len(flat) == 1 else Either(frozenset(flat))


def both(parts: Iterable[Expression]) -> Expression:
    """Return what all expressions match, flattened."""
    flat: set[Expression] = set()
    for part in parts:
        flat.update(part.parts if isinstance(part, Both) else (part,))
    if NOTHING in flat:
        return NOTHING
    return next(iter(flat)) if len(flat) == 1 else Both(frozenset(flat))


def accepts_empty(expression: Expression) -> bool:
    """Tell whether an expression matches the empty text."""
    match expression:
        case Characters():
            return False
        case Sequence(parts):
            return all(accepts_empty(part) for part in parts)
        case Either(choices):
            return any(accepts_empty(choice) for choice in choices)
        case Both(parts):
            return all(accepts_empty(part) for part in parts)
        case Not(inner):
            return not accepts_empty(inner)
        case Repeated(inner, least, _):
            return least == 0 or accepts_empty(inner)


class Automaton:
    """Tells which terms an expression matches. One thread at a time uses it."""

    def __init__(self, expression: Expression, max_states: int = MAX_STATES) -> None:
        """`max_states` bounds the states that terms may lead it to."""
        self._max_states = max_states
        self._states: dict[Expression, int] = {}
        self._expressions: list[Expression] = []
        self._moves: list[dict[str, int]] = []
        self._ends: list[bool] = []
        self._steps = 0
        self._last: tuple[str, bool] | None = None
        self._dead = self._number(NOTHING)
        self._first = self._number(expression)

    def accepts(self, term: str) -> bool:
        """Tell whether the expression matches a term as a whole.

        Raises:
            KuzzleError: 400 `services.storage.unexpected_bad_request`: the pattern costs too much.
        """
        if self._last is not None and self._last[0] == term:
            return self._last[1]
        found = self._accepts(term)
        # Terms come in the order of the index, equal ones one after the other.
        self._last = (term, found)
        return found

    def _accepts(self, term: str) -> bool:
        state = self._first
        for one in term:
            following = self._moves[state].get(one)
            if following is None:
                following = self._number(self._after(self._expressions[state], one))
                self._moves[state][one] = following
                if len(self._expressions) > self._max_states or self._steps > MAX_STEPS:
                    raise bad_request(f"Determinizing the pattern would result in more than {self._max_states} states")
            state = following
            if state == self._dead:
                return False
        return self._ends[state]

    def _number(self, expression: Expression) -> int:
        """Return the number of a state; what it expects is kept when it is new."""
        found = self._states.get(expression)
        if found is None:
            found = self._states[expression] = len(self._expressions)
            self._expressions.append(expression)
            self._moves.append({})
            self._ends.append(accepts_empty(expression))
        return found

    def _after(self, expression: Expression, one: str) -> Expression:
        """Return what must follow a character."""
        self._steps += 1
        match expression:
            case Characters():
                return EMPTY if expression.accepts(one) else NOTHING
            case Sequence(parts):
                return self._after_sequence(parts, one)
            case Either(choices):
                return either(self._after(choice, one) for choice in choices)
            case Both(parts):
                return both(self._after(part, one) for part in parts)
            case Not(inner):
                return Not(self._after(inner, one))
            case Repeated(inner, least, most):
                if most == 0:
                    return NOTHING
                rest = Repeated(inner, max(0, least - 1), None if most is None else most - 1)
                return sequence((self._after(inner, one), rest))

    def _after_sequence(self, parts: tuple[Expression, ...], one: str) -> Expression:
        choices = []
        for position, part in enumerate(parts):
            self._steps += len(parts) - position
            choices.append(sequence((self._after(part, one), *parts[position + 1 :])))
            if self._steps > MAX_STEPS or not accepts_empty(part):
                break
        return either(choices)
