"""What can be moved on the page: each quantity with its unit, bounds and scale."""

from __future__ import annotations

import math
from dataclasses import dataclass

from nicheloop.assays.axes import settled as settled_by_design
from nicheloop.assays.scenario import Scenario
from nicheloop.assays.tables.arrangement import unit_in_words
from nicheloop.assays.units import CELL_DENSITY, solute
from nicheloop.biology import parameter_values
from nicheloop.biology.hosts import STROMA
from nicheloop.biology.table import ParameterRow, rows
from nicheloop.explorer.words import treatment_in_words

DOSE, DENSITY, KNOCKDOWN, EVENT, EVENT_DOSE, DURATION, PARAMETER = (
    "dose", "density", "knockdown", "event", "event_dose", "duration", "parameter",
)  # fmt: skip
"""Kinds of control; a key is ``kind`` or ``kind:what``."""

DOSE_RANGES = {
    "imatinib": (0.01, 100.0),
    "il1b": (0.1, 1e5),
    "il1a": (0.1, 1e5),
    "il1ra": (0.1, 1e4),
    "il1r2": (0.1, 1e4),
    "anti_il1b": (0.01, 100.0),
    "anti_il1rap": (0.01, 100.0),
    "cxcl11": (0.1, 1e4),
    "anti_cxcl11": (0.01, 100.0),
    "cxcr3_antagonist": (0.1, 1e4),
    "ifng": (0.01, 1e3),
    "ifnb": (0.01, 1e3),
    "jak_inhibitor": (1.0, 1e4),
    "celecoxib": (0.1, 100.0),
}
"""Doses that a slider spans, in the unit of the bench: around those that the shipped scenarios give."""
DENSITIES = (1e3, 5e6)
LONGEST = 14 * 24.0
"""Hours; a longer scenario is spanned as it is."""
BEYOND = 10.0
"""How far beyond a value a slider goes if the table tells no bounds."""


@dataclass(frozen=True)
class Control:
    """One quantity that can be moved.

    Attributes
    ----------
    key : str
        ``dose:imatinib``, ``density:K562R``, ``duration``, ``parameter:il1_kon``...
    label, unit : str
        As shown.
    value, default : float
        Now, and in the scenario or the table.
    low, high : float
        Ends of the slider; a typed value may lie beyond.
    log : bool
        Whether equal steps are equal ratios.
    zero : bool
        Whether the left end of a logarithmic slider is 0.
    step : float
        Of a linear slider.
    note : str
        What else is known: evidence, source.
    """

    key: str
    label: str
    unit: str
    value: float
    default: float
    low: float
    high: float
    log: bool
    zero: bool = False
    step: float = 0.0
    note: str = ""

    @property
    def changed(self) -> bool:
        """Whether the value is not the default."""
        return self.value != self.default


def dose_control(key: str, treatment: str, value: float, default: float, when: str = "") -> Control:
    """Return the control of a dose: logarithmic, with 0 at its left end."""
    low, high = _spanning(*DOSE_RANGES[treatment], value, default)
    unit = unit_in_words(solute(treatment).unit)
    label = f"{treatment_in_words(treatment)} {when}".strip()
    return Control(key, label, unit, value, default, low, high, log=True, zero=True)


def density_control(host: str, value: float, default: float) -> Control:
    """Return the control of what is seeded."""
    low, high = _spanning(*DENSITIES, value, default)
    zero = host == STROMA
    return Control(
        f"{DENSITY}:{host}", f"{host} seeded", CELL_DENSITY, value, default, low, high, log=True, zero=zero
    )


def duration_control(scenario: Scenario, default: float) -> Control:
    """Return the control of the duration: not shorter than the last event."""
    first = max([1.0, *(event.at for event in scenario.events)])
    high = max(LONGEST, scenario.duration, default)
    return Control(
        DURATION, "Duration", "h", scenario.duration, default, math.ceil(first), high, False, step=1
    )


def event_control(scenario: Scenario, default: float) -> Control:
    """Return the control of the time of the first event; later ones keep their distance."""
    events = scenario.events
    high = scenario.duration - (events[-1].at - events[0].at)
    label = "Time of the first event" if len(events) > 1 else "Time of the event"
    return Control(EVENT, label, "h", events[0].at, default, 0.0, high, False, step=0.5)


def knockdown_control(gene: str, value: float, default: float) -> Control:
    """Return the control of the silenced share of a gene."""
    label = f"{gene.upper()} knock-down"
    return Control(f"{KNOCKDOWN}:{gene}", label, "fraction", value, default, 0.0, 1.0, False, step=0.01)


def parameter_control(name: str, value: float | None, default: float) -> Control:
    """Return the control of a parameter of the model, with bounds, scale and evidence of the table.

    Parameters
    ----------
    name : str
        As in the table.
    value : float or None
        Now; None: the default.
    default : float
        Value that the scenario and the explanation of resistance give it.
    """
    row = rows()[name]
    value = default if value is None else value
    low, high = _bounds(row)
    log = row.prior in ("lognormal", "loguniform") and low > 0
    zero = log and min(value, default) == 0
    if log:
        low, high = _spanning(low, high, value, default)
    else:
        low, high = min(low, value, default), max(high, value, default)
    step = 0.0 if log else (high - low) / 200
    note = f"{row.evidence}; {row.source}" if row.source else row.evidence
    unit = "" if row.unit == "1" else unit_in_words(row.unit)
    return Control(f"{PARAMETER}:{name}", name, unit, value, default, low, high, log, zero, step, note)


def settled(scenario: Scenario) -> frozenset[str]:
    """Names of the parameters that a scenario sets itself, in its table, by its vessel or its knock-downs."""
    return frozenset({*scenario.parameters, *settled_by_design(scenario)})


def searchable(scenario: Scenario) -> tuple[str, ...]:
    """Names of the parameters that a slider can be asked for: all with a range that are not settled."""
    fixed = settled(scenario)
    return tuple(name for name, row in rows().items() if row.low is not None and name not in fixed)


def default_of(name: str, scenario: Scenario) -> float:
    """Value of a parameter if nothing is moved: of the scenario, else as its explanation says."""
    if name in scenario.parameters:
        return float(scenario.parameters[name])
    return parameter_values(scenario.resistance)[name]


def _bounds(row: ParameterRow) -> tuple[float, float]:
    if row.low is not None and row.high is not None:
        return row.low, row.high
    far = abs(row.value) * BEYOND or 1.0
    return (0.0, far) if row.value >= 0 else (-far, 0.0)


def _spanning(low: float, high: float, *values: float) -> tuple[float, float]:
    """Widen positive bounds so that they hold the values that are not 0."""
    positive = [value for value in values if value > 0]
    return min([low, *positive]), max([high, *positive])
