"""Derivatives of observables and expressions in one state."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from nicheloop.equations.interpret import evaluate
from nicheloop.equations.program import build_tape
from nicheloop.equations.system import System

__all__ = ["OutputSensitivities"]

Reals = npt.NDArray[np.float64]


class OutputSensitivities:
    """Derivatives of outputs of a system, by the chain rule through its state and its parameters.

    Parameters
    ----------
    system : System
        The equations.
    outputs : sequence of str
        Observables and expressions to differentiate.

    Raises
    ------
    KeyError
        If one is unknown.
    """

    def __init__(self, system: System, outputs: Sequence[str]) -> None:
        self._rows = [system.output_index(name) for name in outputs]
        names = ("outputs_y", "outputs_p")
        tape = build_tape(system.network, names)
        self._tapes = {name: tape.part(name, rows=set(self._rows)) for name in names}

    def at(
        self, parameters: npt.ArrayLike, y: npt.ArrayLike, parameter_slopes: Reals, y_slopes: Reals
    ) -> Reals:
        """Differentiate the outputs by c columns.

        Parameters
        ----------
        parameters, y : array_like of shape (p,) and (s,)
            Where.
        parameter_slopes, y_slopes : float[p, c], float[s, c]
            Derivatives of parameters and state by the columns.

        Returns
        -------
        float[k, c]
            Of the outputs, in their order.
        """
        state, values = (np.asarray(v, dtype=float) for v in (y, parameters))
        by_y, by_p = (self._matrix(name, state, values) for name in ("outputs_y", "outputs_p"))
        with np.errstate(invalid="ignore"):  # an output without a value (0/0) has no derivatives either
            slopes: Reals = by_y @ y_slopes + by_p @ parameter_slopes
        return slopes

    def _matrix(self, name: str, y: Reals, p: Reals) -> Reals:
        tape = self._tapes[name]
        pattern = tape.patterns[name]
        matrix = np.zeros(pattern.shape)
        matrix[list(pattern.rows), list(pattern.cols)] = evaluate(tape, name, y.tolist(), p.tolist())
        return matrix[self._rows]
