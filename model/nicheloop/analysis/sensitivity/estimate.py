"""What all estimators share: intervals from resampled blocks, and outputs that lack the same blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

CONFIDENCE = 0.95
"""Of all intervals."""


@dataclass(frozen=True, eq=False)
class Estimate:
    """An index of every factor for every output, with its interval.

    Attributes
    ----------
    value, low, high : ndarray, shape (factors, outputs), or (factors, factors, outputs) for pairs
        NaN where it cannot be told.
    """

    value: Floats
    low: Floats
    high: Floats

    @classmethod
    def unknown(cls, *shape: int) -> Estimate:
        """Return one that is not told anywhere."""
        return cls(np.full(shape, np.nan), np.full(shape, np.nan), np.full(shape, np.nan))

    def put(self, columns: Indices, resampled: Floats) -> None:
        """Fill in outputs: the first row is the value, the others are of resampled blocks.

        Parameters
        ----------
        columns : ndarray of int
            Outputs.
        resampled : ndarray, shape (1 + resamples, ..., columns)
        """
        self.value[..., columns] = resampled[0]
        if len(resampled) > 1:
            self.low[..., columns], self.high[..., columns] = interval(resampled[1:])


def interval(resampled: Floats) -> tuple[Floats, Floats]:
    """Return the central quantiles over the first axis."""
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(resampled, [tail, 1 - tail], axis=0)
    return low, high


def weights(blocks: int, resamples: int, seed: int) -> Floats:
    """Return how often each block counts: once, then as often as it is drawn with replacement.

    Returns
    -------
    ndarray, shape (1 + resamples, blocks)
    """
    rng = np.random.default_rng([seed, blocks])
    drawn = rng.multinomial(blocks, np.full(blocks, 1 / blocks), size=resamples)
    return np.concatenate([np.ones((1, blocks)), drawn.astype(float)])


def alike(usable: NDArray[np.bool_]) -> Iterator[tuple[Indices, Indices]]:
    """Yield usable blocks and the outputs that have exactly these, group by group.

    Parameters
    ----------
    usable : ndarray of bool, shape (blocks, outputs)
    """
    patterns, which = np.unique(usable, axis=1, return_inverse=True)
    for number in range(patterns.shape[1]):
        yield np.flatnonzero(patterns[:, number]), np.flatnonzero(which.reshape(-1) == number)


def whole(y: Floats) -> NDArray[np.bool_]:
    """Return which blocks have all values of an output, from shape (blocks, rows, outputs)."""
    return np.asarray(np.isfinite(y).all(axis=1))


def is_constant(y: Floats) -> NDArray[np.bool_]:
    """Return which outputs do not vary (but for rounding); the last axis is outputs."""
    axes = tuple(range(y.ndim - 1))
    spread = y.max(axis=axes) - y.min(axis=axes)
    return np.asarray(spread <= 1e-12 * np.abs(y).max(axis=axes))
