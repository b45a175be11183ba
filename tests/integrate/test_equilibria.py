"""Many systems followed to rest, or to balanced growth, at once, against those that are found one by one."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from test_steady import CELLS_ONLY, DEFAULTS, TOTAL, culture_network

from nicheloop.equations import Network, Reaction, System, compile_network
from nicheloop.equations.network import DILUTION, diluted
from nicheloop.integrate import (
    BatchSolver,
    SteadyState,
    balanced_growth,
    balanced_growths,
    equilibria,
    steady_state,
    steady_states,
)

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


def test_a_culture_does_not_depend_on_its_company_or_on_threads(
    culture: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    p = draws(culture, 5)
    everyone = grown(culture, p, threads=2)
    monkeypatch.setattr(equilibria, "_RUNS", 16)
    monkeypatch.setattr(equilibria, "_BLOCK", 5)
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


def test_a_culture_of_nothing_is_refused(culture: System) -> None:
    starts = np.stack([CELLS_ONLY * TOTAL, np.zeros(culture.n)])
    p = np.stack([culture.parameter_vector()] * 2)
    with pytest.raises(ValueError, match="start 1 holds 0 of what is anchored, expected more than 0"):
        balanced_growths(culture, p, starts, CELLS_ONLY, horizon=1e6, atol=np.full(culture.n, 1e-14))


# -- at rest ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def switch() -> System:
    """A ligand binds a conserved receptor; what is bound makes a product, by a Hill function below one."""
    lines = (
        ("on*__s0*__s1", {0: -1, 1: -1, 2: 1}),
        ("off*__s2", {0: 1, 1: 1, 2: -1}),
        ("made*__s2**h/(half**h + __s2**h)", {3: 1}),
        ("lost*__s3", {3: -1}),
    )
    names, values = ("on", "off", "made", "half", "h", "lost"), (2.0, 0.1, 5.0, 0.3, 0.7, 0.2)
    reactions = tuple(Reaction(rate, tuple(sorted(change.items()))) for rate, change in lines)
    return compile_network(Network("switch", ("L", "R", "LR", "P"), names, values, (), (), reactions, ()))


def at_rest(switch: System, p: np.ndarray, starts: np.ndarray) -> list[SteadyState]:
    return steady_states(switch, p, starts, horizon=1e7, atol=np.full(4, 1e-12))


def test_states_at_rest_are_what_each_is_alone_and_in_closed_form(switch: System) -> None:
    r = np.random.default_rng(8)
    p = switch.parameter_vector() * 10 ** r.uniform(-1, 1, (MANY, 6))
    p[:, 4] = r.uniform(0.5, 3.0, MANY)
    starts = np.concatenate([10 ** r.uniform(-1, 1, (MANY, 2)), np.zeros((MANY, 2))], axis=1)
    for state, values, start in zip(at_rest(switch, p, starts), p, starts, strict=True):
        assert (state.status, state.growth_rate) == ("ok", 0.0)
        alone = steady_state(switch, values, start)
        np.testing.assert_allclose(state.y, alone.y, rtol=1e-8, atol=1e-14)
        kd, ligand, receptor = values[1] / values[0], *start[:2]
        total = ligand + receptor + kd
        bound = 2 * ligand * receptor / (total + np.sqrt(total**2 - 4 * ligand * receptor))
        product = values[2] / values[5] / (1 + (values[3] / bound) ** values[4])
        expected = [ligand - bound, receptor - bound, bound, product]
        np.testing.assert_allclose(state.y, expected, rtol=1e-7, atol=1e-9 * max(expected))


def test_runs_go_on_from_their_states_at_rest(switch: System) -> None:
    p = np.stack([switch.parameter_vector({"made": made}) for made in (1.0, 5.0)])
    rest = np.stack([state.y for state in at_rest(switch, p, np.array([[1.0, 2.0, 0.0, 0.0]] * 2))])
    still = BatchSolver(switch, 1e-8, 1e-12).run(p, [0.0, 1.0, 100.0], initials=rest)
    np.testing.assert_allclose(still.y, np.repeat(rest[:, None], 3, axis=1), rtol=1e-6)


def test_what_never_rests_fails_alone(switch: System) -> None:
    p = np.stack([switch.parameter_vector({"lost": lost}) for lost in (0.2, 0.0, 0.3)])
    found = at_rest(switch, p, np.array([[1.0, 2.0, 0.0, 0.0]] * 3))
    assert [state.status for state in found] == ["ok", "failed", "ok"]
    assert "what moves most is P" in found[1].message
