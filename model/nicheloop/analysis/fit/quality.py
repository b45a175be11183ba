"""How well the best point describes the data: chi-square, residuals in a row on one side, constraints."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nicheloop.assays.tables.layout import combined

if TYPE_CHECKING:
    import pandas as pd

    from nicheloop.analysis.fit.bands import PredictiveCheck
    from nicheloop.analysis.fit.evaluation import Evaluation
    from nicheloop.analysis.fit.problem import FitProblem

Floats = NDArray[np.float64]

UNLIKELY = 0.05
"""Probability below which a deviation is told."""


@dataclass(frozen=True)
class Runs:
    """Residuals of one read-out in the order of the table: how often their sign changes.

    Attributes
    ----------
    series : str
        Read-out and cells.
    values, runs : int
        Values that are told, and runs of one sign.
    p : float
        Probability of so few runs if signs were drawn at random; NaN for one sign only, or too few values.
    """

    series: str
    values: int
    runs: int
    p: float


@dataclass(frozen=True)
class Constrained:
    """A published number that counts as data: its range, and what the model says."""

    name: str
    low: float | None
    high: float | None
    value: float


@dataclass(frozen=True, eq=False)
class Quality:
    """The best point beside the data.

    Attributes
    ----------
    found : Evaluation
        The objective there.
    chi_square : float
        Sum of squares of the residuals of all values that are told (not censored), in widths of their noise.
    values : int
        How many these are.
    spent : float
        Parameters that the values themselves pin, in effect: the trace of their information times the
        covariance that values, constraints and prior leave. Between 0 and the number of parameters.
    runs : tuple of Runs
        By read-out.
    constraints : tuple of Constrained
        Published numbers.
    noise_estimated : bool
        Whether the width of noise was fitted, which brings the reduced chi-square near 1 by itself.
    """

    found: Evaluation = field(repr=False)
    chi_square: float
    values: int
    spent: float
    runs: tuple[Runs, ...]
    constraints: tuple[Constrained, ...]
    noise_estimated: bool

    @property
    def freedom(self) -> float:
        """Degrees of freedom: values less parameters that they pin in effect."""
        return self.values - self.spent

    @property
    def reduced(self) -> float:
        """Chi-square per degree of freedom; NaN if there is less than half a degree."""
        return self.chi_square / self.freedom if self.freedom >= 0.5 else math.nan

    @property
    def p(self) -> float:
        """Probability of a larger chi-square if the model is right and noise is as assumed."""
        from scipy.special import chdtrc

        return float(chdtrc(self.freedom, self.chi_square)) if self.freedom >= 0.5 else math.nan

    @property
    def verdict(self) -> str:
        """Say in words whether the model describes the data."""
        if not self.values:
            return "Every value is censored, so that there are no residuals to judge."
        facts = f"chi-square {self.chi_square:.3g} for {self.values} values"
        if math.isnan(self.reduced):
            pinned = f"which pin {self.spent:.3g} parameters in effect"
            return f"The data cannot contradict the model: {facts}, {pinned}."
        facts += f" that pin {self.spent:.2g} parameters in effect, reduced {self.reduced:.2g}"
        if self.noise_estimated:
            return f"The width of the noise was fitted, so the size of the residuals says little ({facts})."
        if self.p < UNLIKELY:
            return f"The model misses more than the noise explains: {facts} (p = {self.p:.2g})."
        if self.p > 1.0 - UNLIKELY:
            return f"The model is closer to the data than the noise lets expect: {facts} (p = {self.p:.2g})."
        return f"The model describes the data within their noise: {facts} (p = {self.p:.2g})."

    @property
    def runs_verdict(self) -> str:
        """Say in words whether residuals lie on one side for long."""
        told = [one for one in self.runs if not math.isnan(one.p)]
        bad = [one for one in told if one.p < UNLIKELY / max(len(told), 1)]
        if not told:
            return "There are too few residuals of both signs to look for stretches on one side."
        if not bad:
            return "The signs of the residuals change as often as chance would have them."
        named = "; ".join(
            f"{one.series}: {one.runs} runs in {one.values} values, p = {one.p:.2g}" for one in bad
        )
        return (
            f"Residuals stay on one side for longer than chance would have them ({named}): the shape is off."
        )


def quality(problem: FitProblem, x: ArrayLike) -> Quality:
    """Judge a point.

    Raises
    ------
    ValueError
        If the model cannot be run there.
    """
    found = problem.evaluate(x, order=2)
    if not found.ok or found.fisher is None:
        raise ValueError(f"the model cannot be run at this point: {'; '.join(found.problems)}")
    told = np.isfinite(found.residuals)
    return Quality(
        found=found,
        chi_square=float(np.sum(found.residuals[told] ** 2)),
        values=int(told.sum()),
        spent=_spent(problem, np.asarray(x, dtype=np.float64), found.fisher),
        runs=tuple(_runs(problem, found.residuals)),
        constraints=tuple(
            Constrained(term.name, getattr(term, "low", None), getattr(term, "high", None), float(value))
            for term, value in zip(problem.constraints, found.summaries, strict=True)
        ),
        noise_estimated=bool(problem.data.widths),
    )


def _spent(problem: FitProblem, x: Floats, fisher: Floats) -> float:
    if not len(problem.data):
        return 0.0
    alone = problem.with_(constraints=()) if problem.constraints else problem
    own = alone.evaluate(x, order=2, prior=False).fisher
    return float(np.trace(own @ np.linalg.pinv(fisher, hermitian=True))) if own is not None else 0.0


def _runs(problem: FitProblem, residuals: Floats) -> list[Runs]:
    found = []
    for table, some in zip(problem.tables, problem.split(residuals), strict=True):
        values = table.measurements
        codes, firsts = combined([values.readout, values.host])
        for code, first in enumerate(firsts):
            signs = some[(codes == code) & np.isfinite(some)] > 0
            name = f"{values.readout[first]} of {values.host[first] or 'the medium'}"
            runs = 1 + int(np.count_nonzero(signs[1:] != signs[:-1])) if signs.size else 0
            found.append(Runs(name, signs.size, runs, few_runs(int(signs.sum()), int((~signs).sum()), runs)))
    return found


def few_runs(above: int, below: int, runs: int) -> float:
    """Probability of at most so many runs of one sign among signs in random order (Wald and Wolfowitz).

    Examples
    --------
    >>> few_runs(2, 2, 2)  # + + - - and - - + + of six orders
    0.3333333333333333
    """
    if min(above, below) < 1 or above + below < 4:
        return math.nan
    return sum(_ways(above, below, count) for count in range(2, runs + 1)) / math.comb(above + below, above)


def _ways(above: int, below: int, runs: int) -> int:
    """Orders of the signs with so many runs."""
    half = runs // 2
    if runs % 2 == 0:
        return 2 * math.comb(above - 1, half - 1) * math.comb(below - 1, half - 1)
    longer = math.comb(above - 1, half) * math.comb(below - 1, half - 1)
    return longer + math.comb(above - 1, half - 1) * math.comb(below - 1, half)


def predictions_frame(problem: FitProblem, found: Quality, check: PredictiveCheck) -> pd.DataFrame:
    """Return all tables as in their files, with what the model says.

    Returns
    -------
    DataFrame
        Columns of the files, with ``model`` at the best point, ``low`` and ``high`` of its band, ``residual``
        in widths of the noise (nothing where censored), and ``inside``: whether the value lies inside the
        band with noise.
    """
    import pandas as pd

    tail = 0.5 * (1.0 - check.level)
    columns: dict[str, NDArray[Any]] = {
        "model": found.found.predictions,
        "low": check.quantile(tail),
        "high": check.quantile(1.0 - tail),
        "residual": found.found.residuals,
        "inside": check.inside,
    }
    parts = {name: problem.split(values) for name, values in columns.items()}
    frames = []
    for number, table in enumerate(problem.tables):
        frame = table.frame.assign(**{name: part[number] for name, part in parts.items()})
        frame.insert(0, "table", table.source)
        frames.append(frame)
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=["table", *columns])
