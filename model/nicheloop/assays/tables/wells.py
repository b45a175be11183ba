"""From the design columns of an assay table to the wells they describe, and back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from nicheloop.assays.fields import TREATMENTS, ScenarioError, nothing
from nicheloop.assays.library import load_scenario, scenario_names
from nicheloop.assays.mapping import FrozenMap
from nicheloop.assays.names import unknown
from nicheloop.assays.readouts import MEDIUM, Readout
from nicheloop.assays.scenario import STROMA_MODES, ConditionedMedium, Scenario, Seeding, Vessel, checked
from nicheloop.biology.hosts import HOSTS, STROMA

CONDITIONED = "stroma_alone"
COCULTURE = "coculture"
TRANSWELL = "transwell_stroma"
GROWTH = FrozenMap({"K562S": "k562s_growth", "K562R": "k562r_growth"})
"""Shipped scenarios whose densities (and insert) a table without ``scenario`` takes."""
WELL = Vessel(kind="well_96")
CONDITIONING_HOURS = 48.0
CONDITIONED_FRACTION = 0.5
"""Of the shipped scenarios with conditioned medium, too."""


class DesignError(ValueError):
    """Design columns that describe no well.

    Attributes
    ----------
    column : str
        Where the problem is.
    """

    def __init__(self, column: str, message: str) -> None:
        super().__init__(message)
        self.column = column


@dataclass(frozen=True)
class Design:
    """What the design columns of a row say, treatments aside.

    Attributes
    ----------
    scenario : str
        Scenario that the other columns change; empty for none.
    line : str
        Leukaemic line in the well, or ``stroma``; with a scenario, what is measured.
    stroma : str
        One of `STROMA_MODES`; empty: as in the scenario, or none.
    cells_per_ml, stroma_per_ml : float or None
        Seeding densities; None: as in the scenario.
    """

    scenario: str = ""
    line: str = ""
    stroma: str = ""
    cells_per_ml: float | None = None
    stroma_per_ml: float | None = None


def base_well(design: Design, bases: Mapping[str, Scenario]) -> Scenario:
    """Return the well of a design, without the treatments that the table holds.

    Parameters
    ----------
    design : Design
        What the columns say.
    bases : mapping
        Scenarios by what the column ``scenario`` says.

    Raises
    ------
    DesignError
        If there is no such well; names the column, and says what was expected.
    """
    if design.line not in ("", *HOSTS):
        raise DesignError("line", unknown("line", design.line, HOSTS))
    if design.stroma not in ("", *STROMA_MODES):
        raise DesignError("stroma", unknown("stroma mode", design.stroma, STROMA_MODES))
    try:
        return _changed(design, bases[design.scenario]) if design.scenario else _plain_well(design)
    except ScenarioError as error:
        raise DesignError("stroma", str(error).partition(": ")[2]) from None


def _plain_well(design: Design) -> Scenario:
    """Return the well of a design that names no scenario."""
    if not design.line:
        raise DesignError("line", f"is empty, expected one of: {', '.join(HOSTS)}; or a column 'scenario'")
    if design.line == STROMA:
        return _stroma_alone(design)
    stroma = design.stroma or "none"
    if stroma == "none" and design.stroma_per_ml is not None:
        raise DesignError("stroma_per_ml", "given without stroma, expected a mode in column 'stroma'")
    cells = design.cells_per_ml or load_scenario(GROWTH[design.line]).lines[design.line]
    data = {
        "name": design.line if stroma == "none" else f"{design.line}_{stroma}",
        "lines": {design.line: cells},
        "vessel": load_scenario(TRANSWELL).vessel if stroma == "transwell" else WELL,
    }
    return checked({**data, **_stroma_fields(stroma, design.stroma_per_ml)}, "well")


def _stroma_alone(design: Design) -> Scenario:
    if design.stroma not in ("", "none"):
        raise DesignError("stroma", f"{design.stroma!r} for line 'stroma', expected 'none' or another line")
    if design.cells_per_ml is not None:
        raise DesignError("cells_per_ml", "given for line 'stroma', expected it in 'stroma_per_ml'")
    fields = _stroma_fields("coculture", design.stroma_per_ml)
    return checked({"name": STROMA, "vessel": WELL, **fields}, "well")


def _stroma_fields(mode: str, density: float | None) -> dict[str, Any]:
    """Return the fields of a scenario that say how stroma takes part."""
    if mode == "none":
        return {"stroma": {"mode": "none"}}
    if mode == "conditioned_medium":
        source = load_scenario(CONDITIONED)
        if density is not None:
            source = source.with_(stroma={"density": density})
        medium = ConditionedMedium(
            scenario=source.with_(duration=CONDITIONING_HOURS),
            hours=CONDITIONING_HOURS,
            fraction=CONDITIONED_FRACTION,
        )
        return {"stroma": {"mode": mode}, "conditioned_medium": medium}
    shipped = load_scenario(COCULTURE if mode == "coculture" else TRANSWELL).stroma.density
    return {"stroma": {"mode": mode, "density": shipped if density is None else density}}


def _changed(design: Design, base: Scenario) -> Scenario:
    """Return a scenario changed by what the columns say."""
    changes: dict[str, Any] = {}
    lines = _changed_lines(design, base)
    if lines != base.lines:
        changes["lines"] = lines
    if design.stroma and (design.stroma != base.stroma.mode or design.stroma_per_ml is not None):
        changes.update(_stroma_fields(design.stroma, design.stroma_per_ml))
    elif design.stroma_per_ml is not None:
        if not base.stroma.present:
            raise DesignError(
                "stroma_per_ml", f"scenario {design.scenario!r} has no stroma, expected a 'stroma' mode"
            )
        changes["stroma"] = {"mode": base.stroma.mode, "density": design.stroma_per_ml}
    if not changes:
        return base
    said = {"line": design.line, "stroma": design.stroma, "cells_per_ml": design.cells_per_ml}
    told = ", ".join(f"{name}={value}" for name, value in said.items() if value)
    data = {name: getattr(base, name) for name in base.model_fields_set}
    return checked({**data, **changes, "name": f"{base.name}[{told}]"}, "well")


def _changed_lines(design: Design, base: Scenario) -> Mapping[str, Seeding]:
    """Return the lines of a scenario, changed by the columns ``line`` and ``cells_per_ml``."""
    line, density = design.line, design.cells_per_ml
    if line in ("", STROMA):
        if line == STROMA and not base.stroma.present and not design.stroma:
            raise DesignError("line", f"scenario {design.scenario!r} has no stroma, expected one that has")
        if density is None:
            return base.lines
        if len(base.lines) != 1:
            raise DesignError("cells_per_ml", "given without the line it is of, expected one in 'line'")
        return FrozenMap(dict.fromkeys(base.lines, Seeding(density=density)))
    if line in base.lines:
        return base.lines if density is None else FrozenMap({**base.lines, line: Seeding(density=density)})
    if len(base.lines) > 1:
        raise DesignError("line", unknown("line of this scenario", line, base.lines))
    if not base.lines and density is None:
        raise DesignError(
            "line",
            f"{line!r} is not in scenario {design.scenario!r}, expected 'stroma', nothing, or in column "
            "'cells_per_ml' how many are added",
        )
    seeded = next(iter(base.lines.values())) if density is None else Seeding(density=density)
    return FrozenMap({line: seeded})


def host_measured(readout: Readout, line: str, well: Scenario) -> str:
    """Return the cells that a read-out is of; empty for the medium.

    Raises
    ------
    DesignError
        If it cannot be measured there.
    """
    if not readout.hosts:
        return MEDIUM
    if line in readout.hosts and line in well.hosts:
        return line
    fitting = [host for host in well.hosts if host in readout.hosts]
    if len(fitting) == 1 and line != STROMA:
        return fitting[0]
    expected = ", ".join(fitting or readout.hosts)
    here = f"on {line!r} here" if line else "without a line here"
    raise DesignError("readout", f"{readout.name} cannot be measured {here}, expected line {expected}")


def bare(well: Scenario) -> Scenario:
    """Return a well without what no cell notices: names, texts, when one looks and until when."""
    source = well.conditioned_medium
    if source is not None:
        inner = bare(source.scenario)
        source = source.model_copy(update={"scenario": inner, "hours": source.harvest})
    silent = {
        "name": "",
        "title": "",
        "description": "",
        "times": None,
        "every": 1.0,
    }
    same = {"duration": 1.0, "vary": nothing(), "conditioned_medium": source}
    return well.model_copy(update={**silent, **same})


def without_treatments(well: Scenario, names: Iterable[str] = TREATMENTS) -> Scenario:
    """Return a well without treatments from the start, those of ``names`` and those of dose 0."""
    gone = set(names)
    left = {name: dose for name, dose in well.treatments.items() if dose and name not in gone}
    return well.model_copy(update={"treatments": FrozenMap(left)})


# -- and back -----------------------------------------------------------------------------------------------


def design_of(well: Scenario, on_stroma: bool, bases: dict[str, Scenario]) -> Design:
    """Return the design columns that describe a well, treatments aside.

    Parameters
    ----------
    well : Scenario
        Any.
    on_stroma : bool
        Whether something is measured on its stroma that could be measured on its leukaemic cells.
    bases : dict
        Scenarios by what the column ``scenario`` says; gets those that are missing. Their own treatments are
        to be overruled by columns.
    """
    plain = without_treatments(well)
    simple = None if on_stroma and well.lines else _simple_design(plain)
    if simple is not None:
        return simple
    shipped = well.name.partition("[")[0]
    if shipped in scenario_names() and bare(without_treatments(load_scenario(shipped))) == bare(plain):
        bases[shipped] = load_scenario(shipped).model_copy(update={"vary": nothing()})
        return Design(shipped)
    name = re.sub(r"[^\w-]+", "_", shipped).strip("_") or "well"
    kept = plain.model_copy(update={"name": name, "times": None, "every": 1.0})
    number = 1
    while bases.setdefault(key := f"{name}{'' if number == 1 else f'_{number}'}.toml", kept) != kept:
        number += 1
    return Design(key)


def _simple_design(plain: Scenario) -> Design | None:
    """Return the design without a scenario that gives this well, if there is one."""
    lines, stroma = list(plain.lines), plain.stroma
    if len(lines) > 1:
        return None
    source = plain.conditioned_medium
    density = stroma.density if source is None else source.scenario.stroma.density
    if not lines:
        design = Design(line=STROMA, stroma_per_ml=density)
    else:
        cells = plain.lines[lines[0]].density
        mode = stroma.mode
        design = Design("", lines[0], mode, cells, None if mode == "none" else density)
    try:
        return design if bare(base_well(design, {})) == bare(plain) else None
    except (DesignError, ValueError):
        return None
