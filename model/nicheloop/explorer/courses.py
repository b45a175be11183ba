"""From views to curves; what successive views share is computed once."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

from nicheloop.assays.mapping import FrozenMap
from nicheloop.assays.readouts import Floats, applicable
from nicheloop.assays.result import Runs
from nicheloop.assays.runs.specimen import CultureKey, Stock
from nicheloop.assays.runs.study import Study
from nicheloop.assays.scenario import Scenario
from nicheloop.assays.settings import Settings
from nicheloop.explorer.view import View

SETTINGS = Settings(engine="scipy", rtol=1e-8)
"""Those of `nicheloop.simulate`, so that the lines that reproduce a view give its numbers."""
KEPT_STUDIES, RUNS_PER_STUDY, KEPT_CULTURES = 4, 64, 256
"""What a session keeps: parameter sets, runs of each, and stock cultures, before it starts anew."""


@dataclass(frozen=True, eq=False)
class Curve:
    """One read-out of one host over time.

    Attributes
    ----------
    readout, host, unit : str
        The host is empty for what is measured in the medium.
    values : ndarray, shape (times,)
        NaN after the time that a failed run reached; all NaN if it never started.
    """

    readout: str
    host: str
    unit: str
    values: Floats


@dataclass(frozen=True, eq=False)
class Course:
    """What came of a view.

    Attributes
    ----------
    scenario : Scenario
        What was run.
    parameters : mapping
        Those that differ from the table.
    label : str
        What sets it apart.
    time : ndarray, shape (times,)
        Hours.
    curves : tuple of Curve
        Every read-out the scenario allows.
    problem : str
        Why the run failed; empty if it did not.
    vehicle_problem : str
        Why its vehicle well failed, if only that did: then what is relative to it is NaN.
    """

    scenario: Scenario
    parameters: FrozenMap[float]
    label: str
    time: Floats
    curves: tuple[Curve, ...]
    problem: str = ""
    vehicle_problem: str = ""

    @property
    def ok(self) -> bool:
        """Whether the run went to its end."""
        return not self.problem

    def of(self, readout: str) -> tuple[Curve, ...]:
        """Return the curves of a read-out, one per host."""
        return tuple(curve for curve in self.curves if curve.readout == readout)


class Bench:
    """Runs views, one session's: keeps stock cultures and vehicle wells of the last parameter sets."""

    def __init__(self) -> None:
        self._studies: OrderedDict[FrozenMap[float], tuple[Study, list[int]]] = OrderedDict()
        self._grown: dict[CultureKey, Stock] = {}

    def run(self, view: View) -> Course:
        """Run what a view shows. A run that fails is a value: its curves are NaN and it says why."""
        scenario, overrides = view.scenario, view.overrides
        runs = self._study(overrides).runs(scenario)
        problem = _told(runs)
        vehicle = "" if problem else _told(runs.vehicle())
        # Of what is not in the well, 0 is measured, but not in a run that never came to that time.
        known = runs.time <= (np.inf if not problem else runs.time_reached[0])
        curves = tuple(
            Curve(
                readout.name,
                host,
                readout.unit,
                np.where(known, _first(readout.compute(runs, host), runs.time.size), np.nan),
            )
            for readout, host in applicable(scenario.hosts)
        )
        return Course(scenario, overrides, view.label, runs.time, curves, problem, vehicle)

    def _study(self, overrides: FrozenMap[float]) -> Study:
        study, runs = self._studies.pop(overrides, (None, [0]))
        if study is None or runs[0] >= RUNS_PER_STUDY:
            # A parameter of one line leaves the cultures of the others as they are.
            if len(self._grown) > KEPT_CULTURES:
                self._grown = {}
            study, runs = Study([overrides], SETTINGS, grown=self._grown), [0]
        runs[0] += 1
        self._studies[overrides] = study, runs
        while len(self._studies) > KEPT_STUDIES:
            self._studies.popitem(last=False)
        return study


def unstarted(view: View, problem: str) -> Course:
    """Return the course of a view that cannot be run at all: no values, and why."""
    time: Floats = np.array(view.scenario.sampling_times, dtype=float)
    curves = tuple(
        Curve(readout.name, host, readout.unit, np.full(time.size, np.nan))
        for readout, host in applicable(view.scenario.hosts)
    )
    return Course(view.scenario, view.overrides, view.label, time, curves, problem)


def _told(runs: Runs) -> str:
    """Return why the only run failed; empty if it did not."""
    if runs.status[0] == "ok":
        return ""
    reached = float(runs.time_reached[0])
    when = f"at {reached:g} h: " if np.isfinite(reached) else ""
    return f"{when}{runs.messages[0]}"


def _first(values: Floats, size: int) -> Floats:
    row: Floats = np.broadcast_to(values, (1, size))[0] if values.ndim < 2 else values[0]
    return row
