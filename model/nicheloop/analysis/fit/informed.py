"""Which parameters measured values can inform at all, before anything is fitted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nicheloop.biology.priors import free_parameters
from nicheloop.biology.table import rows

if TYPE_CHECKING:
    from nicheloop.analysis.fit.problem import FitProblem

Floats = NDArray[np.float64]

TOLD = 1.0
"""Noise SDs by which one prior SD of a parameter has to move the values, or they say less than the prior."""

RTOL = 1e-4
"""Relative tolerance that is enough to rank."""


@dataclass(frozen=True)
class Informed:
    """How much measured values say of a parameter.

    Attributes
    ----------
    name : str
        Of the parameter.
    sensitivity : float
        Noise SDs (root of a sum of squares) by which all values move when the parameter alone moves by one SD
        of its prior: the median over several points.
    beyond : float
        The same, without what the parameters that are told better can make up for.
    """

    name: str
    sensitivity: float
    beyond: float

    @property
    def told(self) -> bool:
        """Whether the values say more of it than the prior does, whatever else is free."""
        return self.beyond >= TOLD


def rank_parameters(
    problem: FitProblem, candidates: Iterable[str] | None = None, draws: int = 8, seed: int = 0
) -> tuple[Informed, ...]:
    """Rank parameters by what the values of a problem say of them.

    The weighted sensitivity matrix (derivatives of the values by one prior SD of each parameter, in SDs of
    their noise) is computed at the values of the table of parameters, at the median of the prior, and at
    draws from it.

    Parameters
    ----------
    problem : FitProblem
        Its tables, constraints, hypothesis and base count, not what is free in it.
    candidates : iterable of str, optional
        Parameters of the table; default: all that vary in the prior.
    draws : int
        How many.
    seed : int
        Of the draws.

    Returns
    -------
    tuple of Informed
        By ``beyond``, largest first: what each adds to those before it.

    Raises
    ------
    ValueError
        If a name is unknown, or the wells can be simulated at none of the points.
    """
    names = tuple(_candidates(problem) if candidates is None else candidates)
    loose = replace(problem.settings, rtol=max(problem.settings.rtol, RTOL))
    whole = problem.with_(parameters=names, noise="fixed", settings=loose)
    points = [_table_point(whole), whole.start, *_drawn(whole, draws, seed)]
    width = whole.space.array("prior_sd")
    found = [whole.evaluate(point, order=2, prior=False) for point in points]
    matrices = [one.fisher * np.outer(width, width) for one in found if one.ok and one.fisher is not None]
    if not matrices:
        reasons = "; ".join(dict.fromkeys(reason for one in found for reason in one.problems))
        raise ValueError(f"no wells can be simulated at any of {len(points)} points: {reasons}")
    norms = np.median([np.sqrt(np.diag(matrix)) for matrix in matrices], axis=0)
    order, beyond = pivots(np.array(matrices))
    return tuple(Informed(names[i], float(norms[i]), float(beyond[i])) for i in order)


def informed_parameters(problem: FitProblem) -> tuple[str, ...]:
    """Return the parameters that the values of a problem tell from each other, in the order of the table.

    Raises
    ------
    ValueError
        If they tell of none.
    """
    told = {one.name for one in rank_parameters(problem) if one.told}
    if not told:
        raise ValueError("the values say nothing of any parameter, expected more of them, or names to fit")
    return tuple(name for name in rows() if name in told)


def pivots(matrices: Floats) -> tuple[NDArray[np.intp], Floats]:
    """Take columns of matrices S one by one, always the one that stands out most from those before it.

    Parameters
    ----------
    matrices : ndarray, shape (points, n, n)
        S' S at every point.

    Returns
    -------
    order : ndarray of int, shape (n,)
        The columns as they are taken.
    beyond : ndarray, shape (n,)
        Length of what of each column is not spanned by those taken before it: the median of the points.
    """
    left = np.array(matrices, dtype=np.float64)
    size = left.shape[-1]
    diagonal = np.arange(size)
    order, beyond = np.zeros(size, dtype=np.intp), np.zeros(size)
    remaining = np.ones(size, dtype=bool)
    smallest = size * np.finfo(float).eps * np.max(left[:, diagonal, diagonal], axis=1, initial=0.0)
    for k in range(size):
        squares = np.maximum(left[:, diagonal, diagonal], 0.0)
        lengths = np.where(remaining, np.median(np.sqrt(squares), axis=0), -np.inf)
        best = int(np.argmax(lengths))
        order[k], beyond[best], remaining[best] = best, lengths[best], False
        there = squares[:, best] > smallest
        column = left[there, :, best] / np.sqrt(squares[there, best])[:, None]
        left[there] -= column[:, :, None] * column[:, None, :]
    return order, beyond


def _candidates(problem: FitProblem) -> list[str]:
    """All parameters that vary in the prior under any hypothesis of the wells."""
    free = {name for hypothesis in problem.hypotheses for name in free_parameters(hypothesis)}
    return [name for name in rows() if name in free and name not in problem.base]


def _table_point(problem: FitProblem) -> Floats:
    """Values of the table of parameters, within the bounds."""
    point = problem.to_point({name: rows()[name].value for name in problem.free.names})
    return np.clip(point, problem.lower, problem.upper)


def _drawn(problem: FitProblem, draws: int, seed: int) -> Floats:
    rng = np.random.default_rng(np.random.SeedSequence([seed, len(problem.space)]))
    return problem.space.sampled(rng.random((draws, len(problem.space))))
