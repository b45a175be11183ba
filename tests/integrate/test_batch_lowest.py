"""Amounts below zero are seen: how deep, in which run, and not in its neighbours."""

from __future__ import annotations

import numpy as np

from nicheloop.equations.network import Network, Reaction
from nicheloop.equations.system import System, compile_network
from nicheloop.integrate.batch import BatchSolver

ATOL = np.array([1e-6, 1e-3])


def emptying() -> System:
    """Two species: one is taken away at a constant rate, whether there is any left or not; one decays."""
    return compile_network(
        Network(
            name="emptying",
            species=("taken()", "decaying()"),
            parameters=("rate", "k", "start"),
            values=(1.0, 1.0, 1.0),
            expressions=(),
            observables=(),
            reactions=(Reaction("rate", ((0, -1),)), Reaction("k*__s1", ((1, -1),))),
            initials=((0, "start"), (1, "start")),
        )
    )


def test_depth_is_told_in_absolute_tolerances_for_the_run_that_goes_below() -> None:
    system = emptying()
    runs = np.array([[0.0, 1.0, 1.0], [0.5, 1.0, 1.0], [1.5, 1.0, 1.0], [0.0, 1.0, 1.0]])
    result = BatchSolver(system, 1e-6, ATOL).run(runs, [0.0, 1.0, 2.0])
    assert result.status.tolist() == ["ok"] * 4
    np.testing.assert_allclose(result.lowest, [0, 0, -2.0 / ATOL[0], 0], rtol=1e-9, atol=1e-3)
    alone = [float(BatchSolver(system, 1e-6, ATOL).run(row[None], [0.0, 1.0, 2.0]).lowest[0]) for row in runs]
    assert alone == result.lowest.tolist()


def test_a_later_run_of_the_same_lane_starts_afresh() -> None:
    rates = np.where(np.arange(40) % 2, 2.0, 0.0)
    runs = np.column_stack([rates, np.ones(40), np.ones(40)])
    result = BatchSolver(emptying(), 1e-6, ATOL, threads=1).run(runs, [0.0, 1.0])
    assert ((result.lowest < -1e5) == (rates > 0)).all()


def test_sensitivities_see_the_same_depth() -> None:
    system, runs = emptying(), np.array([[1.5, 1.0, 1.0]])
    plain = BatchSolver(system, 1e-6, ATOL).run(runs, [0.0, 2.0])
    carried = BatchSolver(system, 1e-6, ATOL).run(runs, [0.0, 2.0], sensitivities=("rate", "k"))
    np.testing.assert_allclose(carried.lowest, plain.lowest, rtol=1e-9)


def test_on_request_a_run_fails_where_it_goes_below_and_its_neighbours_do_not() -> None:
    runs = np.array([[0.5, 1.0, 1.0], [1.5, 1.0, 1.0], [0.0, 1.0, 1.0]])
    times = np.linspace(0, 1.5, 31)
    plain = BatchSolver(emptying(), 1e-6, ATOL).run(runs, times)
    strict = BatchSolver(emptying(), 1e-6, ATOL, nonnegative=True).run(runs, times)
    assert strict.status.tolist() == ["ok", "failed", "ok"]
    assert strict.messages[1] == "an amount fell below zero by more than the tolerances explain"
    assert 1 / 1.5 <= strict.time_reached[1] <= 1.5
    late = times > strict.time_reached[1]
    assert np.isnan(strict.y[1, late]).all()
    np.testing.assert_array_equal(strict.y[1, ~late], plain.y[1, ~late])
    np.testing.assert_array_equal(strict.y[[0, 2]], plain.y[[0, 2]])


def test_an_error_that_the_tolerances_explain_is_no_failure() -> None:
    runs = np.array([[1.0 + 1.2 * ATOL[0], 1.0, 1.0]])
    result = BatchSolver(emptying(), 1e-6, ATOL, nonnegative=True).run(runs, [0.0, 1.0])
    assert result.status.tolist() == ["ok"]
    assert -np.sqrt(2) < float(result.lowest[0]) < -1
