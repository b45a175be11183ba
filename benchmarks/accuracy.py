"""References at tight tolerance, and errors measured against them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from benchmarks.cases import Case, Reals
from nicheloop.integrate import Period, integrate_periods

RTOL = 1e-11
CHECKED_COLUMNS = 10
STEP = 1e-3
FLOOR = 1e3
"""A species that stays below this many absolute tolerances is measured in units of that."""


def reference(case: Case, row: Reals, method: str = "lsoda") -> Reals:
    """Species[t, s] by SciPy, rtol 1e-11 and absolute tolerances to match."""
    vector = case.vectors(row[None])[0]
    run = integrate_periods(
        case.system,
        [Period(float(case.times[0]), float(case.times[-1]), vector)],
        case.initial,
        case.times,
        method=method,
        rtol=RTOL,
        atol=case.atol * (RTOL / case.rtol),
        max_steps=1_000_000,
    )
    if run.status != "ok":
        raise RuntimeError(f"the reference failed: {run.message}")
    return np.asarray(run.y)


def error(case: Case, y: Reals, expected: Reals) -> float:
    """Largest error, relative to the largest amount that the species has in the run."""
    scale = np.maximum(np.abs(expected).max(axis=-2, keepdims=True), FLOOR * case.atol)
    return float((np.abs(y - expected) / scale).max())


def checked_columns(case: Case) -> NDArray[np.intp]:
    """Ten of the parameters that vary, evenly spaced: those whose sensitivities are checked."""
    count = min(CHECKED_COLUMNS, len(case.varied))
    return np.linspace(0, len(case.varied) - 1, count).astype(np.intp)


def reference_gradient(case: Case, row: Reals) -> Reals:
    """Derivatives[t, s, checked columns]: the variational equations of each column, by LSODA at rtol 1e-11.

    They share nothing with any engine's sensitivities: J is the compiled Jacobian, and df/dp comes from
    differences of fourth order of the right-hand side, which is smooth and free of integration errors.
    """
    return np.stack([_variation(case, row, k) / row[k] for k in checked_columns(case)], axis=2)


def _variation(case: Case, row: Reals, column: int) -> Reals:
    """p dy/dp[t, s] for one parameter."""
    n, system, vector = case.system.n, case.system, case.vectors(row[None])[0]
    weights = {-2: 1 / 12, -1: -8 / 12, 1: 8 / 12, 2: -1 / 12}
    moved = {}
    for multiple in weights:
        moved[multiple] = vector.copy()
        moved[multiple][case.positions[column]] *= 1 + multiple * STEP

    def slope(_: float, both: Reals) -> Reals:
        y = both[:n]
        direct = sum(weight * system.rhs(y, moved[k]) for k, weight in weights.items()) / STEP
        return np.concatenate([system.rhs(y, vector), system.jacobian(y, vector) @ both[n:] + direct])

    def jacobian(_: float, both: Reals) -> Reals:
        # The second derivatives are left out: this only steers LSODA's iteration.
        block = system.jacobian(both[:n], vector)
        return np.block([[block, np.zeros((n, n))], [np.zeros((n, n)), block]])

    done = solve_ivp(
        slope,
        (case.times[0], case.times[-1]),
        np.concatenate([case.initial, np.zeros(n)]),
        method="LSODA",
        jac=jacobian,
        t_eval=case.times,
        rtol=RTOL,
        atol=np.tile(case.atol * (RTOL / case.rtol), 2),
    )
    if not done.success:
        raise RuntimeError(f"the reference of the gradient failed: {done.message}")
    return np.asarray(done.y[n:].T)


def gradient_error(case: Case, row: Reals, found: Reals, expected: Reals, y: Reals) -> float:
    """Largest error of ``p dy/dp``, relative to its own largest value (1 % of the species' at the least)."""
    size = np.maximum(np.abs(y).max(axis=0), FLOOR * case.atol)[:, None]
    columns = checked_columns(case)
    values = row[columns]
    scale = np.maximum(np.abs(expected * values).max(axis=0), 1e-2 * size)
    return float((np.abs(found[:, :, columns] - expected) * values / scale).max())
