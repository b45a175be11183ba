"""Shares of the variance: first, total and second order, from Saltelli's blocks.

Estimators are those of SALib (first: Saltelli et al. 2010, doi:10.1016/j.cpc.2009.09.018; total: Jansen;
second: Saltelli 2002, doi:10.1016/S0010-4655(02)00280-1), written as products of matrices, so that all
factors, outputs and resamples take one call: SALib goes through them one by one.
"""

from __future__ import annotations

import numpy as np

from nicheloop.analysis.sensitivity.designs import Saltelli
from nicheloop.analysis.sensitivity.estimate import Estimate, Floats, alike, is_constant, weights, whole

FIRST, TOTAL, SECOND = "S1", "ST", "S2"
AT_ONCE = 4096
"""Columns of pairs and outputs whose resamples are held at a time."""
ENOUGH = 2
"""Blocks that are needed to tell anything."""


def sobol_indices(design: Saltelli, y: Floats, resamples: int, seed: int) -> dict[str, Estimate]:
    """Estimate the indices; blocks that lack a value of an output do not count for it.

    The last factor is the dummy: zero, unless the function gives different values for the same parameters.

    Parameters
    ----------
    design : Saltelli
        Where the function was evaluated.
    y : ndarray, shape (blocks, rows of a block, outputs)
        Values; those of the first blocks of the design may be given only.
    resamples : int
        Bootstrap resamples of whole blocks; 0: no intervals.
    seed : int
        Of the resamples.

    Returns
    -------
    dict of str to Estimate
        ``S1`` and ``ST``, shape (factors + 1, outputs), and with a design of second order ``S2``, shape
        (factors, factors, outputs), symmetric.
    """
    factors, outputs = len(design.belongs) + 1, y.shape[-1]
    found = {name: Estimate.unknown(factors, outputs) for name in (FIRST, TOTAL)}
    if design.second_order:
        found[SECOND] = Estimate.unknown(factors - 1, factors - 1, outputs)
    for blocks, columns in alike(whole(y)):
        if blocks.size < ENOUGH:
            continue
        columns = columns[~is_constant(y[blocks][:, :, columns])]
        for some in np.array_split(columns, max(1, factors * columns.size // AT_ONCE)):
            if some.size:
                _estimate(found, y[blocks][:, :, some], some, factors, weights(blocks.size, resamples, seed))
    return found


def _estimate(
    found: dict[str, Estimate], y: Floats, columns: np.ndarray, factors: int, count: Floats
) -> None:
    """Fill in outputs that have the same blocks."""
    seen = np.delete(y, [factors, 2 * factors] if SECOND in found else [factors], axis=1)  # not the dummy
    centred = y - seen.mean(axis=(0, 1))  # the estimators assume a mean near zero
    a, b = centred[:, 0], centred[:, -1]
    ab = centred[:, 1 : 1 + factors]
    mean = _averages(count, 0.5 * (a + b))
    variance = _averages(count, 0.5 * (a**2 + b**2)) - mean**2
    with np.errstate(divide="ignore", invalid="ignore"):
        first = _averages(count, b[:, None] * (ab - a[:, None])) / variance[:, None]
        total = _averages(count, 0.5 * (a[:, None] - ab) ** 2) / variance[:, None]
        found[FIRST].put(columns, first)
        found[TOTAL].put(columns, total)
        if SECOND in found:
            _pairs(found[SECOND], centred, columns, factors, count, first, variance)


def _pairs(
    second: Estimate,
    y: Floats,
    columns: np.ndarray,
    factors: int,
    count: Floats,
    first: Floats,
    variance: Floats,
) -> None:
    """Fill in the second order, some pairs at a time; the dummy has none."""
    a, b, ab, ba = y[:, 0], y[:, -1], y[:, 1 : 1 + factors], y[:, 1 + factors : 1 + 2 * factors]
    j, k = np.triu_indices(factors - 1, 1)
    step = max(1, AT_ONCE // columns.size)
    for start in range(0, j.size, step):
        one, other = j[start : start + step], k[start : start + step]
        product = _averages(count, ba[:, one] * ab[:, other] - (a * b)[:, None])
        resampled = product / variance[:, None] - first[:, one] - first[:, other]
        part = Estimate.unknown(one.size, columns.size)
        part.put(np.arange(columns.size), resampled)
        for name in ("value", "low", "high"):
            matrix, piece = getattr(second, name), getattr(part, name)
            matrix[one[:, None], other[:, None], columns] = piece
            matrix[other[:, None], one[:, None], columns] = piece


def _averages(count: Floats, values: Floats) -> Floats:
    """Average over blocks for every resample: shape (resamples, ...) from (blocks, ...)."""
    flat = values.reshape(len(values), -1)
    averaged: Floats = count @ flat / count.shape[1]
    return averaged.reshape(len(count), *values.shape[1:])
