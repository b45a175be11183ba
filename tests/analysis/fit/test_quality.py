"""Chi-square, effective parameters and runs of signs against closed forms and counts."""

from __future__ import annotations

from itertools import pairwise, permutations

import numpy as np
import pytest

from nicheloop.analysis.fit.bands import predictive_check
from nicheloop.analysis.fit.problem import FitProblem
from nicheloop.analysis.fit.quality import few_runs, predictions_frame, quality
from nicheloop.analysis.fit.summaries import Ic50Term

from .fit_cases import everything, series


@pytest.fixture(scope="module")
def problem() -> FitProblem:
    return FitProblem(series("viability"), ("death_max", "bim_copies"), noise="fixed")


def test_chi_square_is_the_sum_of_squares_of_the_values_that_are_told() -> None:
    problem = FitProblem(everything(), ("death_max",))
    found = quality(problem, problem.start)
    residuals = problem.evaluate(problem.start).residuals
    assert found.values == np.isfinite(residuals).sum() < residuals.size
    assert found.chi_square == pytest.approx(np.nansum(residuals**2))
    assert found.noise_estimated
    assert "was fitted" in found.verdict


def test_values_spend_no_more_than_the_parameters_there_are(problem: FitProblem) -> None:
    found = quality(problem, problem.start)
    assert 0 < found.spent < 2
    assert found.freedom == pytest.approx(6 - found.spent)
    assert found.reduced == pytest.approx(found.chi_square / found.freedom)
    pinned = FitProblem(series("viability", sd=1e-5, n=1.0), ("death_max", "bim_copies"), noise="fixed")
    assert quality(pinned, pinned.start).spent == pytest.approx(2.0, abs=1e-3)


def test_what_constraints_pin_is_not_spent_by_the_values(problem: FitProblem) -> None:
    narrow = Ic50Term("K562S", 0.2, 0.2, sd=1e-3)
    constrained = problem.with_(constraints=(narrow,))
    found = quality(constrained, constrained.start)
    assert found.spent < quality(problem, problem.start).spent
    assert found.constraints[0].low == 0.2
    assert found.constraints[0].value > 0


def test_a_model_that_misses_the_data_is_called_so() -> None:
    far = FitProblem(series("viability", value=2.5), ("death_max",), noise="fixed")
    found = quality(far, far.start)
    assert found.p < 1e-3
    assert found.verdict.startswith("The model misses more than the noise explains")


@pytest.mark.parametrize(("above", "below"), [(2, 2), (3, 2), (4, 3), (1, 4), (5, 2)])
def test_the_chance_of_few_runs_is_that_of_all_orders(above: int, below: int) -> None:
    orders = set(permutations("+" * above + "-" * below))
    counts = np.array([1 + sum(a != b for a, b in pairwise(o)) for o in orders])
    for runs in range(2, above + below + 1):
        assert few_runs(above, below, runs) == pytest.approx(np.mean(counts <= runs))


def test_residuals_of_one_sign_or_too_few_tell_nothing() -> None:
    assert np.isnan(few_runs(9, 0, 1))
    assert np.isnan(few_runs(1, 1, 2))


def test_the_frame_holds_all_rows_with_model_and_residual() -> None:
    problem = FitProblem(everything(), ("death_max",), noise="fixed")
    found, check = quality(problem, problem.start), predictive_check(problem, problem.start[None])
    frame = predictions_frame(problem, found, check)
    assert len(frame) == len(problem.data)
    np.testing.assert_allclose(frame["model"], found.found.predictions)
    np.testing.assert_allclose(frame["low"], frame["high"])
    assert frame["table"].unique().tolist() == ["test.csv"]
