"""Where Koncorde answers otherwise on purpose: its faults, each with the questions that it explains."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Difference:
    """One fault.

    Attributes:
        name: What is different here, and why.
        refusal: The beginning of Koncorde's refusal, when it refuses what has a meaning.
    """

    name: str
    refusal: str | None = None

    def explains(self, filters: Any, documents: list[dict[str, Any]], theirs: list[int] | str) -> bool:
        """Tell whether the fault is why these documents are answered otherwise."""
        if self.refusal is not None:
            return isinstance(theirs, str) and self.refusal in theirs
        return not isinstance(theirs, str) and self.applies(filters, documents)

    def applies(self, filters: Any, documents: list[dict[str, Any]]) -> bool:
        """Tell whether filter and documents have what the fault is about."""
        raise NotImplementedError


class NegatedPatternOnNoText(Difference):
    """Koncorde turns other values into texts before it tries the pattern of a negated regexp."""

    def applies(self, filters: Any, documents: list[dict[str, Any]]) -> bool:
        fields = {next(iter(body)) for keyword, body in clauses(filters) if keyword == "regexp"}
        return bool(fields) and all(
            any(not isinstance(found(document, field), str) for field in fields) for document in documents
        )


class ContradictionOfArrays(Difference):
    """Koncorde takes the test of one array element for the whole field, and a text for the number it looks like."""

    def applies(self, filters: Any, documents: list[dict[str, Any]]) -> bool:
        fields = [field for keyword, body in clauses(filters) if (field := tested_field(keyword, body))]
        return len(fields) > len(set(fields))


DIFFERENCES = (
    Difference("what is not nothing is everything, Koncorde cannot store it", "storeOperand"),
    Difference("shapes stand wherever other clauses do, Koncorde loses them beside `or`", "geospatial"),
    NegatedPatternOnNoText("a value that is no text does not match a pattern, Koncorde makes it a text when negated"),
    ContradictionOfArrays("only real contradictions go, Koncorde drops more"),
)


def clauses(filters: Any) -> Iterator[tuple[str, Any]]:
    """Yield the clauses of a filter, as keyword and body."""
    if isinstance(filters, list):
        for part in filters:
            yield from clauses(part)
    elif isinstance(filters, dict):
        for keyword, body in filters.items():
            if keyword in ("and", "or", "not", "bool", "must", "must_not", "should", "should_not"):
                yield from clauses(body)
            else:
                yield keyword, body


def tested_field(keyword: str, body: Any) -> str | None:
    """Return the field that a clause asks about."""
    if keyword in ("exists", "missing"):
        return str(body["field"] if isinstance(body, dict) else body).partition("[")[0]
    if keyword == "ids":
        return "_id"
    return str(next(iter(body))) if isinstance(body, dict) and body else None


def found(document: Any, path: str) -> Any:
    """Return what a document holds at a path, an empty text when nothing."""
    for part in path.split("."):
        document = document.get(part, "") if isinstance(document, dict) else ""
    return document
