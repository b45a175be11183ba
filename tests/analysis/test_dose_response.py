"""Hill fits on exact curves, bands, and dose-responses and synergy read off labelled arrays."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from nicheloop.analysis.curves import half_dose
from nicheloop.analysis.dose_response import DoseResponse, Hill, dose_curve, dose_response_of, hill_fit
from nicheloop.analysis.evidence import spread
from nicheloop.analysis.sweep.synergy import synergy_of, unaffected

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
    assert curve.high[0] == pytest.approx(0.96)  # of 0.01 to 1, and one infinite


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
    together[2, 1] -= 0.1
    results = xr.Dataset(
        {"v": (("a", "b", "time"), np.stack([np.ones((3, 3)), together], axis=-1))},
        {"a": a, "b": b, "time": [0.0, 72.0]},
    )
    found = synergy_of(results, "v")
    expected = np.zeros((3, 3))
    expected[2, 1] = 0.1
    np.testing.assert_allclose(found.excess, expected, atol=1e-12)
    assert found.largest == pytest.approx((3.0, 2.0, 0.1))
    loewe = synergy_of(results, "v", "loewe")
    assert loewe.drugs == found.drugs
    # Hill curves of slope 1 from 1 to 0: a dose alone leaves a fraction f at ec50 * (1 / f - 1).
    f = together[1:, 1:]
    exact = a[1:, None] / (1.5 * (1 / f - 1)) + b[1:] / (3.0 * (1 / f - 1))
    np.testing.assert_allclose(loewe.excess[1:, 1:], exact)
    assert loewe.largest[:2] == (3.0, 2.0)
    with pytest.raises(ValueError, match="unknown synergy"):
        synergy_of(results, "v", "hsa")
    with pytest.raises(ValueError, match="expected the doses of two drugs"):
        synergy_of(results.isel(a=0), "v")


def test_a_surface_without_synergy_has_no_largest() -> None:
    a, b = np.array([0.0, 1.0, 3.0]), np.array([0.0, 2.0, 8.0])
    alone = Hill(1.0, 0.0, 1.5, 1.0)(a)[:, None] * Hill(1.0, 0.0, 3.0, 1.0)(b)
    worse = np.where((a > 0)[:, None] & (b > 0), 1.2 * alone, alone)
    for values in (alone, worse):
        results = xr.Dataset({"v": (("a", "b"), values)}, {"a": a, "b": b})
        assert np.isnan(synergy_of(results, "v").largest).all()
    added = a[:, None] / 1.5 + b / 3.0
    added = np.where((a > 0)[:, None] & (b > 0), 0.5 * added, added)
    results = xr.Dataset({"v": (("a", "b"), 1 / (1 + added))}, {"a": a, "b": b})
    assert np.isnan(synergy_of(results, "v", "loewe").largest).all()


def test_synergy_of_what_falls_below_0_is_refused() -> None:
    a = np.array([0.0, 1.0, 3.0])
    gr = np.linspace(1.0, -0.5, 9).reshape(3, 3)
    with pytest.raises(ValueError, match=r"got -0.5, expected none below 0; of GR values take the viability"):
        synergy_of(xr.Dataset({"gr": (("a", "b"), gr)}, {"a": a, "b": a}), "gr")
    unaffected(a, a, np.where(gr < 0, -1e-9, gr))  # an error of the solver


def test_what_is_infinite_ranks_above_all_and_what_failed_is_left_out() -> None:
    values = np.array([[1.0, np.nan], [2.0, np.nan], [np.inf, np.nan], [np.inf, np.nan], [np.nan, np.nan]])
    middle, low, high = spread(values)
    assert (middle[0], low[0], high[0]) == (2.0, 1.0, np.inf)
    assert np.isnan([middle[1], low[1], high[1]]).all()
    plain = np.random.default_rng(1).normal(size=(50, 3))
    np.testing.assert_allclose(spread(plain), np.percentile(plain, [50, 5, 95], axis=0))


def test_a_median_over_sets_counts_doses_that_are_not_reached() -> None:
    values = np.array([[1.0, 1.0], [2.0, 2.0], [np.inf, np.inf]])
    results = xr.Dataset({"viability_ic50": (("set", "il1ra"), values)}, {"il1ra": [1.0, 10.0]})
    (curve,) = dose_response_of(results, "viability_ic50").curves
    assert curve.response.tolist() == [2.0, 2.0]
    assert curve.high is not None
    assert np.isinf(curve.high).all()


def test_half_doses_are_those_of_the_summaries() -> None:
    y = Hill(1.0, 0.2, 0.5, 1.3)(DOSES)
    found = DoseResponse("imatinib", "uM", "viability", "fraction", (dose_curve("a", DOSES, y),))
    half = found.half_dose(found.curves[0])
    assert half is not None
    assert (half.name, half.response) == ("IC50", 0.5)
    assert half.dose == pytest.approx(float(half_dose(DOSES[1:], y[1:], 0.5)))
    without = dose_curve("a", DOSES[1:], y[1:])
    assert found.half_dose(without) is None  # half of what?
    results = xr.Dataset({"viability": ("imatinib", y[1:])}, {"imatinib": DOSES[1:]})
    of_vehicle = dose_response_of(results, "viability")
    assert of_vehicle.half_dose(of_vehicle.curves[0]) == half
