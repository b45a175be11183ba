"""Integration of one autonomous stretch: constant parameters, no edits, local time from zero."""

from __future__ import annotations

import ctypes
import warnings
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from nicheloop.equations.system import System

Vector = npt.NDArray[np.float64]

_PLAIN = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object, ctypes.c_double, *[ctypes.py_object] * 3)
_GROWTH = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object, ctypes.c_double, *[ctypes.py_object] * 4)

_LSODA_FAILURES = {
    -1: "more than {max_steps} steps between two requested times",
    -2: "the tolerances are too small for the precision of the machine",
    -3: "the step became too small for the precision of time (a singularity?)",
    -4: "the error test failed repeatedly (a singularity, or a formula that is not smooth)",
    -5: "the corrector failed to converge repeatedly",
    -6: "the error weight of a species became zero (atol must be positive where amounts vanish)",
}


@dataclass(frozen=True)
class Stretch:
    """What came out of one stretch.

    Attributes
    ----------
    y : ndarray of shape (times, n)
        States; NaN after `reached`.
    reached : float
        Local time up to which the states hold.
    steps : int
        Steps taken.
    failure : str
        Empty if the end was reached.
    """

    y: Vector
    reached: float
    steps: int
    failure: str


class StretchSolver(Protocol):
    """Solver of one stretch; `times` are local, start at 0 and increase."""

    def __call__(self, y: Vector, p: Vector, times: Vector) -> Stretch: ...


class Lsoda:
    """LSODA of ODEPACK through SciPy's `odeint`, with native right-hand side and Jacobian.

    No Python code runs between steps: SciPy calls ctypes functions that read the arrays it passes directly.
    """

    def __init__(
        self, system: System, rtol: float, atol: Vector, max_steps: int, anchor: Vector | None = None
    ) -> None:
        """With an `anchor` (n,) the field is ``f(y) - mu y``, ``mu = anchor . f / anchor . y``."""
        self._system = system  # keeps the code alive
        self._arrays = [np.zeros(system.n), np.zeros((system.n, system.n))]
        kind, names = _PLAIN, ("rhs_object", "jacobian_object")
        if anchor is not None:
            self._arrays.append(np.ascontiguousarray(anchor, dtype=np.float64))
            kind, names = _GROWTH, ("growth_object", "growth_jacobian_object")
        self._rhs, self._jacobian = (kind(system.pointer(name)) for name in names)
        self._rtol, self._atol, self._max_steps = rtol, atol, max_steps

    def __call__(self, y: Vector, p: Vector, times: Vector) -> Stretch:
        from scipy.integrate import ODEintWarning, odeint

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ODEintWarning)
            states, info = odeint(
                self._rhs,
                y,
                times,
                args=(p, *self._arrays),
                Dfun=self._jacobian,
                col_deriv=True,
                full_output=True,
                rtol=self._rtol,
                atol=self._atol,
                tcrit=times[-1:],
                mxstep=self._max_steps,
            )
        return self._judged(np.asarray(states), info, times)

    def _judged(self, states: Vector, info: dict[str, npt.NDArray[np.float64]], times: Vector) -> Stretch:
        # After a failure SciPy leaves the rest of its arrays unset. Rows that succeeded have always passed
        # the time asked for, the one that failed never has: the first such row is where to stop reading.
        good = 1 + _leading(np.greater_equal(info["tcur"], times[1:] * (1.0 - 1e-12)))
        sound = _leading(np.all(np.isfinite(states[:good]), axis=1))
        if sound == times.size:
            return Stretch(states, float(times[-1]), int(info["nst"][-1]), "")
        failure = _reason(info["message"], self._max_steps) if sound == good else "a state became non-finite"
        reached = float(info["tcur"][good - 1]) if sound == good else float(times[max(sound - 1, 0)])
        if not np.isfinite(reached):
            reached = float(times[max(sound - 1, 0)])
        states = states.copy()
        states[sound:] = np.nan
        return Stretch(states, reached, int(info["nst"][max(sound - 2, 0)]), failure)


def _leading(holds: npt.NDArray[np.bool_]) -> int:
    """How many entries hold before the first that does not."""
    return int(holds.size if holds.all() else np.argmin(holds))


def _reason(message: object, max_steps: int) -> str:
    starts = {"Excess work": -1, "Excess acc": -2, "Illegal": -3, "Repeated error": -4, "Repeated conv": -5}
    text = str(message)
    for start, code in {**starts, "Error weight": -6}.items():
        if text.startswith(start):
            return _LSODA_FAILURES[code].format(max_steps=max_steps)
    return text


class Implicit:
    """BDF or Radau of SciPy's `solve_ivp`, with compiled right-hand side and Jacobian."""

    def __init__(self, system: System, method: str, rtol: float, atol: Vector, max_steps: int) -> None:
        self._system, self._method = system, method
        self._rtol, self._atol, self._max_steps = rtol, atol, max_steps

    def __call__(self, y: Vector, p: Vector, times: Vector) -> Stretch:
        from scipy.integrate import BDF, Radau

        system, end = self._system, float(times[-1])
        kind = {"BDF": BDF, "Radau": Radau}[self._method]
        states = np.full((times.size, system.n), np.nan)
        states[0] = y
        with np.errstate(all="ignore"):
            solver = kind(
                lambda _, state: system.rhs(state, p),
                0.0,
                y,
                end,
                jac=lambda _, state: system.jacobian(state, p),
                rtol=self._rtol,
                atol=self._atol,
            )
            done, steps, failure = 1, 0, ""
            while done < times.size and not failure:
                failure = self._step(solver, steps)
                if failure:
                    break
                steps += 1
                last = int(np.searchsorted(times, solver.t, side="right"))
                if last > done:
                    states[done:last] = solver.dense_output()(times[done:last]).T
                    done = last
        if done == times.size:
            states[-1] = solver.y
        return Stretch(states, float(solver.t), steps, failure)

    def _step(self, solver: object, steps: int) -> str:
        if steps >= self._max_steps:
            return f"more than {self._max_steps} steps"
        try:
            message = solver.step()  # type: ignore[attr-defined]
        except (ValueError, FloatingPointError, np.linalg.LinAlgError) as error:
            return f"the integrator stopped: {error}"
        if solver.status == "failed":  # type: ignore[attr-defined]
            return str(message)
        return "" if np.isfinite(solver.y).all() else "a state became non-finite"  # type: ignore[attr-defined]
