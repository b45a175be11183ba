"""Runs made of periods: parameters are constant within a period, states may be edited where one starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nicheloop.equations.system import System
from nicheloop.integrate.segments import Implicit, Lsoda, StretchSolver

Vector = npt.NDArray[np.float64]

METHODS = ("lsoda", "bdf", "radau")


@dataclass(frozen=True)
class Period:
    """A stretch of time with constant parameters.

    Attributes
    ----------
    start, end : float
        Hours. Equal times make an edit without a run.
    parameters : ndarray of shape (parameters,)
        Parameter values.
    scale, shift : ndarray of shape (n,), optional
        At `start` the state y becomes ``y * scale + shift``.
    """

    start: float
    end: float
    parameters: npt.NDArray[np.float64]
    scale: npt.NDArray[np.float64] | None = None
    shift: npt.NDArray[np.float64] | None = None


@dataclass(frozen=True)
class Trajectory:
    """States at the requested times.

    Attributes
    ----------
    time : ndarray of shape (t,)
        The requested times.
    y : ndarray of shape (t, n)
        States; NaN after `time_reached`.
    status : str
        ``ok`` or ``failed``.
    message : str
        Why the run failed; empty if it did not.
    time_reached : float
        Time up to which the states hold.
    steps : int
        Steps of the integrator, over all periods.
    """

    time: npt.NDArray[np.float64]
    y: npt.NDArray[np.float64]
    status: str
    message: str
    time_reached: float
    steps: int


def integrate_periods(
    system: System,
    periods: Sequence[Period],
    initial: npt.ArrayLike,
    times: npt.ArrayLike,
    *,
    method: str = "lsoda",
    rtol: float = 1e-8,
    atol: float | npt.ArrayLike = 1e-12,
    max_steps: int = 50_000,
) -> Trajectory:
    """Integrate a system over successive periods, restarting exactly where one ends.

    Parameters
    ----------
    system : System
        What to integrate.
    periods : sequence of Period
        In order, without gaps. Several may start at the same instant (zero length): their edits follow one
        another.
    initial : array_like of shape (n,)
        State before the edit of the first period.
    times : array_like of shape (t,)
        Requested times, not decreasing, from the start of the first to the end of the last period. At an
        edge the state is the one after all edits of that instant.
    method : {"lsoda", "bdf", "radau"}
        LSODA is the fast default, Radau the one to check it with.
    rtol : float
        Relative tolerance.
    atol : float or array_like of shape (n,)
        Absolute tolerance. Give one per species where scales differ: cells are about 3e-7 nM.
    max_steps : int
        Most steps between two requested times (LSODA) or in one period (BDF, Radau).

    Returns
    -------
    Trajectory
        A numeric failure is a status, never an exception.

    Raises
    ------
    ValueError
        If the input makes no sense: gaps between periods, times outside, wrong shapes, non-finite values,
        tolerances that are not positive, an unknown method.
    """
    state = _finite_vector(initial, system.n, "the initial state").copy()
    asked = _checked_times(times)
    _check_periods(system, periods, asked)
    solve = _solver(system, method, rtol, atol, max_steps)
    y = np.full((asked.size, system.n), np.nan)
    steps, reached = 0, float(periods[0].start)
    for number, period in enumerate(periods):
        state = _edited(state, period)
        if not np.isfinite(state).all():
            return _failed(
                asked, y, f"the edit at {period.start:g} h gave a non-finite state", reached, steps
            )
        last = number == len(periods) - 1
        first = int(np.searchsorted(asked, period.start, side="left"))
        stop = int(np.searchsorted(asked, period.end, side="right" if last else "left"))
        if period.end == period.start or system.n == 0:
            y[first:stop] = state
            reached = float(period.end)
            continue
        local, where = _local_times(asked[first:stop], period)
        stretch = solve(state, np.ascontiguousarray(period.parameters, dtype=np.float64), local)
        y[first:stop] = stretch.y[where]
        steps += stretch.steps
        reached = float(period.start) + stretch.reached
        if stretch.failure:
            message = f"{stretch.failure}, at {reached:.6g} h in the period from {period.start:g} h"
            y[asked > reached] = np.nan
            return _failed(asked, y, message, reached, steps)
        reached = float(period.end)
        state = stretch.y[-1]
    return Trajectory(asked, y, "ok", "", reached, steps)


def _failed(time: Vector, y: Vector, message: str, reached: float, steps: int) -> Trajectory:
    return Trajectory(time, y, "failed", message, reached, steps)


def _edited(state: Vector, period: Period) -> Vector:
    if period.scale is not None:
        state = state * period.scale
    if period.shift is not None:
        state = state + period.shift
    return state


def _local_times(asked: Vector, period: Period) -> tuple[Vector, npt.NDArray[np.intp]]:
    """Distinct times of one period, from zero to its length, and where each requested time is among them.

    Time is counted from the start of the period: late short pulses keep full resolution.
    """
    length = period.end - period.start
    inside = np.minimum(asked - period.start, length)
    local = np.empty(inside.size + 2)
    local[0], local[1:-1], local[-1] = 0.0, inside, length
    fresh = np.empty(local.size, dtype=bool)
    fresh[0] = True
    np.not_equal(local[1:], local[:-1], out=fresh[1:])
    return local[fresh], (np.cumsum(fresh) - 1)[1:-1]


def _solver(
    system: System, method: str, rtol: float, atol: float | npt.ArrayLike, steps: int
) -> StretchSolver:
    if method not in METHODS:
        raise ValueError(f"unknown method '{method}'; known: {', '.join(METHODS)}")
    tolerance = np.asarray(atol, dtype=np.float64)
    if tolerance.shape not in ((), (system.n,)):
        raise ValueError(
            f"atol must be a number or one per species ({system.n}), not shape {tolerance.shape}"
        )
    if not (np.isfinite(tolerance).all() and (tolerance > 0).all()):
        raise ValueError("atol must be positive and finite")
    if not (np.isfinite(rtol) and 0 < rtol < 1):
        raise ValueError(f"rtol must be between 0 and 1, not {rtol}")
    if steps < 1:
        raise ValueError(f"max_steps must be at least 1, not {steps}")
    vector = np.broadcast_to(tolerance, (system.n,)).copy()
    if method == "lsoda":
        return Lsoda(system, rtol, vector, steps)
    return Implicit(system, {"bdf": "BDF", "radau": "Radau"}[method], rtol, vector, steps)


def _finite_vector(values: npt.ArrayLike, size: int, what: str) -> Vector:
    vector = np.ascontiguousarray(values, dtype=np.float64)
    if vector.shape != (size,):
        raise ValueError(f"{what} must have shape ({size},), not {vector.shape}")
    if not np.isfinite(vector).all():
        raise ValueError(f"{what} holds a non-finite value at index {int(np.argmin(np.isfinite(vector)))}")
    return vector


def _checked_times(times: npt.ArrayLike) -> Vector:
    asked = np.array(times, dtype=np.float64)
    if asked.ndim != 1 or asked.size == 0:
        raise ValueError("times must be a vector with at least one entry")
    if not np.isfinite(asked).all():
        raise ValueError("times must be finite")
    if (np.diff(asked) < 0).any():
        raise ValueError("times must not decrease")
    return asked


def _check_periods(system: System, periods: Sequence[Period], asked: Vector) -> None:
    if not periods:
        raise ValueError("at least one period is needed")
    for number, period in enumerate(periods):
        name = f"period {number} ({period.start:g} to {period.end:g} h)"
        if not (np.isfinite(period.start) and np.isfinite(period.end) and period.end >= period.start):
            raise ValueError(f"{name} must have finite times and end at or after its start")
        if number and period.start != periods[number - 1].end:
            before = periods[number - 1].end
            raise ValueError(f"{name} must start where the one before ends ({before!r} h)")
        _finite_vector(period.parameters, len(system.parameters), f"the parameters of {name}")
        for what, edit in (("scale", period.scale), ("shift", period.shift)):
            if edit is not None:
                _finite_vector(edit, system.n, f"the {what} of {name}")
    if asked[0] < periods[0].start or asked[-1] > periods[-1].end:
        span = f"{periods[0].start:g} to {periods[-1].end:g} h"
        raise ValueError(f"times from {asked[0]:g} to {asked[-1]:g} h are outside the periods ({span})")
