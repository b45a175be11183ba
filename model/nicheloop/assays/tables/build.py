"""Assay tables of wells that are at hand, as of a virtual assay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nicheloop.assays.names import unknown
from nicheloop.assays.readouts import Readout, readouts_with
from nicheloop.assays.scenario import Scenario
from nicheloop.assays.tables.columns import HEADERS, TIME, TREATMENTS
from nicheloop.assays.tables.frame import AssayTable
from nicheloop.assays.tables.problems import Problems
from nicheloop.assays.tables.read import assembled
from nicheloop.assays.tables.units import RATIO
from nicheloop.assays.tables.wells import Design, design_of
from nicheloop.biology.hosts import HOSTS, STROMA

TEXTS = ("censored", "experiment", "plate", "relative_to")
NUMBERS = ("sd", "n", "replicate", "detection_limit")
NEEDED = ("well", "readout", "host", "time_h", "value")


def table_of_wells(
    wells: Sequence[Scenario],
    rows: Mapping[str, Any],
    source: str = "virtual assay",
    own: tuple[Readout, ...] = (),
) -> AssayTable:
    """Make an assay table of values and the wells they are from.

    Parameters
    ----------
    wells : sequence of Scenario
        Single wells, any; what their columns cannot tell is kept as a scenario of the table.
    rows : mapping
        Arrays of equal length (or one value for all), named as the fields of `Measurement`: ``well`` (index),
        ``readout``, ``host``, ``time_h``, ``value``; where they differ from nothing also ``unit``, ``sd``,
        ``n``, ``replicate``, ``censored``, ``detection_limit``, ``relative_to``, ``experiment``, ``plate``.
    source : str
        For messages.
    own : tuple of Readout
        That the table may hold beside the shipped ones.

    Returns
    -------
    AssayTable
        As if it had been read from a file.

    Raises
    ------
    ValueError
        If a column is unknown or missing.
    """
    known = (*NEEDED, "unit", *TEXTS, *NUMBERS)
    for name in rows:
        if name not in known:
            raise ValueError(unknown("column", name, known))
    for name in NEEDED:
        if name not in rows:
            raise ValueError(f"no column {name!r}, expected {', '.join(NEEDED)}")
    size, readouts = len(rows["value"]), readouts_with(own)
    data: dict[str, Any] = {"row": np.arange(2, size + 2)}
    data |= {name: _texts(rows.get(name, ""), size) for name in ("readout", *TEXTS)}
    data |= {name: _numbers(rows.get(name), size) for name in ("value", *NUMBERS)}
    data[TIME] = _numbers(rows["time_h"], size)
    units = rows["unit"] if "unit" in rows else _units(data["readout"], data["relative_to"], readouts)
    data["unit"] = _texts(units, size)
    well, host = np.asarray(rows["well"], dtype=np.intp), _texts(rows["host"], size)
    scenarios: dict[str, Scenario] = {}
    _add_designs(data, wells, well, host, scenarios, readouts)
    return assembled(data, scenarios, Problems(source), own)


def _texts(given: Any, size: int) -> NDArray[Any]:
    texts = np.full(size, "", dtype=object)
    texts[:] = given
    return texts


def _numbers(given: Any, size: int) -> NDArray[np.float64]:
    numbers = np.full(size, np.nan)
    if given is not None:
        numbers[:] = given
    return numbers


def _units(names: NDArray[Any], relative_to: NDArray[Any], readouts: Mapping[str, Readout]) -> NDArray[Any]:
    """Return the units that values are kept in."""
    other = {"vehicle": RATIO, "scale": "a.u."}
    pairs = zip(names.tolist(), relative_to.tolist(), strict=True)
    return np.array([other.get(relation) or readouts[name].unit for name, relation in pairs], dtype=object)


def _add_designs(
    data: dict[str, Any],
    wells: Sequence[Scenario],
    well: NDArray[np.intp],
    host: NDArray[Any],
    scenarios: dict[str, Scenario],
    readouts: Mapping[str, Readout],
) -> None:
    """Write the columns that describe the wells."""
    shared = {name for name, readout in readouts.items() if set(HOSTS) <= set(readout.hosts)}
    on_stroma = (host == STROMA) & np.isin(data["readout"].astype(str), list(shared))
    designs = [
        design_of(scenario, bool(on_stroma[well == number].any()), scenarios)
        for number, scenario in enumerate(wells)
    ]
    for name in ("scenario", "stroma"):
        data[name] = np.array([getattr(design, name) for design in designs], dtype=object)[well]
    for name in ("cells_per_ml", "stroma_per_ml"):
        values = [getattr(design, name) for design in designs]
        data[name] = np.array([np.nan if value is None else value for value in values])[well]
    line = np.array([_line(design, one) for design, one in zip(designs, wells, strict=True)], dtype=object)[
        well
    ]
    named = np.array([bool(design.scenario) for design in designs])[well]
    data["line"] = np.where(named & (host != ""), host, line)
    for name in TREATMENTS:
        doses = np.array([scenario.treatments.get(name, 0.0) for scenario in wells])
        if doses.any() or any(name in base.treatments for base in scenarios.values()):
            data[HEADERS[name]] = doses[well]


def _line(design: Design, well: Scenario) -> str:
    """Return the line of a row that measures the medium."""
    return design.line or (next(iter(well.lines)) if len(well.lines) == 1 else "")
