"""Half-maximal doses against curves whose answer is known."""

import numpy as np
import pytest

from nicheloop.analysis.curves import ec50, half_dose

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
