"""Axes of a sweep: what varies, over which values or between which ends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nicheloop.analysis.sweep.numbers import Floats
from nicheloop.analysis.sweep.ranges import FORMS, Range, read_values
from nicheloop.assays.axes import WELLS_PER_SCENARIO
from nicheloop.assays.fields import EVENT_AXIS, TREATMENTS, axis_unit
from nicheloop.assays.scenario import Scenario
from nicheloop.biology.hosts import LEUKAEMIC, STROMA
from nicheloop.biology.priors import prior_quantile
from nicheloop.biology.table import rows

PRIOR = "prior"
KINDS = ("parameter", "density", "time", "treatment")
"""Kinds of axes, from what changes most of a run to what changes least."""
Vary = Mapping[str, Any]


@dataclass(frozen=True)
class Axis:
    """One thing that varies.

    Attributes
    ----------
    name, unit : str
        As in ``vary`` of a scenario; the unit of all values.
    values : tuple of float
        What it takes; empty if it is sampled.
    low, high : float
        Ends between which it is sampled.
    scale : str
        How it is sampled: ``linear``, ``log`` or ``prior`` (of a parameter of the model).
    """

    name: str
    unit: str
    values: tuple[float, ...] = ()
    low: float = 0.0
    high: float = 0.0
    scale: str = "linear"

    @property
    def sampled(self) -> bool:
        """Whether a random design draws its values."""
        return not self.values

    @property
    def kind(self) -> str:
        """What it changes: one of `KINDS`."""
        if self.name in TREATMENTS:
            return "treatment"
        if self.name in (*LEUKAEMIC, STROMA):
            return "density"
        return "time" if self.name == EVENT_AXIS else "parameter"

    def at(self, levels: Floats) -> Floats:
        """Return the values at levels between 0 and 1."""
        if self.scale == PRIOR:
            return prior_quantile(self.name, levels)
        if self.scale == "log":
            drawn = self.low * (self.high / self.low) ** levels
        else:
            drawn = self.low + levels * (self.high - self.low)
        return np.clip(drawn, self.low, self.high)  # rounding must not lead out

    def told(self) -> dict[str, Any]:
        """Return what decides the results, as JSON."""
        if not self.sampled:
            return {"unit": self.unit, "values": list(self.values)}
        ends = {} if self.scale == PRIOR else {"low": self.low, "high": self.high}
        return {"unit": self.unit, "scale": self.scale, **ends}


def axes_of(scenario: Scenario, vary: Vary | None) -> tuple[Axis, ...]:
    """Read the axes of a sweep: those given, and those of the scenario that are not given anew.

    Parameters
    ----------
    scenario : Scenario
        What is swept.
    vary : mapping, optional
        Axis to values: a list (numbers, or text with a unit), a `Range`, text such as ``"0.01:10:20:log"``,
        or, for a parameter of the model, ``"prior"``.

    Returns
    -------
    tuple of Axis
        The scenario's own first.

    Raises
    ------
    ValueError
        Naming axis, value and what was expected.
    """
    if vary is not None and not isinstance(vary, Mapping):
        raise ValueError(f"vary: got {vary!r}, expected a mapping such as {{'imatinib': ['0 uM', '1 uM']}}")
    whole: dict[str, Any] = {**scenario.vary, **(vary or {})}
    return tuple(_axis(scenario, str(name), given) for name, given in whole.items())


def _axis(scenario: Scenario, name: str, given: object) -> Axis:
    try:
        unit = axis_unit(name)
        parts = _parts(name, given)
    except ValueError as error:
        raise ValueError(f"vary: {'' if _names(error, name) else f'{name}: '}{error}") from None
    if parts == [PRIOR]:
        return _of_prior(scenario, name, unit)
    ranges = [part for part in parts if isinstance(part, Range)]
    if not ranges:
        return Axis(name, unit, _checked(scenario, name, parts))
    if len(parts) > 1:
        raise ValueError(
            f"vary: {name}: {ranges[0]} has no number of values, expected one beside other values"
        )
    low, high = _checked(scenario, name, ranges[0].ends)
    return Axis(name, unit, low=low, high=high, scale=ranges[0].scale)


def _names(error: ValueError, name: str) -> bool:
    return str(error).startswith(("unknown axis", f"{name}:"))


def _parts(name: str, given: object) -> list[Any]:
    """Return values, or a single range, or ``prior``."""
    if isinstance(given, str):
        return [PRIOR] if given.strip() == PRIOR else list(read_values(given))
    if isinstance(given, Range):
        return [given] if given.count is None else list(given)
    if isinstance(given, (bytes, Mapping)) or not isinstance(given, Iterable):
        raise ValueError(f"got {given!r}, expected a list of values, a range or text such as {FORMS}")
    values = list(given)
    if not values:
        raise ValueError("got an empty list, expected at least one value")
    return [float(item) if isinstance(item, (np.integer, np.floating)) else item for item in values]


def _checked(scenario: Scenario, name: str, given: Sequence[Any]) -> tuple[float, ...]:
    """Read values as the scenario would; it refuses what it cannot vary."""
    values: list[float] = []
    for start in range(0, len(given), WELLS_PER_SCENARIO):
        some = scenario.with_(vary={name: given[start : start + WELLS_PER_SCENARIO]})
        values += some.vary[name]
    if len(set(values)) < len(values):
        raise ValueError(f"vary: {name}: lists a value twice, expected different values")
    return tuple(values)


def _of_prior(scenario: Scenario, name: str, unit: str) -> Axis:
    if name not in rows():
        raise ValueError(
            f"vary: {name}: got 'prior', expected values or a range: only parameters have a prior"
        )
    if rows()[name].prior == "fixed":
        raise ValueError(f"vary: {name}: is fixed in the parameter table, expected values instead of 'prior'")
    _checked(scenario, name, [rows()[name].value])
    return Axis(name, unit, scale=PRIOR)
