"""From what was moved to the fields of a scenario."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nicheloop.assays.events import Event
from nicheloop.assays.fields import KNOCKDOWNS, TREATMENTS
from nicheloop.assays.mapping import FrozenMap
from nicheloop.assays.scenario import Scenario
from nicheloop.biology.hosts import STROMA
from nicheloop.explorer import controls
from nicheloop.explorer.controls import DENSITY, DOSE, DURATION, EVENT, EVENT_DOSE, KNOCKDOWN, PARAMETER

SAMPLES = 100
"""Most points of a curve."""
INTERVALS = (0.25, 0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 12.0, 24.0, 48.0)
"""Sampling intervals that are chosen from, h."""


def moved_of(moved: Mapping[str, float], kind: str) -> dict[str, float]:
    """Return what was moved of one kind, by name."""
    prefix = f"{kind}:"
    return {key.removeprefix(prefix): v for key, v in moved.items() if key.startswith(prefix)}


def changes_of(base: Scenario, moved: Mapping[str, float]) -> dict[str, Any]:
    """Return what `Scenario.with_` takes to get from a well to what is shown: only what differs."""
    found: dict[str, Any] = {}
    for field, kind, current in (
        ("treatments", DOSE, base.treatments),
        ("knockdown", KNOCKDOWN, base.knockdown),
    ):
        given = {k: v for k, v in moved_of(moved, kind).items() if v != current.get(k, 0.0)}
        if given:
            found[field] = given
    densities = moved_of(moved, DENSITY)
    lines = {k: v for k, v in densities.items() if k != STROMA and v != base.lines[k].density}
    if lines:
        found["lines"] = lines
    if densities.get(STROMA, base.stroma.density) != base.stroma.density:
        found["stroma"] = {"density": densities[STROMA]}
    own = {k: v for k, v in moved_of(moved, PARAMETER).items() if k in base.parameters}
    if {k: base.parameters[k] for k in own} != own:
        found["parameters"] = own
    duration = moved.get(DURATION, base.duration)
    if duration != base.duration:
        found["duration"] = duration
    events = events_of(base, moved)
    if events != base.events:
        found["events"] = events
    return {**found, **sampling_of(base, duration)}


def events_of(base: Scenario, moved: Mapping[str, float]) -> tuple[Event, ...]:
    """Return the events as they were moved in time and dosed anew."""
    events = base.events
    if EVENT in moved and events:
        shift = moved[EVENT] - events[0].at
        events = tuple(event.model_copy(update={"at": event.at + shift}) for event in events)
    for what, dose in moved_of(moved, EVENT_DOSE).items():
        number, _, drug = what.partition(":")
        k = int(number)
        events = (*events[:k], redosed(events[k], drug, dose), *events[k + 1 :])
    return events


def sampling_of(base: Scenario, duration: float) -> dict[str, Any]:
    """Return the fields that sample a run densely enough for a curve, where they differ from the base."""
    every = next((step for step in INTERVALS if duration / step <= SAMPLES), duration / SAMPLES)
    wanted = {"times": None, "every": every}
    return {name: value for name, value in wanted.items() if getattr(base, name) != value}


def default_of(base: Scenario, key: str) -> float:
    """Return the value of a key before anything was moved."""
    kind, _, what = key.partition(":")
    if kind == DOSE:
        return base.treatments.get(what, 0.0)
    if kind == KNOCKDOWN:
        return base.knockdown.get(what, 0.0)
    if kind == DENSITY:
        return base.stroma.density if what == STROMA else base.lines[what].density
    if kind == DURATION:
        return base.duration
    if kind == EVENT:
        return base.events[0].at
    if kind == EVENT_DOSE:
        number, _, drug = what.partition(":")
        return drugs_of(base.events[int(number)])[drug]
    return controls.default_of(what, base)


def keys_of(base: Scenario) -> tuple[str, ...]:
    """Return the keys of everything that a scenario has of itself, in the order of the page."""
    found = [f"{DOSE}:{name}" for name in base.treatments]
    found += [f"{KNOCKDOWN}:{gene}" for gene in base.knockdown]
    found += [f"{EVENT_DOSE}:{k}:{drug}" for k, event in enumerate(base.events) for drug in drugs_of(event)]
    found += [f"{DENSITY}:{host}" for host in base.hosts]
    found += [DURATION, *([EVENT] if base.events else [])]
    return (*found, *(f"{PARAMETER}:{name}" for name in base.parameters))


def addable() -> tuple[str, ...]:
    """Return the keys of all treatments and knock-downs."""
    return (*(f"{DOSE}:{name}" for name in TREATMENTS), *(f"{KNOCKDOWN}:{gene}" for gene in KNOCKDOWNS))


def drugs_of(event: Event) -> dict[str, float]:
    """Treatments of an event and their dose; the last table counts, as it is the one that stays."""
    return {drug: dose for table in event.doses() for drug, dose in table.items()}


def redosed(event: Event, drug: str, dose: float) -> Event:
    """Return an event with another dose of a treatment, wherever it gives it."""
    changes: dict[str, Any] = {}
    for name in ("set", "add"):
        table = getattr(event, name)
        if drug in table:
            changes[name] = FrozenMap({**table, drug: dose})
    for name in ("replace_medium", "passage"):
        part = getattr(event, name)
        if part is not None and drug in part.treatments:
            treatments = FrozenMap({**part.treatments, drug: dose})
            changes[name] = part.model_copy(update={"treatments": treatments})
    return event.model_copy(update=changes)


def with_parameters(scenario: Scenario, overrides: Mapping[str, float]) -> Scenario:
    """Put parameters into a scenario and into what conditions its medium; what these set themselves stays."""
    if not overrides:
        return scenario
    changes: dict[str, Any] = {"parameters": {**overrides, **scenario.parameters}}
    source = scenario.conditioned_medium
    if source is not None:
        donor = with_parameters(source.scenario, overrides)
        changes["conditioned_medium"] = source.model_copy(update={"scenario": donor})
    return scenario.with_(**changes)
