"""Noise of an assay: how measured values scatter around what the model says, and what a fit needs of that.

Every kind is an immutable value and vectorised: values, limits and means broadcast against each other. NaN in
gives NaN out. To add a kind, derive from `Noise`, or from `LocationScale` if one distribution is only shifted
and stretched.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

_LN_ROOT_2PI = 0.5 * math.log(2.0 * math.pi)


class Score(NamedTuple):
    """Log density of values, or log probability of censored ones, with its derivatives.

    Attributes
    ----------
    log_density : ndarray
        As `Noise.log_density`, `Noise.log_below` or `Noise.log_above`.
    by_mean : ndarray
        Derivative with respect to the mean.
    by_width : ndarray
        With respect to the logarithm of a factor on all widths (see `Noise.widened`).
    by_unit : ndarray
        With respect to the logarithm of the unit of the values: if they are told in arbitrary units,
        of c read-out units each, of ``log_density(value / c, mean) - ln(c)`` at c = 1 (without the last term
        if censored).
    """

    log_density: Floats
    by_mean: Floats
    by_width: Floats
    by_unit: Floats


class Moments(NamedTuple):
    """Integrals up to z of a standard density times products of f = (ln p)' and g = z f + 1.

    They are what expected information is made of: f tells of the place of a distribution, g of its width.
    """

    ff: Floats
    fg: Floats
    gg: Floats


class Noise(ABC):
    """Distribution of measured values around a mean: `Normal`, `LogNormal`, `StudentT`, `Binomial`.

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

    @abstractmethod
    def widened(self, factor: float) -> Self:
        """Return the same noise with every width times a factor; its shape stays."""

    @abstractmethod
    def standardised(self, value: ArrayLike, mean: ArrayLike) -> Floats:
        """Distance of a value from the mean, in widths (on the scale on which the noise is symmetric)."""

    @abstractmethod
    def score(self, value: ArrayLike, mean: ArrayLike, censored: str = "") -> Score:
        """Log density of a value (``censored`` "": told, "below" or "above" it) and its derivatives."""

    @abstractmethod
    def information_root(self, mean: ArrayLike, low: ArrayLike = -np.inf, high: ArrayLike = np.inf) -> Floats:
        """Root of the expected information that a value holds, shape (..., 2, 3).

        R with R' R the expected outer product of the derivatives in `Score`, in their order: by mean, width
        and unit. A value at or beyond ``low`` or ``high`` is only known to be there.
        """


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

    @abstractmethod
    def _moments(self, z: Floats) -> Moments:
        """Integrals from minus infinity."""

    @property
    def _unit_stretches(self) -> bool:
        """Whether values told in a larger unit scatter less, in that unit."""
        return True

    def log_density(self, value: ArrayLike, mean: ArrayLike) -> Floats:
        with np.errstate(all="ignore"):
            z, _, log_slope, _ = self._standardised(array(value), array(mean))
            return np.where(np.isinf(z), -np.inf, self._log_pdf(z) + log_slope)

    def d_log_density(self, value: ArrayLike, mean: ArrayLike) -> Floats:
        with np.errstate(all="ignore"):
            z, dz, _, d_log_slope = self._standardised(array(value), array(mean))
            return np.where(np.isinf(z), 0.0, self._d_log_pdf(z) * dz + d_log_slope)

    def log_below(self, limit: ArrayLike, mean: ArrayLike) -> Floats:
        with np.errstate(all="ignore"):
            return self._log_cdf(self._standardised(array(limit), array(mean))[0])

    def d_log_below(self, limit: ArrayLike, mean: ArrayLike) -> Floats:
        with np.errstate(all="ignore"):
            z, dz, _, _ = self._standardised(array(limit), array(mean))
            return np.where(np.isinf(z), 0.0, np.exp(self._log_pdf(z) - self._log_cdf(z)) * dz)

    def log_above(self, limit: ArrayLike, mean: ArrayLike) -> Floats:
        with np.errstate(all="ignore"):
            return self._log_cdf(-self._standardised(array(limit), array(mean))[0])

    def d_log_above(self, limit: ArrayLike, mean: ArrayLike) -> Floats:
        with np.errstate(all="ignore"):
            z, dz, _, _ = self._standardised(array(limit), array(mean))
            return np.where(np.isinf(z), 0.0, -np.exp(self._log_pdf(z) - self._log_cdf(-z)) * dz)

    def standardised(self, value: ArrayLike, mean: ArrayLike) -> Floats:
        with np.errstate(all="ignore"):
            return self._standardised(array(value), array(mean))[0]

    def score(self, value: ArrayLike, mean: ArrayLike, censored: str = "") -> Score:
        with np.errstate(all="ignore"):
            z, _, log_slope, _ = self._standardised(array(value), array(mean))
            if censored:
                sign = 1.0 if censored == "below" else -1.0
                log_density = self._log_cdf(sign * z)
                place = -sign * np.exp(self._log_pdf(z) - log_density)
                width = z * place
            else:
                log_density = np.where(np.isinf(z), -np.inf, self._log_pdf(z) + log_slope)
                place = -self._d_log_pdf(z)
                width = z * place - 1.0
            by_place, by_width = self._moved(array(mean))
            slopes = [by_place[..., k] * place + by_width[..., k] * width for k in range(3)]
            return Score(log_density, *(np.where(np.isinf(z), 0.0, slope) for slope in slopes))

    def information_root(self, mean: ArrayLike, low: ArrayLike = -np.inf, high: ArrayLike = np.inf) -> Floats:
        with np.errstate(all="ignore"):
            middle = array(mean)
            lowest, highest = (self._standardised(array(end), middle)[0] for end in (low, high))
            upto, before = self._moments(highest), self._moments(lowest)
            told = Moments(*(a - b for a, b in zip(upto, before, strict=True)))
            told = self._with_end(self._with_end(told, lowest, 1.0), highest, -1.0)
            first = np.sqrt(told.ff)
            mixed = np.where(first > 0, told.fg / first, 0.0)
            second = np.sqrt(np.maximum(told.gg - mixed**2, 0.0))
            by_place, by_width = self._moved(middle)
            rows = (first[..., None] * by_place + mixed[..., None] * by_width, second[..., None] * by_width)
            return np.stack(np.broadcast_arrays(*rows), axis=-2)

    def _with_end(self, told: Moments, z: Floats, side: float) -> Moments:
        """Add what is learnt where only that the value is beyond ``z`` is told (``side`` 1: below it)."""
        density = self._log_pdf(z)
        size = np.where(np.isfinite(z), np.exp(2 * density - self._log_cdf(side * z)), 0.0)
        where = np.where(np.isfinite(z), z, 0.0)
        return Moments(told.ff + size, told.fg + size * where, told.gg + size * where**2)

    def _moved(self, mean: Floats) -> tuple[Floats, Floats]:
        """How place and width of the distribution, in widths, follow mean, width and unit; shape (..., 3)."""
        _, dz, _, d_log_slope = self._standardised(mean, mean)
        place, none, one = -dz, np.zeros_like(dz), np.ones_like(dz)
        stretched = one if self._unit_stretches else none
        by_place = np.stack([place, none, mean * place], axis=-1)
        return by_place, np.stack([-d_log_slope * one, one, stretched], axis=-1)


class Gaussian(LocationScale):
    """A normal distribution, shifted and stretched."""

    def _log_pdf(self, z: Floats) -> Floats:
        return -0.5 * z * z - _LN_ROOT_2PI

    def _d_log_pdf(self, z: Floats) -> Floats:
        return -z

    def _log_cdf(self, z: Floats) -> Floats:
        from scipy.special import log_ndtr

        return as_floats(log_ndtr(z))

    def _moments(self, z: Floats) -> Moments:
        from scipy.special import ndtr

        at, upto = np.exp(self._log_pdf(z)), as_floats(ndtr(z))
        finite = np.where(np.isinf(z), 0.0, z)
        first = finite * at
        return Moments(upto - first, -(finite**2 + 1.0) * at, 2.0 * upto - (finite**2 + 1.0) * first)


@dataclass(frozen=True)
class Normal(Gaussian):
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
        middle = array(mean)
        return middle + self.spread(middle) * rng.standard_normal(middle.shape)

    def spread(self, mean: ArrayLike) -> Floats:
        return _combined(self.sd, self.cv, array(mean))

    def with_scale(self, scale: float) -> Self:
        """Return normal noise of this constant SD, without a proportional part."""
        return replace(self, sd=scale, cv=0.0)

    def widened(self, factor: float) -> Self:
        return replace(self, sd=factor * self.sd, cv=factor * self.cv)

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
        check_positive(self, "df", self.df)

    def draw(self, mean: ArrayLike, rng: np.random.Generator) -> Floats:
        middle = array(mean)
        return middle + _combined(self.sd, self.cv, middle) * rng.standard_t(self.df, middle.shape)

    def spread(self, mean: ArrayLike) -> Floats:
        factor = math.sqrt(self.df / (self.df - 2.0)) if self.df > 2 else math.inf
        return factor * _combined(self.sd, self.cv, array(mean))

    def with_scale(self, scale: float) -> Self:
        """Return Student-t noise of this constant width, without a proportional part."""
        return replace(self, sd=scale, cv=0.0)

    def widened(self, factor: float) -> Self:
        return replace(self, sd=factor * self.sd, cv=factor * self.cv)

    def _log_pdf(self, z: Floats) -> Floats:
        half = 0.5 * (self.df + 1.0)
        constant = math.lgamma(half) - math.lgamma(0.5 * self.df) - 0.5 * math.log(self.df * math.pi)
        return constant - half * np.log1p(z * z / self.df)

    def _d_log_pdf(self, z: Floats) -> Floats:
        return -(self.df + 1.0) * z / (self.df + z * z)

    def _log_cdf(self, z: Floats) -> Floats:
        from scipy.special import stdtr

        return as_floats(np.log(stdtr(self.df, z)))

    def _moments(self, z: Floats) -> Moments:
        from scipy.special import betainc

        df, t = self.df, self.df + z * z
        share = np.where(np.isinf(z), 1.0, z * z / t)
        most, half = 3.0 * (df + 1.0) / (df + 3.0), 0.5 * (df + 1.0)

        def upto(a: float, b: float) -> Floats:
            return as_floats(0.5 * (1.0 + np.sign(z) * betainc(a, b, share)))

        fg = df * np.exp(self._log_pdf(z)) * (2.0 * half**2 / ((1.0 + half) * t) - 1.0)
        gg = upto(0.5, 0.5 * df) - 2.0 * upto(1.5, 0.5 * df) + most * upto(2.5, 0.5 * df)
        return Moments(most / 3.0 * upto(1.5, 0.5 * df + 1.0), np.where(np.isinf(z), 0.0, fg), gg)

    def _standardised(self, value: Floats, mean: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        return _two_part(self.sd, self.cv, value, mean)


@dataclass(frozen=True)
class LogNormal(Gaussian):
    """Log-normal noise: the logarithm of the value is normal, and the model gives the median.

    Attributes
    ----------
    sd : float
        Standard deviation of the natural logarithm: 0.2 is about 20 % up or down. This is the scale.
    """

    sd: float

    def __post_init__(self) -> None:
        check_positive(self, "sd", self.sd)

    def draw(self, mean: ArrayLike, rng: np.random.Generator) -> Floats:
        middle = array(mean)
        return middle * np.exp(self.sd * rng.standard_normal(middle.shape))

    def spread(self, mean: ArrayLike) -> Floats:
        return array(mean) * math.sqrt(math.expm1(self.sd**2)) * math.exp(0.5 * self.sd**2)

    def with_scale(self, scale: float) -> Self:
        """Return log-normal noise of this SD of the logarithm."""
        return replace(self, sd=scale)

    def widened(self, factor: float) -> Self:
        return replace(self, sd=factor * self.sd)

    @property
    def _unit_stretches(self) -> bool:
        return False

    def _standardised(self, value: Floats, mean: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        z = (np.log(value) - np.log(mean)) / self.sd
        z = np.where(mean <= 0, np.inf, np.where(value <= 0, -np.inf, z))
        z = np.where(np.isnan(value) | np.isnan(mean), np.nan, z)
        return z, -1.0 / (self.sd * mean), -np.log(self.sd * value), np.zeros(())


def array(values: ArrayLike) -> Floats:
    """Return values as an array of floats."""
    return np.asarray(values, dtype=np.float64)


def as_floats(values: Floats) -> Floats:
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


def _check_parts(noise: Noise, sd: float, cv: float) -> None:
    for name, value in (("sd", sd), ("cv", cv)):
        if not (math.isfinite(value) and value >= 0):
            raise ValueError(
                f"{type(noise).__name__}: {name}: got {value!r}, expected a number of at least 0"
            )
    if sd == 0 and cv == 0:
        raise ValueError(f"{type(noise).__name__}: sd and cv are 0, expected at least one above 0")


def check_positive(noise: Noise, name: str, value: float) -> None:
    """Refuse a number of a noise that is not finite and above 0."""
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"{type(noise).__name__}: {name}: got {value!r}, expected a number above 0")
