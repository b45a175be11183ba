"""Noise of counts: so many of the cells that were looked at show a mark."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from nicheloop.assays.noise import (
    Floats,
    Gaussian,
    Noise,
    Score,
    array,
    check_positive,
)


@dataclass(frozen=True)
class CountedNormal(Gaussian):
    """Normal noise that is as wide as `Binomial` noise: for shares that are told relative to something.

    Such a value may be above the whole. Half a cell is added to the width, so that it is not zero where none
    is expected.

    Attributes
    ----------
    counted, whole : float
        As of `Binomial`.
    factor : float
        On the width.
    """

    counted: float
    whole: float = 1.0
    factor: float = 1.0

    def __post_init__(self) -> None:
        for name in ("counted", "whole", "factor"):
            check_positive(self, name, getattr(self, name))

    def draw(self, mean: ArrayLike, rng: np.random.Generator) -> Floats:
        middle = array(mean)
        return middle + self.spread(middle) * rng.standard_normal(middle.shape)

    def spread(self, mean: ArrayLike) -> Floats:
        share = np.clip(array(mean) / self.whole, 0.0, 1.0)
        variance = (share * (1.0 - share) + 0.25 / self.counted) / self.counted
        spread: Floats = self.factor * self.whole * np.sqrt(variance)
        return spread

    def with_scale(self, scale: float) -> Self:
        """Return noise with this standard deviation at one half of the whole."""
        check_positive(self, "scale", scale)
        return self.widened(scale / float(self.spread(0.5 * self.whole)))

    def widened(self, factor: float) -> Self:
        return replace(self, factor=factor * self.factor)

    def _standardised(self, value: Floats, mean: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        width = self.spread(mean)
        inside = (mean > 0) & (mean < self.whole)
        rise = 0.5 * self.factor**2 * (self.whole - 2.0 * mean) / (self.counted * width)
        slope = np.where(inside, rise, 0.0)
        z = (value - mean) / width
        return z, -(1.0 + z * slope) / width, -np.log(width), -slope / width


@dataclass(frozen=True)
class Binomial(Noise):
    """Noise of a counted share: so many of the counted cells show the mark.

    Attributes
    ----------
    counted : float
        Number of cells counted. Where wells differ by more than counting explains, give the smaller number
        of cells that would explain it.
    whole : float
        Value of the read-out when all show it: 1 for a fraction, 100 for a percentage.

    Notes
    -----
    The density is the probability of the count over the step from one count to the next, and holds between
    counts, too (a mean of replicates seldom falls on one). Limits are rounded inwards to whole counts. The
    scale is the standard deviation at one half of the whole.
    """

    counted: float
    whole: float = 1.0

    def __post_init__(self) -> None:
        check_positive(self, "counted", self.counted)
        check_positive(self, "whole", self.whole)

    def draw(self, mean: ArrayLike, rng: np.random.Generator) -> Floats:
        share = self._share(mean)
        missing = np.isnan(share)
        number = max(round(self.counted), 1)
        count = rng.binomial(number, np.where(missing, 0.0, share))
        return np.where(missing, np.nan, count * (self.whole / number))

    def spread(self, mean: ArrayLike) -> Floats:
        share = self._share(mean)
        return self.whole * np.sqrt(share * (1.0 - share) / self.counted)

    def with_scale(self, scale: float) -> Self:
        """Return binomial noise with this standard deviation at one half of the whole."""
        check_positive(self, "scale", scale)
        return replace(self, counted=0.25 * (self.whole / scale) ** 2)

    def widened(self, factor: float) -> Self:
        return replace(self, counted=self.counted / factor**2)

    def standardised(self, value: ArrayLike, mean: ArrayLike) -> Floats:
        with np.errstate(all="ignore"):
            return np.asarray((array(value) - array(mean)) / self.spread(mean))

    def score(self, value: ArrayLike, mean: ArrayLike, censored: str = "") -> Score:
        """As of every noise; NaN by the width if censored (counts jump), and by the unit."""
        if censored == "below":
            log_density, by_mean = self.log_below(value, mean), self.d_log_below(value, mean)
        elif censored:
            log_density, by_mean = self.log_above(value, mean), self.d_log_above(value, mean)
        else:
            log_density, by_mean = self.log_density(value, mean), self.d_log_density(value, mean)
        unknown = np.full_like(log_density, np.nan)
        return Score(log_density, by_mean, unknown if censored else self._by_width(value, mean), unknown)

    def information_root(self, mean: ArrayLike, low: ArrayLike = -np.inf, high: ArrayLike = np.inf) -> Floats:
        """As of every noise, without limits; the width's is that of many counts, no cell is half a cell."""
        half = 0.5 / self.counted
        share = np.clip(self._share(mean), half, 1.0 - half)
        of_mean = np.sqrt(self.counted / (share * (1.0 - share))) / self.whole
        root = np.zeros((*of_mean.shape, 2, 3))
        root[..., 0, 0], root[..., 1, 1] = of_mean, math.sqrt(2.0)
        return root

    def _by_width(self, value: ArrayLike, mean: ArrayLike) -> Floats:
        """Derivative of the log density by the logarithm of a factor on the width."""
        from scipy.special import digamma, xlog1py, xlogy

        number, count, share = self.counted, self._count(value), self._share(mean)
        with np.errstate(all="ignore"):
            slope = number * digamma(number + 1.0) + 1.0 + xlogy(count, share)
            slope = slope + xlog1py(number - count, -share)
            slope = slope - count * digamma(count + 1.0) - (number - count) * digamma(number - count + 1.0)
        outside = (count < 0) | (count > number)
        return np.where(outside, 0.0, -2.0 * slope)

    def log_density(self, value: ArrayLike, mean: ArrayLike) -> Floats:
        log_step = math.log(self.counted / self.whole)
        return self._log_mass(self._count(value), self._share(mean)) + log_step

    def d_log_density(self, value: ArrayLike, mean: ArrayLike) -> Floats:
        share, count = self._share(mean), self._count(value)
        with np.errstate(all="ignore"):
            slope = (count - self.counted * share) / (share * (1.0 - share))
        certain = (share == 0) & (count == 0)
        sure = (share == 1) & (count == self.counted)
        slope = np.where(certain, -self.counted, np.where(sure, self.counted, slope))
        return slope / self.whole

    def log_below(self, limit: ArrayLike, mean: ArrayLike) -> Floats:
        return self._log_at_most(np.floor(self._count(limit) + 1e-9), self._share(mean))

    def log_above(self, limit: ArrayLike, mean: ArrayLike) -> Floats:
        missing = self.counted - np.ceil(self._count(limit) - 1e-9)
        return self._log_at_most(missing, 1.0 - self._share(mean))

    def d_log_below(self, limit: ArrayLike, mean: ArrayLike) -> Floats:
        return self._d_log_at_most(np.floor(self._count(limit) + 1e-9), self._share(mean)) / self.whole

    def d_log_above(self, limit: ArrayLike, mean: ArrayLike) -> Floats:
        missing = self.counted - np.ceil(self._count(limit) - 1e-9)
        return -self._d_log_at_most(missing, 1.0 - self._share(mean)) / self.whole

    def _share(self, mean: ArrayLike) -> Floats:
        return np.clip(array(mean) / self.whole, 0.0, 1.0)

    def _count(self, value: ArrayLike) -> Floats:
        return array(value) * (self.counted / self.whole)

    def _log_mass(self, count: Floats, share: Floats) -> Floats:
        """Log probability of a count."""
        from scipy.special import gammaln, xlog1py, xlogy

        number = self.counted
        with np.errstate(all="ignore"):
            ways = gammaln(number + 1.0) - gammaln(count + 1.0) - gammaln(number - count + 1.0)
            log_mass = ways + xlogy(count, share) + xlog1py(number - count, -share)
        outside = ((count < 0) | (count > number)) & ~np.isnan(share)
        return np.where(outside, -np.inf, log_mass)

    def _log_at_most(self, count: Floats, share: Floats) -> Floats:
        """Log probability of at most ``count`` cells, by the incomplete beta function.

        Where that is too small for a float, the last term of the sum and the ratio of the terms give it.
        """
        from scipy.special import betainc

        with np.errstate(all="ignore"):
            log_tail = np.log(betainc(self.counted - count, count + 1.0, 1.0 - share))
            ratio = count / (self.counted - count + 1.0) * (1.0 - share) / share
            log_far = self._log_mass(count, share) - np.log1p(-np.minimum(ratio, 0.5))
        log_tail = np.where(np.isneginf(log_tail), log_far, log_tail)
        log_tail = np.where(count >= self.counted, 0.0, np.where(count < 0, -np.inf, log_tail))
        return np.where(np.isnan(count) | np.isnan(share), np.nan, log_tail)

    def _d_log_at_most(self, count: Floats, share: Floats) -> Floats:
        from scipy.special import betaln, xlog1py, xlogy

        with np.errstate(all="ignore"):
            log_slope = (
                xlogy(count, share)
                + xlog1py(self.counted - count - 1.0, -share)
                - betaln(self.counted - count, count + 1.0)
            )
            slope = -np.exp(log_slope - self._log_at_most(count, share))
        fixed = (count >= self.counted) | (count < 0)
        return np.where(fixed & ~np.isnan(share), 0.0, slope)
