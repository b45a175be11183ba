"""Elementary effects (Morris 1991, Campolongo et al. 2007): which factors matter at all, and how evenly.

An effect is the change of an output per unit of probability of the factor that moves: a factor that goes from
the low to the high end of its distribution changes the output by about as much. As SALib's, over all outputs
and resamples at once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nicheloop.analysis.sensitivity.designs import Trajectories
from nicheloop.analysis.sensitivity.estimate import Estimate, Floats, weights

MU, MU_STAR, SIGMA = "mu", "mu_star", "sigma"
AT_ONCE = 4096
"""Factors times outputs whose resamples are held at a time."""


def morris_indices(
    design: Trajectories, y: Floats, grouped: np.ndarray, resamples: int, seed: int
) -> dict[str, Estimate]:
    """Estimate mean, mean of the size and standard deviation of the effects; the last factor is the dummy.

    Parameters
    ----------
    design : Trajectories
        Where the function was evaluated.
    y : ndarray, shape (trajectories, points, outputs)
        An effect that lacks one of its two values does not count.
    grouped : ndarray of bool, shape (factors,)
        Factors of several parameters: these move up and down together, so only the size of an effect has a
        meaning, and mean and standard deviation are NaN.
    resamples, seed : int
        Bootstrap resamples of trajectories.

    Returns
    -------
    dict of str to Estimate
        ``mu_star``, ``mu`` and ``sigma``, shape (factors + 1, outputs), in the unit of the output.
    """
    factors, outputs = design.moved.shape[1], y.shape[-1]
    found = {name: Estimate.unknown(factors, outputs) for name in (MU_STAR, MU, SIGMA)}
    effects = _effects(design, y)
    count = weights(len(y), resamples, seed)
    for columns in np.array_split(np.arange(outputs), -(-factors * outputs // AT_ONCE)):
        mean, size, spread = _moments(count, effects[:, :, columns])
        mean[:, np.append(grouped, False)] = spread[:, np.append(grouped, False)] = np.nan
        for name, resampled in ((MU_STAR, size), (MU, mean), (SIGMA, spread)):
            found[name].put(columns, resampled)
    return found


def lost_effects(design: Trajectories, y: Floats) -> NDArray[np.int64]:
    """Return how many effects lack a value, per output."""
    return np.asarray((~np.isfinite(_effects(design, y))).sum(axis=(0, 1)))


def _effects(design: Trajectories, y: Floats) -> Floats:
    """Effect of every factor on every trajectory, shape (trajectories, factors, outputs)."""
    trajectories = len(y)
    steps = np.diff(y, axis=1) * design.signs[:trajectories, :, None] / design.step
    effects = np.empty_like(steps)
    np.put_along_axis(effects, design.moved[:trajectories, :, None], steps, axis=1)
    return effects


def _moments(count: Floats, effects: Floats) -> tuple[Floats, Floats, Floats]:
    """Mean, mean size and standard deviation over trajectories that have an effect, for every resample."""
    known = np.isfinite(effects)
    some = np.where(known, effects, 0.0)
    number = _sums(count, known.astype(float))
    with np.errstate(divide="ignore", invalid="ignore"):
        mean, size, square = (_sums(count, part) / number for part in (some, np.abs(some), some**2))
        spread = np.sqrt(np.maximum(square - mean**2, 0.0) * number / (number - 1))
    return mean, size, spread


def _sums(count: Floats, values: Floats) -> Floats:
    return (count @ values.reshape(len(values), -1)).reshape(len(count), *values.shape[1:])
