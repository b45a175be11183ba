"""Half-maximal doses and growth-rate metrics against curves whose answer is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nicheloop.analysis.curves import ec50, gr50, gr_aoc, gr_max, half_dose, hill_slope
from nicheloop.assays.readouts import gr_value

DOSES = np.geomspace(0.001, 1000, 121)


@pytest.mark.parametrize(("middle", "slope"), [(0.2, 1.0), (3.0, 2.0), (40.0, 0.7)])
def test_half_dose_of_a_hill_curve_is_its_middle(middle: float, slope: float) -> None:
    response = 1 / (1 + (DOSES / middle) ** slope)
    assert half_dose(DOSES, response) == pytest.approx(middle, rel=2e-3)


def test_half_dose_is_vectorised_and_says_where_there_is_none() -> None:
    falling = 1 / (1 + DOSES / 2.0)
    curves = np.stack(
        [falling, np.ones_like(DOSES), np.full_like(DOSES, 0.2), np.where(DOSES > 1, np.nan, 1.0)]
    )
    found = half_dose(DOSES, curves)
    assert found[0] == pytest.approx(2.0, rel=1e-2)
    assert found[1] == np.inf
    assert found[2] == 0.0
    assert np.isnan(found[3])


def test_half_dose_takes_the_first_crossing() -> None:
    assert half_dose([1.0, 10.0, 100.0, 1000.0], [1.0, 0.0, 1.0, 0.0]) == pytest.approx(np.sqrt(10.0))


def test_ec50_of_a_saturating_rise_from_a_baseline() -> None:
    response = 5.0 + 3.0 * DOSES / (DOSES + 7.0)
    assert ec50(DOSES, response, np.array(5.0)) == pytest.approx(7.0, rel=2e-2)


def counts(
    doses: np.ndarray, rate: float, hours: float, middle: float = 1.0, kill: float = 0.0
) -> np.ndarray:
    """Cells of a line, 1 at the start, whose growth a drug takes away, and which it kills above that."""
    share = doses / (doses + middle)
    return np.exp((rate * (1 - share) - kill * share) * hours)


def test_gr50_is_the_dose_that_halves_the_factor_of_growth() -> None:
    gr = gr_value(counts(DOSES, 0.03, 72.0), 1.0, np.exp(0.03 * 72))
    # 2 ** (1 - share) - 1 = 1/2 at share = 1 - log2(3/2)
    share = 1 - np.log2(1.5)
    assert gr50(DOSES, gr) == pytest.approx(share / (1 - share), rel=1e-2)


def test_gr50_is_the_same_for_lines_of_different_speed_where_the_ic50_is_not() -> None:
    found, half = [], []
    for rate in (0.01, 0.03):
        cells, control = counts(DOSES, rate, 72.0), np.exp(rate * 72)
        found.append(float(gr50(DOSES, gr_value(cells, 1.0, control))))
        half.append(float(half_dose(DOSES, cells / control)))
    assert found[0] == pytest.approx(found[1], rel=1e-9)
    assert half[0] > 2 * half[1]


def test_gr_max_tells_cytostatic_from_cytotoxic() -> None:
    control = np.exp(0.03 * 72)
    static = gr_value(counts(DOSES, 0.03, 72.0, middle=1e-4), 1.0, control)
    toxic = gr_value(counts(DOSES, 0.03, 72.0, middle=1e-4, kill=0.03), 1.0, control)
    assert gr_max(static) == pytest.approx(0.0, abs=1e-3)
    assert gr_max(toxic) == pytest.approx(-0.5, abs=1e-3)
    assert gr_max([1.0, 0.2, 0.3]) == 0.2
    assert np.isnan(gr_max([1.0, np.nan, 0.3]))


def test_gr_metrics_are_vectorised_over_parameter_sets() -> None:
    curves = np.stack(
        [np.ones_like(DOSES), np.zeros_like(DOSES), -np.ones_like(DOSES), np.full_like(DOSES, np.nan)]
    )
    np.testing.assert_array_equal(gr50(DOSES, curves), [np.inf, 0.0, 0.0, np.nan])
    np.testing.assert_array_equal(gr_max(curves), [1.0, 0.0, -1.0, np.nan])
    np.testing.assert_allclose(gr_aoc(DOSES, curves), [0.0, 1.0, 2.0, np.nan])


def test_the_area_over_a_step_is_the_share_of_log_doses_above_it() -> None:
    assert gr_aoc([1.0, 10.0, 10.0001, 1000.0], [1.0, 1.0, 0.0, 0.0]) == pytest.approx(2 / 3, rel=1e-4)


@given(st.floats(0.05, 20), st.floats(0.3, 5), st.floats(0.1, 10))
def test_hill_slope_of_a_hill_curve_is_its_power(ic50: float, power: float, control: float) -> None:
    doses = np.geomspace(0.05, 20, 9)
    response = control / (1 + (doses / ic50) ** power)
    assert hill_slope(doses, response, control) == pytest.approx(power, rel=1e-6)


def test_hill_slope_takes_doses_with_a_middling_response_only() -> None:
    doses = np.array([0.1, 1.0, 10.0])
    assert np.isnan(hill_slope(doses, [1.0, 0.5, 0.0]))
    assert hill_slope(doses, [1.2, 2 / 3, 0.5 / 3]) == pytest.approx(np.log10(2 / 0.2))
    assert np.isnan(hill_slope(doses, [[0.9, np.nan, 0.1]])).all()
