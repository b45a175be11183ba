"""Whether a sample of the posterior can be trusted: R-hat, effective sample size, and a verdict in words.

R-hat is the rank-normalised one of split chains, and the effective sample size that of the bulk, as in
Vehtari et al., Bayesian Analysis 2021;16:667 (doi 10.1214/20-BA1221).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

GOOD_R_HAT = 1.01
"""Recommended by Vehtari et al. ..."""
FAIR_R_HAT = 1.05
"""... and what is assumed to do for bands."""
GOOD_SIZE = 400.0
"""Draws that are worth as many independent ones: recommended by the same ..."""
FAIR_SIZE = 100.0
"""... and assumed to do for bands."""


def r_hat(draws: Floats) -> Floats:
    """Rank-normalised split R-hat, the larger one of the draws and of their distances from the median.

    Parameters
    ----------
    draws : ndarray, shape (chains, steps, parameters)
        At least 4 steps.

    Returns
    -------
    ndarray, shape (parameters,)
        Near 1 if all halves of all chains tell the same; NaN where nothing ever moved.
    """
    split = _split(draws)
    folded = np.abs(split - np.median(split, axis=(0, 1)))
    return np.asarray(np.maximum(_r_hat(_normal_scores(split)), _r_hat(_normal_scores(folded))))


def effective_size(draws: Floats) -> Floats:
    """How many independent draws the draws are worth where it matters for the middle of the distribution.

    Parameters
    ----------
    draws : ndarray, shape (chains, steps, parameters)
        At least 4 steps.

    Returns
    -------
    ndarray, shape (parameters,)
        NaN where nothing ever moved.
    """
    scores = _normal_scores(_split(draws))
    return np.array([_size(scores[:, :, i]) for i in range(scores.shape[2])])


def sample_verdict(names: Sequence[str], r_hats: Floats, sizes: Floats) -> str:
    """Say in words whether a sample can be trusted."""
    if not len(names):
        return "nothing is free, so there is nothing to sample."
    worst, least = _worst(r_hats, np.argmax, np.inf), _worst(sizes, np.argmin, 0.0)
    facts = (
        f"largest R-hat {r_hats[worst]:.3f} ({names[worst]}), "
        f"smallest effective sample size {sizes[least]:.0f} ({names[least]})"
    )
    if r_hats[worst] <= GOOD_R_HAT and sizes[least] >= GOOD_SIZE:
        return f"The sample has converged: {facts}."
    if r_hats[worst] <= FAIR_R_HAT and sizes[least] >= FAIR_SIZE:
        return (
            f"The sample will do for bands, not for the ends of intervals: {facts}; sample longer for those."
        )
    return f"The sample has not converged: {facts}; sample longer before you use it."


def _worst(numbers: Floats, pick: object, missing: float) -> int:
    told = np.where(np.isnan(numbers), missing, numbers)
    return int(pick(told))  # type: ignore[operator]


def _split(draws: Floats) -> Floats:
    """Cut every chain into halves; the middle of an odd one is dropped."""
    chains = np.asarray(draws, dtype=np.float64)
    if chains.ndim != 3 or chains.shape[1] < 4:
        raise ValueError(
            f"draws: got shape {chains.shape}, expected (chains, steps, parameters), 4 steps at least"
        )
    half = chains.shape[1] // 2
    return np.concatenate([chains[:, :half], chains[:, -half:]])


def _normal_scores(draws: Floats) -> Floats:
    """Replace the draws of each parameter by normal quantiles of their ranks."""
    from scipy.special import ndtri
    from scipy.stats import rankdata

    flat = draws.reshape(-1, draws.shape[2])
    ranks = rankdata(flat, axis=0)
    return np.asarray(ndtri((ranks - 0.375) / (flat.shape[0] + 0.25)).reshape(draws.shape))


def _r_hat(scores: Floats) -> Floats:
    steps = scores.shape[1]
    within = scores.var(axis=1, ddof=1).mean(axis=0)
    between = scores.mean(axis=1).var(axis=0, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.sqrt((steps - 1) / steps + between / within))


def _size(scores: Floats) -> float:
    """Effective size of one parameter, by Geyer's initial monotone sequence; shape (chains, steps)."""
    chains, steps = scores.shape
    covariance = np.stack([_autocovariance(chain) for chain in scores])
    within = covariance[:, 0].mean() * steps / (steps - 1)
    total = within * (steps - 1) / steps + scores.mean(axis=1).var(ddof=1)
    if not total > 0:
        return float("nan")
    rho = 1.0 - (within - covariance.mean(axis=0) * steps / (steps - 1)) / total
    rho[0] = 1.0
    pairs = rho[: 2 * (steps // 2)].reshape(-1, 2).sum(axis=1)
    negative = np.flatnonzero(pairs <= 0)
    kept = np.minimum.accumulate(pairs[: negative[0]] if negative.size else pairs)
    time = max(2.0 * kept.sum() - 1.0, 1.0 / np.log10(chains * steps))
    return float(chains * steps / time)


def _autocovariance(chain: Floats) -> Floats:
    """Biased autocovariance at all lags."""
    centred = chain - chain.mean()
    spectrum = np.fft.rfft(centred, 2 * chain.size)
    return np.asarray(np.fft.irfft(np.abs(spectrum) ** 2)[: chain.size] / chain.size)
