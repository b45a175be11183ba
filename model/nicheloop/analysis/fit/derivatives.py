"""From the derivatives of single values to those of the objective."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from nicheloop.analysis.fit.evaluation import LeastSquares
from nicheloop.analysis.fit.observations import NONE

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]


MEAN, WIDTH, FACTOR = 0, 1, 2
"""Handles of a value."""


@dataclass(frozen=True, eq=False)
class Judged:
    """Measured values, judged by what the model says.

    Attributes
    ----------
    log_density : ndarray, shape (rows,)
        Natural logarithm of the density of each value, or of the probability of a censored one.
    score : ndarray, shape (rows, 3)
        Derivatives by its handles: model value, log width, log factor.
    root : ndarray, shape (rows, 2, 3)
        R with R' R the expected information on the handles.
    mean : ndarray, shape (rows,)
        What the model says in the unit of the value, factors included.
    residual : ndarray, shape (rows,)
        Distance of the value from it, in widths of the noise; NaN where censored.
    factors : ndarray, shape (factors,)
        Logarithms of the unknown factors.
    """

    log_density: Floats
    score: Floats
    root: Floats
    mean: Floats
    residual: Floats
    factors: Floats


@dataclass(frozen=True, eq=False)
class Handles:
    """How parameters move the handles of each value: model value, width of its noise, factor.

    Attributes
    ----------
    judged : Judged
        The values at a point.
    means, shifts : ndarray, shape (rows, free)
        Derivatives of the model values and of the logarithms of known factors by the free parameters.
    width, factor : ndarray of int, shape (rows,)
        Estimated width and unknown factor of each value; `NONE` if there is none.
    widths : int
        How many widths there are; they are searched as decimal logarithms.
    factor_sd : ndarray, shape (factors,)
        Of the logarithms of the factors.
    """

    judged: Judged
    means: Floats
    shifts: Floats
    width: Indices
    factor: Indices
    widths: int
    factor_sd: Floats

    @property
    def gradient(self) -> Floats:
        """Derivatives of the log density, shape (free and widths,)."""
        score = self.judged.score
        free = score[:, MEAN] @ self.means + score[:, FACTOR] @ self.shifts
        widened = self.width != NONE
        by_width = np.bincount(self.width[widened], score[widened, WIDTH], self.widths)
        return np.concatenate([free, np.log(10.0) * by_width])

    @property
    def information(self) -> Floats:
        """Expected information on free parameters and widths, with the factors unknown."""
        size = self.means.shape[1] + self.widths
        full = self._full
        return np.asarray(full[:size, :size] + full[:size, size:] @ self._answer)

    def residuals(self) -> LeastSquares:
        """Residuals of values and factors; derivatives with the factors at their best."""
        size = self.means.shape[1] + self.widths
        rows = -self._weighted[:, 0, :]
        of_rows = rows[:, :size] + rows[:, size:] @ self._answer
        known = np.isfinite(self.factor_sd)
        of_factors = self._answer[known] / self.factor_sd[known, None]
        off = self.judged.factors[known] / self.factor_sd[known]
        return LeastSquares(
            np.concatenate([self.judged.residual, off]), np.concatenate([of_rows, of_factors])
        )

    @cached_property
    def _weighted(self) -> Floats:
        """Root of the information of each value on everything unknown, factors last; (rows, 2, unknown)."""
        root, (rows, free) = self.judged.root, self.means.shape
        weighted = np.zeros((rows, 2, free + self.widths + self.factor_sd.size))
        weighted[:, :, :free] = (
            root[:, :, MEAN, None] * self.means[:, None] + root[:, :, FACTOR, None] * self.shifts[:, None]
        )
        widened, shared = np.flatnonzero(self.width != NONE), np.flatnonzero(self.factor != NONE)
        weighted[widened, :, free + self.width[widened]] = np.log(10.0) * root[widened, :, WIDTH]
        weighted[shared, :, free + self.widths + self.factor[shared]] = root[shared, :, FACTOR]
        return weighted

    @cached_property
    def _full(self) -> Floats:
        """Information on everything unknown."""
        flat = self._weighted.reshape(-1, self._weighted.shape[2])
        full: Floats = flat.T @ flat
        factors = np.arange(full.shape[0] - self.factor_sd.size, full.shape[0])
        full[factors, factors] += self.factor_sd**-2.0
        return full

    @cached_property
    def _answer(self) -> Floats:
        """How the factors answer to the other unknowns, shape (factors, free and widths)."""
        size = self.means.shape[1] + self.widths
        own = np.diag(self._full)[size:]  # no value has two factors
        return np.asarray(-self._full[size:, :size] / own[:, None])
