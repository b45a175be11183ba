"""Scenarios as a function: values of their read-outs for many parameter sets, and why there are none."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import resources
from itertools import product
from typing import Any

import numpy as np

from nicheloop.analysis.sensitivity.estimate import Floats
from nicheloop.analysis.sensitivity.outputs import Output
from nicheloop.analysis.sweep.axis import Axis, axes_of
from nicheloop.analysis.sweep.summaries import Courses, Setting, Summary, read_summary
from nicheloop.analysis.sweep.task import sampled_times
from nicheloop.assays import axes as names_of_wells
from nicheloop.assays.compiled import sources_digest
from nicheloop.assays.library import load_scenario, to_toml
from nicheloop.assays.names import unknown
from nicheloop.assays.readouts import Readout, applicable, find
from nicheloop.assays.runs.plates import Answers, Plate, Request
from nicheloop.assays.runs.stocks import FEW_CULTURES
from nicheloop.assays.scenario import Scenario
from nicheloop.assays.settings import Settings

BLOCK = 512
"""Parameter sets that are run together; what comes of them does not depend on it."""
Readouts = Sequence[str | Readout] | Mapping[str, Sequence[str | Readout]] | None


@dataclass(frozen=True, eq=False)
class Quantity:
    """A read-out of an experiment, in all its wells, and what is kept of it.

    Attributes
    ----------
    scenario : Scenario
        The experiment, with what it varies.
    readout, host : Readout, str
        What is measured, on which cells.
    summary : Summary
        What is kept.
    times : tuple of float
        Hours it looks at.
    log : bool
        Whether its logarithm is analysed.
    """

    scenario: Scenario
    readout: Readout
    host: str
    summary: Summary
    times: tuple[float, ...]
    log: bool = False

    @cached_property
    def axes(self) -> tuple[Axis, ...]:
        """What varies from well to well."""
        return axes_of(self.scenario, None)

    @property
    def wells(self) -> tuple[Scenario, ...]:
        """Single wells, the last axis fastest."""
        return self.scenario.wells()

    @property
    def looked_at(self) -> tuple[Scenario, ...]:
        """Wells, and after them the vehicle of each if the summary compares."""
        wells = self.wells
        return (*wells, *(well.vehicle() for well in wells)) if self.summary.compares else wells

    @property
    def asked(self) -> int:
        """Number of values that the summary takes."""
        return len(self.looked_at) * len(self.times)

    def outputs(self) -> Iterator[Output]:
        """Yield a name for every number that is kept."""
        left = [axis for axis in self.axes if axis.name not in self.summary.used_up]
        unit = self.summary.unit(self.readout)
        for place in product(*(axis.values for axis in left)):
            told = ", ".join(names_of_wells.label(axis.name, x) for axis, x in zip(left, place, strict=True))
            name = self.scenario.name + (f"[{told}]" if told else "")
            about = Output(self.readout.name, name, self.host, unit, self.summary.label, None, self.log)
            if self.summary.over_time:
                yield from (replace(about, summary="", time=time) for time in self.times)
            else:
                yield about

    def kept(self, values: Floats) -> Floats:
        """Summarise values, shape (sets, wells looked at x times), to shape (sets, outputs)."""
        shape = (len(values), *(len(axis.values) for axis in self.axes), len(self.times))
        doses = {axis.name: np.array(axis.values) for axis in self.axes}
        wells, *control = np.split(values, 2 if self.summary.compares else 1, axis=1)
        compared = control[0].reshape(shape) if control else None
        found = self.summary(Courses(wells.reshape(shape), compared, np.array(self.times), doses))
        return np.asarray(found, dtype=float).reshape(len(values), -1)


@dataclass(frozen=True, eq=False)
class ScenarioModel:
    """Values of quantities for parameter sets that stand in for the table.

    Attributes
    ----------
    quantities : tuple of Quantity
        What is looked at.
    names : tuple of str
        Parameters of the table, in the order of the columns of X.
    base : mapping
        Other parameters that differ from the table.
    rtol : float
        Relative tolerance of the batch engine.
    """

    quantities: tuple[Quantity, ...]
    names: tuple[str, ...]
    base: Mapping[str, float]
    rtol: float

    @cached_property
    def outputs(self) -> tuple[Output, ...]:
        """What the columns of Y are."""
        return tuple(output for quantity in self.quantities for output in quantity.outputs())

    @cached_property
    def plate(self) -> Plate:
        """All wells, and all that is asked of them."""
        wells: dict[Scenario, int] = {}
        requests = []
        for quantity in self.quantities:
            # What an assay adds to all wells alike is not a property of the model.
            readout = replace(quantity.readout, background=0.0)
            for well in quantity.looked_at:
                number = wells.setdefault(well, len(wells))
                requests += [Request(number, readout, quantity.host, time) for time in quantity.times]
        return Plate(list(wells), requests)

    @property
    def settings(self) -> Settings:
        """How runs are integrated."""
        return Settings(engine="batch", rtol=self.rtol)

    def __call__(self, x: Floats) -> tuple[Floats, list[str]]:
        """Return Y of shape (n, outputs), NaN where a run failed, and for each row why."""
        values, reasons = [], []
        for start in range(0, len(x), BLOCK):
            some = x[start : start + BLOCK].tolist()
            sets = [{**self.base, **dict(zip(self.names, row, strict=True))} for row in some]
            # Few stock cultures are found in another way, which differs in the last bits.
            padded = sets + sets[-1:] * (FEW_CULTURES - len(sets))
            answers = self.plate.run(padded, self.settings, drawn=True)
            values.append(self.kept(answers.values[: len(sets)]))
            reasons += _reasons(answers)[: len(sets)]
        return np.concatenate(values), reasons

    def kept(self, values: Floats) -> Floats:
        """Summarise the answers of the plate, shape (sets, requests)."""
        ends = np.cumsum([quantity.asked for quantity in self.quantities])
        parts = np.split(values, ends[:-1], axis=1)
        kept = [quantity.kept(part) for quantity, part in zip(self.quantities, parts, strict=True)]
        return np.concatenate(kept, axis=1)

    def told(self) -> dict[str, Any]:
        """Return what decides the values, as JSON."""
        table = resources.files("nicheloop.biology") / "parameters.csv"
        return {
            "quantities": [
                {
                    # Wording decides nothing.
                    "scenario": to_toml(q.scenario.model_copy(update={"title": "", "description": ""})),
                    "readout": q.readout.name,
                    "line": q.host,
                    "summary": repr(q.summary),
                    "times": list(q.times),
                }
                for q in self.quantities
            ],
            "base": dict(self.base),
            "rtol": self.rtol,
            "model": {
                "rules": sources_digest(),
                "parameters": hashlib.sha256(table.read_bytes()).hexdigest(),
            },
        }

    def __getstate__(self) -> dict[str, Any]:
        """Leave behind what is quickly made where it is needed."""
        return {name: getattr(self, name) for name in ("quantities", "names", "base", "rtol")}


def _reasons(answers: Answers) -> list[str]:
    return [next(filter(None, problems), "") for problems in answers.problems]


def quantities_of(
    scenarios: Sequence[Scenario | str],
    readouts: Readouts,
    summaries: Sequence[str | Summary] | None,
    times: Sequence[float | str] | None,
    log: bool | Sequence[str],
) -> tuple[Quantity, ...]:
    """Combine scenarios, read-outs and summaries.

    Raises
    ------
    ValueError
        Naming scenario or read-out, and what was expected.
    """
    whole = [load_scenario(one) if isinstance(one, str) else one for one in scenarios]
    if not whole:
        raise ValueError("scenario: got an empty list, expected at least one")
    _check_readouts(whole, readouts)
    kept = _summaries(summaries, times)
    found = []
    for scenario in whole:
        timed = scenario if times is None else scenario.with_(times=times)
        base = timed.with_(vary={})
        setting = Setting(axes_of(timed, None), base.sampling_times, base.duration)
        for readout, host in _readings(timed, readouts):
            logged = log if isinstance(log, bool) else readout.name in log
            for summary in kept:
                settled = summary.settled(setting, readout)
                found.append(Quantity(timed, readout, host, settled, sampled_times(base, [settled]), logged))
    _check_log(log, found)
    return tuple(found)


def _summaries(
    summaries: Sequence[str | Summary] | None, times: Sequence[float | str] | None
) -> list[Summary]:
    if isinstance(summaries, (str, Summary)):
        raise ValueError(f"summaries: got {summaries!r}, expected a list, such as [{summaries!r}]")
    if summaries is None:
        return [read_summary("final" if times is None else "course")]
    if not summaries:
        raise ValueError("summaries: got an empty list, expected at least one")
    return [read_summary(summary) for summary in summaries]


def _check_readouts(scenarios: Sequence[Scenario], readouts: Readouts) -> None:
    if isinstance(readouts, (str, Readout)):
        raise ValueError(f"readouts: got {readouts!r}, expected a list, such as [{readouts!r}]")
    if readouts is not None and not readouts:
        raise ValueError("readouts: got none, expected at least one")
    known = [scenario.name for scenario in scenarios]
    if isinstance(readouts, Mapping):
        for name in readouts:
            if name not in known:
                raise ValueError(f"readouts: {unknown('scenario', name, known)}")
        for name in known:
            if name not in readouts:
                raise ValueError(f"readouts: {name}: got none, expected a list for every scenario")


def _readings(scenario: Scenario, readouts: Readouts) -> list[tuple[Readout, str]]:
    if readouts is None:
        return list(applicable(scenario.hosts))
    keys = readouts[scenario.name] if isinstance(readouts, Mapping) else readouts
    if isinstance(keys, (str, Readout)):
        raise ValueError(f"readouts: {scenario.name}: got {keys!r}, expected a list, such as [{keys!r}]")
    return [find(key, scenario.hosts) for key in keys]


def _check_log(log: bool | Sequence[str], quantities: Sequence[Quantity]) -> None:
    known = list(dict.fromkeys(quantity.readout.name for quantity in quantities))
    if isinstance(log, str):
        raise ValueError(f"log: got {log!r}, expected True, False or a list, such as [{log!r}]")
    for name in () if isinstance(log, bool) else log:
        if name not in known:
            raise ValueError(f"log: {unknown('read-out', name, known)}")
