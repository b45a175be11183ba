"""Published half-maximal doses as data: read off simulated wells, exactly differentiated."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import brentq

sys.path.insert(0, str(Path(__file__).parent))
from fit_cases import TIGHT, problem, well

from nicheloop.analysis.fit.problem import FitProblem
from nicheloop.analysis.fit.summaries import Ic50Term, crossing, ic50_terms
from nicheloop.assays.readouts import find
from nicheloop.assays.runs.plates import Plate, Request
from nicheloop.data.published import load_constraints


def viability(dose: float, line: str) -> float:
    readout, host = find("viability", (line,))
    at = well(line, dose, times=[72.0], duration=72.0)
    return float(Plate([at], [Request(0, readout, host, 72.0)]).run([{}], TIGHT).values[0, 0])


@pytest.mark.parametrize(("line", "low", "high"), [("K562S", 0.2, 0.25), ("K562R", 2.0, 3.0)])
def test_the_dose_is_that_at_which_half_of_the_cells_are_left(line: str, low: float, high: float) -> None:
    fit = FitProblem((), [], constraints=[Ic50Term(line, low, high)], settings=TIGHT)
    (found,) = fit.evaluate([]).summaries
    exact = brentq(lambda log_dose: viability(10.0**log_dose, line) - 0.5, -2.0, 1.5, xtol=1e-10)
    assert found == pytest.approx(10.0**exact, rel=1e-3)


def test_crossing_of_a_straight_line_is_exact_and_its_derivatives_are_those_of_the_implicit_function() -> (
    None
):
    x = np.linspace(0.0, 1.0, 9)
    at, weights = crossing(x, 0.9 - x)
    assert at == pytest.approx(0.4, abs=1e-12)
    y = 1.0 / (1.0 + np.exp(9.0 * (x - 0.43)))
    at, weights = crossing(x, y)
    assert at == pytest.approx(0.43, abs=1e-3)
    for i in range(x.size):
        step = 1e-6 * np.eye(x.size)[i]
        difference = (crossing(x, y + step)[0] - crossing(x, y - step)[0]) / 2e-6
        assert weights[i] == pytest.approx(difference, abs=1e-6)
    assert weights.sum() > 0  # all cells live a little better: more is needed


def test_the_slope_of_the_crossing_does_not_jump_at_a_dose() -> None:
    x = np.linspace(0.0, 1.0, 9)

    def curve(shift: float) -> np.ndarray:
        return 1.0 / (1.0 + np.exp(9.0 * (x - shift)))

    before, after = (crossing(x, curve(x[4] + side))[1] for side in (-1e-9, 1e-9))
    np.testing.assert_allclose(before, after, atol=1e-6)


def test_a_curve_that_does_not_cross_is_continued() -> None:
    x = np.linspace(-1.0, 1.0, 5)
    at, weights = crossing(x, np.full(5, 0.8))
    assert at == pytest.approx(1.3)
    np.testing.assert_array_equal(weights, [0, 0, 0, 0, 1])
    at, weights = crossing(x, np.full(5, 0.1))
    assert at == pytest.approx(-1.4)
    np.testing.assert_array_equal(weights, [1, 0, 0, 0, 0])


def test_a_range_open_on_one_side_is_a_probability() -> None:
    fit = problem("open constraint")
    found = fit.evaluate(fit.start, prior=False)
    below, above = np.log10(found.summaries)
    expected = stats.norm.logcdf(np.log10(0.15), below, 0.1) + stats.norm.logsf(np.log10(4.0), above, 0.1)
    assert found.value == pytest.approx(-expected, rel=1e-8)
    assert not fit.is_least_squares


def test_the_shipped_table_gives_a_term_for_either_line() -> None:
    first, second = ic50_terms(load_constraints("imatinib_k562"))
    assert (first.line, first.low, first.high, first.time) == ("K562S", 0.2, 0.25, 72.0)
    assert (second.line, second.low, second.high) == ("K562R", 2.0, 3.0)
    assert first.name == "ic50:K562S:imatinib (Blood 2000;96:1070, abstract)"
    wide, _ = ic50_terms(load_constraints("imatinib_k562"), sd=0.2)
    assert wide.sd == 0.2


def test_misuse_is_told() -> None:
    with pytest.raises(ValueError, match=r"ic50:K562S:imatinib: no range, expected 'sd'"):
        Ic50Term("K562S", 0.2, None)
    with pytest.raises(ValueError, match=r"low 3 is above high 2"):
        Ic50Term("K562S", 3.0, 2.0)
    with pytest.raises(ValueError, match=r"got low None, high None, expected doses above 0"):
        Ic50Term("K562S", None, None)
    with pytest.raises(ValueError, match=r"sd: got -1, expected a number above 0"):
        Ic50Term("K562S", 0.2, 0.25, sd=-1)
