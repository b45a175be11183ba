"""Hill fits on exact curves, bands, and dose-responses and synergy read off labelled arrays."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from nicheloop.analysis.dose_response import Hill, dose_curve, dose_response_of, hill_fit
from nicheloop.analysis.sweep.synergy import synergy_of

DOSES = np.array([0.0, *np.geomspace(0.01, 30, 12)])


@pytest.mark.parametrize("truth", [Hill(1.0, 0.05, 0.3, 1.7), Hill(2.0, 40.0, 3.0, 0.8)])
def test_a_hill_curve_is_found_again(truth: Hill) -> None:
    found = hill_fit(DOSES, truth(DOSES))
    assert found is not None
    assert [found.top, found.bottom, found.ec50, found.slope] == pytest.approx(
        [truth.top, truth.bottom, truth.ec50, truth.slope], rel=1e-3
    )


def test_nothing_is_fitted_to_a_flat_or_short_or_unfinished_curve() -> None:
    assert hill_fit(DOSES, np.ones(DOSES.size)) is None
    assert hill_fit(DOSES[:4], [1.0, 0.8, 0.4, 0.2]) is None
    assert hill_fit(DOSES, np.full(DOSES.size, np.nan)) is None
    assert hill_fit(DOSES, Hill(1.0, 0.0, 1e4, 1.0)(DOSES)) is None


def test_a_curve_is_sorted_with_its_band() -> None:
    order = np.array([2, 0, 1])
    sets = np.linspace(0, 1, 101)[:, None] * np.array([1.0, 2.0, 4.0])[order]
    sets[0] = np.inf
    curve = dose_curve("K562R", np.array([1.0, 2.0, 3.0])[order], [3.0, 1.0, 2.0], sets, fit=False)
    assert curve.doses.tolist() == [1.0, 2.0, 3.0]
    assert curve.response.tolist() == [1.0, 2.0, 3.0]
    assert curve.peak == (3.0, 3.0)
    assert curve.low is not None
    assert curve.high is not None
    assert curve.low[2] / curve.low[0] == pytest.approx(4.0)
    assert curve.high[0] == pytest.approx(0.95, abs=0.01)


def test_read_off_a_sweep_over_sets_and_a_second_axis() -> None:
    response = Hill(1.0, 0.0, 1.0, 2.0)(DOSES)
    values = np.stack([np.stack([response, 0.5 * response]) * scale for scale in (0.9, 1.0, 1.1)])
    results = xr.Dataset(
        {"viability": (("set", "il1ra", "imatinib"), values, {"units": "fraction"})},
        {
            "imatinib": ("imatinib", DOSES, {"units": "uM"}),
            "il1ra": ("il1ra", [0.0, 5.0], {"units": "ng/mL"}),
        },
    )
    found = dose_response_of(results, "viability")
    assert (found.drug, found.dose_unit, found.unit) == ("imatinib", "uM", "fraction")
    assert [curve.label for curve in found.curves] == ["il1ra 0 ng/mL", "il1ra 5 ng/mL"]
    np.testing.assert_allclose(found.curves[1].response, 0.5 * response)
    assert found.curves[0].hill is not None
    with pytest.raises(ValueError, match="at most one more"):
        dose_response_of(results.expand_dims(K562R=2), "viability")


def test_synergy_of_independent_drugs_is_none() -> None:
    a, b = np.array([0.0, 1.0, 3.0]), np.array([0.0, 2.0, 8.0])
    alone = Hill(1.0, 0.0, 1.5, 1.0)(a)[:, None] * Hill(1.0, 0.0, 3.0, 1.0)(b)
    together = alone.copy()
    together[2, 1] -= 0.2
    results = xr.Dataset(
        {"v": (("a", "b", "time"), np.stack([np.ones((3, 3)), together], axis=-1))},
        {"a": a, "b": b, "time": [0.0, 72.0]},
    )
    found = synergy_of(results, "v")
    expected = np.zeros((3, 3))
    expected[2, 1] = 0.2
    np.testing.assert_allclose(found.excess, expected, atol=1e-12)
    assert found.largest == pytest.approx((3.0, 2.0, 0.2))
    assert synergy_of(results, "v", "loewe").excess.shape == (3, 3)
    with pytest.raises(ValueError, match="unknown synergy"):
        synergy_of(results, "v", "hsa")
    with pytest.raises(ValueError, match="expected the doses of two drugs"):
        synergy_of(results.isel(a=0), "v")
