"""A scenario turned into arrays: what is in the vessel at the start, and what changes when.

A plan holds no parameter value of the model, so one plan serves any number of parameter sets.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from nicheloop.assays.axes import places
from nicheloop.assays.compiled import Compiled, Floats, compiled, home, seeds_of, stock_system
from nicheloop.assays.events import Event
from nicheloop.assays.fields import KNOCKDOWNS
from nicheloop.assays.mapping import FrozenMap
from nicheloop.assays.scenario import ConditionedMedium, Scenario
from nicheloop.assays.units import NANOMOLAR_PER_CELL_PER_ML, to_nanomolar
from nicheloop.biology.hosts import STROMA
from nicheloop.biology.medium import SOLUTES

Indices = NDArray[np.intp]
PROTEIN_KDA = 5.0
"""Solutes above this molar mass are proteins, which boiling destroys; the others are small molecules."""
PROTEINS = tuple(known.name for known in SOLUTES if (known.molar_mass or 0.0) > PROTEIN_KDA)


@dataclass(frozen=True, eq=False)
class Edit:
    """A change of state, ``y * scale + shift + upper * (1 - v) + lower * v``.

    A dose is a concentration; a layered species is counted per well volume, so its dose is weighted with the
    volume fraction of its layer, ``v`` for the lower one, which is a parameter of the model.

    Attributes
    ----------
    scale, shift, upper, lower : ndarray, shape (species,)
        Shifts in nM.
    """

    scale: Floats
    shift: Floats
    upper: Floats
    lower: Floats

    @classmethod
    def none(cls, size: int) -> Edit:
        """Return the edit that changes nothing."""
        return cls(np.ones(size), np.zeros(size), np.zeros(size), np.zeros(size))

    def then(self, later: Edit) -> Edit:
        """Return this edit followed by a later one."""
        shifts = (self.shift, self.upper, self.lower), (later.shift, later.upper, later.lower)
        moved = [a * later.scale + b for a, b in zip(*shifts, strict=True)]
        return Edit(self.scale * later.scale, *moved)

    def total_shift(self, lower_fraction: float | Floats) -> Floats:
        """Return the shift for a volume fraction of the lower layer (a number, or one per row)."""
        v = np.asarray(lower_fraction)[..., None]
        shift: Floats = self.shift + self.upper * (1 - v) + self.lower * v
        return shift


@dataclass(frozen=True, eq=False)
class Inoculum:
    """Cells from the stock culture of one host, washed and seeded.

    Attributes
    ----------
    stock : Compiled
        System of the stock culture: this host alone.
    anchor : ndarray of int
        Living cells in the stock system.
    source, target : ndarray of int
        Where each cell-borne species is in the stock and in the vessel. Cells that wandered in the flask are
        seeded where all are, so several sources may have one target.
    density : float
        Living cells, nM.
    """

    host: str
    stock: Compiled
    anchor: Indices
    source: Indices
    target: Indices
    density: float


@dataclass(frozen=True, eq=False)
class Transfer:
    """Medium of another run: which species go where, mixed on the way.

    Attributes
    ----------
    plan : Plan
        The run that conditions the medium; its last time is the harvest.
    source, target : ndarray of int
        Medium species there and here.
    weight : ndarray of int, shape (species,)
        -1: not layered; 0: upper, 1: lower layer here. A layered species occurs once for each layer it comes
        from and goes to, since the medium is mixed when it is taken.
    fraction : float
        Share of the new medium.
    """

    plan: Plan
    source: Indices
    target: Indices
    weight: NDArray[np.int_]
    fraction: float

    def shift(self, harvest: Floats, lower_fraction: float | Floats, size: int) -> Floats:
        """Return what the harvested states (..., species there) bring, nM, shape (..., species here)."""
        v = np.asarray(lower_fraction)[..., None]
        share = np.where(self.weight < 0, 1.0, np.where(self.weight == 1, v, 1 - v)) * self.fraction
        brought = np.zeros((*harvest.shape[:-1], size))
        moved = harvest[..., self.source] * share
        for column, target in enumerate(self.target):
            brought[..., target] += moved[..., column]
        return brought


@dataclass(frozen=True, eq=False)
class Step:
    """One period: from when, with which parameters set (cumulative), after which edit."""

    start: float
    end: float
    fixed: tuple[tuple[int, float], ...]
    edit: Edit | None


@dataclass(frozen=True, eq=False)
class Plan:
    """All that is needed to run a scenario with any parameter set.

    Attributes
    ----------
    scenario : Scenario
        What it was made from.
    compiled : Compiled
        System of the vessel.
    inocula : tuple of Inoculum
        Cells.
    transfer : Transfer or None
        Conditioned medium.
    start : Edit
        Treatments from the start, and whatever is done at time zero.
    steps : tuple of Step
        Periods in time order.
    times : ndarray
        Sampling times, h.
    fixed : tuple of (int, float)
        Parameters that vessel and knock-down set, for the whole run.
    stock_parameters : FrozenMap
        Parameters that the scenario sets in the stock culture, too.
    """

    scenario: Scenario
    compiled: Compiled
    inocula: tuple[Inoculum, ...]
    transfer: Transfer | None
    start: Edit
    steps: tuple[Step, ...]
    times: Floats
    fixed: tuple[tuple[int, float], ...]
    stock_parameters: FrozenMap[float]


@lru_cache(maxsize=1024)
def plan_of(scenario: Scenario, also: frozenset[int] = frozenset()) -> Plan:
    """Return the plan of a scenario.

    Its system holds what can be in the vessel, and what follows from the species ``also`` (see `seeded_by`):
    wells that share a system are integrated together.

    Raises
    ------
    ValueError
        If the scenario varies something, and so is more than one well.
    """
    if scenario.vary:
        raise ValueError(
            f"{scenario.name}: varies {', '.join(scenario.vary)} ({len(places(scenario))} wells), expected a "
            "single well: run all with simulate_wells, or take one of scenario.wells()"
        )
    transfer_plan = _conditioning_plan(scenario)
    system = compiled(scenario.promoter, seeded_by(scenario) | also)
    stock_parameters = _stock_parameters(scenario)
    inocula = tuple(_inoculum(scenario, system, host) for host in scenario.hosts)
    fixed = _fixed(scenario, system)
    start, steps = _periods(scenario, system, dict(fixed))
    source = scenario.conditioned_medium
    transfer = None if source is None or transfer_plan is None else _transfer(transfer_plan, system, source)
    return Plan(
        scenario=scenario,
        compiled=system,
        inocula=inocula,
        transfer=transfer,
        start=start,
        steps=steps,
        times=np.array(scenario.sampling_times),
        fixed=fixed,
        stock_parameters=stock_parameters,
    )


def _conditioning_plan(scenario: Scenario) -> Plan | None:
    medium = scenario.conditioned_medium
    if medium is None:
        return None
    events = tuple(event for event in medium.scenario.events if event.at <= medium.harvest)
    run = medium.scenario.model_copy(
        update={
            "duration": medium.harvest,
            "times": (medium.harvest,),
            "events": events,
            "resistance": scenario.resistance,
            "promoter": scenario.promoter,
        }
    )
    return plan_of(run)


def seeded_by(scenario: Scenario) -> frozenset[int]:
    """Return what a vessel starts from: its cells, its treatments, and all the conditioned medium holds.

    Imatinib always belongs to leukaemic cells: a dose-response and its vehicle share one system. Species are
    counted in the whole network.
    """
    conditioning = _conditioning_plan(scenario)
    doses: list[Mapping[str, float]] = [scenario.treatments, {"imatinib": 0.0} if scenario.lines else {}]
    for event in scenario.events:
        doses += event.doses()
    seeds = seeds_of(scenario.promoter, scenario.hosts, {name for dose in doses for name in dose})
    if conditioning is not None:
        medium = np.flatnonzero(conditioning.compiled.layout.medium)
        seeds |= {conditioning.compiled.kept[i] for i in medium}
    return seeds


def _stock_parameters(scenario: Scenario) -> FrozenMap[float]:
    silenced = {KNOCKDOWNS[gene]: fraction for gene, fraction in scenario.knockdown.items()}
    return FrozenMap({**scenario.parameters, **silenced})


def _inoculum(scenario: Scenario, system: Compiled, host: str) -> Inoculum:
    density = scenario.stroma.density if host == STROMA else scenario.lines[host].density
    stock = stock_system(scenario.promoter, host)
    anchor = stock.layout.cells(host)
    seeded = system.layout.cells(host, home(host))[0]
    pairs = [
        (i, seeded if i in anchor else system.position[stock.kept[i]]) for i in stock.layout.of_host(host)
    ]
    source, target = np.array(pairs, dtype=np.intp).T
    return Inoculum(host, stock, anchor, source, target, density * NANOMOLAR_PER_CELL_PER_ML)


def _transfer(plan: Plan, system: Compiled, medium: ConditionedMedium) -> Transfer:
    there = plan.compiled
    lost = monomers_of(there, [*(PROTEINS if medium.boiled else ()), *medium.depleted])
    rows = []
    for i in np.flatnonzero(there.layout.medium):
        if there.layout.monomers[i] & lost:
            continue
        here = system.position[there.kept[i]]
        if there.layout.layer[i]:
            pair = _layer_pair(system, here)
            rows += [(i, pair["upper"], 0), (i, pair["lower"], 1)]
        else:
            rows.append((i, here, -1))
    source, target, weight = np.array(rows, dtype=np.intp).reshape(-1, 3).T
    return Transfer(plan, source, target, weight, medium.fraction)


def monomers_of(system: Compiled, solutes: Iterable[str]) -> set[str]:
    """Monomers that solutes consist of: what contains one of them is the solute or a complex of it."""
    layout = system.layout
    return {monomer for name in solutes for i in system.free(name).values() for monomer in layout.monomers[i]}


def _layer_pair(system: Compiled, species: int) -> dict[str, int]:
    """Return the same species in either layer."""
    name = system.system.species[species]
    names = dict.fromkeys(("upper", "lower"), name)
    for layer in names:
        for other in ("upper", "lower"):
            names[layer] = names[layer].replace(f"layer='{other}'", f"layer='{layer}'")
    return {layer: system.system.species.index(twin) for layer, twin in names.items()}


def _fixed(scenario: Scenario, system: Compiled) -> tuple[tuple[int, float], ...]:
    """Parameters that the vessel sets."""
    vessel = scenario.vessel
    named = {
        "lower_volume_fraction": vessel.lower_volume_fraction,
        "insert_exchange": vessel.exchange,
    }
    return tuple((system.parameters[name], value) for name, value in named.items() if value is not None)


def _periods(scenario: Scenario, system: Compiled, fixed: dict[int, float]) -> tuple[Edit, tuple[Step, ...]]:
    """Cut the run at its events; those of one instant make one edit."""
    at: dict[float, list[Event]] = {0.0: []}
    for event in scenario.events:
        at.setdefault(event.at, []).append(event)
    edits = {time: _edit(events, scenario, system) for time, events in at.items()}
    start = _dosed(scenario.treatments, scenario, system).then(edits[0.0])
    edges = [*at, scenario.duration]  # an event at the very end makes a last period without length
    steps = []
    for begin, end in pairwise(edges):
        fixed |= _silenced(at[begin], system)
        steps.append(Step(begin, end, tuple(fixed.items()), edits[begin] if begin else None))
    return start, tuple(steps)


def _silenced(events: list[Event], system: Compiled) -> dict[int, float]:
    return {
        system.parameters[KNOCKDOWNS[gene]]: fraction
        for event in events
        for gene, fraction in event.knockdown.items()
    }


def _edit(events: list[Event], scenario: Scenario, system: Compiled) -> Edit:
    """Compose what happens at one instant, event by event: wash, replace, split, set, add."""
    edit = Edit.none(system.system.n)
    for event in events:
        if event.wash_out:
            edit = edit.then(_diluted(system, event.wash_out.fraction, event.wash_out.keep))
        if event.replace_medium:
            share = event.replace_medium.fraction
            edit = edit.then(_diluted(system, share, ()))
            edit = edit.then(_dosed(event.replace_medium.doses(scenario.treatments), scenario, system, share))
        if event.passage:
            share = event.passage.fraction
            edit = edit.then(_split(system, share))
            edit = edit.then(_dosed(event.passage.doses(scenario.treatments), scenario, system, share))
        edit = edit.then(_cleared(event.set, scenario, system))
        edit = edit.then(_dosed(event.set, scenario, system))
        edit = edit.then(_dosed(event.add, scenario, system))
    return edit


def _diluted(system: Compiled, fraction: float, keep: tuple[str, ...]) -> Edit:
    """Remove a fraction of all in the medium but what contains a kept solute."""
    layout = system.layout
    stays = monomers_of(system, keep)
    goes = layout.medium & np.array([not (monomers & stays) for monomers in layout.monomers])
    edit = Edit.none(system.system.n)
    edit.scale[goes] = 1 - fraction
    return edit


def _split(system: Compiled, fraction: float) -> Edit:
    """Remove a fraction of everything, cells and medium."""
    edit = Edit.none(system.system.n)
    edit.scale[:] = 1 - fraction
    return edit


def _layers(name: str, scenario: Scenario, system: Compiled) -> dict[str, int]:
    free = system.free(name)
    chosen = scenario.cxcl11_layer
    return {layer: i for layer, i in free.items() if not layer or chosen in ("both", layer)}


def _dosed(doses: Mapping[str, float], scenario: Scenario, system: Compiled, share: float = 1.0) -> Edit:
    edit = Edit.none(system.system.n)
    for name, amount in doses.items():
        for layer, species in _layers(name, scenario, system).items():
            target = {"": edit.shift, "upper": edit.upper, "lower": edit.lower}[layer]
            target[species] += to_nanomolar(amount, name) * share
    return edit


def _cleared(doses: Mapping[str, float], scenario: Scenario, system: Compiled) -> Edit:
    edit = Edit.none(system.system.n)
    for name in doses:
        edit.scale[list(_layers(name, scenario, system).values())] = 0.0
    return edit
