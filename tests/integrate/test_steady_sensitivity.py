"""Derivatives of balanced growth against a closed form and differences, and handed on to a run it seeds."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from test_steady import CELLS_ONLY, TOTAL, culture_network

from nicheloop.equations import Network, Reaction, System, compile_network
from nicheloop.integrate import BatchSolver, GrowthSensitivities, balanced_growth

_EIGHTH_ORDER = (4 / 5, -1 / 5, 4 / 105, -1 / 280)


@pytest.fixture(scope="module")
def culture() -> System:
    return compile_network(culture_network())


def grown(culture: System, p: np.ndarray, total: float = TOTAL) -> np.ndarray:
    """State and growth rate."""
    found = balanced_growth(culture, p, CELLS_ONLY, CELLS_ONLY, total)
    assert found.status == "ok"
    return np.append(found.y, found.growth_rate)


def test_cells_with_one_content_in_closed_form() -> None:
    """Content per cell is made / (lost + grow); the total is twice `grow` here."""
    reactions = (
        Reaction("grow*__s0", ((0, 1),)),
        Reaction("made*__s0", ((1, 1),)),
        Reaction("lost*__s1", ((1, -1),)),
    )
    values = {"grow": 0.03, "made": 2.0, "lost": 0.2}
    system = compile_network(
        Network("cells", ("cell", "content"), tuple(values), tuple(values.values()), (), (), reactions, ())
    )
    p, per_cell = system.parameter_vector(), 2.0 / 0.23
    state = np.array([0.06, 0.06 * per_cell])
    found = GrowthSensitivities(system, ["grow", "made", "lost"]).at(p, state, [1, 0], [2.0, 0, 0])
    np.testing.assert_allclose(found.growth_rate, [1, 0, 0], atol=1e-14)
    np.testing.assert_allclose(found.y[0], [2, 0, 0], atol=1e-14)
    slope = -0.06 * per_cell / 0.23
    np.testing.assert_allclose(found.y[1], [2 * per_cell + slope, 0.06 / 0.23, slope], rtol=1e-12)


def test_derivatives_of_a_culture_with_feedback_equal_differences(culture: System) -> None:
    p, names = culture.parameter_vector(), culture.parameters
    start = grown(culture, p)
    found = GrowthSensitivities(culture, names).at(p, start[:-1], CELLS_ONLY)
    for k in range(len(names)):
        h = 2e-3 * p[k]
        step = h * np.eye(len(p))[k]
        ends = [grown(culture, p + m * step) - grown(culture, p - m * step) for m in (1, 2, 3, 4)]
        expected = sum(w * end for w, end in zip(_EIGHTH_ORDER, ends, strict=True)) / h
        scale = np.maximum(np.abs(expected), 1e-3 * np.abs(start) / p[k])
        scale[start == 0] = 1.0
        both = np.append(found.y[:, k], found.growth_rate[k])
        assert (np.abs(both - expected) / scale).max() < 1e-6, names[k]


def test_a_run_seeded_with_the_culture_takes_its_derivatives_along(culture: System) -> None:
    p, names, times = culture.parameter_vector(), ("grow", "translation", "half"), [0.0, 5.0, 20.0]
    start = grown(culture, p)[:-1]
    slopes = GrowthSensitivities(culture, names).at(p, start, CELLS_ONLY).y
    loose, tight = (BatchSolver(culture, rtol, rtol * 1e-10) for rtol in (1e-8, 1e-11))
    result = loose.run(p[None], times, start[None], sensitivities=names, initial_sensitivities=slopes[None])
    assert result.sensitivities is not None
    for k, name in enumerate(names):
        i = culture.parameter_index(name)
        h = 2e-3 * p[i]
        rows = np.tile(p, (8, 1))
        rows[:, i] += h * np.array([1, -1, 2, -2, 3, -3, 4, -4])
        y = tight.run(rows, times, np.array([grown(culture, row)[:-1] for row in rows])).y
        expected = sum(w * (y[2 * m] - y[2 * m + 1]) for m, w in enumerate(_EIGHTH_ORDER)) / h
        scale = np.maximum(np.abs(expected).max(axis=0), 1e-3 * result.y[0].max(axis=0) / p[i])
        scale[result.y[0].max(axis=0) == 0] = 1.0
        assert (np.abs(result.sensitivities[0, :, :, k] - expected) / scale).max() < 1e-5, name


def test_misuse_is_explained(culture: System) -> None:
    with pytest.raises(ValueError, match="parameters only"):
        GrowthSensitivities(culture, ["cell"])
    with pytest.raises(ValueError, match="'groww'"):
        GrowthSensitivities(culture, ["groww"])
