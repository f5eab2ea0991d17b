"""Koncorde's answers and ours to the same random questions.

    python tests/conformance/koncorde --koncorde FOLDER [--seed N] [--filters N] [--record]

FOLDER is one where `npm install koncorde@4` was run: it compiles native parts, so it is no part of the
tests. They hold ours against `answers.jsonl`, which --record writes. Exits with 1 when an answer differs
without one of the reasons of `differences.py`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[2])]

from cases import Cases  # noqa: E402
from comparison import ANSWERS, Recording, compare  # noqa: E402


def main() -> None:
    """Ask, compare, and record if told so."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--koncorde", required=True, help="folder where koncorde is installed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--filters", type=int, default=4000)
    parser.add_argument("--documents", type=int, default=150)
    parser.add_argument("--record", action="store_true", help=f"write {ANSWERS.name}")
    options = parser.parse_args()
    cases = Cases(options.seed)
    filters = list({json.dumps(one): one for one in (cases.filters() for _ in range(options.filters))}.values())
    documents = [cases.document() for _ in range(options.documents)]
    asked = json.dumps({"filters": filters, "documents": documents})
    command = ["node", str(HERE / "ask.js"), options.koncorde]
    answers = json.loads(subprocess.run(command, input=asked, capture_output=True, text=True, check=True).stdout)
    recording = Recording(options.seed, documents, list(zip(filters, answers, strict=True)))
    if options.record:
        recording.write()
    found = compare(recording)
    for reason, count in sorted(found.explained.items()):
        sys.stdout.write(f"{count:6} differ: {reason}\n")
    for line in found.unexplained[:20]:
        sys.stdout.write(f"DIFFERENT {line}\n")
    sys.stdout.write(f"{len(filters)} filters, {len(documents)} documents, {len(found.unexplained)} unexplained\n")
    sys.exit(bool(found.unexplained))


if __name__ == "__main__":
    main()
