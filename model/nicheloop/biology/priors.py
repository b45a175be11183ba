"""Priors of the parameter table: densities, quantiles and seeded draws.

What ``low`` and ``high`` mean depends on the family:

- ``lognormal``: ``low`` and ``high`` are the ends of the central 90 %, so the median is their geometric
  mean. The ``value`` of a row is the default, which a calibration may move; the prior does not move with it.
- ``normal``: the same without logarithms.
- ``loguniform``, ``uniform``: ``low`` and ``high`` are the bounds; ``value`` is the default only.
- ``fixed``: always ``value``.

The first two are cut at three sigma, so that no draw is absurd (a layer that is larger than the well, a
division rate below zero); this moves 0.3 % of the mass.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable, Mapping
from typing import cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nicheloop.biology.resistance import HOST_SPECIFIC, apply_resistance, changed_by
from nicheloop.biology.table import ParameterRow, check_names, rows

Floats = NDArray[np.float64]

CUT = 3.0
"""Normal and lognormal priors end this many sigma from their median."""
_Z95 = 1.6448536269514722  # 95 % quantile of the standard normal distribution


def free_parameters(resistance: str = "mixed") -> tuple[str, ...]:
    """Names of the parameters that vary in the prior.

    Parameters
    ----------
    resistance : str
        An explanation of resistance. A ``<quantity>_K562R`` that it does not change is no parameter of its
        own: it has the value of K562S.

    Returns
    -------
    tuple of str
        In the order of the table.

    Raises
    ------
    ValueError
        If the explanation is unknown.
    """
    changed = changed_by(resistance)
    tied = {f"{quantity}_K562R" for quantity in HOST_SPECIFIC if quantity not in changed}
    return tuple(name for name, row in rows().items() if row.prior != "fixed" and name not in tied)


def sample_prior(n: int, seed: int, names: Iterable[str] | None = None) -> dict[str, Floats]:
    """Draw from the prior, every parameter by itself.

    Parameters
    ----------
    n : int
        Number of draws.
    seed : int
        Each parameter has its own stream, made from the seed and its name: what is drawn for one does not
        depend on which others are asked for, and the first draws of a longer sample are those of a shorter.
    names : iterable of str, optional
        Parameters; default all of the table (a fixed one is constant).

    Returns
    -------
    dict of str to ndarray of shape (n,)
        In units of the table.

    Raises
    ------
    ValueError
        If a name is unknown (the nearest is suggested) or ``n`` is negative.
    """
    if n < 0:
        raise ValueError(f"n={n}: the number of draws cannot be negative")
    wanted = tuple(rows() if names is None else names)
    check_names(dict.fromkeys(wanted))
    return {name: prior_quantile(name, _stream(seed, name).random(n)) for name in wanted}


def sample_parameters(n: int, seed: int, resistance: str = "mixed") -> dict[str, Floats]:
    """Draw whole parameter sets in which K562R differs from K562S as an explanation says.

    Parameters
    ----------
    n : int
        Number of sets.
    seed : int
        As in :func:`sample_prior`.
    resistance : str
        One of :data:`nicheloop.biology.resistance.RESISTANCES`.

    Returns
    -------
    dict of str to ndarray of shape (n,)
        A value for every parameter of the table.
    """
    drawn = cast(Mapping[str, float], sample_prior(n, seed))  # the explanation only copies, also arrays
    sets = cast(dict[str, Floats], apply_resistance(drawn, resistance))
    return {name: np.array(values) for name, values in sets.items()}


def prior_quantile(name: str, probability: ArrayLike) -> Floats:
    """Value of a parameter below which its prior has a given probability.

    Parameters
    ----------
    name : str
        A parameter of the table.
    probability : array_like
        Between 0 and 1.

    Returns
    -------
    ndarray
        Of the shape of ``probability``, in units of the table.

    Raises
    ------
    ValueError
        If the name is unknown or a probability is outside 0..1.
    """
    row = _row(name)
    p = np.asarray(probability, dtype=np.float64)
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError(f"probabilities of {name} must lie between 0 and 1")
    if row.prior == "fixed":
        return np.full(p.shape, row.value)
    if row.prior in ("uniform", "loguniform"):
        low, high = _bounds(row)
        if row.prior == "uniform":
            return np.asarray(low + p * (high - low))
        return np.asarray(low * (high / low) ** p)
    z = _cut_normal_quantile(p)
    if row.prior == "normal":
        return np.asarray(_median(row) + _sigma(row) * z)
    return np.asarray(_median(row) * np.exp(_sigma(row) * z))


def prior_level(name: str, x: ArrayLike) -> Floats:
    """Probability of the prior below a value: the inverse of :func:`prior_quantile`.

    Parameters
    ----------
    name : str
        A parameter of the table with a prior that is not ``fixed``.
    x : array_like
        Values, in units of the table.

    Returns
    -------
    ndarray
        Between 0 and 1, of the shape of ``x``.

    Raises
    ------
    ValueError
        If the name is unknown or the parameter fixed.
    """
    from scipy.special import ndtr

    row = _row(name)
    low, high = _bounds(row)
    values = np.asarray(x, dtype=np.float64)
    if row.prior == "uniform":
        level = (values - low) / (high - low)
    elif row.prior == "loguniform":
        level = np.log(values / low) / math.log(high / low)
    else:
        middle = values - _median(row) if row.prior == "normal" else np.log(values / _median(row))
        outside = ndtr(-CUT)
        level = (ndtr(middle / _sigma(row)) - outside) / (1 - 2 * outside)
    return np.asarray(np.clip(level, 0.0, 1.0))


def log_prior(name: str, x: ArrayLike) -> Floats:
    """Natural logarithm of the prior density of a parameter.

    Parameters
    ----------
    name : str
        A parameter of the table.
    x : array_like
        Values, in units of the table.

    Returns
    -------
    ndarray
        Of the shape of ``x``; minus infinity outside the support. For a fixed parameter it is 0 at its
        value and minus infinity elsewhere.

    Raises
    ------
    ValueError
        If the name is unknown.
    """
    row = _row(name)
    values = np.asarray(x, dtype=np.float64)
    if row.prior == "fixed":
        return np.where(values == row.value, 0.0, -np.inf)
    if row.prior == "normal":
        return _cut_normal_density((values - _median(row)) / _sigma(row)) - math.log(_sigma(row))
    if row.prior == "uniform":
        low, high = _bounds(row)
        return np.where((values >= low) & (values <= high), -math.log(high - low), -np.inf)
    positive = values > 0
    logs = np.log(np.where(positive, values, 1.0))
    if row.prior == "loguniform":
        low, high = _bounds(row)
        inside = (values >= low) & (values <= high)
        return np.where(inside, -math.log(math.log(high / low)) - logs, -np.inf)
    scaled = (logs - math.log(_median(row))) / _sigma(row)
    density = _cut_normal_density(scaled) - math.log(_sigma(row)) - logs
    return np.where(positive, density, -np.inf)


def _row(name: str) -> ParameterRow:
    check_names({name: None})
    return rows()[name]


def _bounds(row: ParameterRow) -> tuple[float, float]:
    if row.low is None or row.high is None:
        raise ValueError(f"parameter {row.name!r} has a {row.prior} prior without low and high")
    return row.low, row.high


def _median(row: ParameterRow) -> float:
    low, high = _bounds(row)
    return (low + high) / 2 if row.prior == "normal" else math.sqrt(low * high)


def _sigma(row: ParameterRow) -> float:
    low, high = _bounds(row)
    width = high - low if row.prior == "normal" else math.log(high / low)
    return width / (2 * _Z95)


def _stream(seed: int, name: str) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence([seed, zlib.crc32(name.encode())]))


def _cut_normal_quantile(p: Floats) -> Floats:
    from scipy.special import ndtr, ndtri

    outside = ndtr(-CUT)
    return np.asarray(np.clip(ndtri(outside + p * (1 - 2 * outside)), -CUT, CUT))


def _cut_normal_density(z: Floats) -> Floats:
    """Log density of the standard normal distribution cut at +-CUT."""
    mass = math.erf(CUT / math.sqrt(2))
    density = -0.5 * z**2 - 0.5 * math.log(2 * math.pi) - math.log(mass)
    # A quantile at the very edge may lie a rounding error outside.
    return np.where(np.abs(z) <= CUT * (1 + 1e-12), density, -np.inf)
