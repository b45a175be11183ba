"""Steady states, and steady states per cell of growing cultures.

The trajectory is followed loosely and far, which leads to the state that a culture would reach; Newton's
method then makes it exact. Where the trajectory does not come to rest (an oscillation), the state it circles
is looked for. Amounts are measured relative to themselves (`scale` below): they span sixteen decades.

One culture is followed with LSODA, many are followed by the batch engine; what comes after is the same code,
which works on rows: a state is a row, and so is all that belongs to it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nicheloop.equations.system import System
from nicheloop.integrate.flow import Flow, growth_flow, rest_flow
from nicheloop.integrate.segments import Lsoda

Vector = npt.NDArray[np.float64]
Rows = npt.NDArray[np.float64]

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
