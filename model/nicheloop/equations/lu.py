"""Plan of a sparse LU factorisation whose pattern is fixed for good.

The iteration matrix of an implicit step on a reaction network is ``shift * I - J``: its diagonal is never
structurally zero and, for steps that are small enough, dominates. Pivots are therefore taken on the
diagonal, in an order chosen once per network to keep fill low, and every multiplication of the
factorisation is known before the first number is. This module makes that plan and knows nothing about how
it is executed: the batch kernel unrolls it into machine code, `LUPlan.factor` and `LUPlan.solve` walk it
in NumPy as the reference.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["LUPlan", "minimum_degree_order", "plan_lu"]


@dataclass(frozen=True)
class LUPlan:
    """Elimination order and filled pattern of an n-by-n matrix.

    Rows and columns are numbered in elimination order below; ``order[k]`` is the index in the caller's
    matrix of the k-th pivot. Factors are stored row by row in one array of length `size`: entry ``(k,
    columns[k][m])`` sits at
    ``starts[k] + m``. Left of the diagonal stands L (its unit diagonal is implied), right of it U, and
    **on the diagonal the reciprocal of the pivot**, so that a solve multiplies only.

    Attributes
    ----------
    order : tuple of int
        Elimination order, length n.
    columns : tuple of tuple of int
        Columns of each row of L + U with fill, ascending, the diagonal always among them.
    starts : tuple of int
        Where each row begins in the factor array.
    sources : tuple of int
        For each stored entry the position of the matrix value it starts from in the caller's list of
        ``(row, column)`` pairs, or -1 where there is none (fill, or a diagonal the caller did not list).
    """

    order: tuple[int, ...]
    columns: tuple[tuple[int, ...], ...]
    starts: tuple[int, ...]
    sources: tuple[int, ...]

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.order)

    @property
    def size(self) -> int:
        """Number of stored entries of L + U."""
        return len(self.sources)

    @property
    def factor_operations(self) -> int:
        """Multiplications of one factorisation (reciprocals of the pivots included)."""
        upper = [sum(1 for j in row if j > k) for k, row in enumerate(self.columns)]
        return self.n + sum(1 + upper[k] for i, row in enumerate(self.columns) for k in row if k < i)

    @property
    def solve_operations(self) -> int:
        """Multiplications of one solve."""
        return self.size

    def slot(self, row: int, column: int) -> int:
        """Position of an entry (elimination order) in the factor array; KeyError if it is zero."""
        try:
            return self.starts[row] + self.columns[row].index(column)
        except ValueError:
            raise KeyError((row, column)) from None

    def updates(self, row: int) -> list[tuple[int, int, tuple[tuple[int, int], ...]]]:
        """Eliminations that make up one row, in the order they must happen.

        Returns
        -------
        list of (k, slot, targets)
            For each ``k < row`` in the row's pattern: the slot of ``L[row, k]`` and the pairs ``(slot of
            the updated entry, slot of U[k, j])`` for each ``j > k`` of row k.
        """
        slots = {column: self.starts[row] + m for m, column in enumerate(self.columns[row])}
        return [
            (
                k,
                slots[k],
                tuple((slots[j], self.starts[k] + m) for m, j in enumerate(self.columns[k]) if j > k),
            )
            for k in self.columns[row]
            if k < row
        ]

    def factor(self, values: NDArray[np.float64], shift: float) -> NDArray[np.float64]:
        """Factors of ``shift * I - A``, where `values` are A's entries in the caller's order."""
        factors = np.zeros(self.size)
        for slot, source in enumerate(self.sources):
            if source >= 0:
                factors[slot] = -values[source]
        for row in range(self.n):
            diagonal = self.slot(row, row)
            factors[diagonal] += shift
            for k, lower, targets in self.updates(row):
                factors[lower] *= factors[self.slot(k, k)]
                for target, upper in targets:
                    factors[target] -= factors[lower] * factors[upper]
            factors[diagonal] = 1.0 / factors[diagonal]
        return factors

    def solve(self, factors: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
        """Solution x, in the caller's numbering, of ``(shift * I - A) x = right``."""
        x = right[list(self.order)].astype(float)
        for i in range(self.n):
            for m, j in enumerate(self.columns[i]):
                if j < i:
                    x[i] -= factors[self.starts[i] + m] * x[j]
        for i in reversed(range(self.n)):
            for m, j in enumerate(self.columns[i]):
                if j > i:
                    x[i] -= factors[self.starts[i] + m] * x[j]
            x[i] *= factors[self.slot(i, i)]
        result = np.empty(self.n)
        result[list(self.order)] = x
        return result


def minimum_degree_order(n: int, entries: Iterable[tuple[int, int]]) -> tuple[int, ...]:
    """Order of diagonal pivots by Markowitz's rule: the fewest products first, ties to the smaller index.

    Parameters
    ----------
    n : int
        Size of the matrix.
    entries : iterable of (row, column)
        Structural non-zeros; the diagonal may be left out.
    """
    rows: list[set[int]] = [set() for _ in range(n)]
    cols: list[set[int]] = [set() for _ in range(n)]
    for i, j in entries:
        if i != j:
            rows[i].add(j)
            cols[j].add(i)
    remaining = set(range(n))
    order: list[int] = []
    while remaining:
        pivot = min(remaining, key=lambda k: (len(rows[k]) * len(cols[k]), k))
        remaining.remove(pivot)
        order.append(pivot)
        for i in cols[pivot]:
            rows[i].discard(pivot)
            rows[i] |= rows[pivot] - {i}
        for j in rows[pivot]:
            cols[j].discard(pivot)
            cols[j] |= cols[pivot] - {j}
    return tuple(order)


def plan_lu(n: int, entries: Iterable[tuple[int, int]]) -> LUPlan:
    """Elimination order, fill and storage for a matrix with the given non-zeros plus a full diagonal.

    Parameters
    ----------
    n : int
        Size of the matrix, at least 1.
    entries : iterable of (row, column)
        Structural non-zeros of A, each pair once, in the order its values will be given in.

    Raises
    ------
    ValueError
        A pair lies outside the matrix or stands twice.
    """
    pairs = list(entries)
    if len(set(pairs)) != len(pairs):
        raise ValueError("the list of matrix entries names a pair twice")
    for i, j in pairs:
        if not (0 <= i < n and 0 <= j < n):
            raise ValueError(f"entry ({i}, {j}) lies outside a {n} x {n} matrix")
    order = minimum_degree_order(n, pairs)
    place = {original: k for k, original in enumerate(order)}
    source = {(place[i], place[j]): m for m, (i, j) in enumerate(pairs)}
    columns = _fill(n, source)
    starts = [0]
    for row in columns:
        starts.append(starts[-1] + len(row))
    sources = tuple(source.get((i, j), -1) for i, row in enumerate(columns) for j in row)
    return LUPlan(order, columns, tuple(starts[:-1]), sources)


def _fill(n: int, entries: Iterable[tuple[int, int]]) -> tuple[tuple[int, ...], ...]:
    """Columns of each row of L + U for entries already in elimination order."""
    pattern: list[set[int]] = [{i} for i in range(n)]
    for i, j in entries:
        pattern[i].add(j)
    for i in range(n):
        done: set[int] = set()
        while lower := {k for k in pattern[i] if k < i} - done:
            k = min(lower)
            done.add(k)
            pattern[i] |= {j for j in pattern[k] if j > k}
    return tuple(tuple(sorted(row)) for row in pattern)
