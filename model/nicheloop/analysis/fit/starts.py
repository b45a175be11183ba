"""Where a search starts: points spread evenly over the prior."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nicheloop.analysis.fit.parameters import EDGE

if TYPE_CHECKING:
    from nicheloop.analysis.fit.problem import FitProblem

Floats = NDArray[np.float64]


def start_points(problem: FitProblem, starts: int, seed: int) -> Floats:
    """Return a scrambled Sobol design in the unit cube of the prior, within the bounds of the search.

    Parameters
    ----------
    problem : FitProblem
        What is searched.
    starts : int
        How many points; more of them go on where fewer end.
    seed : int
        Of the scrambling.

    Returns
    -------
    ndarray, shape (starts, parameters)
        On the search scale.

    Raises
    ------
    ValueError
        If there is nothing to search, or a number is out of range.
    """
    from scipy.stats import qmc

    size = len(problem.names)
    if not size:
        raise ValueError("nothing is free in the fit, expected at least one parameter")
    for name, value, least in (("starts", starts, 1), ("seed", seed, 0)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
            raise ValueError(f"{name}: got {value!r}, expected a whole number of at least {least}")
    design = qmc.Sobol(size, rng=np.random.default_rng(np.random.SeedSequence(int(seed))))
    levels = design.random_base2(math.ceil(math.log2(starts)))[:starts]
    points = problem.space.sampled(EDGE + (1.0 - 2.0 * EDGE) * levels)
    return np.clip(points, problem.lower, problem.upper)
