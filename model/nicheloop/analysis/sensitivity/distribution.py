"""How much a factor changes the whole distribution of an output: PAWN and delta, from points of any design.

Neither asks that parameters are independent or outputs well-behaved; both are above zero for a factor that
does nothing, so dummies tell where nothing begins.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nicheloop.analysis.sensitivity.designs import Points
from nicheloop.analysis.sensitivity.estimate import (
    Estimate,
    Floats,
    Indices,
    alike,
    interval,
    is_constant,
    weights,
    whole,
)

MEDIAN, LARGEST = "median", "maximum"
DELTA = "delta"
SLIDES = 10
"""Parts of equal probability into which PAWN cuts a factor."""
LEAST = 20
"""Points per slide that are needed to tell anything."""
GRID = 100
"""Values of the output at which densities are compared."""


def pawn_indices(design: Points, y: Floats, resamples: int, seed: int) -> dict[str, Estimate]:
    """Estimate PAWN (Pianosi & Wagener 2018, doi:10.1016/j.envsoft.2018.07.019).

    A factor is cut into slides; each has a Kolmogorov-Smirnov distance between the outputs of its points and
    those of all. The last factor stands for the dummies: their mean, and the interval in which they are.

    Parameters
    ----------
    design : Points
        Where the function was evaluated.
    y : ndarray, shape (points, 1, outputs)
        Points that lack a value of an output do not count for it.
    resamples, seed : int
        Bootstrap resamples of points.

    Returns
    -------
    dict of str to Estimate
        ``median`` and ``maximum`` over the slides, shape (factors + 1, outputs).
    """
    factors = design.unit.shape[1]
    found = {name: Estimate.unknown(factors + 1, y.shape[-1]) for name in (MEDIAN, LARGEST)}
    for points, column, values in _each_output(y):
        of_all = _Distribution(values, weights(points.size, resamples, seed))
        distances = np.array([of_all.distances(levels) for levels in design.unit[points].T])
        once = _Distribution(values, weights(points.size, 0, seed))
        nothing = np.array([once.distances(levels) for levels in design.dummies[points].T])
        for name, over in ((MEDIAN, np.median), (LARGEST, np.max)):
            _put(found[name], column, over(distances, axis=1).T, over(nothing, axis=1)[:, 0])
    return found


def delta_indices(design: Points, y: Floats, resamples: int, seed: int) -> dict[str, Estimate]:
    """Estimate Borgonovo's delta: half the area between densities, as SALib does.

    The bias of the plain estimate is taken away with resamples (Plischke, Borgonovo & Smith 2013,
    doi:10.1016/j.ejor.2012.11.047); without any it stays. The last factor stands for the dummies.

    Parameters, returns
        As `pawn_indices`, with one index, ``delta``.
    """
    factors = design.unit.shape[1]
    found = {DELTA: Estimate.unknown(factors + 1, y.shape[-1])}
    for points, column, values in _each_output(y):
        unit = np.concatenate([design.unit[points], design.dummies[points]], axis=1)
        rng = np.random.default_rng([seed, points.size])
        chosen = [np.arange(points.size), *rng.integers(points.size, size=(resamples, points.size))]
        grid = np.linspace(values.min(), values.max(), GRID)
        told = np.array([_deltas(values[some], unit[some], grid) for some in chosen])
        corrected = 2 * told[0] - told[1:] if resamples else told
        mean = corrected.mean(axis=0)
        whole_sample = np.concatenate([mean[None], corrected] if resamples else [mean[None]])
        _put(found[DELTA], column, whole_sample[:, :factors], mean[factors:])
    return found


def _put(estimate: Estimate, column: Indices, resampled: Floats, dummies: Floats) -> None:
    """Fill in an output: its factors with intervals as wide as the resamples, and what dummies have.

    Resampling adds to a distance what sampling has added before, so that resamples scatter about too high a
    value; the interval is put about the value, which has the same bias as that of the dummies.

    Parameters
    ----------
    resampled : ndarray, shape (1 + resamples, factors)
    dummies : ndarray, shape (dummies,)
    """
    estimate.value[:-1, column] = resampled[0][:, None]
    estimate.value[-1, column] = dummies.mean()
    estimate.low[-1, column], estimate.high[-1, column] = interval(dummies)
    if len(resampled) > 1:
        low, high = interval(resampled[1:])
        off = resampled[0] - resampled[1:].mean(axis=0)
        estimate.low[:-1, column], estimate.high[:-1, column] = (low + off)[:, None], (high + off)[:, None]


def _each_output(y: Floats) -> Iterator[tuple[Indices, Indices, Floats]]:
    """Yield the points of every output that varies, its position as an array, and its values."""
    for points, columns in alike(whole(y)):
        if points.size < LEAST * SLIDES:
            continue
        for column in columns:
            values = y[points, 0, column]
            if not is_constant(values[:, None])[0]:
                yield points, np.array([column]), values


class _Distribution:
    """Distribution functions of weighted points, one per resample, just before and at every value."""

    def __init__(self, values: Floats, count: Floats) -> None:
        self._order = np.argsort(values, kind="stable")
        ascending = values[self._order]
        self._ties = np.cumsum(np.append(False, np.diff(ascending) > 0))  # equal for equal values
        self._count = count[:, self._order]
        self._before, self._at = _steps(self._count, self._ties)

    def distances(self, levels: Floats) -> Floats:
        """Return the Kolmogorov-Smirnov distance of the points of every slide, shape (slides, resamples)."""
        ordered = levels[self._order]
        edges = np.quantile(levels, np.linspace(0, 1, SLIDES + 1)[1:-1])
        slide = np.searchsorted(edges, ordered, side="right")
        found = np.empty((SLIDES, len(self._count)))
        for number in range(SLIDES):
            inside = np.flatnonzero(slide == number)
            before, at = _steps(self._count[:, inside], self._ties[inside])
            # Between two of its values the function of a slide is flat: the distance is largest at an end.
            apart = np.maximum(abs(before - self._before[:, inside]), abs(at - self._at[:, inside]))
            found[number] = apart.max(axis=1)
        return found


def _steps(count: Floats, ties: Indices) -> tuple[Floats, Floats]:
    """Distribution function just before and at each of some ascending values; equal values step together."""
    risen = np.cumsum(count, axis=1)
    first, last = np.searchsorted(ties, ties, side="left"), np.searchsorted(ties, ties, side="right") - 1
    before = risen[:, first] - count[:, first]
    return before / risen[:, -1:], risen[:, last] / risen[:, -1:]


def _deltas(values: Floats, unit: Floats, grid: Floats) -> Floats:
    """Half the area between the density of an output and those in classes of a factor, for each factor."""
    points = values.size
    edges = np.linspace(0, points, _classes(points) + 1)
    of_all = _density(values, grid)
    found = np.zeros(unit.shape[1])
    for factor in range(unit.shape[1]):
        place = np.empty(points)
        place[np.argsort(unit[:, factor], kind="stable")] = np.arange(1, points + 1)
        classes = np.searchsorted(edges, place, side="left")
        for number in range(1, edges.size):
            inside = values[classes == number]
            if np.ptp(inside) > 0:
                apart = np.abs(of_all - _density(inside, grid))
                found[factor] += 0.5 * inside.size / points * np.trapezoid(apart, grid)
    return found


def _density(values: Floats, grid: Floats) -> Floats:
    """Return a Gaussian kernel estimate with Silverman's width."""
    width = values.std(ddof=1) * (0.75 * values.size) ** -0.2
    scaled = (grid[:, None] - values) / width
    density: Floats = np.exp(-0.5 * scaled**2).sum(axis=1) / (values.size * width * np.sqrt(2 * np.pi))
    return density


def _classes(points: int) -> int:
    """Return into how many classes a factor is cut, as SALib does."""
    exponent = 2.0 / (7.0 + np.tanh((1500.0 - points) / 500.0))
    return int(np.round(min(int(np.ceil(points**exponent)), 48)))
