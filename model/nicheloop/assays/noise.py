"""Noise of an assay: how measured values scatter around what the model says, and what a fit needs of that.

Every kind is an immutable value and vectorised: values, limits and means broadcast against each other. NaN in
gives NaN out. To add a kind, derive from `Noise`, or from `LocationScale` if one distribution is only shifted
and stretched.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

_LN_ROOT_2PI = 0.5 * math.log(2.0 * math.pi)


class Noise(ABC):
    """Distribution of measured values around a mean; `Normal`, `LogNormal`, `StudentT`, `Binomial`.

    All logarithms are natural; densities are per unit of the read-out.
    """

    @abstractmethod
    def draw(self, mean: ArrayLike, rng: np.random.Generator) -> Floats:
        """Draw one value around each mean, shape of ``mean``."""

    @abstractmethod
    def spread(self, mean: ArrayLike) -> Floats:
        """Standard deviation of the values around each mean, in the unit of the read-out."""

    @abstractmethod
    def log_density(self, value: ArrayLike, mean: ArrayLike) -> Floats:
        """Log density of a value."""

    @abstractmethod
    def d_log_density(self, value: ArrayLike, mean: ArrayLike) -> Floats:
        """Derivative of `log_density` with respect to the mean."""

    @abstractmethod
    def log_below(self, limit: ArrayLike, mean: ArrayLike) -> Floats:
        """Log probability of a value at or below a limit: what a value "<limit" says."""

    @abstractmethod
    def d_log_below(self, limit: ArrayLike, mean: ArrayLike) -> Floats:
        """Derivative of `log_below` with respect to the mean."""

    @abstractmethod
    def log_above(self, limit: ArrayLike, mean: ArrayLike) -> Floats:
        """Log probability of a value at or above a limit: what a value ">limit" says."""

    @abstractmethod
    def d_log_above(self, limit: ArrayLike, mean: ArrayLike) -> Floats:
        """Derivative of `log_above` with respect to the mean."""

    @abstractmethod
    def with_scale(self, scale: float) -> Self:
        """Return the same kind of noise with another width; each kind says what its scale is."""


class LocationScale(Noise):
    """A standard distribution, symmetric about zero, that is shifted to the mean and stretched."""

    @abstractmethod
    def _log_pdf(self, z: Floats) -> Floats:
        """Log density of the standard distribution."""

    @abstractmethod
    def _d_log_pdf(self, z: Floats) -> Floats:
        """Its derivative."""

    @abstractmethod
    def _log_cdf(self, z: Floats) -> Floats:
        """Log probability below ``z``."""

    @abstractmethod
    def _standardised(self, value: Floats, mean: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Return z, dz/dmean, log of dz/dvalue, and the derivative of that log with respect to the mean."""

    def log_density(self, value: ArrayLike, mean: ArrayLike) -> Floats:
        with np.errstate(all="ignore"):
            z, _, log_slope, _ = self._standardised(_array(value), _array(mean))
            return np.where(np.isinf(z), -np.inf, self._log_pdf(z) + log_slope)

    def d_log_density(self, value: ArrayLike, mean: ArrayLike) -> Floats:
        with np.errstate(all="ignore"):
            z, dz, _, d_log_slope = self._standardised(_array(value), _array(mean))
            return np.where(np.isinf(z), 0.0, self._d_log_pdf(z) * dz + d_log_slope)

    def log_below(self, limit: ArrayLike, mean: ArrayLike) -> Floats:
        with np.errstate(all="ignore"):
            return self._log_cdf(self._standardised(_array(limit), _array(mean))[0])

    def d_log_below(self, limit: ArrayLike, mean: ArrayLike) -> Floats:
        with np.errstate(all="ignore"):
            z, dz, _, _ = self._standardised(_array(limit), _array(mean))
            return np.where(np.isinf(z), 0.0, np.exp(self._log_pdf(z) - self._log_cdf(z)) * dz)

    def log_above(self, limit: ArrayLike, mean: ArrayLike) -> Floats:
        with np.errstate(all="ignore"):
            return self._log_cdf(-self._standardised(_array(limit), _array(mean))[0])

    def d_log_above(self, limit: ArrayLike, mean: ArrayLike) -> Floats:
        with np.errstate(all="ignore"):
            z, dz, _, _ = self._standardised(_array(limit), _array(mean))
            return np.where(np.isinf(z), 0.0, -np.exp(self._log_pdf(z) - self._log_cdf(-z)) * dz)


@dataclass(frozen=True)
class Normal(LocationScale):
    """Normal noise with a constant and a proportional part.

    Attributes
    ----------
    sd : float
        Constant part of the standard deviation, in the unit of the read-out. This is the scale.
    cv : float
        Proportional part, a share of the mean; the two add as variances.
    """

    sd: float = 0.0
    cv: float = 0.0

    def __post_init__(self) -> None:
        _check_parts(self, self.sd, self.cv)

    def draw(self, mean: ArrayLike, rng: np.random.Generator) -> Floats:
        middle = _array(mean)
        return middle + self.spread(middle) * rng.standard_normal(middle.shape)

    def spread(self, mean: ArrayLike) -> Floats:
        return _combined(self.sd, self.cv, _array(mean))

    def with_scale(self, scale: float) -> Self:
        """Return normal noise of this constant SD, without a proportional part."""
        return replace(self, sd=scale, cv=0.0)

    def _log_pdf(self, z: Floats) -> Floats:
        return -0.5 * z * z - _LN_ROOT_2PI

    def _d_log_pdf(self, z: Floats) -> Floats:
        return -z

    def _log_cdf(self, z: Floats) -> Floats:
        return _log_normal_cdf(z)

    def _standardised(self, value: Floats, mean: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        return _two_part(self.sd, self.cv, value, mean)


@dataclass(frozen=True)
class StudentT(LocationScale):
    """Student-t noise: normal in the middle, with tails that forgive outliers.

    Attributes
    ----------
    sd, cv : float
        Constant and proportional part of the width, as for `Normal`. The standard deviation of the values is
        larger by the root of df/(df - 2), and infinite for df up to 2. ``sd`` is the scale.
    df : float
        Degrees of freedom.
    """

    sd: float = 0.0
    cv: float = 0.0
    df: float = 4.0

    def __post_init__(self) -> None:
        _check_parts(self, self.sd, self.cv)
        _check_positive(self, "df", self.df)

    def draw(self, mean: ArrayLike, rng: np.random.Generator) -> Floats:
        middle = _array(mean)
        return middle + _combined(self.sd, self.cv, middle) * rng.standard_t(self.df, middle.shape)

    def spread(self, mean: ArrayLike) -> Floats:
        factor = math.sqrt(self.df / (self.df - 2.0)) if self.df > 2 else math.inf
        return factor * _combined(self.sd, self.cv, _array(mean))

    def with_scale(self, scale: float) -> Self:
        """Return Student-t noise of this constant width, without a proportional part."""
        return replace(self, sd=scale, cv=0.0)

    def _log_pdf(self, z: Floats) -> Floats:
        half = 0.5 * (self.df + 1.0)
        constant = math.lgamma(half) - math.lgamma(0.5 * self.df) - 0.5 * math.log(self.df * math.pi)
        return constant - half * np.log1p(z * z / self.df)

    def _d_log_pdf(self, z: Floats) -> Floats:
        return -(self.df + 1.0) * z / (self.df + z * z)

    def _log_cdf(self, z: Floats) -> Floats:
        from scipy.special import stdtr

        return _as_floats(np.log(stdtr(self.df, z)))

    def _standardised(self, value: Floats, mean: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        return _two_part(self.sd, self.cv, value, mean)


@dataclass(frozen=True)
class LogNormal(LocationScale):
    """Log-normal noise: the logarithm of the value is normal, and the model gives the median.

    Attributes
    ----------
    sd : float
        Standard deviation of the natural logarithm: 0.2 is about 20 % up or down. This is the scale.
    """

    sd: float

    def __post_init__(self) -> None:
        _check_positive(self, "sd", self.sd)

    def draw(self, mean: ArrayLike, rng: np.random.Generator) -> Floats:
        middle = _array(mean)
        return middle * np.exp(self.sd * rng.standard_normal(middle.shape))

    def spread(self, mean: ArrayLike) -> Floats:
        return _array(mean) * math.sqrt(math.expm1(self.sd**2)) * math.exp(0.5 * self.sd**2)

    def with_scale(self, scale: float) -> Self:
        """Return log-normal noise of this SD of the logarithm."""
        return replace(self, sd=scale)

    def _log_pdf(self, z: Floats) -> Floats:
        return -0.5 * z * z - _LN_ROOT_2PI

    def _d_log_pdf(self, z: Floats) -> Floats:
        return -z

    def _log_cdf(self, z: Floats) -> Floats:
        return _log_normal_cdf(z)

    def _standardised(self, value: Floats, mean: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        z = (np.log(value) - np.log(mean)) / self.sd
        z = np.where(mean <= 0, np.inf, np.where(value <= 0, -np.inf, z))
        z = np.where(np.isnan(value) | np.isnan(mean), np.nan, z)
        return z, -1.0 / (self.sd * mean), -np.log(self.sd * value), np.zeros(())


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
        _check_positive(self, "counted", self.counted)
        _check_positive(self, "whole", self.whole)

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
        _check_positive(self, "scale", scale)
        return replace(self, counted=0.25 * (self.whole / scale) ** 2)

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
        return np.clip(_array(mean) / self.whole, 0.0, 1.0)

    def _count(self, value: ArrayLike) -> Floats:
        return _array(value) * (self.counted / self.whole)

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


def _array(values: ArrayLike) -> Floats:
    return np.asarray(values, dtype=np.float64)


def _as_floats(values: Floats) -> Floats:
    """Give a type to what SciPy returns without one."""
    return np.asarray(values, dtype=np.float64)


def _combined(sd: float, cv: float, mean: Floats) -> Floats:
    return np.hypot(sd, cv * mean)


def _two_part(sd: float, cv: float, value: Floats, mean: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Standardise for a width with a constant and a proportional part."""
    width = _combined(sd, cv, mean)
    slope = np.where(width == 0, 0.0, cv * cv * mean / width)
    z = np.where((width == 0) & (value == mean), 0.0, (value - mean) / width)
    dz = np.where(width == 0, 0.0, -(1.0 + z * slope) / width)
    log_slope = np.where(width == 0, 0.0, -np.log(width))
    return z, dz, log_slope, np.where(width == 0, 0.0, -slope / width)


def _log_normal_cdf(z: Floats) -> Floats:
    from scipy.special import log_ndtr

    return _as_floats(log_ndtr(z))


def _check_parts(noise: Noise, sd: float, cv: float) -> None:
    for name, value in (("sd", sd), ("cv", cv)):
        if not (math.isfinite(value) and value >= 0):
            raise ValueError(
                f"{type(noise).__name__}: {name}: got {value!r}, expected a number of at least 0"
            )
    if sd == 0 and cv == 0:
        raise ValueError(f"{type(noise).__name__}: sd and cv are 0, expected at least one above 0")


def _check_positive(noise: Noise, name: str, value: float) -> None:
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"{type(noise).__name__}: {name}: got {value!r}, expected a number above 0")
