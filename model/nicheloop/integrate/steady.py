"""Steady states, and steady states per cell of growing cultures.

The trajectory is followed with LSODA, loosely and far, which leads to the state that a culture would reach;
Newton's method then makes it exact. Where the trajectory does not come to rest (an oscillation), the state it
circles is looked for. Amounts are measured relative to themselves (`scale` below), because they span sixteen
decades.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nicheloop.equations.network import Network
from nicheloop.equations.system import System
from nicheloop.integrate.segments import Lsoda

Vector = npt.NDArray[np.float64]

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
    near: npt.ArrayLike | None = None,
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
    near : array_like of shape (n,), optional
        A state that is close to the one wanted, as `follow_growth` gives it; tried first. NaN: none is known.
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
    flow = _Growth(system, p, weights / total, floor=1e-9 * total)
    if near is not None and np.isfinite(near).all():
        with np.errstate(all="ignore"):
            found = _newton(flow, np.maximum(np.asarray(near, dtype=np.float64), 0.0))
        if found is not None:
            return SteadyState(found, flow.growth(system.rhs(found, p)), flow.residual(found), "ok", "")
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
    flow = _Rest(system, p, start, floor=1e-15 * max(float(np.abs(start).max(initial=0.0)), 1e-3))
    return _search(flow, start, max_iterations)


def _checked(values: npt.ArrayLike, size: int, what: str) -> Vector:
    vector = np.ascontiguousarray(values, dtype=np.float64)
    if vector.shape != (size,):
        raise ValueError(f"{what} must have shape ({size},), not {vector.shape}")
    if not np.isfinite(vector).all():
        raise ValueError(f"{what} holds a non-finite value at index {int(np.argmin(np.isfinite(vector)))}")
    return vector


class _Flow:
    """The vector field ``f(y) - mu y`` whose zero is wanted; `anchor` is zero for a plain steady state."""

    def __init__(self, system: System, p: Vector, anchor: Vector, floor: float) -> None:
        self.system, self.p, self.anchor, self.floor = system, p, anchor, floor

    def growth(self, f: Vector) -> float:
        """Growth rate that belongs to a right-hand side."""
        return float(self.anchor @ f)

    def field(self, y: Vector) -> Vector:
        """What should vanish."""
        f = self.system.rhs(y, self.p)
        return f - self.growth(f) * y

    def correction(self, y: Vector, scale: Vector) -> Vector:
        """Change of y, divided by `scale`, in a step of Newton's method; NaN if it has none."""
        raise NotImplementedError

    def residual(self, y: Vector) -> float:
        """Largest imbalance relative to turnover."""
        turnover = np.abs(self.system.jacobian(y, self.p).diagonal())
        slowest = np.median(turnover[turnover > 0]) * 1e-6 if (turnover > 0).any() else 1.0
        size = (np.abs(y) + self.floor) * np.maximum(turnover, slowest)
        return float(np.max(np.abs(self.field(y)) / size, initial=0.0))

    def fastest(self, y: Vector) -> float:
        """Largest rate of turnover (per unit of time), 1 if there is none."""
        rate = float(np.abs(self.system.jacobian(y, self.p).diagonal()).max(initial=0.0))
        return rate if np.isfinite(rate) and rate > 0 else 1.0


class _Growth(_Flow):
    """Held at anchor @ y = 1 by a border around the matrix."""

    def correction(self, y: Vector, scale: Vector) -> Vector:
        n = y.size
        f = self.system.rhs(y, self.p)
        mu = self.growth(f)
        matrix = np.empty((n + 1, n + 1))
        matrix[:n, :n] = -self.system.jacobian(y, self.p) * (scale / scale[:, None])
        matrix[np.arange(n), np.arange(n)] += mu
        matrix[:n, n] = y / scale
        matrix[n, :n] = self.anchor * scale
        matrix[n, n] = 0.0
        right = np.append((f - mu * y) / scale, 1.0 - self.anchor @ y)
        return _solved(matrix, right)[:n]


class _Rest(_Flow):
    """No growth; the rows of dependent species are replaced by what the reactions conserve."""

    def __init__(self, system: System, p: Vector, start: Vector, floor: float) -> None:
        super().__init__(system, p, np.zeros(system.n), floor)
        self.start = start
        self.laws, self.dependent = conservation_laws(system.network)

    def correction(self, y: Vector, scale: Vector) -> Vector:
        matrix = -self.system.jacobian(y, self.p) * (scale / scale[:, None])
        right = self.system.rhs(y, self.p) / scale
        if self.dependent.size:
            size = np.abs(self.laws) @ scale
            matrix[self.dependent] = self.laws * scale / size[:, None]
            right[self.dependent] = (self.laws @ (self.start - y)) / size
        return _solved(matrix, right)


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


def _solved(matrix: Vector, right: Vector) -> Vector:
    try:
        return np.asarray(np.linalg.solve(matrix, right))
    except np.linalg.LinAlgError:
        return _nearest_solution(matrix, right)


def _nearest_solution(matrix: Vector, right: Vector) -> Vector:
    """Smallest solution where steady states form a line; NaN where there is none."""
    try:
        found = np.linalg.lstsq(matrix, right, rcond=None)[0]
    except np.linalg.LinAlgError:
        return np.full(right.size, np.nan)
    missed = np.linalg.norm(matrix @ found - right)
    return np.asarray(found if missed <= 1e-6 * np.linalg.norm(right) else np.full(right.size, np.nan))


def _search(flow: _Flow, start: Vector, max_iterations: int) -> SteadyState:
    message = ""
    with np.errstate(all="ignore"):
        near = _followed(flow, start)
        found = _newton(flow, near)
        if found is None:
            message = "the trajectory does not come to rest in this state"
            # What shrinks is not diluted: it has no balanced state to circle.
            shrinks = flow.growth(flow.system.rhs(near, flow.p)) < 0
            found = None if shrinks else _circled(flow, near, max_iterations)
        if found is None:
            return _nothing(flow, start, near)
        mu = flow.growth(flow.system.rhs(found, flow.p))
        return SteadyState(found, mu, flow.residual(found), "ok", message)


def _nothing(flow: _Flow, start: Vector, near: Vector) -> SteadyState:
    moving = np.abs(flow.field(near)) / (np.abs(near) + flow.floor)
    name = flow.system.species[int(np.argmax(np.where(np.isfinite(moving), moving, np.inf)))]
    message = f"no steady state was reached; what moves most is {name}"
    mu = flow.growth(flow.system.rhs(near, flow.p))
    if mu < 0:
        message += f" (the culture shrinks at {-mu:.3g}; what decays more slowly piles up per cell for ever)"
    return SteadyState(np.full(start.size, np.nan), mu, np.inf, "failed", message)


def _followed(flow: _Flow, start: Vector) -> Vector:
    """The last state that LSODA reaches on the way to rest, over times that grow geometrically."""
    fastest = flow.fastest(start)
    slowest = max(abs(flow.growth(flow.system.rhs(start, flow.p))), 1e-9 * fastest)
    horizon = max(1e4 / slowest, 10.0 / fastest)
    times = np.concatenate([[0.0], np.geomspace(1.0 / fastest, horizon, 20)])
    # Loose: Newton's method needs the neighbourhood, not the path.
    solver = Lsoda(flow.system, 1e-4, np.full(start.size, 100 * flow.floor), 2_000, anchor=flow.anchor)
    states = solver(start, flow.p, times).y
    sound = np.flatnonzero(np.isfinite(states).all(axis=1))
    near = np.maximum(states[sound[-1]], 0.0) if sound.size else start
    return near / (flow.anchor @ near) if flow.anchor.any() else near


def _circled(flow: _Flow, start: Vector, max_iterations: int) -> Vector | None:
    """Newton's method in relative changes from far away, with several limits to a step; None if it stalls."""
    for longest in (1.0, 3.0, 0.3):
        y = np.maximum(start, flow.floor)
        for _ in range(max_iterations):
            change = flow.correction(y, y)
            if not np.isfinite(change).all():
                break
            if np.abs(change).max(initial=0.0) < 1e-3:
                found = _newton(flow, y)
                if found is not None:
                    return found
                break
            y = np.maximum(y * np.exp(np.clip(change, -longest, longest)), flow.floor)
    return None


def _newton(flow: _Flow, start: Vector) -> Vector | None:
    """Newton's method from a state that is nearly steady; None if it wanders off or stalls."""
    y = start
    for _ in range(8):
        scale = np.maximum(np.abs(y), flow.floor)
        change = flow.correction(y, scale)
        new = y + scale * change
        if not np.isfinite(new).all() or (new < -1e-3 * (scale + 1e3 * flow.floor)).any():
            return None
        if (np.abs(new - start) > 0.5 * np.abs(start) + 1e3 * flow.floor).any():
            return None
        y = np.maximum(new, 0.0)
        if np.abs(change).max(initial=0.0) < _CONVERGED:
            return y if flow.residual(y) < _BALANCED else None
    return None
