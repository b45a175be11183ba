"""Whether parameters could be told by a design at all: noise-free values at random points of the prior."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nicheloop.analysis.fit.identify import Direction
from nicheloop.assays.settings import Settings

if TYPE_CHECKING:
    from nicheloop.analysis.fit.parameters import FreeParameter
    from nicheloop.analysis.fit.problem import FitProblem

Floats = NDArray[np.float64]

EXACT = Settings("batch", rtol=1e-9)
"""How wells are simulated: derivatives must be far more exact than what counts as none."""
NOTHING = 1e-6
"""Singular values below this share of the largest count as zero, of columns of unit length."""
SILENT = 1e-8
"""A parameter whose column is shorter than this share of the longest acts on nothing."""
GAP = 100.0
"""Ratio of the smallest singular value that counts to the largest that does not, for a clear rank."""


@dataclass(frozen=True)
class Structure:
    """What noise-free values of a design could tell.

    Attributes
    ----------
    names : tuple of str
        The parameters.
    rank : int
        Combinations of them that could be told, at most of the points.
    same : int
        Points at which the rank was that.
    points : int
        Points that could be simulated.
    failed : int
        Points that could not.
    gap : float
        Smallest ratio, over these points, between the last singular value that counts and the first that does
        not; infinite if all count.
    singular_values : tuple of tuple of float
        At each point, largest first, of columns of unit length.
    silent : tuple of str
        Parameters that act on no value, at any point.
    confounded : tuple of str
        Directions along which no value changes, at every point of that rank, in words; those of silent
        parameters left out.
    """

    names: tuple[str, ...]
    rank: int
    same: int
    points: int
    failed: int
    gap: float
    singular_values: tuple[tuple[float, ...], ...]
    silent: tuple[str, ...]
    confounded: tuple[str, ...]

    @property
    def clear(self) -> bool:
        """Whether a gap parts what counts from what does not, and the rank is the same at every point."""
        return self.gap >= GAP and self.same == self.points

    @property
    def verdict(self) -> str:
        """The result in a sentence or two."""
        size = len(self.names)
        at = f"at {self.same} of {self.points} random points of the prior"
        told = f"Without any noise these data could tell {self.rank} of {size} combinations, {at}."
        if self.rank == size:
            told = f"Without any noise these data could tell all {size} parameters, {at}."
        parts = [f"not told: {name}" for name in self.silent] + list(self.confounded)
        named = f" {'; '.join(parts)}." if parts else ""
        vague = "" if self.clear else " No clear gap parts what they could tell from what they could not."
        return told + named + vague


def structure(problem: FitProblem, points: int = 5, seed: int = 0) -> Structure:
    """Say whether the free parameters of a problem could be told, were its data free of noise.

    Parameters
    ----------
    problem : FitProblem
        Its wells, read-outs, times, constraints and free parameters count, not its values.
    points : int
        Random points of the prior.
    seed : int
        Of the points.

    Raises
    ------
    ValueError
        If ``points`` is less than 1, or the wells can be simulated at none of them.
    """
    if points < 1:
        raise ValueError(f"points: got {points}, expected 1 or more")
    exact = problem.with_(settings=EXACT, noise="fixed")
    rng = np.random.default_rng(np.random.SeedSequence([seed, len(exact.free)]))
    drawn = np.clip(exact.space.sampled(rng.random((points, len(exact.space)))), exact.lower, exact.upper)
    found = [exact.sensitivities(x) for x in drawn]
    matrices = [matrix for matrix in found if matrix is not None]
    if not matrices:
        raise ValueError(f"structure: the wells can be simulated at none of {points} points")
    return structure_of(matrices, exact.free.parameters, failed=points - len(matrices))


def structure_of(
    matrices: Sequence[Floats], parameters: Sequence[FreeParameter], failed: int = 0
) -> Structure:
    """Say it from relative sensitivities.

    Parameters
    ----------
    matrices : sequence of ndarray, shape (values, parameters)
        At each point: derivatives of the logarithms of the values by one SD of the prior of each parameter.
    parameters : sequence of FreeParameter
        The columns.
    failed : int
        Points that could not be simulated.
    """
    found = [_at_point(np.asarray(matrix, dtype=np.float64)) for matrix in matrices]
    rank, same = Counter(one.rank for one in found).most_common(1)[0]
    there = [one for one in found if one.rank == rank]
    silent = np.all([one.silent for one in found], axis=0)
    words = [[_words(row, parameters) for row in one.null if not silent[np.abs(row) > 0.5].any()]
             for one in there]  # fmt: skip
    return Structure(
        names=tuple(one.name for one in parameters),
        rank=rank,
        same=same,
        points=len(found),
        failed=failed,
        gap=min(one.gap for one in there),
        singular_values=tuple(tuple(one.values.tolist()) for one in found),
        silent=tuple(one.name for one, none in zip(parameters, silent, strict=True) if none),
        confounded=tuple(text for text in words[0] if all(text in others for others in words)),
    )


@dataclass(frozen=True, eq=False)
class _Point:
    """Rank and null space at a point: rows of ``null`` in SDs of the priors."""

    rank: int
    gap: float
    values: Floats
    silent: NDArray[np.bool_]
    null: Floats


def _at_point(matrix: Floats) -> _Point:
    size = matrix.shape[1]
    lengths = np.sqrt(np.sum(matrix**2, axis=0))
    silent = lengths <= SILENT * lengths.max(initial=0.0)
    scale = np.where(silent, 1.0, lengths)
    scaled = np.where(silent, 0.0, matrix / scale)
    _, some, rows = np.linalg.svd(scaled, full_matrices=True)
    values = np.zeros(size)
    values[: some.size] = some
    rank = int(np.count_nonzero(values > NOTHING * values[0])) if size else 0
    gap = np.inf if rank in (0, size) or values[rank] == 0 else float(values[rank - 1] / values[rank])
    return _Point(rank, gap, values, silent, _sparse(rows[rank:] / scale))


def _sparse(null: Floats) -> Floats:
    """Return a basis of the same space, each vector with as few entries as elimination leaves."""
    left = null / np.maximum(np.linalg.norm(null, axis=1, keepdims=True), np.finfo(float).tiny)
    for k in range(len(left)):
        rest = np.abs(left[k:])
        row, column = np.unravel_index(int(np.argmax(rest)), rest.shape)
        left[[k, k + row]] = left[[k + row, k]]
        left[k] /= left[k, column]
        others = np.arange(len(left)) != k
        left[others] -= np.outer(left[others, column], left[k])
    return np.asarray(left / np.maximum(np.linalg.norm(left, axis=1, keepdims=True), np.finfo(float).tiny))


def _words(vector: Floats, parameters: Sequence[FreeParameter]) -> str:
    order = np.sort(np.argsort(-np.abs(vector), kind="stable")[: np.count_nonzero(np.abs(vector) > 1e-3)])
    taking = [parameters[k] for k in order]
    return Direction(
        information=0.0,
        weights={parameters[k].name: float(vector[k]) for k in order},
        logarithmic={one.name: one.scale == "log10" for one in taking},
        widths={one.name: one.prior_sd for one in taking},
    ).meaning
