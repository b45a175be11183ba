"""Many cultures followed to balanced growth at once, against those that are found one by one."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from test_steady import CELLS_ONLY, DEFAULTS, TOTAL, culture_network

from nicheloop.equations import System, compile_network
from nicheloop.equations.network import DILUTION, diluted
from nicheloop.integrate import SteadyState, balanced_growth, balanced_growths

MANY = 80


@pytest.fixture(scope="module")
def culture() -> System:
    return compile_network(culture_network())


def draws(culture: System, seed: int) -> np.ndarray:
    """Parameters far from each other; every third culture dies faster than it divides."""
    r = np.random.default_rng(seed)
    p = culture.parameter_vector() * 10 ** r.uniform(-1, 1, (MANY, len(DEFAULTS)))
    place = culture.parameter_index
    p[:, place("h")], p[:, place("room")] = r.uniform(0.7, 4, MANY), TOTAL * r.uniform(3, 30, MANY)
    p[:, place("death")] = 0.3 * p[:, place("grow")]
    p[::3, place("death")] = 2.0 * p[::3, place("grow")]
    return p


def grown(culture: System, p: np.ndarray, threads: int | None = None) -> list[SteadyState]:
    starts = np.tile(CELLS_ONLY * TOTAL, (len(p), 1))
    return balanced_growths(
        culture, p, starts, CELLS_ONLY, horizon=1e6, atol=np.full(culture.n, 1e-14), threads=threads
    )


def test_together_they_are_what_each_is_alone(culture: System) -> None:
    p = draws(culture, 3)
    statuses = []
    for together, values in zip(grown(culture, p), p, strict=True):
        alone = balanced_growth(culture, values, CELLS_ONLY, CELLS_ONLY, TOTAL)
        assert together.status == alone.status
        statuses.append((alone.status, alone.growth_rate < 0))
        if alone.status == "ok":
            np.testing.assert_allclose(together.y, alone.y, rtol=1e-8, atol=1e-9 * TOTAL)
            assert together.growth_rate == pytest.approx(alone.growth_rate, rel=1e-8)
    # Those that grow, those that shrink with a steady composition, and those that pile up without end.
    assert {("ok", False), ("ok", True), ("failed", True)} <= set(statuses)


def test_a_state_is_balanced_and_holds_its_total(culture: System) -> None:
    p = draws(culture, 4)
    found = [pair for pair in zip(grown(culture, p), p, strict=True) if pair[0].status == "ok"]
    assert len(found) > MANY // 2
    for state, values in found:
        rates = culture.rhs(state.y, values)
        turnover = np.abs(culture.jacobian(state.y, values).diagonal()) * state.y
        assert (np.abs(rates - state.growth_rate * state.y) <= 1e-6 * turnover + 1e-15 * TOTAL).all()
        assert state.y[0] == pytest.approx(TOTAL, rel=1e-12)


def test_one_that_piles_up_fails_with_a_reason(culture: System) -> None:
    p = np.stack([culture.parameter_vector(), culture.parameter_vector({"death": 0.5, "d_ligand": 0.001})])
    fine, lost = grown(culture, p)
    assert fine.status == "ok"
    assert (lost.status, lost.residual) == ("failed", np.inf)
    assert "shrinks" in lost.message
    assert np.isnan(lost.y).all()
    assert -0.5 < lost.growth_rate < -0.4


def test_a_culture_does_not_depend_on_its_company_or_on_threads(culture: System) -> None:
    p = draws(culture, 5)
    everyone = grown(culture, p, threads=2)
    order = np.random.default_rng(1).permutation(MANY)[:37]
    for state, index in zip(grown(culture, p[order], threads=1), order, strict=True):
        expected = everyone[index]
        assert (state.status, state.message) == (expected.status, expected.message)
        assert state.y.tobytes() == expected.y.tobytes()
        assert state.growth_rate == expected.growth_rate


def test_a_diluted_network_loses_everything_at_the_rate_at_which_the_anchor_grows(culture: System) -> None:
    p = culture.parameter_vector()
    vessel = compile_network(diluted(culture.network, CELLS_ONLY))
    y = np.random.default_rng(2).uniform(0.5, 2.0, culture.n) * TOTAL
    free = culture.rhs(y, p)
    growth = free[0] / y[0]
    np.testing.assert_allclose(
        vessel.rhs(y, p), free - growth * y, rtol=1e-9, atol=1e-12 * np.abs(free).max()
    )
    assert vessel.rhs(y, p)[0] == pytest.approx(0.0, abs=1e-12 * free[0])
    assert vessel.outputs(y, p)[vessel.output_index(DILUTION)] == pytest.approx(growth, rel=1e-9)


def test_weights_count(culture: System) -> None:
    weights = np.zeros(culture.n)
    weights[[0, 4]] = 1.0, 0.5  # cells and, half, their free receptors
    p = culture.parameter_vector()
    vessel = compile_network(diluted(culture.network, weights))
    y = np.random.default_rng(2).uniform(0.5, 2.0, culture.n) * TOTAL
    assert weights @ vessel.rhs(y, p) == pytest.approx(0.0, abs=1e-12 * weights @ np.abs(culture.rhs(y, p)))
    starts = np.tile(CELLS_ONLY * TOTAL, (2, 1))
    atol = np.full(culture.n, 1e-14)
    found = balanced_growths(culture, np.stack([p, p]), starts, weights, horizon=1e6, atol=atol)[1]
    assert found.status == "ok"
    assert weights @ found.y == pytest.approx(TOTAL, rel=1e-12)
