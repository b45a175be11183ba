"""What comes of one evaluation of the objective of a fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LeastSquares:
    """Residuals of which half the sum of squares is the objective, up to a constant.

    Attributes
    ----------
    residuals : ndarray, shape (residuals,)
        Of values, factors of plates, summaries and priors.
    jacobian : ndarray, shape (residuals, parameters)
        Their derivatives.
    """

    residuals: Floats
    jacobian: Floats


def joined(parts: Sequence[LeastSquares]) -> LeastSquares:
    """Return the residuals of all parts, one after the other."""
    residuals = np.concatenate([part.residuals for part in parts])
    return LeastSquares(residuals, np.concatenate([part.jacobian for part in parts]))


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The objective at one point.

    Attributes
    ----------
    value : float
        Negative log posterior density on the search scale, or negative log likelihood; inf where a run failed
        or the data are impossible.
    gradient : ndarray, shape (parameters,), or None
        Its derivatives, exact; zeros where the value is inf.
    fisher : ndarray, shape (parameters, parameters), or None
        Expected information of the data, plus the curvature of the prior if that is part of the value; zeros
        where the value is inf.
    log_densities : ndarray, shape (rows,)
        Of each value, censored ones as probabilities; NaN where a run failed.
    predictions : ndarray, shape (rows,)
        Of the model, in the unit of each value, factors of plates included; NaN where a run failed.
    residuals : ndarray, shape (rows,)
        Distance of each value from its prediction, in widths of its noise; NaN where censored.
    factors : ndarray, shape (factors,)
        What values of each plate were found to be multiplied with.
    summaries : ndarray, shape (terms,)
        What the model says to the summary terms.
    problems : tuple of str
        Why runs failed, each reason once.
    failed : int
        How many wells could not be simulated.
    least_squares : LeastSquares or None
        If the objective is a sum of squares.
    """

    value: float
    gradient: Floats | None
    fisher: Floats | None
    log_densities: Floats
    predictions: Floats
    residuals: Floats
    factors: Floats
    summaries: Floats
    problems: tuple[str, ...] = ()
    failed: int = 0
    least_squares: LeastSquares | None = None

    @property
    def ok(self) -> bool:
        """Whether the value is a number."""
        return bool(np.isfinite(self.value))
