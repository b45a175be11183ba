"""The objective of a fit: derivatives against differences, values against SciPy, invariances, failures."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from fit_cases import problem, random_points

from nicheloop.analysis.fit.problem import FitProblem

WEIGHTS = (4 / 5, -1 / 5, 4 / 105, -1 / 280)  # of differences of order 8
KINDS = (
    "viability",
    "fixed noise",
    "two-part noise",
    "student",
    "log-normal",
    "counted",
    "own sd",
    "mean of n",
    "below",
    "above",
    "scale",
    "scale, two-part",
    "scale, counted",
    "scale, own sd",
    "vehicle",
    "vehicle, counted",
    "plate",
    "constraint",
    "open constraint",
    "everything",
)


def differences(fit: FitProblem, x: np.ndarray, prior: bool) -> np.ndarray:
    """Gradient of the value by central differences."""
    found = np.zeros(x.size)
    for i, step in enumerate(2e-3 * fit.space.array("prior_sd")):
        for k, weight in enumerate(WEIGHTS, 1):
            move = np.zeros(x.size)
            move[i] = k * step
            rise = fit.evaluate(x + move, 0, prior).value - fit.evaluate(x - move, 0, prior).value
            found[i] += weight * rise / step
    return found


@pytest.mark.parametrize("prior", [True, False], ids=["posterior", "likelihood"])
@pytest.mark.parametrize("kind", KINDS)
def test_gradient_matches_differences(kind: str, prior: bool) -> None:
    fit = problem(kind)
    for x in random_points(fit, 2 if kind == "everything" else 1, seed=len(kind)):
        found = fit.evaluate(x, order=1, prior=prior)
        assert found.ok
        assert found.problems == ()
        assert found.gradient is not None
        expected = differences(fit, x, prior)
        size = np.abs(expected).max()
        np.testing.assert_allclose(found.gradient, expected, rtol=1e-5, atol=1e-6 * size)
