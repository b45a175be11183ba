"""Published numbers as data: what is not a value of a well, but read off several of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from nicheloop.analysis.fit.evaluation import LeastSquares
from nicheloop.assays.noise import Normal
from nicheloop.assays.readouts import find
from nicheloop.assays.runs.plates import Request
from nicheloop.assays.scenario import Scenario
from nicheloop.assays.tables.wells import Design, base_well
from nicheloop.assays.units import dose
from nicheloop.data.published import Constraint

Floats = NDArray[np.float64]

POINTS_PER_DECADE = 10
"""Doses that are simulated: enough for a half-maximal dose to a thousandth where the curve is steepest."""
IC50_QUANTITIES = ("ic50_viable_cells", "ic50_viability")
LEAST_REACH, REACH = 0.7, 4.0
"""Doses go so many decades, or SDs, whichever is more, beyond the published ones."""
_Z95 = 1.6448536269514722


@dataclass(frozen=True, eq=False)
class Summary:
    """A summary of model values, judged by what is published.

    Attributes
    ----------
    value : float
        What the model says.
    log_density : float
        Natural logarithm of the density, or of the probability of an open range.
    score, information : float
        Derivative of it by the value, and expected information on the value.
    slopes : ndarray, shape (parameters,)
        Derivatives of the value.
    residual : float or None
        Distance from what is published, in SDs; None if the range is open.
    residual_slope : float
        Its derivative by the value.
    """

    value: float
    log_density: float
    score: float
    information: float
    slopes: Floats
    residual: float | None
    residual_slope: float


def of_summary(summary: Summary) -> LeastSquares:
    """Return the one residual of a summary, on the widths of all."""
    return LeastSquares(
        np.array([summary.residual], dtype=np.float64), (summary.residual_slope * summary.slopes)[None]
    )


class SummaryTerm(Protocol):
    """A term of the objective that is computed from several model values."""

    @property
    def name(self) -> str:
        """What it is called in reports."""

    @property
    def wells(self) -> tuple[Scenario, ...]:
        """Wells that it looks at."""

    @property
    def requests(self) -> tuple[Request, ...]:
        """What it asks of them; wells are numbered from 0."""

    @property
    def is_normal(self) -> bool:
        """Whether the log density is a constant less half the square of a residual."""

    def summarised(self, values: Floats, slopes: Floats) -> Summary:
        """Judge the answers: values (requests,) and derivatives (requests, parameters)."""


@dataclass(frozen=True)
class Ic50Term:
    """A published half-maximal dose, or a range of them, as a normal density of its decimal logarithm.

    The dose at which the viability is one half is read off simulated wells at fine doses, with a curve that
    has a continuous bend; its derivatives are those of the implicit function. Where the viability crosses
    one half at none of the doses, the dose is continued beyond the last one, a decade for a difference of
    one: farther off the farther the viability is from one half, so that a search finds back.

    Attributes
    ----------
    line : str
        Leukaemic line.
    low, high : float or None
        Ends of the central 90 % of the density, in the unit of the treatment; one of them alone: at least,
        or at most.
    sd : float or None
        Standard deviation of the decimal logarithm; None: from the range. An open range needs one.
    time : float
        Hours of treatment.
    treatment : str
        What is given.
    well : Scenario or None
        What it is given to; None: the line alone, as in an assay table.
    label : str
        Where the number is from.
    """

    line: str
    low: float | None
    high: float | None
    sd: float | None = None
    time: float = 72.0
    treatment: str = "imatinib"
    well: Scenario | None = None
    label: str = ""

    def __post_init__(self) -> None:
        told = [end for end in (self.low, self.high) if end is not None]
        if not told or not all(math.isfinite(end) and end > 0 for end in told):
            raise ValueError(
                f"{self.name}: got low {self.low}, high {self.high}, expected doses above 0, one at least"
            )
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"{self.name}: low {self.low:g} is above high {self.high:g}")
        if self.sd is None and (len(told) == 1 or told[0] == told[-1]):
            raise ValueError(f"{self.name}: no range, expected 'sd', that of the decimal logarithm")
        if self.sd is not None and not (math.isfinite(self.sd) and self.sd > 0):
            raise ValueError(f"{self.name}: sd: got {self.sd!r}, expected a number above 0")

    @property
    def name(self) -> str:
        """What it is called in reports."""
        return f"ic50:{self.line}:{self.treatment}" + (f" ({self.label})" if self.label else "")

    @cached_property
    def doses(self) -> Floats:
        """Doses that are simulated, evenly spaced logarithms."""
        told = [end for end in (self.low, self.high) if end is not None]
        reach = max(LEAST_REACH, REACH * self._spread)
        first, last = math.log10(min(told)) - reach, math.log10(max(told)) + reach
        count = math.ceil((last - first) * POINTS_PER_DECADE) + 1
        return np.logspace(first, last, count)

    @cached_property
    def wells(self) -> tuple[Scenario, ...]:
        """One well for each dose."""
        base = base_well(Design(line=self.line), {}) if self.well is None else self.well
        plain = base.with_(duration=self.time, times=[self.time])
        return tuple(plain.with_(treatments={self.treatment: float(given)}) for given in self.doses)

    @cached_property
    def requests(self) -> tuple[Request, ...]:
        """The viability in each."""
        readout, host = find(f"viability:{self.line}", (self.line,))
        return tuple(Request(number, readout, host, self.time) for number in range(len(self.doses)))

    @property
    def is_normal(self) -> bool:
        """Whether both ends are known."""
        return self.low is not None and self.high is not None

    def summarised(self, values: Floats, slopes: Floats) -> Summary:
        """Read the dose off the viabilities, and judge it."""
        at, weights = crossing(np.log10(self.doses), values)
        return self._judged(at, weights @ slopes)

    def _judged(self, at: float, slopes: Floats) -> Summary:
        """Judge the decimal logarithm of a dose."""
        noise, low, high = Normal(sd=self._spread), self.low, self.high
        if low is not None and high is not None:
            centre = 0.5 * (math.log10(low) + math.log10(high))
            scored, root = noise.score(centre, at), noise.information_root(at)
            residual = float(noise.standardised(centre, at))
        elif low is not None:
            end = math.log10(low)
            scored, root, residual = noise.score(end, at, "above"), noise.information_root(at, high=end), None
        else:
            end = math.log10(high or math.nan)
            scored, root, residual = noise.score(end, at, "below"), noise.information_root(at, low=end), None
        information = float(np.sum(root[:, 0] ** 2))
        log_density, score = float(scored.log_density), float(scored.by_mean)
        return Summary(10.0**at, log_density, score, information, slopes, residual, -1.0 / self._spread)

    @property
    def _spread(self) -> float:
        if self.sd is not None or self.low is None or self.high is None:
            return self.sd or math.nan
        return math.log10(self.high / self.low) / (2.0 * _Z95)


def crossing(x: Floats, y: Floats, level: float = 0.5) -> tuple[float, Floats]:
    """Where a falling curve through points first crosses a level, and its derivatives.

    The curve is a cubic spline, so that slope and bend of what is found are continuous, too. A curve that
    does not cross the level is continued beyond its ends with a slope of -1.

    Parameters
    ----------
    x, y : ndarray, shape (points,)
        The points, at least four; ``x`` ascending.
    level : float
        The level.

    Returns
    -------
    float
        Where.
    ndarray, shape (points,)
        Its derivatives by ``y``.
    """
    from scipy.interpolate import CubicSpline
    from scipy.optimize import brentq

    below = np.flatnonzero(y < level)
    if not below.size or below[0] == 0:
        end = 0 if below.size else y.size - 1
        return float(x[end] + y[end] - level), np.eye(y.size)[end]
    weights = CubicSpline(x, np.eye(y.size))  # linear in y
    ends = x[below[0] - 1], x[below[0]]
    at = float(brentq(lambda point: weights(point) @ y - level, *ends, xtol=1e-15, rtol=1e-15))
    return at, -weights(at) / float(weights(at, 1) @ y)


def ic50_terms(constraints: Iterable[Constraint], sd: float | None = None) -> tuple[Ic50Term, ...]:
    """Make terms of the half-maximal doses of imatinib among published numbers.

    Parameters
    ----------
    constraints : iterable of Constraint
        As of `load_constraints`; taken are ``ic50_viable_cells`` and ``ic50_viability`` of a line.
    sd : float, optional
        Standard deviation of the decimal logarithm, in place of the one that a range gives.

    Raises
    ------
    ValueError
        If a number has no range and ``sd`` is not given, or a unit is none of a concentration.
    """
    return tuple(_ic50_term(one, sd) for one in constraints if one.quantity in IC50_QUANTITIES and one.line)


def _ic50_term(published: Constraint, sd: float | None) -> Ic50Term:
    low, high = published.low, published.high
    if low is None and high is None:
        low = high = published.value
    ends: Sequence[float | None] = [
        None if end is None else dose(f"{end} {published.unit}", "imatinib") for end in (low, high)
    ]
    hours = 72.0 if published.time is None else published.time
    return Ic50Term(published.line, ends[0], ends[1], sd, hours, label=published.source)
