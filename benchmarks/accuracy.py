"""References at tight tolerance, and errors measured against them."""

from __future__ import annotations

import numpy as np

from benchmarks.cases import Case, Reals
from nicheloop.integrate import Period, integrate_periods

RTOL = 1e-11
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


def reference_gradient(case: Case, row: Reals) -> Reals:
    """Derivatives[t, s, v] by central differences of fourth order, from runs at rtol 1e-11."""
    columns = []
    for k, value in enumerate(row):
        step = 2e-4 * value
        runs = []
        for multiple in (-2, -1, 1, 2):
            moved = row.copy()
            moved[k] += multiple * step
            runs.append(reference(case, moved))
        columns.append((runs[0] - 8 * runs[1] + 8 * runs[2] - runs[3]) / (12 * step))
    return np.stack(columns, axis=2)


def gradient_error(case: Case, row: Reals, found: Reals, expected: Reals, y: Reals) -> float:
    """Largest error of ``p dy/dp``, relative to its own largest value (1 % of the species' at the least)."""
    size = np.maximum(np.abs(y).max(axis=0), FLOOR * case.atol)[:, None]
    scale = np.maximum(np.abs(expected * row).max(axis=0), 1e-2 * size)
    return float((np.abs(found - expected) * row / scale).max())
