"""A fit as a pyPESTO problem: its optimisers, profiles, samplers, ensembles and plots work on it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pypesto import C, Problem
from pypesto.objective import NegLogParameterPriors, ObjectiveBase
from pypesto.objective.priors import get_parameter_prior_dict

from nicheloop.analysis.fit.evaluation import Evaluation, LeastSquares
from nicheloop.analysis.fit.parameters import FreeParameter

if TYPE_CHECKING:
    from nicheloop.analysis.fit.problem import FitProblem

Floats = NDArray[np.float64]


def pypesto_problem(problem: FitProblem) -> Problem:
    """Return a pyPESTO problem: objective, bounds, names, scales, prior and its median as a first guess.

    The objective is the negative log posterior density on the search scale, with gradient, the expected
    information as Hessian, and residuals if it is a sum of squares. The prior is part of it, and stands in
    the problem as well (up to a constant), so that samplers can tell it from the likelihood.
    """
    return Problem(
        objective=PypestoObjective(problem),
        lb=problem.lower,
        ub=problem.upper,
        x_guesses=problem.start[None],
        x_names=list(problem.names),
        x_scales=[C.LOG10 if logarithmic else C.LIN for logarithmic in problem.space.logarithmic],
        x_priors_defs=NegLogParameterPriors(
            [_prior(i, parameter) for i, parameter in enumerate(problem.space.parameters)],
            x_names=list(problem.names),
        ),
    )


class PypestoObjective(ObjectiveBase):  # type: ignore[misc]
    """The objective of a fit, as pyPESTO calls it.

    The last point is remembered, so that value, gradient and residuals of one point cost one simulation.

    Attributes
    ----------
    problem : FitProblem
        What is evaluated.
    failed_calls : int
        At how many points a run failed.
    """

    def __init__(self, problem: FitProblem) -> None:
        super().__init__(list(problem.names))
        self.problem = problem
        self.failed_calls = 0
        self._squares: bool = problem.is_least_squares
        self._last: tuple[bytes, int, Evaluation] | None = None

    def check_sensi_orders(self, sensi_orders: Sequence[int], mode: str) -> bool:
        """Whether these derivatives are known: two of the value, one of residuals, if there are any."""
        highest = max(sensi_orders, default=0)
        return highest <= 2 if mode == C.MODE_FUN else self._squares and highest <= 1

    def call_unprocessed(
        self, x: Floats, sensi_orders: Sequence[int], mode: str, return_dict: bool, **_: Any
    ) -> dict[str, Any]:
        """Evaluate all that is asked for."""
        residuals = mode == C.MODE_RES
        found = self._evaluated(x, 1 if residuals else max(sensi_orders, default=0))
        asked: dict[int, tuple[str, Any]]
        if residuals:
            squares = found.least_squares or _nowhere(self.problem)
            asked = {0: (C.RES, squares.residuals), 1: (C.SRES, squares.jacobian)}
        else:
            asked = {0: (C.FVAL, found.value), 1: (C.GRAD, found.gradient), 2: (C.HESS, found.fisher)}
        return dict(asked[order] for order in sensi_orders)

    def _evaluated(self, x: Floats, order: int) -> Evaluation:
        key = np.asarray(x, dtype=np.float64).tobytes()
        if self._last is None or self._last[0] != key or self._last[1] < order:
            found = self.problem.evaluate(x, order)
            self.failed_calls += found.failed > 0
            self._last = (key, order, found)
        return self._last[2]


def _nowhere(problem: FitProblem) -> LeastSquares:
    """Residuals of a point that cannot be simulated."""
    return LeastSquares(np.full(1, math.inf), np.zeros((1, len(problem.names))))


def _prior(index: int, parameter: FreeParameter) -> dict[str, Any]:
    """Return a prior as pyPESTO writes it, on the search scale; its cut ends are the bounds."""
    scale = C.LOG10 if parameter.scale == "log10" else C.LIN
    if math.isfinite(parameter.sd):
        kind, numbers = C.PARAMETER_SCALE_NORMAL, [parameter.centre, parameter.sd]
    else:
        kind, numbers = C.PARAMETER_SCALE_UNIFORM, [parameter.low, parameter.high]
    prior: dict[str, Any] = get_parameter_prior_dict(index, kind, numbers, scale)
    return prior
