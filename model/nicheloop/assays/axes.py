"""What an experiment varies from well to well: which axes are possible, and the single wells they make."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from itertools import product
from typing import TYPE_CHECKING, Any

from nicheloop.assays.fields import EVENT_AXIS, KNOCKDOWNS, TREATMENTS, axis_unit, nothing
from nicheloop.assays.mapping import FrozenMap
from nicheloop.biology.hosts import LEUKAEMIC, STROMA

if TYPE_CHECKING:
    from nicheloop.assays.scenario import Scenario

WELLS_PER_SCENARIO = 10_000


def wells(scenario: Scenario) -> tuple[Scenario, ...]:
    """Return the single wells of a scenario, all combinations of what it varies, last axis fastest."""
    if not scenario.vary:
        return (scenario,)
    return tuple(_well(scenario, place) for place in places(scenario))


def places(scenario: Scenario) -> tuple[dict[str, float], ...]:
    """Return the values that set each well apart, axis to value, in the order of `wells`."""
    return tuple(dict(zip(scenario.vary, values, strict=True)) for values in product(*scenario.vary.values()))


def _well(scenario: Scenario, place: Mapping[str, float]) -> Scenario:
    treatments, parameters = dict(scenario.treatments), dict(scenario.parameters)
    lines, stroma, events = dict(scenario.lines), scenario.stroma, scenario.events
    for axis, value in place.items():
        if axis in TREATMENTS:
            treatments[axis] = value
        elif axis in LEUKAEMIC:
            lines[axis] = lines[axis].model_copy(update={"density": value})
        elif axis == STROMA:
            stroma = stroma.model_copy(update={"density": value})
        elif axis == EVENT_AXIS:
            first = events[0].at
            events = tuple(e.model_copy(update={"at": value + (e.at - first)}) for e in events)
        else:
            parameters[axis] = value
    changes = {
        "name": f"{scenario.name}[{', '.join(label(*item) for item in place.items())}]",
        "treatments": FrozenMap(treatments),
        "parameters": FrozenMap(parameters),
        "lines": FrozenMap(lines),
        "stroma": stroma,
        "events": events,
        "vary": nothing(),
    }
    return scenario.model_copy(update=changes)


def label(axis: str, value: float) -> str:
    """Return what sets a well apart along one axis, such as ``imatinib=1 uM``."""
    return f"{axis}={value:.12g} {axis_unit(axis)}".rstrip()


def column(axis: str) -> str:
    """Return the header of an axis in a table, such as ``imatinib [uM]``."""
    return f"{axis} [{axis_unit(axis)}]"


def vehicle_name(name: str) -> str:
    """Return the name of the vehicle of a well: what is told of its treatments goes."""
    stem, _, told = name.partition("[")
    kept = [item for item in told.removesuffix("]").split(", ") if item.partition("=")[0] not in TREATMENTS]
    return f"{stem}[{', '.join([*filter(None, kept), 'vehicle'])}]"


def without(vary: FrozenMap[tuple[float, ...]], names: Iterable[str]) -> FrozenMap[tuple[float, ...]]:
    """Return the axes that are not among ``names``."""
    gone = set(names)
    return FrozenMap({axis: values for axis, values in vary.items() if axis not in gone})


def set_by(changes: Mapping[str, Any]) -> set[str]:
    """Return the axes that a change of a scenario gives one value."""
    found: set[str] = set()
    for field in ("treatments", "lines", "parameters"):
        given = changes.get(field)
        found |= set(given) if isinstance(given, Mapping) else set()
    stroma = changes.get("stroma", {})
    if not isinstance(stroma, Mapping) or "density" in stroma:
        found.add(STROMA)
    if "events" in changes:
        found.add(EVENT_AXIS)
    return found


# -- what cannot be varied ----------------------------------------------------------------------------------


def problem(scenario: Scenario) -> str | None:
    """Say what is wrong with the axes of a scenario; None if nothing is."""
    found = (_axis_problem(scenario, axis) for axis in scenario.vary)
    text = next(filter(None, found), None)
    count = math.prod(len(values) for values in scenario.vary.values())
    if text is None and count > WELLS_PER_SCENARIO:
        text = f"got {count} wells, expected at most {WELLS_PER_SCENARIO}"
    return None if text is None else f"vary: {text}"


def _axis_problem(scenario: Scenario, axis: str) -> str | None:
    if axis in LEUKAEMIC and axis not in scenario.lines:
        return f"{axis}: is not in the vessel, expected it in lines (with any density)"
    if axis == STROMA and not scenario.stroma.present:
        return f"{axis}: is not in the vessel, expected stroma mode 'coculture' or 'transwell'"
    if axis == EVENT_AXIS:
        return _event_problem(scenario)
    if axis in settled(scenario):
        return f"{axis}: {settled(scenario)[axis]} sets it already, expected one of the two"
    return None


def _event_problem(scenario: Scenario) -> str | None:
    if not scenario.events:
        return f"{EVENT_AXIS}: there is no event to move, expected events"
    latest = max(scenario.vary[EVENT_AXIS])
    last = latest + (scenario.events[-1].at - scenario.events[0].at)
    if last > scenario.duration:
        return (
            f"{EVENT_AXIS}: got {latest:g} h, which moves the last event to {last:g} h, expected at most "
            f"the duration {scenario.duration:g} h"
        )
    return None


def settled(scenario: Scenario) -> dict[str, str]:
    """Parameters that another part of the scenario sets, and which part that is."""
    found = {KNOCKDOWNS[gene]: "knockdown" for gene in scenario.knockdown}
    if scenario.vessel.lower_volume_fraction is not None:
        found["lower_volume_fraction"] = "vessel"
    if scenario.vessel.exchange is not None:
        found["insert_exchange"] = "vessel"
    return found
