"""What a fit needs of noise: derivatives against differences, expected information against integrals."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad

from nicheloop.assays.noise import LocationScale, LogNormal, Noise, Normal, StudentT
from nicheloop.assays.noise_counts import Binomial, CountedNormal

CONTINUOUS = (
    Normal(sd=0.7),
    Normal(cv=0.3),
    Normal(sd=0.2, cv=0.15),
    StudentT(sd=0.5, df=3.5),
    StudentT(sd=0.1, cv=0.2, df=8),
    LogNormal(sd=0.35),
    CountedNormal(counted=60, whole=10.0),
    CountedNormal(counted=60, whole=10.0, factor=1.5),
)
MEANS = np.array([0.6, 2.0, 7.0])
SIDES = ("", "below", "above")


def log_probability(noise: Noise, value: float, mean: float, side: str) -> float:
    known = {"": noise.log_density, "below": noise.log_below, "above": noise.log_above}
    return float(known[side](value, mean))


def difference(function) -> float:
    """Derivative at 0, from central differences extrapolated once."""
    wide, narrow = ((function(h) - function(-h)) / (2 * h) for h in (2e-3, 1e-3))
    return (4 * narrow - wide) / 3


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("noise", CONTINUOUS, ids=repr)
def test_scores_are_derivatives(noise: LocationScale, side: str) -> None:
    for mean in MEANS:
        for value in mean * np.array([0.4, 0.9, 1.0, 1.8]):
            score = noise.score(value, mean, side)
            assert score.log_density == pytest.approx(log_probability(noise, value, mean, side))
            by_mean = difference(lambda h, v=value, m=mean: log_probability(noise, v, m * np.exp(h), side))
            by_width = difference(
                lambda h, v=value, m=mean: log_probability(noise.widened(np.exp(h)), v, m, side)
            )
            by_unit = difference(
                lambda h, v=value, m=mean: log_probability(noise, v * np.exp(-h), m, side) - h * (not side)
            )
            assert score.by_mean * mean == pytest.approx(by_mean, rel=1e-6, abs=1e-7)
            assert score.by_width == pytest.approx(by_width, rel=1e-6, abs=1e-7)
            assert score.by_unit == pytest.approx(by_unit, rel=1e-6, abs=1e-7)


def expected_products(noise: LocationScale, mean: float, low: float, high: float) -> np.ndarray:
    """Expected outer product of the scores of a value that is only told between ``low`` and ``high``."""
    total = np.zeros((3, 3))
    for side, end in (("below", low), ("above", high)):
        if np.isfinite(end):
            score = noise.score(end, mean, side)
            gradient = np.array(score[1:])
            total += np.exp(score.log_density) * np.outer(gradient, gradient)
    edge = mean + np.array([-1, 1]) * 400.0 * noise.spread(mean)
    lowest = max(low, 1e-9 if isinstance(noise, LogNormal) else edge[0])
    for i in range(3):
        for j in range(3):

            def weighted(v: float, i: int = i, j: int = j) -> float:
                score = noise.score(v, mean)
                return float(np.exp(score.log_density) * score[1 + i] * score[1 + j])

            cuts = [lowest, *(mean * np.array([0.2, 0.6, 1.0, 1.5, 3.0, 8.0])), min(high, edge[1])]
            cuts = sorted(np.clip(cuts, cuts[0], cuts[-1]))
            total[i, j] += sum(quad(weighted, a, b, limit=200)[0] for a, b in pairwise(cuts))
    return total


@pytest.mark.parametrize("ends", [(-np.inf, np.inf), (0.8, np.inf), (-np.inf, 1.3), (0.5, 1.1)])
@pytest.mark.parametrize("noise", CONTINUOUS, ids=repr)
def test_information_is_the_expected_product_of_scores(noise: LocationScale, ends) -> None:
    for mean in MEANS:
        low, high = mean * np.array(ends)
        root = noise.information_root(mean, low, high)
        expected = expected_products(noise, mean, low, high)
        np.testing.assert_allclose(root.T @ root, expected, rtol=2e-5, atol=1e-6 * np.abs(expected).max())


def test_a_limit_far_below_the_mean_costs_nothing_and_one_far_above_leaves_nothing() -> None:
    noise = Normal(sd=0.5)
    whole = noise.information_root(5.0)
    np.testing.assert_allclose(noise.information_root(5.0, low=-20.0), whole, rtol=1e-12)
    assert np.abs(noise.information_root(5.0, low=30.0)).max() < 1e-10


def test_arrays_of_means_and_limits_broadcast() -> None:
    noise, low = StudentT(sd=0.5, cv=0.1, df=5), np.array([-np.inf, 1.0, 2.0])
    together = noise.information_root(MEANS, low)
    assert together.shape == (3, 2, 3)
    for i in range(3):
        np.testing.assert_allclose(together[i], noise.information_root(MEANS[i], low[i]), rtol=1e-12)


def test_binomial_scores_are_derivatives_and_of_many_counts_the_information() -> None:
    noise, mean = Binomial(counted=400, whole=100.0), 30.0
    for value in (24.3, 30.0, 33.25):
        score = noise.score(value, mean)
        by_width = difference(lambda h, v=value: log_probability(noise.widened(np.exp(h)), v, mean, ""))
        assert score.by_mean == noise.d_log_density(value, mean)
        assert score.by_width == pytest.approx(by_width, rel=1e-6)
    counts = np.arange(401)
    score = noise.score(counts / 4.0, mean)
    weights = stats.binom.pmf(counts, 400, 0.3)
    root = noise.information_root(mean)
    information = root.T @ root
    assert information[0, 0] == pytest.approx(float(weights @ score.by_mean**2), rel=1e-9)
    assert information[1, 1] == pytest.approx(float(weights @ score.by_width**2), rel=0.02)
    assert np.isnan(noise.score(24.3, mean, "below").by_width)


def test_widened_noise_scatters_more() -> None:
    for noise in (*CONTINUOUS[:5], CONTINUOUS[-1], Binomial(counted=40)):
        mean = 0.4
        assert noise.widened(2.0).spread(mean) == pytest.approx(2.0 * noise.spread(mean))
    assert LogNormal(sd=0.2).widened(2.0) == LogNormal(sd=0.4)


def test_values_are_standardised_on_the_scale_on_which_the_noise_is_symmetric() -> None:
    assert Normal(sd=3.0, cv=0.4).standardised(12.0, 10.0) == pytest.approx(0.4)
    assert LogNormal(sd=0.2).standardised(np.exp(0.5), 1.0) == pytest.approx(2.5)
    assert Binomial(counted=100).standardised(0.6, 0.5) == pytest.approx(2.0)
