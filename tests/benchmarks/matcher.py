"""The matcher against Koncorde, the filter engine of Kuzzle, in one run.

    python tests/benchmarks/matcher.py [--filters 1000,10000] [--cases mixture,equals,...] [--koncorde FOLDER]

FOLDER is one where `npm install koncorde@4` was run (it compiles native parts); without it only our own
figures are shown. CPU time, in turn, every case several times; the medians are shown, and what counts is the
median of the ratios of the turns.

`--cases all` measures every keyword alone too, where a document matches 0.1 % and 10 % of the filters.
Reading and checking the filters is part of a registration on both sides. Where the answers differ the
count is shown; Koncorde clips large circles.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent)]

from matcher_cases import KEYWORDS, alone, mixture  # noqa: E402

from kuzzle.realtime.filters import read_filter  # noqa: E402
from kuzzle.realtime.matcher import CollectionMatcher  # noqa: E402

SHARES = (0.001, 0.1)
COLUMNS = ("match", "register", "remove")


def ours(filters: list[Any], documents: list[dict[str, Any]], seconds: float) -> dict[str, float]:
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
    while time.process_time() - start < seconds:
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


def koncorde(filters: list[Any], documents: list[dict[str, Any]], seconds: float, folder: str) -> dict[str, float]:
    """Measure Koncorde, in the same units."""
    case = json.dumps({"filters": filters, "documents": documents, "seconds": seconds})
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
    parser.add_argument("--cases", default="mixture", help=f"all, mixture, {', '.join(KEYWORDS)}")
    parser.add_argument("--turns", type=int, default=5, help="how often each case is measured")
    parser.add_argument("--seconds", type=float, default=1.0, help="CPU time of the matches of a turn")
    parser.add_argument("--koncorde", help="folder where koncorde is installed")
    options = parser.parse_args()
    names = ["mixture", *KEYWORDS] if options.cases == "all" else options.cases.split(",")
    show(
        "| case | filters | matches a document | | µs a match | µs a registration | µs a removal |\n" + "|---" * 7 + "|"
    )
    for count in map(int, options.filters.split(",")):
        for name in names:
            for share in (None,) if name == "mixture" else SHARES:
                filters, documents = mixture(count) if share is None else alone(name, count, share)
                measure(name, filters, documents, options)


def measure(name: str, filters: list[Any], documents: list[Any], options: argparse.Namespace) -> None:
    """Measure one case in turn, and print its rows."""
    results: dict[str, list[dict[str, float]]] = {"ours": []}
    for _ in range(options.turns):
        results["ours"].append(ours(filters, documents, options.seconds))
        if options.koncorde:
            theirs = koncorde(filters, documents, options.seconds, options.koncorde)
            results.setdefault("koncorde", []).append(theirs)
    for who, turns in results.items():
        columns = " | ".join(f"{median(turn[column] for turn in turns):.1f}" for column in COLUMNS)
        matched = turns[0]["matched"] / len(documents)
        show(f"| {name} | {len(filters)} | {matched:.2f} | {who} | {columns} |")
    if options.koncorde:
        turns = list(zip(results["koncorde"], results["ours"], strict=True))
        ratios = [median(theirs[column] / own[column] for theirs, own in turns) for column in COLUMNS]
        show(f"| | | | koncorde / ours | {' | '.join(f'{ratio:.2f}' for ratio in ratios)} |")


if __name__ == "__main__":
    main()
