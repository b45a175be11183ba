"""In what two scenarios differ, field by field, as text with units."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from nicheloop.assays.events import Event
from nicheloop.assays.fields import axis_unit
from nicheloop.assays.library import DOSES, UNITS
from nicheloop.assays.mapping import FrozenMap
from nicheloop.assays.scenario import ConditionedMedium, Scenario, Seeding
from nicheloop.assays.units import CELL_DENSITY, solute

NOT_SET = "not set"
WORDS = ("name", "title", "description")
"""What a scenario is called is no part of the experiment."""


@dataclass(frozen=True)
class Difference:
    """One field that two scenarios have different values for.

    Attributes
    ----------
    field : str
        Such as ``treatments.imatinib`` or ``at 8 h: wash_out.fraction``.
    left, right : str
        Either value with its unit; ``not set`` where a scenario has none.
    """

    field: str
    left: str
    right: str


@dataclass(frozen=True)
class _Told:
    """A value as text; ``usual`` if it is what the field has when nobody sets it."""

    text: str
    usual: bool = False


Fields = Iterator[tuple[str, _Told]]


def differences(left: Scenario, right: Scenario) -> tuple[Difference, ...]:
    """Return in what two scenarios differ; empty if they are the same experiment, whatever they are called.

    Of a part that only one of them has, what is as usual is left out.
    """
    ours, theirs = dict(_scenario("", left)), dict(_scenario("", right))
    found = []
    for field in dict.fromkeys([*ours, *theirs]):
        a, b = ours.get(field), theirs.get(field)
        one_sided = a is None or b is None
        if one_sided and all(side is None or side.usual for side in (a, b)):
            continue
        texts = [NOT_SET if side is None else side.text for side in (a, b)]
        if texts[0] != texts[1]:
            found.append(Difference(field, *texts))
    return tuple(found)


def _scenario(prefix: str, scenario: Scenario) -> Fields:
    for name in type(scenario).model_fields:
        if name in WORDS or name == "every":
            continue
        if name == "times":
            yield f"{prefix}times", _sampling(scenario)
        elif name == "events":
            yield from _events(prefix, scenario.events)
        else:
            yield from _field(prefix, scenario, name)


def _sampling(scenario: Scenario) -> _Told:
    if scenario.times is None:
        return _Told(f"every {_number(scenario.every)} h", usual=scenario.every == 1)
    return _Told(", ".join(_number(time) for time in scenario.times) + " h")


def _events(prefix: str, events: tuple[Event, ...]) -> Fields:
    seen: dict[float, int] = {}
    for event in events:
        seen[event.at] = count = seen.get(event.at, 0) + 1
        place = f"{prefix}at {_number(event.at)} h" + (f" ({count})" if count > 1 else "")
        for name in type(event).model_fields:
            if name != "at":
                yield from _field(f"{place}: ", event, name)


def _field(prefix: str, part: BaseModel, name: str) -> Fields:
    """Spell out a field of a part: tables and parts within it entry by entry, anything else with its unit."""
    value, field = getattr(part, name), f"{prefix}{name}"
    if isinstance(part, ConditionedMedium) and name == "hours":
        yield field, _Told(f"{_number(part.harvest)} h")
    elif isinstance(value, Scenario):
        yield from _scenario(f"{field}.", value)
    elif isinstance(value, BaseModel):
        for inner in type(value).model_fields:
            yield from _field(f"{field}.", value, inner)
    elif isinstance(value, FrozenMap):
        yield from ((f"{field}.{key}", _Told(_entry(name, key, item))) for key, item in value.items())
    elif value is not None:
        usual = name != "fraction" and value == type(part).model_fields[name].default
        yield field, _Told(_text(name, value), usual)


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(value) or "none"
    if isinstance(value, float):
        return f"{_number(value)} {UNITS.get(name, '')}".rstrip()
    return str(value)


def _entry(table: str, key: str, value: Any) -> str:
    """Spell out one entry of a table of doses, densities, axes or plain numbers."""
    if isinstance(value, Seeding):
        return f"{_number(value.density)} {CELL_DENSITY}"
    if isinstance(value, tuple):
        return f"{', '.join(_number(item) for item in value)} {axis_unit(key)}".rstrip()
    return f"{_number(value)} {solute(key).unit if table in DOSES else ''}".rstrip()


def _number(value: float) -> str:
    return f"{value:.12g}"
