"""What is read off a measured curve: half-maximal doses, growth-rate metrics. Vectorised over parameter sets.

Lines that grow at different speeds are compared by GR values (`nicheloop.gr_value`, read-out ``gr``), not by
viability: a slow line keeps more of its vehicle under the same inhibition of its growth.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def half_dose(doses: ArrayLike, response: ArrayLike, level: ArrayLike = 0.5) -> Floats:
    """Dose at which a falling response first crosses ``level``, linear in log dose.

    Parameters
    ----------
    doses : array_like, shape (d,)
        Ascending and positive.
    response : array_like, shape (..., d)
        One value per dose.
    level : array_like, shape (...)
        Level that is crossed.

    Returns
    -------
    ndarray, shape (...)
        0 where the response is below the level from the lowest dose on, inf where it never gets there, NaN
        where a value is missing.
    """
    x = np.log(np.asarray(doses, dtype=float))
    y = np.asarray(response, dtype=float) - np.asarray(level, dtype=float)[..., None]
    below = y < 0
    first = np.argmax(below, axis=-1)
    left = np.maximum(first - 1, 0)
    y0 = np.take_along_axis(y, left[..., None], -1)[..., 0]
    y1 = np.take_along_axis(y, first[..., None], -1)[..., 0]
    with np.errstate(invalid="ignore", divide="ignore"):
        crossed = np.exp(x[left] + (x[first] - x[left]) * y0 / (y0 - y1))
    dose = np.where(below.any(-1), np.where(first == 0, 0.0, crossed), np.inf)
    return np.where(np.isnan(y).any(-1), np.nan, dose)


def ec50(doses: ArrayLike, response: ArrayLike, baseline: ArrayLike) -> Floats:
    """Dose of half the rise of a response from ``baseline`` to its highest value.

    Parameters
    ----------
    doses : array_like, shape (d,)
        Ascending and positive.
    response : array_like, shape (..., d)
        One value per dose.
    baseline : array_like, shape (...)
        Response without any dose.
    """
    y = np.asarray(response, dtype=float)
    rest = np.asarray(baseline, dtype=float)
    half = rest + 0.5 * (y.max(axis=-1) - rest)
    return half_dose(doses, -y, -half)


def gr50(doses: ArrayLike, gr: ArrayLike) -> Floats:
    """Dose at which the GR value first falls to 0.5, linear in log dose.

    Parameters
    ----------
    doses : array_like, shape (d,)
        Ascending and positive.
    gr : array_like, shape (..., d)
        GR value at each dose.

    Returns
    -------
    ndarray, shape (...)
        As `half_dose`: 0, inf or NaN where there is none.
    """
    return half_dose(doses, gr)


def gr_max(gr: ArrayLike) -> Floats:
    """Largest effect of a drug: the lower of the GR values at the two highest doses.

    Parameters
    ----------
    gr : array_like, shape (..., d)
        GR values, doses ascending.

    Returns
    -------
    ndarray, shape (...)
        Between 0 and 1 growth is slowed in part, at 0 it stops, below 0 cells are lost; NaN where one of the
        two is missing.
    """
    lowest: Floats = np.min(np.asarray(gr, dtype=float)[..., -2:], axis=-1)
    return lowest


def gr_aoc(doses: ArrayLike, gr: ArrayLike) -> Floats:
    """Area over the GR curve, averaged over the logarithms of the doses.

    Parameters
    ----------
    doses : array_like, shape (d,)
        Ascending and positive, at least two.
    gr : array_like, shape (..., d)
        GR value at each dose.

    Returns
    -------
    ndarray, shape (...)
        0 without effect, 1 where growth stops at every dose, 2 where all cells are lost at every dose.
    """
    x = np.log(np.asarray(doses, dtype=float))
    missing = 1.0 - np.asarray(gr, dtype=float)
    middle = 0.5 * (missing[..., 1:] + missing[..., :-1])
    area: Floats = (middle * np.diff(x)).sum(axis=-1) / (x[-1] - x[0])
    return area


def hill_slope(doses: ArrayLike, response: ArrayLike, control: ArrayLike = 1.0) -> Floats:
    """Slope of a Hill curve that falls from ``control`` to 0, through the response to all doses.

    The logit of the response over the control is linear in the logarithm of the dose (median-effect plot:
    Chou TC, Talalay P, Adv Enzyme Regul 1984;22:27, doi:10.1016/0065-2571(84)90007-4); each dose weighs
    ``(f (1 - f))**2``, so that the line fits the response itself to first order. Exact for such a curve.

    Parameters
    ----------
    doses : array_like, shape (d,)
        Positive.
    response : array_like, shape (..., d)
        One value per dose.
    control : array_like, shape (...)
        Response without any dose.

    Returns
    -------
    ndarray, shape (...)
        Above 0 for a falling response; NaN unless two doses have a response between 0.1 % and 99.9 % of the
        control, or where a value is missing.
    """
    x = np.log(np.asarray(doses, dtype=float))
    with np.errstate(divide="ignore", invalid="ignore"):
        f = np.asarray(response, dtype=float) / np.asarray(control, dtype=float)[..., None]
        told = (f > 1e-3) & (f < 1 - 1e-3)
        inside = np.where(told, f, 0.5)
        y = np.log1p(-inside) - np.log(inside)
        weight = np.where(told, (inside * (1 - inside)) ** 2, 0.0)
        total = weight.sum(-1)
        dx = x - ((weight * x).sum(-1) / total)[..., None]
        slope = (weight * dx * y).sum(-1) / (weight * dx**2).sum(-1)
    missing = np.isnan(f).any(-1) | (told.sum(-1) < 2)
    return np.where(missing, np.nan, slope)
