"""A column is alone in its slot and lane: neighbours, order, threads and failures change no bit of it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from batch_cases import explosion, hill_switch

from nicheloop.equations.network import Network, Reaction
from nicheloop.equations.system import System, compile_network
from nicheloop.integrate.batch import BatchPeriod, BatchSolver
from nicheloop.integrate.kernel_layout import Code

TIMES = np.linspace(0, 20, 11)


@pytest.fixture(scope="module")
def hill() -> System:
    return compile_network(hill_switch())


@pytest.fixture(scope="module")
def draws(hill: System) -> np.ndarray:
    rng = np.random.default_rng(3)
    return hill.parameter_vector() * np.exp(rng.normal(0, 0.5, (37, len(hill.parameters))))


@pytest.mark.parametrize("control", [False, True])
def test_neither_order_nor_company_nor_threads_change_a_bit(
    hill: System, draws: np.ndarray, control: bool
) -> None:
    names, order = hill.parameters, np.random.default_rng(4).permutation(len(draws))
    one, two = (BatchSolver(hill, threads=k, control_sensitivities=control) for k in (1, 2))
    crowd = one.run(draws, TIMES, sensitivities=names).sensitivities
    assert crowd is not None
    shuffled = two.run(draws[order], TIMES, sensitivities=names).sensitivities
    np.testing.assert_array_equal(shuffled, crowd[order])
    for run in (0, 17, 36):
        alone = two.run(draws[run : run + 1], TIMES, sensitivities=names).sensitivities
        assert alone is not None
        np.testing.assert_array_equal(alone[0], crowd[run])


def test_a_column_alone_gets_the_bits_it_gets_among_others(hill: System, draws: np.ndarray) -> None:
    solver = BatchSolver(hill)
    every = solver.run(draws, TIMES, outputs="observables", sensitivities=hill.parameters).sensitivities
    assert every is not None
    for column, name in enumerate(hill.parameters):
        alone = solver.run(draws, TIMES, outputs="observables", sensitivities=[name]).sensitivities
        np.testing.assert_array_equal(alone, every[..., column : column + 1])


def test_more_columns_than_slots_are_dealt_out(hill: System, draws: np.ndarray) -> None:
    names = [hill.parameters[i % 5] for i in range(61)]
    solver = BatchSolver(hill)
    few = solver.run(draws[:3], TIMES, sensitivities=hill.parameters).sensitivities
    many = solver.run(draws[:3], TIMES, sensitivities=names).sensitivities
    assert few is not None
    np.testing.assert_array_equal(many, few[..., [i % 5 for i in range(61)]])


def test_a_failed_run_is_nan_and_leaves_its_neighbours_untouched(hill: System, draws: np.ndarray) -> None:
    names, solver = hill.parameters, BatchSolver(hill)
    fine = solver.run(draws, TIMES, sensitivities=names)
    spoiled = draws.copy()
    spoiled[[2, 11, 12, 30], 3] = np.nan
    result = solver.run(spoiled, TIMES, sensitivities=names)
    assert result.sensitivities is not None
    assert fine.sensitivities is not None
    broken = np.isnan(spoiled).any(axis=1)
    assert np.isnan(result.sensitivities[broken, 1:]).all()
    assert set(result.code[broken]) == {Code.NOT_FINITE}
    np.testing.assert_array_equal(result.sensitivities[~broken], fine.sensitivities[~broken])
    limited = BatchSolver(hill, max_steps=5).run(draws, TIMES, sensitivities=names)
    assert limited.sensitivities is not None
    assert set(limited.code) == {Code.STEP_LIMIT}
    known = limited.time_reached[:, None] >= TIMES
    np.testing.assert_array_equal(np.isnan(limited.sensitivities).any(axis=(2, 3)), ~known)
    np.testing.assert_array_equal(limited.sensitivities[known], fine.sensitivities[known])


@pytest.mark.parametrize("control", [False, True])
def test_a_blow_up_has_no_sensitivities_after_it(control: bool) -> None:
    system, k = compile_network(explosion()), np.array([[0.1], [1.0], [0.2]])
    times = np.linspace(0, 3, 13)
    solver = BatchSolver(system, 1e-8, control_sensitivities=control)
    result = solver.run(k, times, sensitivities=["k"])
    assert result.status.tolist() == ["ok", "failed", "ok"]
    assert result.sensitivities is not None
    for run in (0, 2):
        exact = times / (1 - k[run] * times) ** 2
        np.testing.assert_allclose(result.sensitivities[run, :, 0, 0], exact, rtol=1e-5)
    assert np.isnan(result.sensitivities[1, times > 1]).all()
    assert np.isfinite(result.sensitivities[1, times < 0.9]).all()


def test_a_run_fails_where_only_its_sensitivities_stop_being_finite() -> None:
    """The rate sqrt(k) has no derivative at k = 0, though the state is fine; 10 columns, one of them bad."""
    network = Network(
        name="root",
        species=("x",),
        parameters=("k", "d"),
        values=(0.0, 0.5),
        expressions=(),
        observables=(),
        reactions=(Reaction("sqrt(k)", ((0, 1),)), Reaction("d*__s0", ((0, -1),))),
        initials=((0, "1"),),
    )
    system = compile_network(network)
    rooted, free = np.array([[0.0, 0.5]]), np.array([[1.0, 0.5]])
    periods = [BatchPeriod(0, 10, free), BatchPeriod(10, 20, np.concatenate([rooted, free]))]
    names = ["d"] * 9 + ["k"]
    result = BatchSolver(system).run_periods(periods, None, TIMES, sensitivities=names)
    assert result.status.tolist() == ["failed", "ok"]
    assert result.code[0] == Code.NOT_FINITE
    assert result.time_reached.tolist() == [10.0, 20.0]
    assert result.sensitivities is not None
    for values in (result.y[0, :, :, None], result.sensitivities[0]):
        assert np.isfinite(values[TIMES <= 10]).all()
        assert np.isnan(values[TIMES > 10]).all()
    assert np.isfinite(result.sensitivities[1]).all()
    assert BatchSolver(system).run(rooted, TIMES, sensitivities=["d"]).status.tolist() == ["ok"]
