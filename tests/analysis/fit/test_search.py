"""Starts, local searches and what all of them say together; a killed search goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pypesto")
sys.path.insert(0, str(Path(__file__).parent))
from closed_problems import linear, two_valleys

from nicheloop.analysis.fit.search import ENOUGH, RETREATS, LocalSearch, Search, multistart
from nicheloop.analysis.fit.starts import start_points
from nicheloop.execution import Engine, Processes, Serial, open_store

HERE = Path(__file__).parent
PROBLEM = linear([[2.0, 1.0], [0.5, -3.0], [1.0, 1.0]], [1.0, -2.0, 0.4])


def exact(problem=PROBLEM):
    """The optimum of a linear problem."""
    found = problem.evaluate(problem.start, 2)
    return problem.start - np.linalg.solve(found.fisher, found.gradient)


def same(one: Search, other: Search) -> bool:
    return len(one.optima) == len(other.optima) and all(
        a.x.tobytes() == b.x.tobytes()
        and a.begun.tobytes() == b.begun.tobytes()
        and (a.value, a.start, a.evaluations, a.failed_evaluations, a.message)
        == (b.value, b.start, b.evaluations, b.failed_evaluations, b.message)
        for a, b in zip(one.optima, other.optima, strict=True)
    )


# -- starts -------------------------------------------------------------------------------------------------


def test_a_longer_design_goes_on_where_a_shorter_ends():
    assert np.array_equal(start_points(PROBLEM, 50, 1)[:7], start_points(PROBLEM, 7, 1))


def test_starts_depend_on_the_seed():
    assert not np.isin(start_points(PROBLEM, 8, 2), start_points(PROBLEM, 8, 1)).any()


def test_starts_fill_the_prior_evenly_within_the_bounds():
    points = start_points(PROBLEM, 64, 3)
    assert np.all((points >= PROBLEM.lower) & (points <= PROBLEM.upper))
    from scipy.special import ndtr

    levels = (ndtr(points) - ndtr(PROBLEM.lower)) / (ndtr(PROBLEM.upper) - ndtr(PROBLEM.lower))
    for column in levels.T:  # every 64th of the prior between the bounds once
        assert sorted(np.floor(64 * column)) == list(range(64))


@pytest.mark.parametrize(
    ("change", "told"),
    [({"starts": 0}, "starts: got 0"), ({"starts": 2.5}, "starts: got 2.5"), ({"seed": -1}, "seed: got -1")],
)
def test_numbers_that_make_no_sense_are_refused(change, told):
    with pytest.raises(ValueError, match=told):
        start_points(PROBLEM, **{"starts": 4, "seed": 1, **change})


# -- local searches -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", ["fides", "least_squares", "L-BFGS-B"])
def test_every_optimiser_finds_the_optimum(optimizer):
    found = multistart(PROBLEM, 4, optimizer=optimizer)
    assert found.reached(1e-3) == 4
    np.testing.assert_allclose(found.best.x, exact(), atol=1e-3)
    assert found.best.value == PROBLEM.evaluate(found.best.x).value


def test_an_optimiser_of_pypesto_is_taken_as_it_is():
    from pypesto.optimize import ScipyOptimizer

    found = multistart(PROBLEM, 2, optimizer=ScipyOptimizer("TNC"))
    np.testing.assert_allclose(found.best.x, exact(), atol=1e-2)


def test_an_unknown_optimiser_is_refused():
    with pytest.raises(ValueError, match="fidse"):
        multistart(PROBLEM, 2, optimizer="fidse")


def test_least_squares_need_a_sum_of_squares():
    with pytest.raises(ValueError, match="needs a sum of squares"):
        multistart(replace(PROBLEM, is_least_squares=False), 2, optimizer="least_squares")


def forbidden(x):
    return bool(x[0] > 0.8)


def test_starts_that_cannot_be_simulated_move_to_the_median_and_are_counted():
    problem = replace(PROBLEM, forbidden=forbidden)
    begun = start_points(problem, 16, 1)
    found = multistart(problem, 16)
    moved = [one for one in found.optima if not np.array_equal(one.begun, begun[one.start])]
    assert len(moved) == np.count_nonzero(begun[:, 0] > 0.8) > 0
    for one in moved:
        assert one.begun[0] <= 0.8
        assert one.failed_evaluations >= 1
        ratio = one.begun / begun[one.start]  # the median is 0
        assert np.allclose(ratio, ratio[0])
        assert np.log2(ratio[0]) == pytest.approx(round(np.log2(ratio[0])))
    assert found.failed == 0
    assert found.failed_evaluations >= len(moved)
    assert found.reached(1e-3) == 16


def test_a_search_that_cannot_begin_says_why():
    problem = replace(PROBLEM, forbidden=lambda x: True)
    with pytest.raises(RuntimeError, match="none of 3 starts could be simulated: forbidden"):
        multistart(problem, 3)


def beyond_median(x):
    return bool(x[0] > -1e-9 or x[0] < -1.0)


def test_failed_starts_come_last_and_are_counted():
    problem = replace(PROBLEM, forbidden=beyond_median)
    found = multistart(problem, 8)
    failed = [one for one in found.optima if not one.ok]
    assert 0 < len(failed) < 8
    assert found.failed == len(failed)
    assert all(one.evaluations == one.failed_evaluations == RETREATS for one in failed)
    assert found.optima[-len(failed) :] == tuple(failed)
    assert np.isinf(found.waterfall[-len(failed) :]).all()


# -- all together -------------------------------------------------------------------------------------------


def test_the_waterfall_counts_how_often_the_best_was_found():
    found = multistart(two_valleys(), 24)
    sides = np.array([np.sign(one.x[0]) for one in found.optima])
    assert set(sides) == {-1.0, 1.0}
    best = int(np.count_nonzero(sides > 0))
    assert found.best.x[0] > 0
    assert found.waterfall[0] == 0
    assert np.all(np.diff(found.waterfall) >= 0)
    assert found.reached(0.1) == found.reached(1e-3) == best
    assert found.converged == (best >= ENOUGH)
    assert f"{best} of 24 starts" in found.verdict
    assert "has converged" in found.verdict


def test_a_best_value_that_was_found_once_is_not_trusted():
    found = multistart(two_valleys(), 24)
    right = next(one for one in found.optima if one.x[0] > 0)
    wrong = [one for one in found.optima if one.x[0] < 0]
    rare = Search(found.names, (right, *wrong), 0.0)
    assert not rare.converged
    assert "has not converged" in rare.verdict
    assert "too few starts" in multistart(two_valleys(), 2).verdict


@pytest.mark.parametrize("engine", [Serial(), Processes(2)], ids=["serial", "processes"])
def test_results_depend_neither_on_the_engine_nor_on_the_store(engine: Engine, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")]))
    expected = multistart(two_valleys(), 6)
    for _ in range(2):  # computed, then read
        assert same(multistart(two_valleys(), 6, engine=engine, store=tmp_path / "store"), expected)


def test_a_start_does_not_depend_on_how_many_there_are():
    few, many = ({one.start: one.x.tobytes() for one in multistart(two_valleys(), n).optima} for n in (3, 9))
    assert few == {start: many[start] for start in few}


@pytest.mark.parametrize("change", [{"seed": 2}, {"optimizer": "L-BFGS-B"}, {"starts": 5}])
def test_a_store_is_continued_by_the_same_search_only(change, tmp_path):
    given = {"starts": 4, "seed": 1, "store": tmp_path / "store"}
    multistart(PROBLEM, **given)
    with pytest.raises(ValueError, match="another job"):
        multistart(PROBLEM, **{**given, **change})


def test_progress_is_told_in_starts():
    told = []
    multistart(PROBLEM, 3, progress=lambda *numbers: told.append(numbers))
    assert told == [(done, 3, 0) for done in range(4)]


def test_a_single_search_goes_on_from_a_point():
    found = LocalSearch(PROBLEM).optimum(PROBLEM.start)
    assert found.start == -1
    np.testing.assert_allclose(found.x, exact(), atol=1e-3)


# -- killed -------------------------------------------------------------------------------------------------

SCRIPT = """
import sys
import nicheloop as nl
from nicheloop.analysis.fit.problem import FitProblem
from nicheloop.analysis.fit.search import multistart

problem = FitProblem(nl.load_data("imatinib_baf3"), ["death_max", "bim_copies", "atp_competition"])
multistart(problem, 6, seed=4, store=sys.argv[1])
"""


def run(store: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", SCRIPT, str(store)])


def finished(store: Path) -> int:
    if not (store / "manifest.json").is_file():
        return 0
    there = open_store(store)
    return there.rows.rows - sum(span.rows for span in there.missing)


def test_killed_in_the_middle_a_search_goes_on_and_ends_the_same_bit_for_bit(tmp_path):
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    first = run(killed)
    deadline = time.monotonic() + 300
    while finished(killed) < 2:
        assert first.poll() is None, "ended before it was killed"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert 2 <= finished(killed) < 6
    assert run(killed).wait() == 0
    assert run(whole).wait() == 0
    one, other = open_store(killed).arrays(), open_store(whole).arrays()
    assert one.keys() == other.keys()
    for name in one:
        assert one[name].tobytes() == other[name].tobytes()
