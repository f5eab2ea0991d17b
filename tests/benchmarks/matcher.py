"""The matcher against Koncorde, the filter engine of Kuzzle, in one run.

    python tests/benchmarks/matcher.py [--filters 1000,10000] [--koncorde FOLDER]

FOLDER is one where `npm install koncorde@4` was run (it compiles native parts); without it only our own
figures are shown. CPU time, in turn, every case twice: trust the ratios, not the figures.

The mixture is nearer to life than its parts: of ten filters two ask for a value, two for a value and an
interval, two for one of ten words, two for a field and a value, two for an interval; documents have 20
fields. Reading and checking the filters is part of a registration on both sides.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from kuzzle.realtime.filters import read_filter  # noqa: E402
from kuzzle.realtime.matcher import CollectionMatcher  # noqa: E402

SECONDS = 1.0
DOCUMENTS = 200


def mixture(count: int, dice: random.Random) -> list[dict[str, Any]]:
    """Filters of every kind, all different."""
    kinds: list[Callable[[random.Random, int], dict[str, Any]]] = [
        equals,
        equals_and_range,
        words,
        exists_and_equals,
        interval,
    ]
    return [kinds[number % len(kinds)](dice, count) for number in range(count)]


def equals(dice: random.Random, count: int) -> dict[str, Any]:
    return {"equals": {f"text{dice.randrange(5)}": f"value{dice.randrange(count)}"}}


def equals_and_range(dice: random.Random, count: int) -> dict[str, Any]:
    low = dice.uniform(0, 90)
    return {
        "and": [{"equals": {"kind": f"kind{dice.randrange(20)}"}}, {"range": {"price": {"gte": low, "lt": low + 1}}}]
    }


def words(dice: random.Random, count: int) -> dict[str, Any]:
    return {"in": {"city": [f"city{dice.randrange(count * 10)}" for _ in range(10)]}}


def exists_and_equals(dice: random.Random, count: int) -> dict[str, Any]:
    return {"and": [{"exists": f"flag{dice.randrange(5)}"}, {"equals": {"owner.id": f"user{dice.randrange(count)}"}}]}


def interval(dice: random.Random, count: int) -> dict[str, Any]:
    low = dice.uniform(0, 1000)
    return {"range": {"stamp": {"gte": low, "lte": low + dice.uniform(0.1, 2)}}}


def document(dice: random.Random, count: int) -> dict[str, Any]:
    """A document of 20 fields, most of which some filter asks about."""
    return {
        **{f"text{number}": f"value{dice.randrange(count)}" for number in range(5)},
        "kind": f"kind{dice.randrange(20)}",
        "price": dice.uniform(0, 100),
        "city": f"city{dice.randrange(count * 10)}",
        **{f"flag{number}": True for number in range(3)},
        "owner": {"id": f"user{dice.randrange(count)}", "name": "somebody"},
        "stamp": dice.uniform(0, 1000),
        **{f"other{number}": number for number in range(5)},
    }


def ours(filters: list[Any], documents: list[dict[str, Any]]) -> dict[str, float]:
    """Measure the matcher: microseconds a registration, a match, a removal, and matches a round."""
    matcher: CollectionMatcher[int] = CollectionMatcher()
    start = time.process_time()
    forms = []
    for number, one in enumerate(filters):
        form = read_filter(one)
        forms.append(form)
        matcher.add(form, number)
    register = time.process_time() - start
    for one in documents:
        matcher.match(None, one)
    matched = rounds = 0
    start = time.process_time()
    while time.process_time() - start < SECONDS:
        for one in documents:
            matched += len(matcher.match(None, one))
        rounds += 1
    match = time.process_time() - start
    start = time.process_time()
    for number, form in enumerate(forms):
        matcher.remove(form, number)
    remove = time.process_time() - start
    return {
        "register": register / len(filters) * 1e6,
        "match": match / rounds / len(documents) * 1e6,
        "remove": remove / len(filters) * 1e6,
        "matched": matched / rounds,
    }


def koncorde(filters: list[Any], documents: list[dict[str, Any]], folder: str) -> dict[str, float]:
    """Measure Koncorde, in the same units."""
    case = json.dumps({"filters": filters, "documents": documents, "seconds": SECONDS})
    script = str(Path(__file__).with_suffix(".js"))
    ended = subprocess.run(["node", script, folder], input=case, capture_output=True, text=True, check=True)
    result: dict[str, float] = json.loads(ended.stdout)
    return result


def show(line: str) -> None:
    """Write a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Run the cases and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--filters", default="1000,10000", help="numbers of filters")
    parser.add_argument("--koncorde", help="folder where koncorde is installed")
    options = parser.parse_args()
    show(
        "| filters | matches a document | | µs a match | µs a registration | µs a removal |\n|---|---|---|---|---|---|"
    )
    for count in map(int, options.filters.split(",")):
        dice = random.Random(count)
        filters = list({json.dumps(one): one for one in mixture(count, dice)}.values())
        documents = [document(dice, count) for _ in range(DOCUMENTS)]
        for _ in range(2):
            results = {"ours": ours(filters, documents)}
            if options.koncorde:
                results["koncorde"] = koncorde(filters, documents, options.koncorde)
                if results["koncorde"]["matched"] != results["ours"]["matched"]:
                    sys.exit(f"Different answers: {results}")
            for name, result in results.items():
                columns = " | ".join(f"{result[column]:.1f}" for column in ("match", "register", "remove"))
                show(f"| {len(filters)} | {result['matched'] / DOCUMENTS:.2f} | {name} | {columns} |")
            if options.koncorde:
                ratios = " | ".join(
                    f"{results['koncorde'][column] / results['ours'][column]:.2f}"
                    for column in ("match", "register", "remove")
                )
                show(f"| | | koncorde / ours | {ratios} |")


if __name__ == "__main__":
    main()
