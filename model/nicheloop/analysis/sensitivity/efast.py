"""Shares of the variance from frequencies: the extended Fourier amplitude sensitivity test.

Spectra are computed as by SALib (Saltelli, Tarantola & Chan 1999, doi:10.1080/00401706.1999.10485594).
Intervals are not: resampling the rows of a curve destroys the frequencies (SALib's issue 649). Each factor
has several curves with phases of their own instead, and an interval is that of the mean over them (Student).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from nicheloop.analysis.sensitivity.designs import HARMONICS, Curves
from nicheloop.analysis.sensitivity.estimate import CONFIDENCE, Estimate, Floats
from nicheloop.analysis.sensitivity.sobol import FIRST, TOTAL


def efast_indices(design: Curves, y: Floats) -> dict[str, Estimate]:
    """Estimate first and total order; a curve that lacks a value does not count.

    The last factor is the dummy. Intervals tell how curves differ, not the bias that all of them share.

    Parameters
    ----------
    design : Curves
        Where the function was evaluated.
    y : ndarray, shape (curves, factors x points, outputs)

    Returns
    -------
    dict of str to Estimate
        ``S1`` and ``ST``, shape (factors + 1, outputs).
    """
    curves, outputs = len(y), y.shape[-1]
    on_curves = y.reshape(curves, -1, design.points, outputs)
    first, total = _orders(on_curves, design.frequency)
    return {FIRST: _over_curves(first), TOTAL: _over_curves(total)}


def lost_curves(design: Curves, y: Floats) -> NDArray[np.int64]:
    """Return how many curves lack a value, per output."""
    on_curves = y.reshape(len(y), -1, design.points, y.shape[-1])
    return np.asarray((~np.isfinite(on_curves).all(axis=2)).sum(axis=(0, 1)))


def _orders(y: Floats, frequency: int) -> tuple[Floats, Floats]:
    """First and total order of every curve; NaN where a value is missing or nothing varies."""
    points = y.shape[2]
    power = np.abs(np.fft.fft(y, axis=2)[:, :, 1 : math.ceil(points / 2)] / points) ** 2
    spread = np.ptp(y, axis=2) > 1e-12 * np.abs(y).max(axis=2)
    variance = np.where(spread, 2 * power.sum(axis=2), np.nan)
    own = np.arange(1, HARMONICS + 1) * frequency - 1
    first = 2 * power[:, :, own].sum(axis=2) / variance
    others = 2 * power[:, :, : frequency // 2].sum(axis=2) / variance
    return first, 1 - others


def _over_curves(found: Floats) -> Estimate:
    """Mean over the curves that tell anything, with the interval of a mean of so few."""
    from scipy.stats import t

    known = np.isfinite(found)
    number = known.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(known, found, 0.0).sum(axis=0) / number
        deviation = np.where(known, found - mean, 0.0)
        error = np.sqrt((deviation**2).sum(axis=0) / (number - 1) / number)
    half = np.where(number > 1, t.ppf(0.5 + CONFIDENCE / 2, np.maximum(number - 1, 1)) * error, np.nan)
    return Estimate(mean, mean - half, mean + half)
