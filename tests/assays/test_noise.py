"""Noise: densities against integrals, derivatives against differences, draws against densities."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import quad

import nicheloop as nl
from nicheloop.assays.noise import LogNormal, Noise, Normal, StudentT
from nicheloop.assays.noise_counts import Binomial
from nicheloop.assays.noise_table import assay_numbers, shipped_limits, shipped_noise
from nicheloop.assays.readouts import READOUTS

CONTINUOUS = (
    Normal(sd=0.7),
    Normal(cv=0.3),
    Normal(sd=0.2, cv=0.15),
    StudentT(sd=0.5, df=3.5),
    StudentT(sd=0.1, cv=0.2, df=8),
    LogNormal(sd=0.35),
)
COUNTED = (Binomial(counted=40), Binomial(counted=250, whole=100.0))
ALL = (*CONTINUOUS, *COUNTED)


def name_of(noise: Noise) -> str:
    return repr(noise)


def means_of(noise: Noise) -> np.ndarray:
    whole = noise.whole if isinstance(noise, Binomial) else 10.0
    return whole * np.array([0.05, 0.3, 0.5, 0.9])


def slope(function, mean: float) -> float:
    """Central difference, extrapolated once."""
    step = 1e-3 * mean
    wide = (function(mean + step) - function(mean - step)) / (2 * step)
    narrow = (function(mean + step / 2) - function(mean - step / 2)) / step
    return (4 * narrow - wide) / 3


@pytest.mark.parametrize("noise", ALL, ids=name_of)
def test_derivatives_are_those_of_the_log_probabilities(noise: Noise) -> None:
    for mean in means_of(noise):
        for value in mean * np.array([0.3, 0.8, 1.0, 1.07]):
            for function, derivative in (
                (noise.log_density, noise.d_log_density),
                (noise.log_below, noise.d_log_below),
                (noise.log_above, noise.d_log_above),
            ):
                expected = slope(lambda m, f=function, v=value: float(f(v, m)), mean)
                assert derivative(value, mean) == pytest.approx(expected, rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("noise", CONTINUOUS, ids=name_of)
def test_censored_probabilities_are_integrals_of_the_density(noise: Noise) -> None:
    for mean in means_of(noise):
        lowest = 0.0 if isinstance(noise, LogNormal) else -np.inf
        for limit in mean * np.array([0.5, 1.0, 1.6]):
            below = quad(lambda v, m=mean: np.exp(noise.log_density(v, m)), lowest, limit, epsabs=1e-11)[0]
            above = quad(lambda v, m=mean: np.exp(noise.log_density(v, m)), limit, np.inf, epsabs=1e-11)[0]
            assert np.exp(noise.log_below(limit, mean)) == pytest.approx(below, abs=1e-8)
            assert np.exp(noise.log_above(limit, mean)) == pytest.approx(above, abs=1e-8)


@pytest.mark.parametrize("noise", COUNTED, ids=name_of)
def test_counted_probabilities_are_sums_over_the_counts(noise: Binomial) -> None:
    step = noise.whole / noise.counted
    shares = np.arange(noise.counted + 1) * step
    for mean in means_of(noise):
        mass = np.exp(noise.log_density(shares, mean)) * step
        assert mass.sum() == pytest.approx(1.0, rel=1e-12)
        for limit in (0.0, 0.3051 * noise.whole, shares[7], noise.whole):
            below, above = mass[shares <= limit].sum(), mass[shares >= limit].sum()
            assert np.exp(noise.log_below(limit, mean)) == pytest.approx(below, rel=1e-9, abs=1e-15)
            assert np.exp(noise.log_above(limit, mean)) == pytest.approx(above, rel=1e-9, abs=1e-15)


@pytest.mark.parametrize("noise", CONTINUOUS, ids=name_of)
def test_draws_follow_the_density(noise: Noise) -> None:
    for mean in (0.4, 6.0):
        drawn = noise.draw(np.full(4000, mean), np.random.default_rng(11))
        found = stats.kstest(drawn, lambda v, m=mean: np.exp(noise.log_below(v, m)))
        assert found.pvalue > 0.01
        if not (isinstance(noise, StudentT) and noise.df < 4):  # the fourth moment must exist
            assert drawn.std() == pytest.approx(noise.spread(mean), rel=0.08)


@pytest.mark.parametrize("noise", COUNTED, ids=name_of)
def test_counted_draws_have_the_moments_of_the_binomial(noise: Binomial) -> None:
    mean = 0.2 * noise.whole
    drawn = noise.draw(np.full(20_000, mean), np.random.default_rng(5))
    assert drawn.mean() == pytest.approx(mean, rel=0.01)
    assert drawn.std() == pytest.approx(noise.spread(mean), rel=0.03)
    counts = drawn * noise.counted / noise.whole
    np.testing.assert_allclose(counts, counts.round(), atol=1e-9)


def test_the_model_gives_the_mean_and_for_log_normal_noise_the_median() -> None:
    rng = np.random.default_rng(2)
    assert Normal(sd=1, cv=0.1).draw(np.full(20_000, 5.0), rng).mean() == pytest.approx(5.0, abs=0.03)
    assert np.median(LogNormal(sd=0.5).draw(np.full(20_000, 5.0), rng)) == pytest.approx(5.0, rel=0.02)


def test_the_parts_of_normal_noise_add_as_variances() -> None:
    assert Normal(sd=3, cv=0.4).spread(10.0) == pytest.approx(5.0)


def test_student_t_noise_of_many_degrees_of_freedom_is_normal() -> None:
    values = np.linspace(-2, 5, 8)
    many = StudentT(sd=0.6, cv=0.1, df=1e7).log_density(values, 2.0)
    np.testing.assert_allclose(many, Normal(sd=0.6, cv=0.1).log_density(values, 2.0), rtol=1e-5)


def test_everything_broadcasts_and_nan_stays_nan() -> None:
    for noise in ALL:
        values, means = np.array([[0.2], [0.4], [np.nan]]), np.array([0.1, 0.5, np.nan, 0.3])
        for name in ("density", "below", "above"):
            for prefix in ("log_", "d_log_"):
                found = getattr(noise, prefix + name)(values, means)
                assert found.shape == (3, 4)
                missing = np.isnan(values) | np.isnan(means)
                np.testing.assert_array_equal(np.isnan(found), missing, err_msg=f"{noise} {prefix}{name}")
        drawn = noise.draw(means, np.random.default_rng(0))
        np.testing.assert_array_equal(np.isnan(drawn), np.isnan(means))
        assert noise.spread(means).shape == (4,)


FINITE = st.floats(0.01, 0.99)


@settings(deadline=None, max_examples=60)
@given(value=FINITE, limit=FINITE, mean=FINITE, index=st.integers(0, len(ALL) - 1))
def test_censoring_is_a_probability_that_falls_and_rises_with_the_mean(
    value: float, limit: float, mean: float, index: int
) -> None:
    noise = ALL[index]
    whole = noise.whole if isinstance(noise, Binomial) else 3.0
    limit, mean, higher = whole * limit, whole * mean, whole * (mean + value * (1 - mean))
    below, above = noise.log_below(limit, mean), noise.log_above(limit, mean)
    assert below <= 0
    assert above <= 0
    total = np.exp(below) + np.exp(above)
    assert total == pytest.approx(1.0, rel=1e-9) if index < len(CONTINUOUS) else total >= 1 - 1e-9
    grows = isinstance(noise, Normal | StudentT) and noise.cv > 0 and limit > mean  # the width grows, too
    assert grows or noise.d_log_below(limit, mean) <= 0
    assert noise.log_above(limit, higher) >= above - 1e-12 or limit < mean


@pytest.mark.parametrize("noise", ALL, ids=name_of)
def test_far_tails_stay_finite(noise: Noise) -> None:
    far, near = (99.0, 1.0) if isinstance(noise, Binomial) and noise.whole == 100 else (0.99, 0.01)
    for found in (
        noise.log_below(near, far),
        noise.d_log_below(near, far),
        noise.log_above(far, near),
        noise.d_log_above(far, near),
        noise.log_density(far, near),
    ):
        assert np.isfinite(found)


def test_tails_below_the_smallest_float_stay_finite_and_consistent() -> None:
    normal = Normal(sd=0.01)
    assert normal.log_below(0.0, 1.0) == pytest.approx(stats.norm.logcdf(-100), rel=1e-12)
    counted = Binomial(counted=5000)
    assert counted.log_below(0.1, 0.9) < -2000
    expected = slope(lambda m: float(counted.log_below(0.1, m)), 0.9)
    assert counted.d_log_below(0.1, 0.9) == pytest.approx(expected, rel=1e-3)


def test_a_mean_of_zero_is_certain_where_there_is_no_constant_part() -> None:
    for noise in (Normal(cv=0.2), StudentT(cv=0.2), LogNormal(sd=0.3), Binomial(counted=30)):
        assert noise.draw(0.0, np.random.default_rng(1)) == 0
        assert noise.log_density(0.5, 0.0) == -np.inf
        assert noise.log_below(0.1, 0.0) == 0
        assert noise.log_above(0.1, 0.0) == -np.inf
        assert noise.d_log_below(0.1, 0.0) == pytest.approx(0.0)


def test_with_scale_changes_the_width_and_nothing_else() -> None:
    assert Normal(sd=1, cv=0.5).with_scale(0.2) == Normal(sd=0.2)
    assert StudentT(sd=1, cv=0.5, df=7).with_scale(0.2) == StudentT(sd=0.2, df=7)
    assert LogNormal(sd=1).with_scale(0.2) == LogNormal(sd=0.2)
    counted = Binomial(counted=10, whole=100.0).with_scale(2.5)
    assert counted.spread(50.0) == pytest.approx(2.5)
    assert counted.whole == 100


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Normal(), "Normal: sd and cv are 0, expected at least one above 0"),
        (lambda: Normal(sd=-1), "Normal: sd: got -1, expected a number of at least 0"),
        (lambda: StudentT(sd=1, df=0), "StudentT: df: got 0, expected a number above 0"),
        (lambda: LogNormal(sd=float("nan")), "LogNormal: sd: got nan, expected a number above 0"),
        (lambda: Binomial(counted=0), "Binomial: counted: got 0, expected a number above 0"),
        (lambda: Binomial(counted=9).with_scale(0), "Binomial: scale: got 0, expected a number above 0"),
    ],
)
def test_noise_that_cannot_be_is_refused(make, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


# -- the numbers that ship ----------------------------------------------------------------------------------


def test_every_shipped_number_has_a_use_a_unit_and_a_source_or_is_assumed() -> None:
    known = {readout.name for readout in READOUTS}
    quantities = ("normal_sd", "normal_cv", "lognormal_sd", "binomial_counted", "detection_limit", "plate_sd")
    for number in assay_numbers():
        assert number.readout in known
        assert number.quantity in quantities
        assert number.unit
        assert number.value > 0
        assert number.evidence in ("measured", "estimate", "assumed")
        assert bool(number.source) == (number.evidence != "assumed"), number
        assert number.note
    assert len({(number.readout, number.quantity) for number in assay_numbers()}) == len(assay_numbers())
    assert len(nl.assay_noise()) == len(assay_numbers())


def test_every_read_out_ships_with_noise_and_the_limits_of_the_table() -> None:
    for readout in READOUTS:
        assert readout.noise is not None
        whole = 100.0 if readout.unit == "%" else 1.0
        assert readout.noise == shipped_noise(readout.name, whole)
        assert readout.plate_sd == shipped_limits(readout.name).get("plate_sd", 0.0)
        assert (readout.plate_sd == 0) == (readout.relative == "vehicle" or readout.name == "apoptosis")
    limits = {readout.name: readout.detection_limit for readout in READOUTS if readout.detection_limit}
    assert limits == {
        "viable_cells": 1100.0,
        "viability": 0.014,
        "il1b": 8.0,
        "cxcl11": 7.8,
        "il1b_in_cells": 1.5,
    }


def test_derived_numbers_follow_from_those_they_are_derived_from() -> None:
    value = {(number.readout, number.quantity): number.value for number in assay_numbers()}
    for gene in ("il1b_mRNA", "cxcl11_mRNA"):
        assert value[gene, "lognormal_sd"] == pytest.approx(np.sqrt(np.log(1 + 0.24**2)), abs=5e-4)
    for blot in ("p_bcr_abl", "p_crkl", "p_stat5", "p_erk", "nuclear_nfkb"):
        assert value[blot, "lognormal_sd"] == pytest.approx(np.sqrt(np.log(1 + 0.225**2)), abs=5e-4)
    for assay in ("il1b", "cxcl11", "il1b_in_cells", "viability"):
        assert value[assay, "normal_sd"] == pytest.approx(value[assay, "detection_limit"] / 3, rel=0.02)
    assert value["growth_rate", "normal_sd"] == pytest.approx(
        value["viable_cells", "normal_cv"] * np.sqrt(2) / 72, rel=0.02
    )
    at_stasis = value["viability", "normal_cv"] * 34 / 72
    assert value["gr", "normal_sd"] == pytest.approx(at_stasis, rel=0.01)
    assert np.hypot(value["gr", "normal_sd"], value["gr", "normal_cv"]) == pytest.approx(
        2 * at_stasis, rel=0.01
    )
