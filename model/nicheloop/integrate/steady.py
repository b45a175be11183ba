"""Steady states, and steady states per cell of growing cultures.

The trajectory is followed loosely and far, which leads to the state that a culture would reach; Newton's
method then makes it exact. Where the trajectory does not come to rest (an oscillation), the state it circles
is looked for. Amounts are measured relative to themselves (`scale` below): they span sixteen decades.

One culture is followed with LSODA, many are followed by the batch engine; what comes after is the same code,
which works on rows: a state is a row, and so is all that belongs to it.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from nicheloop.equations.network import Network
from nicheloop.equations.system import System
from nicheloop.integrate.segments import Lsoda

Vector = npt.NDArray[np.float64]
Rows = npt.NDArray[np.float64]
Chosen = npt.NDArray[np.bool_]

_CONVERGED = 1e-9  # relative Newton correction; the next one would be about its square
_BALANCED = 1e-6  # largest imbalance relative to turnover that counts as steady


@dataclass(frozen=True)
class SteadyState:
    """A state in which nothing per cell moves.

    Attributes
    ----------
    y : ndarray of shape (n,)
        The state; NaN if none was found.
    growth_rate : float
        Relative growth rate (per unit of time) of everything; 0 for a plain steady state. If none was found,
        that of the last state on the way, so that a caller can tell a culture that shrinks.
    residual : float
        Largest imbalance of a species, relative to its turnover.
    status : str
        ``ok`` or ``failed``.
    message : str
        Why it failed; empty if it did not.
    """

    y: npt.NDArray[np.float64]
    growth_rate: float
    residual: float
    status: str
    message: str


def balanced_growth(
    system: System,
    parameters: npt.ArrayLike,
    guess: npt.ArrayLike,
    anchor: npt.ArrayLike,
    total: float,
    *,
    max_iterations: int = 100,
) -> SteadyState:
    """State of a culture that is diluted as fast as it grows (a turbidostat).

    Finds y with ``f(y) = mu * y`` for every species and ``anchor @ y = total``; the growth rate is
    ``mu = anchor @ f(y) / total``.

    Parameters
    ----------
    system : System
        What grows.
    parameters : array_like of shape (parameters,)
        Parameter values.
    guess : array_like of shape (n,)
        Where to start, for instance cells without contents; it is scaled to the total.
    anchor : array_like of shape (n,)
        Weights, not negative; for instance 1 for every species that is a cell.
    total : float
        What the anchored amount is kept at, above 0.
    max_iterations : int
        Most steps of Newton's method where the trajectory does not come to rest by itself.

    Returns
    -------
    SteadyState
        A numeric failure is a status, never an exception.

    Raises
    ------
    ValueError
        If the input makes no sense (shapes, non-finite values, an anchor that the guess does not touch).
    """
    start = _checked(guess, system.n, "guess")
    weights = _checked(anchor, system.n, "anchor")
    if not (np.isfinite(total) and total > 0):
        raise ValueError(f"the anchored total must be positive and finite, not {total}")
    if (weights < 0).any() or weights @ start <= 0:
        raise ValueError("the anchor must not be negative and the guess must hold some of what it weighs")
    p = _checked(parameters, len(system.parameters), "parameters")
    flow = growth_flow(system, p[None], weights, np.array([total]))
    return _search(flow, start * (total / (weights @ start)), max_iterations)


def steady_state(
    system: System, parameters: npt.ArrayLike, guess: npt.ArrayLike, *, max_iterations: int = 100
) -> SteadyState:
    """State at rest, ``f(y) = 0``, that the system reaches from a guess.

    What the reactions conserve keeps the value it has in the guess.

    Parameters
    ----------
    system : System
        What comes to rest.
    parameters : array_like of shape (parameters,)
        Parameter values.
    guess : array_like of shape (n,)
        Where to start; not negative.
    max_iterations : int
        Most steps of Newton's method where the trajectory does not come to rest by itself.

    Returns
    -------
    SteadyState
        With growth rate 0. A numeric failure is a status, never an exception.

    Raises
    ------
    ValueError
        If the input makes no sense.
    """
    start = _checked(guess, system.n, "guess")
    p = _checked(parameters, len(system.parameters), "parameters")
    return _search(rest_flow(system, p[None], start[None]), start, max_iterations)


def _checked(values: npt.ArrayLike, size: int, what: str) -> Vector:
    vector = np.ascontiguousarray(values, dtype=np.float64)
    if vector.shape != (size,):
        raise ValueError(f"{what} must have shape ({size},), not {vector.shape}")
    if not np.isfinite(vector).all():
        raise ValueError(f"{what} holds a non-finite value at index {int(np.argmin(np.isfinite(vector)))}")
    return vector


class Flow:
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

    def correction(self, y: Rows, scale: Rows) -> Rows:
        """Changes of y, divided by `scale`, in a step of Newton's method; NaN where there is none."""
        raise NotImplementedError

    def residual(self, y: Rows) -> Vector:
        """Largest imbalance relative to turnover."""
        turnover = self._turnover(y)
        slowest = np.array([np.median(row[row > 0]) * 1e-6 if (row > 0).any() else 1.0 for row in turnover])
        size = (np.abs(y) + self.floor) * np.maximum(turnover, slowest[:, None])
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


def _search(flow: Flow, start: Vector, max_iterations: int) -> SteadyState:
    with np.errstate(all="ignore"):
        return settled(flow, _followed(flow, start), max_iterations)[0]


def settled(flow: Flow, near: Rows, max_iterations: int = 100) -> list[SteadyState]:
    """States at rest that trajectories lead to, from the last state of each, shape (rows, n).

    What comes of a row does not depend on the others, to the last bit.
    """
    with np.errstate(all="ignore"):
        found = newton(flow, near)
        known = np.asarray(np.isfinite(found).all(axis=1))
        rates, residuals = flow.rates(found), flow.residual(found)
        return [
            SteadyState(found[i], float(rates[i]), float(residuals[i]), "ok", "")
            if known[i]
            else _off_course(flow.of(slice(i, i + 1)), near[i], max_iterations)
            for i in range(len(near))
        ]


def _off_course(flow: Flow, near: Vector, max_iterations: int) -> SteadyState:
    """What becomes of a trajectory that did not come to rest; flow of one row."""
    # What shrinks is not diluted: it has no balanced state to circle.
    shrinks = flow.rates(near[None])[0] < 0
    found = None if shrinks else _circled(flow, near[None], max_iterations)
    if found is None:
        return _nothing(flow, near)
    message = "the trajectory does not come to rest in this state"
    return SteadyState(found[0], float(flow.rates(found)[0]), float(flow.residual(found)[0]), "ok", message)


def _nothing(flow: Flow, near: Vector) -> SteadyState:
    moving = (np.abs(flow.field(near[None])) / (np.abs(near) + flow.floor))[0]
    name = flow.system.species[int(np.argmax(np.where(np.isfinite(moving), moving, np.inf)))]
    message = f"no steady state was reached; what moves most is {name}"
    mu = float(flow.rates(near[None])[0])
    if mu < 0:
        message += f" (the culture shrinks at {-mu:.3g}; what decays more slowly piles up per cell for ever)"
    return SteadyState(np.full(near.size, np.nan), mu, np.inf, "failed", message)


def _followed(flow: Flow, start: Vector) -> Rows:
    """The last state that LSODA reaches on the way to rest, over times that grow geometrically; one row."""
    fastest = flow.fastest(start[None])[0]
    slowest = max(abs(flow.rates(start[None])[0]), 1e-9 * fastest)
    horizon = max(1e4 / slowest, 10.0 / fastest)
    times = np.concatenate([[0.0], np.geomspace(1.0 / fastest, horizon, 20)])
    # Loose: Newton's method needs the neighbourhood, not the path.
    atol = np.full(start.size, 100 * flow.floor[0, 0])
    solver = Lsoda(flow.system, 1e-4, atol, 2_000, anchor=flow.anchor[0])
    states = solver(start, flow.p[0], times).y
    return last_sound(flow, states[None])


def last_sound(flow: Flow, states: Rows) -> Rows:
    """The last finite state of each trajectory (rows, times, n), scaled to what the anchor holds."""
    sound = np.asarray(np.isfinite(states).all(axis=2))
    last = states.shape[1] - 1 - np.argmax(sound[:, ::-1], axis=1)
    near: Rows = np.maximum(states[np.arange(len(states)), last], 0.0)
    return near / (flow.anchor * near).sum(axis=1)[:, None] if flow.anchor.any() else near


def _circled(flow: Flow, start: Rows, max_iterations: int) -> Rows | None:
    """Newton's method in relative changes from far away, with several limits to a step; None if it stalls."""
    for longest in (1.0, 3.0, 0.3):
        y = np.maximum(start, flow.floor)
        for _ in range(max_iterations):
            change = flow.correction(y, y)
            if not np.isfinite(change).all():
                break
            if np.abs(change).max(initial=0.0) < 1e-3:
                found = newton(flow, y)
                if np.isfinite(found).all():
                    return found
                break
            y = np.maximum(y * np.exp(np.clip(change, -longest, longest)), flow.floor)
    return None


def newton(flow: Flow, start: Rows) -> Rows:
    """Newton's method from states that are nearly steady; NaN where it wanders off or stalls."""
    found = np.full_like(start, np.nan)
    left, y = np.arange(len(start)), start
    for _ in range(8):
        scale = np.maximum(np.abs(y), flow.floor)
        change = flow.correction(y, scale)
        new = y + scale * change
        lost = ~np.isfinite(new).all(axis=1)
        lost |= (new < -1e-3 * (scale + 1e3 * flow.floor)).any(axis=1)
        lost |= (np.abs(new - start[left]) > 0.5 * np.abs(start[left]) + 1e3 * flow.floor).any(axis=1)
        y = np.maximum(new, 0.0)
        done = ~lost & (np.abs(change).max(axis=1, initial=0.0) < _CONVERGED)
        if done.any():
            balanced = flow.of(done).residual(y[done]) < _BALANCED
            found[left[done][balanced]] = y[done][balanced]
        going = ~(lost | done)
        if not going.any():
            break
        left, y, flow = left[going], y[going], flow.of(going)
    return found
