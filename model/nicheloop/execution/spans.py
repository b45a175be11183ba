"""Ranges of rows: what is left, what is missing, what is there twice, and shards of the whole."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable
from typing import NamedTuple


class Span(NamedTuple):
    """Rows from `start` up to, and without, `stop`."""

    start: int
    stop: int

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.stop - self.start

    def __str__(self) -> str:
        return f"row {self.start}" if self.rows == 1 else f"rows {self.start} to {self.stop - 1}"


def joined(spans: Iterable[Span]) -> list[Span]:
    """Return the same rows as few ascending ranges; empty ranges vanish."""
    result: list[Span] = []
    for span in sorted(span for span in spans if span.rows > 0):
        if result and span.start <= result[-1].stop:
            result[-1] = Span(result[-1].start, max(result[-1].stop, span.stop))
        else:
            result.append(span)
    return result


def missing(whole: Span, done: Iterable[Span]) -> list[Span]:
    """Return the rows of `whole` that are not in `done`."""
    result = []
    start = whole.start
    for span in joined(done):
        if start < min(span.start, whole.stop):
            result.append(Span(start, min(span.start, whole.stop)))
        start = max(start, span.stop)
    if start < whole.stop:
        result.append(Span(start, whole.stop))
    return result


def count_rows(spans: Iterable[Span]) -> int:
    """Return how many rows ranges have together."""
    return sum(span.rows for span in spans)


def listed(spans: Iterable[Span], most: int = 5) -> str:
    """Return the first few ranges for a message.

    Examples
    --------
    >>> listed([Span(0, 1), Span(4, 9)])
    'row 0, rows 4 to 8'
    """
    every = list(spans)
    more = f" and {len(every) - most} more ranges" if len(every) > most else ""
    return ", ".join(map(str, every[:most])) + more


def shard_span(size: int, shard: tuple[int, int] | None) -> Span:
    """Return the rows of shard ``(i, n)``, i from 1 to n: n neighbouring parts, equal but for one row.

    Raises
    ------
    ValueError
        There is no such shard, or `size` is negative.
    """
    if size < 0:
        raise ValueError(f"size={size}: expected the number of rows, 0 or more")
    if shard is None:
        return Span(0, size)
    number, count = shard
    if not 1 <= number <= count:
        raise ValueError(
            f"shard {number}/{count}: expected a number from 1 to {max(count, 1)} of {max(count, 1)} "
            "(in a job array of n: sbatch --array=1-n)"
        )
    return Span(size * (number - 1) // count, size * number // count)


def parse_shard(text: str) -> tuple[int, int]:
    """Read ``"3/8"``.

    Raises
    ------
    ValueError
        It does not read so, or there is no such shard.

    Examples
    --------
    >>> parse_shard("3/8")
    (3, 8)
    """
    match = re.fullmatch(r"\s*(\d+)\s*/\s*(\d+)\s*", text)
    if match is None:
        raise ValueError(f"shard {text!r}: expected i/n, such as 3/8 for the third of eight")
    shard = int(match[1]), int(match[2])
    shard_span(0, shard)
    return shard


class Ranges:
    """Rows that grow range by range, kept as few ascending ranges."""

    def __init__(self, spans: Iterable[Span] = ()) -> None:
        self.spans = joined(spans)

    def has_any(self, span: Span) -> bool:
        """Whether one of these rows is there."""
        after = bisect_left(self.spans, span)
        near = self.spans[max(after - 1, 0) : after + 1]
        return span.rows > 0 and any(max(s.start, span.start) < min(s.stop, span.stop) for s in near)

    def add(self, span: Span) -> None:
        """Add rows, none of which is there."""
        after = bisect_left(self.spans, span)
        near = slice(max(after - 1, 0), after + 1)
        self.spans[near] = joined([*self.spans[near], span])


class Todo:
    """Rows that are still to be handed out, from the first to the last."""

    def __init__(self, spans: Iterable[Span]) -> None:
        self._spans = joined(spans)[::-1]
        self.rows = count_rows(self._spans)

    def take(self, rows: int) -> Span:
        """Hand out the next rows, at most this many and without a gap."""
        first = self._spans.pop()
        cut = min(first.stop, first.start + max(rows, 1))
        if cut < first.stop:
            self._spans.append(Span(cut, first.stop))
        taken = Span(first.start, cut)
        self.rows -= taken.rows
        return taken
