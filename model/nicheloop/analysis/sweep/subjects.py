"""Parameter sets of some runs, and what their wells are seeded with, as arrays.

What comes of a subject does not depend, to the last bit, on which others are looked at with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nicheloop.analysis.sweep.numbers import Floats
from nicheloop.assays.compiled import stock_system
from nicheloop.assays.mapping import FrozenMap
from nicheloop.assays.runs.batches import run_plans
from nicheloop.assays.runs.plan import Plan
from nicheloop.assays.runs.specimen import Specimen, with_values
from nicheloop.assays.runs.stocks import StockKey, grow_cultures, stocks_of
from nicheloop.assays.settings import Settings

Truths = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Subject:
    """A parameter set, with the parameters that axes fix on top of it."""

    specimen: Specimen
    fixed: FrozenMap[float]

    def with_(self, parameters: FrozenMap[float]) -> FrozenMap[float]:
        """Return what a scenario fixes together with what the axes do."""
        return FrozenMap({**parameters, **self.fixed}) if self.fixed else parameters

    def culture(self, plan: Plan, host: str) -> StockKey:
        """Return what tells a stock culture apart that a plan seeds."""
        fixed = self.with_(plan.stock_parameters)
        return StockKey(host, plan.scenario.promoter, plan.scenario.resistance, fixed)

    def reference(self, plan: Plan, host: str) -> StockKey:
        """Return the stock culture that a well is compared with: nothing is silenced in it."""
        fixed = self.with_(plan.scenario.parameters)
        return StockKey(host, plan.scenario.promoter, plan.scenario.resistance, fixed)


@dataclass(frozen=True, eq=False)
class Seeds:
    """What the runs of some subjects start from.

    Attributes
    ----------
    vectors, lower : ndarray, shapes (subjects, parameters), (subjects,)
        Parameters, and the volume fraction of the lower layer, which is one of them.
    medium : ndarray, shape (subjects, species), or None
        What the conditioned medium brings, nM.
    cells : tuple of ndarray, shape (subjects, species)
        What 1 nM of the cells of each inoculum bring, nM.
    no_culture : tuple of ndarray of bool, shape (subjects,)
        Whether there are no such cells.
    no_medium : ndarray of bool, shape (subjects,)
        Whether the medium could not be conditioned.
    """

    vectors: Floats
    lower: Floats
    medium: Floats | None
    cells: tuple[Floats, ...]
    no_culture: tuple[Truths, ...]
    no_medium: Truths

    @classmethod
    def of(cls, plan: Plan, subjects: Sequence[Subject], settings: Settings) -> Seeds:
        """Grow the stock cultures and condition the medium that a plan needs."""
        hosts = [inoculum.host for inoculum in plan.inocula]
        grow_cultures(((s.specimen, s.culture(plan, host)) for host in hosts for s in subjects), settings)
        resistance, system = plan.scenario.resistance, plan.compiled
        vectors = np.stack(
            [s.specimen.vector(system, resistance, s.with_(plan.stock_parameters)) for s in subjects]
        )
        vectors = with_values(vectors, plan.fixed)
        lower = vectors[:, system.parameters["lower_volume_fraction"]]
        brought = [_cells(plan, number, subjects) for number in range(len(hosts))]
        medium, no_medium = _medium(plan, subjects, lower, settings)
        cells, no_culture = zip(*brought, strict=True) if brought else ((), ())
        return cls(vectors, lower, medium, cells, no_culture, no_medium)


def _cells(plan: Plan, number: int, subjects: Sequence[Subject]) -> tuple[Floats, Truths]:
    """What 1 nM of the cells of an inoculum bring, and whether there are none."""
    inoculum = plan.inocula[number]
    brought = np.zeros((len(subjects), plan.compiled.system.n))
    absent = np.zeros(len(subjects), dtype=bool)
    for row, missing, subject in zip(brought, range(len(subjects)), subjects, strict=True):
        stock = subject.specimen.stock(*subject.culture(plan, inoculum.host))
        absent[missing] = bool(stock.problem)
        living = stock.state[inoculum.anchor].sum()
        np.add.at(row, inoculum.target, stock.state[inoculum.source] / living)
    return brought, absent


def _medium(
    plan: Plan, subjects: Sequence[Subject], lower: Floats, settings: Settings
) -> tuple[Floats | None, Truths]:
    """What the conditioned medium brings, and whether there is none."""
    absent = np.zeros(len(subjects), dtype=bool)
    if plan.transfer is None:
        return None, absent
    source = plan.transfer.plan
    condition(source, list(dict.fromkeys(s.specimen for s in subjects)), settings)
    brought = np.zeros((len(subjects), plan.compiled.system.n))
    for number, subject in enumerate(subjects):
        harvest, problem = subject.specimen.harvest(source)
        absent[number] = bool(problem)
        brought[number] = plan.transfer.shift(harvest, lower[number], brought.shape[1])
    return brought, absent


def condition(source: Plan, specimens: Sequence[Specimen], settings: Settings) -> None:
    """Run what conditions medium for those specimens that lack it."""
    missing = [specimen for specimen in specimens if not specimen.has_harvest(source)]
    if not missing:
        return
    grow_cultures(
        ((s, key) for plan in _ancestry(source) for key in stocks_of(plan) for s in missing), settings
    )
    (done,) = run_plans([source], missing, settings, "species")
    for specimen, values, problem in zip(missing, done.values, done.problems, strict=True):
        specimen.keep_harvest(source, values[-1], problem)


def _ancestry(plan: Plan) -> Iterator[Plan]:
    """Yield a plan, and those that condition medium for it."""
    while True:
        yield plan
        if plan.transfer is None:
            return
        plan = plan.transfer.plan


def stock_outputs(
    plan: Plan, subjects: Sequence[Subject], wanted: Mapping[tuple[str, str], object], settings: Settings
) -> dict[tuple[str, str], Floats]:
    """Return outputs of the stock cultures that wells are compared with, shape (subjects,).

    Parameters
    ----------
    plan : Plan
        Of the wells.
    subjects : sequence of Subject
        The parameter sets.
    wanted : mapping
        Its keys are hosts with names of outputs.
    settings : Settings
        How cultures are followed.
    """
    hosts = sorted({host for host, _ in wanted})
    grow_cultures(((s.specimen, s.reference(plan, host)) for host in hosts for s in subjects), settings)
    found = {}
    for host, name in wanted:
        column = stock_system(plan.scenario.promoter, host).outputs[name]
        stocks = [s.specimen.stock(*s.reference(plan, host)) for s in subjects]
        found[host, name] = np.array([stock.outputs[column] for stock in stocks])
    return found
