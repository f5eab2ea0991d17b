"""What the peers of the data benchmarks share: they are told a work by a line, and answer how much it cost.

A line is `{"work": NAME, "seconds": S}`; the answer `{"count": N, "cpuSeconds": C, "seconds": S}`.
"""

import itertools
import json
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any


def serve(works: Mapping[str, Callable[[dict[str, Any]], Any]], questions: list[dict[str, Any]]) -> None:
    """Do what the lines say until there are no more. Each call of a work takes the next question."""
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        order = json.loads(line)
        work, asked = works[order["work"]], itertools.cycle(questions)
        cpu, start, count = time.process_time(), time.perf_counter(), 0
        while not count or time.perf_counter() - start < order["seconds"]:
            work(next(asked))
            count += 1
        answer = {"count": count, "cpuSeconds": time.process_time() - cpu, "seconds": time.perf_counter() - start}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
