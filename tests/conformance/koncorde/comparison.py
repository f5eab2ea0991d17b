"""Koncorde's recorded answers, and how ours are held against them."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from differences import DIFFERENCES, Difference

from kuzzle.errors import KuzzleError
from kuzzle.realtime.filters import read_filter
from kuzzle.realtime.matcher import CollectionMatcher

ANSWERS = Path(__file__).resolve().parent / "answers.jsonl"


@dataclass
class Recording:
    """Questions and Koncorde's answers: for each filter the numbers of documents, or why it was refused."""

    seed: int
    documents: list[dict[str, Any]]
    answers: list[tuple[Any, list[int] | str]]

    @classmethod
    def read(cls) -> Recording:
        head, *lines = ANSWERS.read_text(encoding="utf-8").splitlines()
        given = json.loads(head)
        return cls(given["seed"], given["documents"], [tuple(json.loads(line)) for line in lines])

    def write(self) -> None:
        head = json.dumps({"seed": self.seed, "documents": self.documents}, ensure_ascii=False)
        lines = [json.dumps(answer, ensure_ascii=False, separators=(",", ":")) for answer in self.answers]
        ANSWERS.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")


@dataclass
class Comparison:
    """Where the answers differ: counted by reason, or without one, in words."""

    explained: Counter[str] = field(default_factory=Counter)
    unexplained: list[str] = field(default_factory=list)


def compare(recording: Recording) -> Comparison:
    """Ask the same questions here."""
    found = Comparison()
    for filters, theirs in recording.answers:
        ours = answer(filters, recording.documents)
        if ours == theirs or (isinstance(ours, str) and isinstance(theirs, str)):
            continue
        reason = explanation(filters, recording.documents, ours, theirs)
        if reason is None:
            found.unexplained.append(f"{json.dumps(filters, ensure_ascii=False)}\n  ours   {ours}\n  theirs {theirs}")
        else:
            found.explained[reason.name] += 1
    return found


def answer(filters: Any, documents: list[dict[str, Any]]) -> list[int] | str:
    """Return our own answer in the form of Koncorde's."""
    matcher: CollectionMatcher[int] = CollectionMatcher()
    try:
        matcher.add(read_filter(filters, 5000, with_later_keywords=True), 0)
    except KuzzleError as refusal:
        return refusal.message
    return [number for number, document in enumerate(documents) if matcher.match(None, document)]


def explanation(
    filters: Any, documents: list[dict[str, Any]], ours: list[int] | str, theirs: list[int] | str
) -> Difference | None:
    """Return why Koncorde answers otherwise, None when nobody knows."""
    if isinstance(ours, str):
        return None
    differing = set(range(len(documents))) if isinstance(theirs, str) else set(ours) ^ set(theirs)
    for difference in DIFFERENCES:
        if difference.explains(filters, [documents[number] for number in sorted(differing)], theirs):
            return difference
    return None
