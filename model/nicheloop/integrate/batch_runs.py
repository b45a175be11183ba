"""What a batch is asked to run, and what it returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nicheloop.integrate.kernel_layout import Code

if TYPE_CHECKING:
    from nicheloop.integrate.periods import Period
    from nicheloop.integrate.sensitivity import PeriodSensitivity

__all__ = ["BatchPeriod", "BatchResult", "Course"]

Reals = NDArray[np.float64]

_MESSAGES = {
    Code.OK: "",
    Code.STEP_LIMIT: "the limit of steps was reached",
    Code.STEP_UNDERFLOW: "the step size fell below the resolution of time",
    Code.NOT_FINITE: "the derivatives or the state stopped being finite",
    Code.NEGATIVE: "an amount fell below zero by more than the tolerances explain",
}


@dataclass(frozen=True)
class BatchPeriod:
    """A stretch of time during which parameters stay as they are, for n runs at once.

    Attributes
    ----------
    start, end : float
        Hours; a period may have no length.
    parameters : float[n, p] or float[1, p]
        Parameters of each run, or the same for all.
    scale, shift : float[n, s], float[1, s] or None
        Edit at the start: ``y <- y * scale + shift``.
    sensitivity : PeriodSensitivity or None
        What the columns of sensitivities act on; None: each on its own parameter, none on the shift.
    """

    start: float
    end: float
    parameters: Reals
    scale: Reals | None = None
    shift: Reals | None = None
    sensitivity: PeriodSensitivity | None = None


@dataclass(frozen=True)
class Course:
    """One run with a timetable of its own.

    Attributes
    ----------
    periods : sequence of Period
        As for `integrate_periods`.
    times : float[t]
        Requested times, ascending.
    initial : float[s] or None
        Amounts before the first period's edit; None takes what its parameters say.
    sensitivity : sequence of PeriodSensitivity or None
        One for each period, see `BatchPeriod`.
    initial_sensitivity : float[s, c] or None
        Derivatives of the initial amounts, as for `BatchSolver.run`.
    """

    periods: Sequence[Period]
    times: ArrayLike
    initial: ArrayLike | None = None
    sensitivity: Sequence[PeriodSensitivity | None] | None = None
    initial_sensitivity: ArrayLike | None = None


@dataclass(frozen=True)
class BatchResult:
    """Results of n runs at t times.

    Attributes
    ----------
    time : float[t]
        The requested times.
    y : float[n, t, k]
        Values; NaN after `time_reached` of a failed run.
    names : tuple of str
        What the k columns are.
    code : int[n]
        See `nicheloop.integrate.kernel_layout.Code`.
    time_reached : float[n]
        Time up to which the values of each run hold.
    steps : int[n]
        Steps tried.
    lowest : float[n]
        The most negative amount that any species had at the end of a step, in absolute tolerances of that
        species; 0 if all stayed above the smallest absolute tolerance. The error test of a step explains as
        much as minus the square root of the number of species; the rest is the doing of the rates.
    sensitivities : float[n, t, k, c] or None
        Derivatives of the k values by c columns, if asked for; NaN where `y` is.
    columns : tuple of str
        Parameters or species that the c columns are derivatives by.
    """

    time: Reals
    y: Reals
    names: tuple[str, ...]
    code: NDArray[np.int64]
    time_reached: Reals
    steps: NDArray[np.int64]
    lowest: Reals
    sensitivities: Reals | None = None
    columns: tuple[str, ...] = ()

    @property
    def status(self) -> NDArray[np.str_]:
        """``ok`` or ``failed`` for each run."""
        return np.where(self.code == Code.OK, "ok", "failed")

    @property
    def messages(self) -> list[str]:
        """Why each run failed; empty for those that did not."""
        return [_MESSAGES[Code(code)] for code in self.code.tolist()]

    def __getitem__(self, name: str) -> Reals:
        """Values[n, t] of one column."""
        try:
            return self.y[:, :, self.names.index(name)]
        except ValueError:
            raise KeyError(f"'{name}' is not among the results of this batch") from None
