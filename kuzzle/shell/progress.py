"""Tells how far long work has come: a line that moves on a terminal, clean lines elsewhere.

What is done goes to the standard output, one line each; the moving line goes to the error output, so that
redirecting the one leaves the other readable.
"""

from __future__ import annotations

import sys
import time
from typing import Final

_WIDTH: Final = 30
_INTERVAL_S: Final = 0.1


class Progress:
    """The progress of one piece of work.

    Args:
        title: What is worked on.
        total: How many steps there are; 0: nobody knows.
    """

    def __init__(self, title: str, total: int) -> None:
        self._title = title
        self._total = total
        self._count = 0
        self._shown_at = 0.0
        self._is_shown = sys.stderr.isatty()

    def advance(self, steps: int) -> None:
        """Count steps that are done."""
        self._count += steps
        now = time.monotonic()
        if self._is_shown and now - self._shown_at >= _INTERVAL_S:
            self._shown_at = now
            sys.stderr.write(f"\r\x1b[K{bar(self._title, self._count, self._total)}")
            sys.stderr.flush()

    def end(self, line: str | None = None) -> None:
        """Take the moving line away, and say what came of the work."""
        if self._is_shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
        if line is not None:
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()


def bar(title: str, count: int, total: int) -> str:
    """Draw the line of a work in progress."""
    if not total:
        return f"{title} {count:,}"
    share = min(count / total, 1.0)
    full = int(share * _WIDTH)
    return f"{title} [{'#' * full}{'.' * (_WIDTH - full)}] {share:4.0%} {count:,}/{total:,}"
