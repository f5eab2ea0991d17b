"""What the benchmarks of the data API store and ask: the same for every server, and in every run."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

MAPPING: dict[str, Any] = {
    "properties": {
        "title": {"type": "text"},
        "description": {"type": "text"},
        "city": {"type": "keyword"},
        "category": {"type": "keyword"},
        "code": {"type": "keyword"},
        "tags": {"type": "keyword"},
        "price": {"type": "integer"},
        "rating": {"type": "float"},
        "publishedAt": {"type": "date"},
        "isAvailable": {"type": "boolean"},
    }
}
CITIES, CATEGORIES, TAGS = 200, 10, 50
PRICES = 10_000
# Every tenth description has this word, nine of ten have the other.
TENTH_WORD, COMMON_WORD = "harbour", "the"
_WORDS = [
    f"{start}{middle}{end}" for start in "bdfgklmnprst" for middle in "aeiou" for end in ("lon", "ra", "mik", "s")
]
_DAY_MS = 86_400_000
_FIRST_DAY_MS = 1_500_000_000_000


def documents(first: int, count: int) -> Iterator[dict[str, Any]]:
    """Make documents by their numbers: of about 400 bytes, with 16 words and ten fields."""
    for number in range(first, first + count):
        dice = random.Random(number)
        words = [_WORDS[int(len(_WORDS) * dice.random() ** 2)] + str(int(20 * dice.random() ** 2)) for _ in range(14)]
        if number % 10 == 3:
            words[5] = TENTH_WORD
        if number % 10 != 7:
            words[8] = COMMON_WORD
        yield {
            "title": " ".join(words[:4]),
            "description": " ".join(words[4:]),
            "city": f"city_{int(dice.random() * CITIES):03}",
            "category": f"category_{int(dice.random() * CATEGORIES)}",
            "code": f"{int(dice.random() * 1e12):012d}",
            "tags": [f"tag_{int(dice.random() * TAGS):02}" for _ in range(2)],
            "price": int(dice.random() * PRICES),
            "rating": round(dice.random() * 5, 2),
            "publishedAt": _FIRST_DAY_MS + int(dice.random() * 1000) * _DAY_MS,
            "isAvailable": dice.random() < 0.5,
        }


def questions(count: int, total: int) -> list[dict[str, Any]]:
    """Values that the reads of one run ask for, so that none is answered from the one before."""
    dice = random.Random(42)
    return [
        {
            "id": f"d{dice.randrange(total)}",
            "city": f"city_{dice.randrange(CITIES):03}",
            "category": f"category_{dice.randrange(CATEGORIES)}",
            "low": (low := dice.randrange(PRICES // 2)),
            "high": low + PRICES // 2,
            "near": low + PRICES // 10,
            "code": f"{dice.randrange(1000):03d}",
            "word": _WORDS[dice.randrange(len(_WORDS) // 2)] + "0",
        }
        for _ in range(count)
    ]
