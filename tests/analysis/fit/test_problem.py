"""What a fit is made of: names, factors, several tables, invariances, failures, misuse."""

from __future__ import annotations

import copy
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from fit_cases import NAMES, TIGHT, everything, problem, random_points, series, table, well

from nicheloop.analysis.fit.problem import FitProblem
from nicheloop.assays.settings import Settings
from nicheloop.assays.tables.frame import AssayTable
from nicheloop.biology.priors import prior_quantile


def scaled(data: AssayTable, factor: float) -> AssayTable:
    """Tell a table in arbitrary units of another size."""
    frame = data.frame.copy()
    for name in ("value", "sd", "detection_limit"):
        frame[name] = frame[name].to_numpy(dtype=float) * factor
    return AssayTable(frame, data.source, data.scenarios, data.layout, data.names)


@pytest.mark.parametrize("kind", ["scale", "scale, two-part", "scale, counted", "scale, own sd"])
def test_the_size_of_arbitrary_units_changes_nothing_but_the_factor(kind: str) -> None:
    fit = problem(kind)
    (data,) = fit.tables
    other = fit.with_(tables=scaled(data, 7.0))
    for x in random_points(fit, 2):
        a, b = fit.evaluate(x, order=2), other.evaluate(x, order=2)
        assert b.value == pytest.approx(a.value, rel=1e-12, abs=1e-10)
        np.testing.assert_allclose(b.gradient, a.gradient, rtol=1e-9, atol=1e-8)
        np.testing.assert_allclose(b.fisher, a.fisher, rtol=1e-9, atol=1e-8)
        np.testing.assert_allclose(b.residuals, a.residuals, rtol=1e-8, atol=1e-9)
        np.testing.assert_allclose(b.factors, 7.0 * a.factors, rtol=1e-9)
        np.testing.assert_allclose(b.predictions, 7.0 * a.predictions, rtol=1e-9)


def test_a_point_holds_parameters_on_their_scales_then_factors_on_noise() -> None:
    fit = FitProblem(series("viability"), ["death_max", "il1_proliferation_effect"], base={"bh3_kd": 0.5})
    assert fit.names == ("death_max", "il1_proliferation_effect", "noise:viability")
    x = np.array([-1.0, 0.25, np.log10(2.0)])
    assert fit.to_values(x) == {
        "bh3_kd": 0.5,
        "death_max": pytest.approx(0.1),
        "il1_proliferation_effect": 0.25,
    }
    assert fit.noise_of(x) == {"noise:viability": pytest.approx(2.0)}
    np.testing.assert_allclose(
        fit.to_point({"death_max": 0.1, "il1_proliferation_effect": 0.25, "noise:viability": 2.0}), x
    )
    assert fit.to_values(fit.start)["death_max"] == pytest.approx(float(prior_quantile("death_max", 0.5)))
    assert np.all(fit.lower < fit.start)
    assert np.all(fit.start < fit.upper)


def test_tables_are_fitted_together_and_their_experiments_told_apart() -> None:
    first, second = everything()
    fit = problem("everything")
    noises = [name for name in fit.names if name.startswith("noise:")]
    assert "noise:viability:first" in noises
    assert "noise:viability:second" in noises
    assert "noise:il1b" in noises
    assert not any("p_bcr_abl" in name or "p_erk" in name for name in noises)  # these have SDs of their own
    found = fit.evaluate(random_points(fit, 1)[0])
    parts = fit.split(found.residuals)
    assert [part.size for part in parts] == [len(first), len(second)]
    plates = {(one.readout, one.plate) for one in fit.data.factors}
    assert plates == {
        *(("p_crkl", plate) for plate in "12"),
        *(("il1b", plate) for plate in "12"),
        *(("viable_cells", plate) for plate in "12"),
        ("p_bcr_abl", "2"),
    }
    alone = [problem("everything", tables=one, constraints=()) for one in (first, second)]
    constraint = problem("everything", tables=())
    values = dict.fromkeys(noises, 1.0)
    at = [one.to_point(dict.fromkeys(one.data.widths, 1.0)) for one in (*alone, constraint)]
    summed = sum(one.evaluate(x, prior=False).value for one, x in zip((*alone, constraint), at, strict=True))
    assert fit.evaluate(fit.to_point(values), prior=False).value == pytest.approx(summed, rel=1e-10)


def test_lines_share_parameters_as_the_hypothesis_says() -> None:
    """A parameter of K562S moves K562R as well, unless K562R has its own."""
    data, names = series("viability", ("K562R",)), ["division_max_K562S"]
    shared = FitProblem(data, names, resistance="none", settings=TIGHT, noise="fixed")
    own = FitProblem(data, names, settings=TIGHT, noise="fixed")
    assert np.abs(shared.evaluate(shared.start, 1, prior=False).gradient[0]) > 1.0
    assert own.evaluate(own.start, 1, prior=False).gradient[0] == 0.0
    assert (shared.hypotheses, own.hypotheses) == (("none",), ("mixed",))


def test_the_order_adds_and_changes_nothing() -> None:
    fit = problem("everything")
    (x,) = random_points(fit, 1)
    none, first, second = (fit.evaluate(x, order) for order in (0, 1, 2))
    assert none.value == first.value == second.value
    assert none.gradient is None
    assert first.fisher is None
    np.testing.assert_array_equal(first.gradient, second.gradient)


def test_a_run_that_fails_is_infinitely_bad_and_counted() -> None:
    """A line that dies faster than it divides has no stock culture."""
    fit = FitProblem(series("viability"), ["death_basal", "death_max"], base={"uniform_death": 0.2})
    found = fit.evaluate(fit.start, order=2)
    assert found.value == np.inf
    assert not found.ok
    assert found.failed == 6
    assert "no stock culture: K562S shrinks" in found.problems[0]
    assert np.array_equal(found.gradient, np.zeros(3))
    assert np.array_equal(found.fisher, np.zeros((3, 3)))
    assert np.isnan(found.predictions).all()


def test_beyond_the_prior_the_value_is_infinite_and_nothing_is_run() -> None:
    fit = problem("viability")
    x = fit.upper + 1.0
    found = fit.evaluate(x, order=1)
    assert found.value == np.inf
    assert found.failed == 0
    assert found.problems == ("beyond the ends of the prior",)


def test_impossible_data_are_infinitely_bad() -> None:
    wells = [well("K562S", 0.0, resistance="none")]
    data = table(wells, [{"well": 0, "readout": "apoptosis", "host": "K562S", "time_h": 48.0}])
    frame = data.frame.copy()
    frame["value"] = [100.5]
    more = AssayTable(frame, data.source, data.scenarios, data.layout, data.names)
    found = FitProblem(more, NAMES, noise="fixed").evaluate(
        np.zeros(4) + FitProblem(more, NAMES, noise="fixed").start, 1
    )
    assert found.value == np.inf
    assert found.failed == 0
    assert not found.gradient.any()


def test_a_problem_is_pickled_and_changed() -> None:
    fit = problem("everything")
    again = pickle.loads(pickle.dumps(fit))
    (x,) = random_points(fit, 1)
    assert again.evaluate(x).value == fit.evaluate(x).value
    assert copy.deepcopy(fit) is fit
    other = fit.with_(noise="fixed", settings=Settings("batch", rtol=1e-6))
    assert other.names == NAMES
    assert other.settings.rtol == 1e-6


def test_misuse_is_told() -> None:
    data = series("viability")
    with pytest.raises(ValueError, match="unknown resistance 'effluxx', did you mean 'efflux'"):
        FitProblem(data, NAMES, resistance="effluxx")
    with pytest.raises(ValueError, match="unknown noise 'estimate', did you mean 'estimated'"):
        FitProblem(data, NAMES, noise="estimate")
    with pytest.raises(ValueError, match="nothing to fit"):
        FitProblem((), NAMES)
    with pytest.raises(ValueError, match="'bh3_kdd' is not in the parameter table"):
        FitProblem(data, NAMES, base={"bh3_kdd": 1.0})
    fit = problem("viability")
    with pytest.raises(ValueError, match=r"x: got \[0. 0.\], expected 5 finite numbers"):
        fit.evaluate([0.0, 0.0])
    with pytest.raises(ValueError, match="unknown free parameter 'death_min', did you mean 'death_max'"):
        fit.to_point({"death_min": 1.0})


def test_values_that_cannot_be_judged_are_named() -> None:
    wells = [well("K562S", 0.1)]
    rows = [
        {"well": 0, "readout": "p_crkl", "host": "K562S", "time_h": 24.0, "value": 0.0},
        {"well": 0, "readout": "viability", "host": "K562S", "time_h": 24.0},
    ]
    with pytest.raises(
        ValueError, match=r"test.csv: row 2, column 'value': got 0, but its noise is log-normal"
    ):
        FitProblem(table(wells, rows), NAMES)
    blot = [{**rows[0], "value": 0.0, "relative_to": "scale"}]
    with pytest.raises(ValueError, match=r"row 2.*no value of p_crkl tells what one unit is on this plate"):
        FitProblem(table(wells, blot), NAMES)
