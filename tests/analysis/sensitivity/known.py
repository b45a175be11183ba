"""Functions whose sensitivity indices are known."""

from __future__ import annotations

import math
from itertools import product

import numpy as np

from nicheloop.analysis.sensitivity import Space
from nicheloop.analysis.sensitivity.designs import EDGE, LEVELS

# -- Ishigami and Homma 1990 --------------------------------------------------------------------------------

A, B = 7.0, 0.1


def ishigami(x: np.ndarray) -> np.ndarray:
    """Three uniform parameters between -pi and pi; the second only by itself, first and third together."""
    return np.sin(x[:, 0]) + A * np.sin(x[:, 1]) ** 2 + B * x[:, 2] ** 4 * np.sin(x[:, 0])


ISHIGAMI = Space.uniform(dict.fromkeys(("x1", "x2", "x3"), (-math.pi, math.pi)))
_alone = 0.5 * (1 + B * math.pi**4 / 5) ** 2, A**2 / 8, 0.0
_pair = 8 * B**2 * math.pi**8 / 225
_whole = sum(_alone) + _pair
ISHIGAMI_S1 = np.array(_alone) / _whole
ISHIGAMI_ST = (np.array(_alone) + np.array([_pair, 0, _pair])) / _whole
ISHIGAMI_S2 = np.array([[np.nan, 0, _pair], [0, np.nan, 0], [_pair, 0, np.nan]]) / _whole

# -- Sobol's G ----------------------------------------------------------------------------------------------

G = np.array([0.0, 0.5, 3.0, 9.0, 99.0, 99.0])


def sobol_g(x: np.ndarray) -> np.ndarray:
    """A product; parameters matter less and less."""
    return np.prod((np.abs(4 * x - 2) + G) / (1 + G), axis=1)


SOBOL_G = Space.uniform({f"g{i}": (0, 1) for i in range(G.size)})
_single = 1 / (3 * (1 + G) ** 2)
_product = np.prod(1 + _single)
SOBOL_G_S1 = _single / (_product - 1)
SOBOL_G_ST = _single / (1 + _single) * _product / (_product - 1)
SOBOL_G_S2 = np.outer(_single, _single) / (_product - 1)
np.fill_diagonal(SOBOL_G_S2, np.nan)

# -- a linear differential equation -------------------------------------------------------------------------

X0, K = (0.5, 1.5), (0.2, 1.0)
TIMES = np.array([0.5, 2.0, 5.0])
DECAY = Space.uniform({"x0": X0, "k": K})


def decay(x: np.ndarray) -> np.ndarray:
    """x' = -k x from x0, at three times, in closed form."""
    return x[:, :1] * np.exp(-x[:, 1:] * TIMES)


def decay_indices() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """First order, total and the one interaction, at every time: a product of two independent factors."""
    mean, spread = sum(X0) / 2, (X0[1] - X0[0]) ** 2 / 12
    low, high = K

    def moment(power: int) -> np.ndarray:
        t = power * TIMES
        return (np.exp(-t * low) - np.exp(-t * high)) / (t * (high - low))

    survival, variance = moment(1), moment(2) - moment(1) ** 2
    parts = np.array([spread * survival**2, mean**2 * variance])
    both = spread * variance
    return parts / (parts.sum(0) + both), (parts + both) / (parts.sum(0) + both), both / (parts.sum(0) + both)


# -- elementary effects on the grid -------------------------------------------------------------------------


def mean_effects(function: object, space: Space) -> tuple[np.ndarray, np.ndarray]:
    """Mean size and mean of all elementary effects that a Morris design can draw, each as likely as it is.

    A trajectory starts in the lower half of the grid and moves every parameter up or down by half of it; so
    the others are anywhere when one moves.
    """
    grid = EDGE + (1 - 2 * EDGE) * np.arange(LEVELS) / (LEVELS - 1)
    step = (1 - 2 * EDGE) * LEVELS / (2 * (LEVELS - 1))
    count = len(space.names)
    sizes, means = np.empty(count), np.empty(count)
    for moved in range(count):
        others = np.array(list(product(grid, repeat=count - 1)))
        effects = []
        for low in grid[: LEVELS // 2]:
            ends = [space.values(np.insert(others, moved, level, axis=1)) for level in (low, low + step)]
            effects.append((function(ends[1]) - function(ends[0])) / step)  # type: ignore[operator]
        sizes[moved], means[moved] = np.abs(effects).mean(), np.mean(effects)
    return sizes, means
