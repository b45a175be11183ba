"""Bands and predictive checks against single simulations and closed forms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.special import ndtr

import nicheloop as nl
from nicheloop.analysis.fit.bands import Band, bands, predictive_check
from nicheloop.analysis.fit.problem import FitProblem
from nicheloop.biology.table import rows

from .fit_cases import LINES, everything, series

NAMES = ("death_max", "imatinib_affinity_loss_K562R")


@pytest.fixture(scope="module")
def problem() -> FitProblem:
    return FitProblem(series("viability"), NAMES, noise="fixed")


@pytest.fixture(scope="module")
def points(problem: FitProblem) -> Any:
    return problem.space.sampled(np.random.default_rng(1).uniform(0.2, 0.8, (5, 2)))


def test_a_band_holds_what_single_runs_say(problem: FitProblem, points: Any) -> None:
    found = bands(problem, points, "imatinib_k562r", ["viability", "il1b"], times=[24, 72])
    assert [one.readout for one in found] == ["viability:K562R", "il1b"]
    for i, point in enumerate(points):
        run = nl.simulate("imatinib_k562r", problem.to_values(point), times=[24, 72])
        np.testing.assert_allclose(found[0].values[i], run["viability"], rtol=1e-3)
        np.testing.assert_allclose(found[1].values[i], run["il1b"], rtol=1e-3)
    frame = found[0].to_dataframe()
    assert (frame["low"] <= frame["median"]).all()
    assert frame["unit"].unique().tolist() == ["fraction"]


def test_the_hypothesis_of_the_fit_holds_for_the_scenario(points: Any) -> None:
    efflux = FitProblem(series("viability"), NAMES, noise="fixed", resistance="efflux")
    (band,) = bands(efflux, points[:1], "imatinib_k562r", ["viability"], times=[72])
    scenario = nl.load_scenario("imatinib_k562r").model_copy(update={"resistance": "efflux"})
    run = nl.simulate(scenario, efflux.to_values(points[0]), times=[72])
    np.testing.assert_allclose(band.values[0], run["viability"], rtol=1e-3)


def test_a_scenario_with_many_wells_has_a_band_for_each(problem: FitProblem, points: Any) -> None:
    scenario = nl.load_scenario("imatinib_k562r").with_(vary={"imatinib": [0.1, 1.0]})
    found = bands(problem, points, scenario, ["viability"], times=[72])
    assert len({one.scenario for one in found}) == 2
    assert found[0].median[0] > found[1].median[0]


def test_draws_that_fail_are_counted_and_left_out_of_quantiles() -> None:
    values = np.array([[1.0, 1.0], [2.0, 2.0], [3.0, np.nan], [3.0, 3.0]])
    band = Band("well", "il1b", "pg/mL", np.array([0.0, 1.0]), values, level=0.5)
    assert band.failed == 1
    np.testing.assert_allclose(band.median, [2.0, 2.0])
    np.testing.assert_allclose(band.low, [1.5, 1.5])


@pytest.mark.parametrize(("level", "readouts"), [(1.0, None), (0.0, None), (0.9, ["viabilty"])])
def test_misuse_is_told(problem: FitProblem, points: Any, level: float, readouts: Any) -> None:
    with pytest.raises((ValueError, KeyError), match=r"level|viability"):
        bands(problem, points, "imatinib_k562r", readouts, level=level)


def test_with_one_draw_the_check_is_that_of_its_residuals(problem: FitProblem, points: Any) -> None:
    from scipy.stats import chi2

    check = predictive_check(problem, points[:1])
    found = problem.evaluate(points[0])
    np.testing.assert_allclose(check.level_of, ndtr(found.residuals))
    expected = (np.abs(found.residuals) < 1.6448536).tolist()
    assert check.inside.tolist() == expected
    squares = float(np.sum(found.residuals**2))
    assert check.chi_square_p == pytest.approx(chi2.sf(squares, len(found.residuals)))


def test_levels_are_averages_over_draws(problem: FitProblem, points: Any) -> None:
    check = predictive_check(problem, points)
    alone = [predictive_check(problem, point[None]).level_of for point in points]
    np.testing.assert_allclose(check.level_of, np.mean(alone, axis=0))
    assert check.share == pytest.approx(check.inside.mean())


def test_censored_values_are_judged_by_their_probability() -> None:
    problem = FitProblem(everything(), ("death_max",), noise="fixed")
    check = predictive_check(problem, problem.start[None])
    found = problem.evaluate(problem.start)
    censored = np.isnan(found.residuals)
    assert 0 < censored.sum() < censored.size
    np.testing.assert_allclose(check.censored[censored], np.exp(found.log_densities[censored]))
    np.testing.assert_array_equal(np.isnan(check.level_of), censored)
    assert (check.inside[censored] == (check.censored[censored] >= 0.05)).all()


def test_values_far_from_the_model_lie_outside() -> None:
    far = FitProblem(series("viability", value=3.0), NAMES, noise="fixed")
    near = FitProblem(series("viability"), NAMES, noise="fixed")
    truth = {name: rows()[name].value for name in NAMES}
    low = predictive_check(far, far.to_point(truth)[None])
    high = predictive_check(near, near.to_point(truth)[None])
    assert low.share < high.share
    assert low.chi_square_p < 1e-3
    assert len(LINES) * 3 == low.inside.size
