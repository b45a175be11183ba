"""What to measure next to pin what the data leave flat: expected information of candidate measurements."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nicheloop.analysis.fit.posterior import covariance_at
from nicheloop.assays.library import load_scenario
from nicheloop.assays.names import unknown
from nicheloop.assays.readouts import Readout, applicable
from nicheloop.assays.runs.plates import Plate, Request
from nicheloop.assays.scenario import Scenario

if TYPE_CHECKING:
    from nicheloop.analysis.fit.problem import FitProblem

Floats = NDArray[np.float64]

REPLICATES = 3
"""Wells of each design in a candidate: assumed, as most plates have."""
TIMES = (6.0, 24.0, 48.0, 72.0)
"""Hours at which candidates are measured, where their wells live as long: assumed, the usual ones."""
SCENARIOS = ("s1_imatinib_k562r", "imatinib_il1ra_matrix", "imatinib_washout_series", "coculture_imatinib")
"""Shipped experiments that are proposed beside the wells of the data."""
WORTH = 0.9
"""What an interval must shrink to, as a share of its width, before a measurement is proposed."""
_Z = 1.959963984540054


@dataclass(frozen=True)
class Candidate:
    """A series of wells, measured once.

    Attributes
    ----------
    series : str
        Which wells.
    readout, host : str
        What is measured, on which cells (empty for the medium).
    time : float
        Hours.
    wells : tuple of Scenario
        Each of them in `REPLICATES` replicates, on one plate.
    """

    series: str
    readout: str
    host: str
    time: float
    wells: tuple[Scenario, ...]

    @property
    def text(self) -> str:
        """Say what to do."""
        of = f" of {self.host}" if self.host else ""
        return f"{self.readout}{of} at {self.time:g} h in {self.series}"


@dataclass(frozen=True)
class Proposal:
    """A candidate, and what it is expected to do for one parameter.

    Attributes
    ----------
    candidate : Candidate
        What to measure.
    low, high : float
        Expected ends of the 95 % interval with it, in the unit of the parameter.
    shrinks_to : float
        Width of the interval with it, as a share of that now, on the search scale.
    """

    candidate: Candidate
    low: float
    high: float
    shrinks_to: float


@dataclass(frozen=True)
class Advice:
    """What to measure next to pin a parameter.

    Attributes
    ----------
    parameter, unit : str
        Which.
    low, high : float
        95 % interval now (Laplace approximation, prior included), in its unit.
    proposals : tuple of Proposal
        The best first; empty if nothing that was looked at would help.
    """

    parameter: str
    unit: str
    low: float
    high: float
    proposals: tuple[Proposal, ...]

    @property
    def sentence(self) -> str:
        """Say it in one sentence."""
        unit = _unit(self.unit)
        now = f"{self.parameter} lies between {plain(self.low)} and {plain(self.high)}{unit}"
        if not self.proposals:
            least = f"{100 * (1 - WORTH):.0f} %"
            return f"{now}; no measurement that was looked at would narrow that by {least} or more."
        best = self.proposals[0]
        to = f"{plain(best.low)} to {plain(best.high)}{unit}"
        return (
            f"{now}; measuring {best.candidate.text} is expected to narrow that to {to} "
            f"({100 * best.shrinks_to:.0f} % of the width)."
        )


def plain(value: float) -> str:
    """Write a number with three digits, without powers of ten as long as that is readable.

    Examples
    --------
    >>> plain(93876.4), plain(0.0866), plain(float("inf"))
    ('93,900', '0.0866', '∞')
    """
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    rounded = float(f"{value:.3g}")
    return f"{rounded:,.10g}" if 1e-4 <= abs(rounded) < 1e7 or rounded == 0 else f"{rounded:g}"


def _unit(unit: str) -> str:
    return "" if unit == "1" else f" {unit}"


def candidates(
    problem: FitProblem, scenarios: Iterable[Scenario | str] = SCENARIOS, times: Sequence[float] = TIMES
) -> tuple[Candidate, ...]:
    """List measurements: the wells of the data and of some scenarios, every read-out, several times.

    Read-outs whose noise is not known are left out.
    """
    found: list[Candidate] = []
    for series, wells in _series(problem, scenarios):
        longest = min(well.duration for well in wells)
        hours = sorted({time for time in (*times, longest) if 0 < time <= longest})
        found += [
            Candidate(series, readout.name, host, time, wells)
            for readout, host in applicable(wells[0].hosts)
            if readout.noise is not None
            for time in hours
        ]
    return tuple(found)


def _series(
    problem: FitProblem, scenarios: Iterable[Scenario | str]
) -> Iterator[tuple[str, tuple[Scenario, ...]]]:
    """Yield wells that belong together, with a name."""
    groups: dict[tuple[str, ...], list[Scenario]] = {}
    for table in problem.tables:
        for well in table.wells:
            groups.setdefault(well.hosts, []).append(well)
    for hosts, wells in groups.items():
        yield f"the wells of the data ({' with '.join(hosts)})", tuple(dict.fromkeys(wells))
    for given in scenarios:
        loaded = load_scenario(given) if isinstance(given, str) else given
        yield f"the scenario {loaded.name}", loaded.wells()


def advise(
    problem: FitProblem,
    x: ArrayLike,
    parameters: Sequence[str],
    scenarios: Iterable[Scenario | str] = SCENARIOS,
    most: int = 3,
) -> tuple[Advice, ...]:
    """Rank measurements by how much they are expected to narrow the interval of each parameter.

    Everything is linear at one point: the information that a measurement is expected to add follows from the
    exact derivatives of the model and from the noise of the read-out that ships. A factor between plates
    costs what it costs.

    Parameters
    ----------
    problem : FitProblem
        What was fitted.
    x : array_like, shape (parameters,)
        Its best point.
    parameters : sequence of str
        Those that the data leave flat or bound on one side only.
    scenarios : iterable of Scenario or str
        What is proposed beside the wells of the data.
    most : int
        Proposals for each.

    Returns
    -------
    tuple of Advice
        One per parameter, in the order given.

    Raises
    ------
    ValueError
        If a name is not one of the fit, or the model cannot be run at the point.
    """
    point = np.asarray(x, dtype=np.float64)
    for name in parameters:
        if name not in problem.names:
            raise ValueError(unknown("free parameter", name, problem.names))
    if not parameters:
        return ()
    covariance = covariance_at(problem, point)
    options = candidates(problem, scenarios)
    updated = [_with(covariance, *told) for told in _told(problem, point, options)]
    spread = np.sqrt(np.array([np.diag(one) for one in updated]).reshape(len(options), -1))
    return tuple(_advice(problem, point, name, covariance, options, spread, most) for name in parameters)


def _advice(
    problem: FitProblem,
    point: Floats,
    name: str,
    covariance: Floats,
    options: Sequence[Candidate],
    spread: Floats,
    most: int,
) -> Advice:
    index = problem.names.index(name)
    now = math.sqrt(covariance[index, index])
    share = spread[:, index] / now
    best = [i for i in np.argsort(share, kind="stable") if share[i] <= WORTH]
    kept: list[int] = []
    for i in best:  # of each read-out in a series the best time only
        if all(_same(options[i], options[j]) is False for j in kept):
            kept.append(int(i))
    proposals = tuple(
        Proposal(options[i], *_ends(problem, point, index, spread[i, index]), float(share[i]))
        for i in kept[:most]
    )
    unit = problem.space.parameters[index].unit
    return Advice(name, unit, *_ends(problem, point, index, now), proposals)


def _same(one: Candidate, other: Candidate) -> bool:
    return replace(one, time=0.0) == replace(other, time=0.0)


def _ends(problem: FitProblem, point: Floats, index: int, sd: float) -> tuple[float, float]:
    """Ends of the 95 % interval in the unit of a parameter, within the bounds of the search."""
    ends = []
    for sign in (-1.0, 1.0):
        moved = point.copy()
        moved[index] = np.clip(point[index] + sign * _Z * sd, problem.lower[index], problem.upper[index])
        ends.append(float(problem.space.numbers(moved)[index]))
    return ends[0], ends[1]


def _told(
    problem: FitProblem, point: Floats, options: Sequence[Candidate]
) -> Iterator[tuple[Floats, Floats]]:
    """Yield derivatives (wells, parameters) and covariance (wells, wells) of each candidate's values."""
    wells: dict[Scenario, int] = {}
    requests: list[Request] = []
    places: list[tuple[Readout, slice]] = []
    changes = {"resistance": problem.resistance, "promoter": problem.promoter}
    changed = {name: value for name, value in changes.items() if value is not None}
    for option in options:
        readout = next(r for r, _ in applicable(option.wells[0].hosts) if r.name == option.readout)
        first = len(requests)
        for well in option.wells:
            number = wells.setdefault(well.model_copy(update=changed), len(wells))
            requests.append(Request(number, readout, option.host, option.time))
        places.append((readout, slice(first, len(requests))))
    free = problem.free
    answers = Plate(tuple(wells), requests).run([problem.to_values(point)], problem.settings, by=free.names)
    slopes = answers.slopes[0] * free.slopes(point[: len(free)])
    full = np.zeros((len(requests), len(problem.names)))
    full[:, : len(free)] = slopes
    for readout, place in places:
        mean = answers.values[0][place]
        low = -np.inf if readout.detection_limit is None else readout.detection_limit
        high = np.inf if readout.saturation is None else readout.saturation
        assert readout.noise is not None
        root = readout.noise.information_root(mean, low, high)
        information = REPLICATES * np.sum(root[..., 0] ** 2, axis=-1)
        good = np.isfinite(mean) & np.isfinite(full[place]).all(axis=1) & (information > 0)
        plate = 0.0 if readout.relative == "vehicle" else readout.plate_sd
        noise = np.diag(1.0 / information[good]) + np.outer(plate * mean[good], plate * mean[good])
        yield full[place][good], noise


def _with(covariance: Floats, slopes: Floats, noise: Floats) -> Floats:
    """Covariance of the parameters once such values are known."""
    if not len(slopes):
        return covariance
    gain = covariance @ slopes.T
    return np.asarray(covariance - gain @ np.linalg.solve(noise + slopes @ gain, gain.T))
