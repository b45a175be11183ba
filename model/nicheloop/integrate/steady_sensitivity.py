"""Derivatives of balanced growth by parameters: what the sensitivities of a seeded run start from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nicheloop.equations.interpret import evaluate
from nicheloop.equations.program import build_tape
from nicheloop.equations.system import System
from nicheloop.integrate.sensitivity import columns_of

__all__ = ["GrowthSensitivities", "SteadySlopes"]

Reals = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SteadySlopes:
    """Derivatives of a state of balanced growth.

    Attributes
    ----------
    y : float[s, c]
        Of the amounts.
    growth_rate : float[c]
        Of the growth rate.
    """

    y: Reals
    growth_rate: Reals


class GrowthSensitivities:
    """Derivatives of the states that `balanced_growth` finds, by the implicit function theorem.

    Parameters
    ----------
    system : System
        What grows.
    parameters : sequence of str or int
        Parameters to differentiate by, by name or index.

    Raises
    ------
    ValueError
        If one is unknown.
    """

    def __init__(self, system: System, parameters: Sequence[str | int]) -> None:
        columns = columns_of(system, parameters)
        if (columns.parameter < 0).any():
            raise ValueError("balanced growth does not depend on initial amounts: name parameters only")
        self.system = system
        self.columns = columns.names
        self._parameter = columns.parameter
        moving = set(columns.parameter.tolist())
        self._tape = build_tape(system.network, ("rhs_p",)).part("rhs_p", cols=moving)

    def at(
        self,
        parameters: npt.ArrayLike,
        y: npt.ArrayLike,
        anchor: npt.ArrayLike,
        total_slopes: npt.ArrayLike | None = None,
    ) -> SteadySlopes:
        """Differentiate ``f(y) = mu * y`` with ``anchor @ y = total``.

        Parameters
        ----------
        parameters : array_like of shape (p,)
            Parameter values.
        y : array_like of shape (s,)
            The state that was found for them.
        anchor : array_like of shape (s,)
            Weights, as for `balanced_growth`.
        total_slopes : array_like of shape (c,), optional
            Derivatives of the total; default: it depends on no parameter.

        Returns
        -------
        SteadySlopes
            NaN if the state is not an isolated one.
        """
        p, state, weights = (np.asarray(v, dtype=float) for v in (parameters, y, anchor))
        n = self.system.n
        growth = weights @ self.system.rhs(state, p) / (weights @ state)
        matrix = np.zeros((n + 1, n + 1))
        matrix[:n, :n] = self.system.jacobian(state, p) - growth * np.eye(n)
        matrix[:n, n] = -state
        matrix[n, :n] = weights
        right = np.zeros((n + 1, len(self.columns)))
        right[:n] = -self._by_parameters(state, p)
        right[n] = 0.0 if total_slopes is None else total_slopes
        try:
            found = _solved(matrix, right, state)
        except np.linalg.LinAlgError:
            found = np.full_like(right, np.nan)
        return SteadySlopes(found[:n], found[n])

    def _by_parameters(self, y: Reals, p: Reals) -> Reals:
        pattern = self._tape.patterns["rhs_p"]
        full = np.zeros(pattern.shape)
        full[list(pattern.rows), list(pattern.cols)] = evaluate(self._tape, "rhs_p", y.tolist(), p.tolist())
        chosen: Reals = full[:, self._parameter]
        return chosen


def _solved(matrix: Reals, right: Reals, y: Reals) -> Reals:
    """Solve with rows and unknowns measured by the amounts, which span many decades."""
    sizes = np.append(np.where(y > 0, y, 1.0), 1.0)
    scaled = matrix * sizes
    rows = np.abs(scaled).max(axis=1)
    rows[rows == 0] = 1.0
    solution: Reals = np.linalg.solve(scaled / rows[:, None], right / rows[:, None]) * sizes[:, None]
    return solution
