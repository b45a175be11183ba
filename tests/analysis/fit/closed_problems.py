"""Problems whose answers are known in closed form, in the shape of a `FitProblem`."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nicheloop.analysis.fit.evaluation import Evaluation, LeastSquares
from nicheloop.analysis.fit.parameters import FreeParameter, Space
from nicheloop.analysis.fit.search import Optimum
from nicheloop.assays.settings import Settings

Floats = NDArray[np.float64]
Residuals = Callable[[Floats], tuple[Floats, Floats]]
EMPTY = np.zeros(0)


def parameter(name: str, sd: float = 1.0, scale: str = "log10", centre: float = 0.0) -> FreeParameter:
    return FreeParameter(name, "1", scale, centre - 3.0 * sd, centre + 3.0 * sd, sd)


@dataclass
class ClosedProblem:
    """Half the sum of squares of residuals of all parameters, plus the priors.

    Attributes
    ----------
    residuals : callable
        Residuals and their derivatives at a point.
    space : Space
        Parameters; the last ``widths`` of them are called factors on noise.
    forbidden : callable
        Whether a point cannot be simulated.
    pause : float
        Seconds per evaluation.
    """

    residuals: Residuals
    space: Space
    widths: int = 0
    forbidden: Callable[[Floats], bool] | None = None
    pause: float = 0.0
    is_least_squares: bool = True
    resistance: str | None = None
    promoter: str | None = None
    noise: str = "fixed"
    tables: tuple[Any, ...] = ()
    constraints: tuple[Any, ...] = ()
    noises: dict[str, Any] = field(default_factory=dict)
    base: dict[str, float] = field(default_factory=dict)
    plate_factors: bool = True
    settings: Settings = field(default_factory=Settings)

    @property
    def free(self) -> Space:
        return Space(self.space.parameters[: len(self.space) - self.widths])

    @property
    def names(self) -> tuple[str, ...]:
        return self.space.names

    @property
    def lower(self) -> Floats:
        return self.space.array("lower")

    @property
    def upper(self) -> Floats:
        return self.space.array("upper")

    @property
    def start(self) -> Floats:
        return self.space.array("centre")

    def evaluate(self, x: ArrayLike, order: int = 0, prior: bool = True) -> Evaluation:
        time.sleep(self.pause)
        point = np.asarray(x, dtype=np.float64)
        size = point.size
        if self.forbidden is not None and self.forbidden(point):
            nothing = np.zeros((size, size))
            return Evaluation(
                np.inf, np.zeros(size), nothing, *(5 * (EMPTY,)), problems=("forbidden",), failed=1
            )
        residuals, slopes = self.residuals(point)
        value, gradient, fisher = 0.5 * residuals @ residuals, slopes.T @ residuals, slopes.T @ slopes
        squares = LeastSquares(residuals, slopes)
        if prior:
            value -= self.space.log_prior(point)
            gradient = gradient - self.space.d_log_prior(point)
            fisher = fisher + np.diag(self.space.prior_information)
            of_prior = self.space.residuals(point)
            squares = LeastSquares(
                np.concatenate([residuals, of_prior.residuals]), np.vstack([slopes, of_prior.jacobian])
            )
        return Evaluation(float(value), gradient, fisher, *(5 * (EMPTY,)), least_squares=squares)

    def to_pypesto(self) -> Any:
        from nicheloop.analysis.fit.pypesto_bridge import pypesto_problem

        return pypesto_problem(self)  # type: ignore[arg-type]

    def optimum(self, x: ArrayLike) -> Optimum:
        point = np.asarray(x, dtype=np.float64)
        return Optimum(point, self.evaluate(point).value, -1, point, 0, 0, "given")


@dataclass(frozen=True)
class Linear:
    """Residuals ``matrix @ x - data``."""

    matrix: Floats
    data: Floats

    def __call__(self, x: Floats) -> tuple[Floats, Floats]:
        return self.matrix @ x - self.data, self.matrix


def linear(
    matrix: ArrayLike, data: ArrayLike, sds: Sequence[float] | None = None, **given: Any
) -> ClosedProblem:
    rows = np.atleast_2d(np.asarray(matrix, dtype=np.float64))
    widths = sds or [1.0] * rows.shape[1]
    names = "abcdefgh"[: rows.shape[1]]
    space = Space([parameter(name, sd) for name, sd in zip(names, widths, strict=True)])
    return ClosedProblem(Linear(rows, np.asarray(data, dtype=np.float64)), space, **given)


@dataclass(frozen=True)
class TwoValleys:
    """A double well in the first parameter, with its better side at ``x > 0``; the second follows it."""

    tilt: float = 0.5

    def __call__(self, x: Floats) -> tuple[Floats, Floats]:
        a, b = x
        first = 1.2 * (a * a - 1.0)
        second = self.tilt * (a - 1.0)
        third = 3.0 * (b - 0.3 * a)
        slopes = np.array([[2.4 * a, 0.0], [self.tilt, 0.0], [-0.9, 3.0]])
        return np.array([first, second, third]), slopes


def two_valleys(**given: Any) -> ClosedProblem:
    return ClosedProblem(TwoValleys(), Space([parameter("a"), parameter("b")]), **given)
