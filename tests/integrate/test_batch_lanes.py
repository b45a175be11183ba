"""A run is alone in its lane: neighbours, order, threads and failures change no bit of it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from batch_cases import explosion, hill_switch, robertson

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
    return hill.parameter_vector() * np.exp(rng.normal(0, 0.5, (53, len(hill.parameters))))


def test_shuffling_the_sets_changes_no_bit(hill: System, draws: np.ndarray) -> None:
    solver = BatchSolver(hill, threads=1)
    order = np.random.default_rng(4).permutation(len(draws))
    straight, shuffled = solver.run(draws, TIMES), solver.run(draws[order], TIMES)
    np.testing.assert_array_equal(shuffled.y, straight.y[order])
    np.testing.assert_array_equal(shuffled.steps, straight.steps[order])
    assert len(set(straight.steps.tolist())) > 5  # lanes were refilled at different moments


def test_a_set_alone_gives_the_bits_it_gives_in_a_crowd(hill: System, draws: np.ndarray) -> None:
    solver = BatchSolver(hill, threads=1)
    crowd = solver.run(draws, TIMES)
    for run in (0, 17, 52):
        np.testing.assert_array_equal(solver.run(draws[run : run + 1], TIMES).y[0], crowd.y[run])


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_change_no_bit(hill: System, draws: np.ndarray, threads: int) -> None:
    one = BatchSolver(hill, threads=1).run(draws, TIMES, outputs="observables")
    many = BatchSolver(hill, threads=threads).run(draws, TIMES, outputs="observables")
    np.testing.assert_array_equal(many.y, one.y)
    np.testing.assert_array_equal(many.steps, one.steps)


def test_threads_change_no_bit_through_periods(hill: System, draws: np.ndarray) -> None:
    dose = np.zeros((len(draws), 3))
    dose[:, 0] = np.linspace(0, 3, len(draws))
    periods = [BatchPeriod(0, 5, draws), BatchPeriod(5, 20, draws, None, dose)]
    results = [BatchSolver(hill, threads=k).run_periods(periods, None, TIMES) for k in (1, 2)]
    np.testing.assert_array_equal(results[0].y, results[1].y)


@settings(max_examples=20, deadline=None)
@given(broken=st.sets(st.integers(0, 52), min_size=1, max_size=12), value=st.sampled_from([np.nan, np.inf]))
def test_broken_sets_leave_their_neighbours_untouched(
    hill: System, draws: np.ndarray, broken: set[int], value: float
) -> None:
    solver = BatchSolver(hill, threads=1)
    fine = solver.run(draws, TIMES)
    spoiled = draws.copy()
    spoiled[sorted(broken), 3] = value
    result = solver.run(spoiled, TIMES)
    for run in range(len(draws)):
        if run in broken:
            assert result.code[run] == Code.NOT_FINITE
            assert np.isnan(result.y[run, 1:]).all()
            assert result.time_reached[run] == 0.0
        else:
            np.testing.assert_array_equal(result.y[run], fine.y[run])


def test_the_step_limit_ends_a_run_with_nan(hill: System, draws: np.ndarray) -> None:
    free = BatchSolver(hill).run(draws, TIMES)
    limited = BatchSolver(hill, max_steps=5).run(draws, TIMES)
    assert set(limited.code) == {Code.STEP_LIMIT}
    assert set(limited.status) == {"failed"}
    assert "limit" in limited.messages[0]
    np.testing.assert_array_equal(limited.steps, 5)
    for run, reached in enumerate(limited.time_reached):
        known = reached >= TIMES
        assert 0 < reached < 20
        np.testing.assert_array_equal(limited.y[run, known], free.y[run, known])
        assert np.isnan(limited.y[run, ~known]).all()


def test_a_blow_up_is_a_failure_at_the_right_time() -> None:
    system = compile_network(explosion())
    k = np.array([0.1, 0.5, 1.0, 0.2, 4.0])[:, None]
    times = np.linspace(0, 3, 13)
    result = BatchSolver(system).run(k, times)
    bursts = 1.0 / k[:, 0]
    assert result.status.tolist() == ["ok" if burst > 3 else "failed" for burst in bursts]
    for run, burst in enumerate(bursts):
        if burst > 3:
            np.testing.assert_allclose(result.y[run, :, 0], 1 / (1 - k[run] * times), rtol=1e-4)
        else:
            assert result.time_reached[run] == pytest.approx(burst, rel=1e-4)
            assert result.code[run] in (Code.STEP_UNDERFLOW, Code.NOT_FINITE)
            before, after = times < 0.99 * burst, times > burst
            assert np.isfinite(result.y[run, before]).all()
            assert np.isnan(result.y[run, after]).all()


def test_failures_in_a_later_period_keep_what_was_reached(hill: System) -> None:
    p = hill.parameter_vector()
    bad = np.stack([p, p])
    bad[1, 4] = np.nan
    periods = [BatchPeriod(0, 10, p[None]), BatchPeriod(10, 20, bad)]
    result = BatchSolver(hill).run_periods(periods, None, TIMES)
    assert result.status.tolist() == ["ok", "failed"]
    assert result.time_reached.tolist() == [20.0, 10.0]
    np.testing.assert_array_equal(result.y[1, TIMES <= 10], result.y[0, TIMES <= 10])
    assert np.isnan(result.y[1, TIMES > 10]).all()


@pytest.mark.parametrize("lanes", [2, 4])
def test_narrower_vectors_agree(lanes: int) -> None:
    system = compile_network(robertson())
    p = system.parameter_vector() * np.array([[1.0], [0.5], [2.0], [1.5], [0.7]])
    times = [0, 1.0, 40.0]
    wide = BatchSolver(system, 1e-8, 1e-12).run(p, times)
    narrow = BatchSolver(system, 1e-8, 1e-12, lanes=lanes).run(p, times)
    np.testing.assert_allclose(narrow.y, wide.y, rtol=1e-9, atol=1e-15)
