"""Vector fields whose zeros are steady states, for many parameter sets at once, and Newton's step to them.

A culture that grows is steady where ``f(y) = mu y``, what rests where ``f(y) = 0``. The matrix of Newton's
method is singular as it stands: the one lacks the amount that the culture is held at, the other what the
reactions conserve; both are put in its place here. A state is a row, and so is all that belongs to it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from copy import copy
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from nicheloop.equations.network import Network
from nicheloop.equations.system import System

__all__ = ["Flow", "conservation_laws", "growth_flow", "rest_flow"]

Vector = npt.NDArray[np.float64]
Rows = npt.NDArray[np.float64]
Chosen = npt.NDArray[np.bool_]


class Flow(ABC):
    """Vector fields ``f(y) - mu y`` whose zeros are wanted, one a row; a zero anchor is a plain steady state.

    Shapes: states and anchors (rows, n), parameters (rows, parameters), `floor` (rows, 1).
    """

    BY_ROW: ClassVar[tuple[str, ...]] = ("p", "anchor", "floor")

    def __init__(self, system: System, p: Rows, anchor: Rows, floor: Rows) -> None:
        self.system, self.p, self.anchor, self.floor = system, p, anchor, floor

    def of(self, rows: Chosen | slice) -> Flow:
        """Only some of them."""
        part = copy(self)
        for name in self.BY_ROW:
            setattr(part, name, getattr(self, name)[rows])
        return part

    def growth(self, f: Rows) -> Vector:
        """Growth rates that belong to right-hand sides."""
        # Not a matrix product, whose last bits depend on how many rows there are.
        return np.asarray((self.anchor * f).sum(axis=1))

    def rates(self, y: Rows) -> Vector:
        """Growth rates of states."""
        return self.growth(self.system.rhs_rows(y, self.p))

    def field(self, y: Rows) -> Rows:
        """What should vanish."""
        f = self.system.rhs_rows(y, self.p)
        return f - self.growth(f)[:, None] * y

    @abstractmethod
    def correction(self, y: Rows, scale: Rows) -> Rows:
        """Changes of y, divided by `scale`, in a step of Newton's method; NaN where there is none."""

    def residual(self, y: Rows) -> Vector:
        """Largest imbalance relative to turnover."""
        turnover = self._turnover(y)
        size = (np.abs(y) + self.floor) * np.maximum(turnover, _typical(turnover) * 1e-6)
        return np.asarray(np.max(np.abs(self.field(y)) / size, axis=1, initial=0.0))

    def fastest(self, y: Rows) -> Vector:
        """Largest rate of turnover (per unit of time), 1 if there is none."""
        rate = self._turnover(y).max(axis=1, initial=0.0)
        return np.where(np.isfinite(rate) & (rate > 0), rate, 1.0)

    def _turnover(self, y: Rows) -> Rows:
        return np.abs(np.diagonal(self.system.jacobian_rows(y, self.p), axis1=1, axis2=2))


class _Growth(Flow):
    """Held at anchor @ y = 1 by a border around the matrix."""

    def correction(self, y: Rows, scale: Rows) -> Rows:
        rows, n = y.shape
        f = self.system.rhs_rows(y, self.p)
        mu = self.growth(f)[:, None]
        matrix = np.empty((rows, n + 1, n + 1))
        matrix[:, :n, :n] = -self.system.jacobian_rows(y, self.p) * (scale[:, None, :] / scale[:, :, None])
        matrix[:, np.arange(n), np.arange(n)] += mu
        matrix[:, :n, n] = y / scale
        matrix[:, n, :n] = self.anchor * scale
        matrix[:, n, n] = 0.0
        held = 1.0 - (self.anchor * y).sum(axis=1)
        right = np.concatenate([(f - mu * y) / scale, held[:, None]], axis=1)
        return _solved(matrix, right)[:, :n]


def growth_flow(system: System, p: Rows, weights: Vector, totals: Vector) -> Flow:
    """Cultures with parameters `p` whose amounts, weighed, are held at `totals`."""
    return _Growth(system, p, weights / totals[:, None], 1e-9 * totals[:, None])


class _Rest(Flow):
    """No growth; the rows of dependent species are replaced by what the reactions conserve."""

    BY_ROW = (*Flow.BY_ROW, "start")

    def __init__(self, system: System, p: Rows, start: Rows) -> None:
        floor = 1e-15 * np.maximum(np.abs(start).max(axis=1, keepdims=True, initial=0.0), 1e-3)
        super().__init__(system, p, np.zeros_like(start), floor)
        self.start = start
        self.laws, self.dependent = conservation_laws(system.network)

    def correction(self, y: Rows, scale: Rows) -> Rows:
        matrix = -self.system.jacobian_rows(y, self.p) * (scale[:, None, :] / scale[:, :, None])
        right = self.system.rhs_rows(y, self.p) / scale
        if self.dependent.size:
            size = scale @ np.abs(self.laws).T
            matrix[:, self.dependent] = self.laws * scale[:, None, :] / size[:, :, None]
            right[:, self.dependent] = ((self.start - y) @ self.laws.T) / size
        return _solved(matrix, right)


def rest_flow(system: System, p: Rows, start: Rows) -> Flow:
    """Systems with parameters `p` that come to rest; what they conserve is that of `start`."""
    return _Rest(system, p, start)


def conservation_laws(network: Network) -> tuple[Vector, npt.NDArray[np.intp]]:
    """Sums of species that no reaction changes.

    Returns
    -------
    ndarray of shape (laws, n)
        Weights; in reduced form: each law has weight 1 on a species that no other law contains.
    ndarray of int of shape (laws,)
        That species.
    """
    n = len(network.species)
    matrix = np.zeros((len(network.reactions), n))
    for k, reaction in enumerate(network.reactions):
        for i, change in reaction.change:
            matrix[k, i] = change
    matrix = np.unique(matrix, axis=0) if len(matrix) else matrix
    pivots = _reduce(matrix)
    free = np.array([i for i in range(n) if i not in set(pivots)], dtype=np.intp)
    laws = np.zeros((free.size, n))
    laws[np.arange(free.size), free] = 1.0
    if free.size and pivots:
        laws[:, pivots] = -matrix[: len(pivots), free].T
    return laws, free


def _reduce(matrix: Vector) -> list[int]:
    """Bring a matrix to reduced row echelon form, in place; returns the pivot columns."""
    pivots: list[int] = []
    for column in range(matrix.shape[1]):
        row = len(pivots)
        if row == matrix.shape[0]:
            break
        best = row + int(np.argmax(np.abs(matrix[row:, column])))
        if abs(matrix[best, column]) < 1e-9:
            continue
        matrix[[row, best]] = matrix[[best, row]]
        matrix[row] /= matrix[row, column]
        others = np.flatnonzero(np.abs(matrix[:, column]) > 0)
        others = others[others != row]
        matrix[others] -= np.outer(matrix[others, column], matrix[row])
        pivots.append(column)
    return pivots


def _typical(rates: Rows) -> Rows:
    """Median of what is above 0 in each row, a million where nothing is; shape (rows, 1)."""
    counts = (rates > 0).sum(axis=1)
    rising = np.sort(np.where(rates > 0, rates, np.inf), axis=1)
    rising = np.pad(rising, ((0, 0), (0, 1)), constant_values=np.inf)
    every = np.arange(len(rates))
    middle = 0.5 * (rising[every, np.maximum(counts - 1, 0) // 2] + rising[every, counts // 2])
    return np.asarray(np.where(counts > 0, middle, 1e6)[:, None])


def _solved(matrix: Rows, right: Rows) -> Rows:
    try:
        return np.asarray(np.linalg.solve(matrix, right[:, :, None])[:, :, 0])
    except np.linalg.LinAlgError:
        return np.stack([_nearest_solution(*pair) for pair in zip(matrix, right, strict=True)])


def _nearest_solution(matrix: Vector, right: Vector) -> Vector:
    """Solution, the smallest where steady states form a line; NaN where there is none."""
    try:
        return np.asarray(np.linalg.solve(matrix, right))
    except np.linalg.LinAlgError:
        pass
    try:
        found = np.linalg.lstsq(matrix, right, rcond=None)[0]
    except np.linalg.LinAlgError:
        return np.full(right.size, np.nan)
    missed = np.linalg.norm(matrix @ found - right)
    return np.asarray(found if missed <= 1e-6 * np.linalg.norm(right) else np.full(right.size, np.nan))
