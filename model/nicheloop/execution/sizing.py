"""How many rows the next chunk gets, from what the last ones cost. Results do not depend on it."""

from __future__ import annotations

from nicheloop.execution.piece import Piece

GROWTH = 8
"""A chunk has at most this many times the rows of the largest before it: costs of a few rows mislead."""
SHARES = 2
"""Chunks per worker that the rest is cut into, at least, so that all end together ..."""
LEAST = 0.1
"""... but not into chunks of fewer seconds than this."""


class Sizer:
    """Learns what a row costs; a chunk should last some seconds.

    Parameters
    ----------
    seconds : float
        What a chunk should last.
    fixed : int, optional
        Rows per chunk, whatever they cost.

    Raises
    ------
    ValueError
        One of them is not positive.
    """

    def __init__(self, seconds: float, fixed: int | None = None) -> None:
        if not seconds > 0:
            raise ValueError(f"seconds_per_chunk={seconds}: expected seconds, more than 0")
        if fixed is not None and fixed < 1:
            raise ValueError(f"chunk={fixed}: expected the number of rows of a chunk, 1 or more")
        self._seconds = seconds
        self._fixed = fixed
        self._cost = 0.0
        self._largest = 0
        self._slow_start = False

    def learn(self, piece: Piece) -> None:
        """Take note of a finished chunk."""
        self._largest = max(self._largest, piece.span.rows)
        if piece.cold:  # loading and compiling are not what rows cost; but do not leap from a slow start
            self._slow_start = piece.seconds > self._seconds
            return
        cost = piece.seconds / piece.span.rows
        self._cost = (self._cost + cost) / 2 if self._cost > 0 else cost

    def rows(self, left: int, workers: int) -> int:
        """Return the rows of the next chunk when `left` rows are to be shared by so many workers."""
        if self._fixed is not None:
            return min(self._fixed, left)
        wanted = float(max(self._largest, 1))
        if self._cost > 0:
            wanted = min(self._seconds / self._cost, self._largest * GROWTH)
        elif self._largest and not self._slow_start:
            wanted = self._largest * GROWTH
        share = -(-left // (SHARES * workers)) if workers > 1 else left
        if self._cost > 0:
            share = max(share, int(min(LEAST, self._seconds) / self._cost))
        return max(1, min(int(wanted), share, left))
