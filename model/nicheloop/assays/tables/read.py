"""`read_assay`: a file becomes an assay table, or an error that names everything that is wrong with it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nicheloop.assays.fields import ScenarioError, nothing
from nicheloop.assays.library import load_scenario, scenario_names
from nicheloop.assays.mapping import FrozenMap
from nicheloop.assays.names import unknown
from nicheloop.assays.readouts import Readout, readouts_with
from nicheloop.assays.scenario import Scenario
from nicheloop.assays.tables.columns import HEADERS, TIME, TREATMENTS
from nicheloop.assays.tables.excel import is_workbook, read_sheet
from nicheloop.assays.tables.frame import AssayTable, Measurement, Measurements
from nicheloop.assays.tables.layout import Layout, combined, grouped, layout_of
from nicheloop.assays.tables.platemap import is_plate, read_plate
from nicheloop.assays.tables.problems import ENOUGH, AssayError, Problems
from nicheloop.assays.tables.rows import read_rows
from nicheloop.assays.tables.text import RawTable, content, decoded, read_text

__all__ = ["AssayError", "AssayTable", "Measurement", "Measurements", "read_assay"]

COLUMNS = (
    "row", "readout", "line", TIME, "value", "unit", "censored", "sd", "n", "replicate", "detection_limit",
    "experiment", "plate", "relative_to", "scenario", "stroma", "cells_per_ml", "stroma_per_ml",
)  # fmt: skip
"""Of every table, beside its treatments and notes."""


def read_assay(
    path: str | Path,
    sheet: str | None = None,
    layout: str | Path | None = None,
    *,
    normalise: bool = True,
    readouts: Iterable[Readout] = (),
) -> AssayTable:
    """Read an assay table.

    Parameters
    ----------
    path : str or Path
        CSV file (commas, semicolons or tabs; UTF-8 or UTF-16) or Excel workbook: a tidy table with one row
        per value, or a plate map.
    sheet : str, optional
        Of a workbook; by default the one that holds a table.
    layout : str or Path, optional
        Of a plate map: the file, or the sheet of the workbook, that says what is in each well. A workbook
        with a sheet ``layout`` is a plate map.
    normalise : bool
        Whether raw signals such as OD are divided by those of the vehicle wells.
    readouts : iterable of Readout
        Read-outs of your own that the table may hold beside the shipped ones.

    Returns
    -------
    AssayTable
        All of the file; nothing is left out.

    Raises
    ------
    AssayError
        If anything in the file cannot be understood: one line per problem, with file, row, column, what
        stands there, what was expected and how to mend it.
    ValueError
        If a read-out of your own has the name of a shipped one.

    Examples
    --------
    >>> read_assay("plate.csv").wells  # doctest: +SKIP
    """
    file, own = Path(path), tuple(readouts)
    readouts_with(own)
    plate = read_plate(file, sheet, layout)
    try:
        table = tabulated(plate or _read_tidy(file, sheet), own)
    except AssayError:
        if plate is None and is_plate(file, sheet):
            raise AssayError(
                f"{file.name}: is a plate map, expected its layout: read_assay(path, layout=...) or --layout"
            ) from None
        raise
    return table.normalise() if normalise else table


def _read_tidy(file: Path, sheet: str | None) -> RawTable:
    data = content(file)
    if is_workbook(data):
        return read_sheet(data, file.name, sheet, file.parent)
    if sheet is not None:
        raise AssayError(f"{file.name}: sheet {sheet!r} of a text file, expected an Excel workbook")
    return read_text(decoded(data, file.name), file.name, file.parent)


def tabulated(raw: RawTable, own: tuple[Readout, ...] = ()) -> AssayTable:
    """Make an assay table of texts, which may hold ``own`` read-outs.

    Raises
    ------
    AssayError
        With all problems of the file.
    """
    problems = Problems(raw.source, raw.names)
    data = read_rows(raw, problems, readouts_with(own))
    scenarios = _scenarios(raw, data, problems)
    return assembled(data, scenarios, problems, own)


def assembled(
    data: dict[str, Any],
    scenarios: Mapping[str, Scenario],
    problems: Problems,
    own: tuple[Readout, ...] = (),
) -> AssayTable:
    """Make an assay table of its columns.

    Parameters
    ----------
    data : dict
        Column to array, in default units; gets what was left to the defaults.
    scenarios : mapping
        Those that the column ``scenario`` names.
    problems : Problems
        Found so far.
    own : tuple of Readout
        That the table may hold beside the shipped ones.

    Raises
    ------
    AssayError
        With all problems.
    """
    import pandas as pd

    layout = layout_of(pd.DataFrame(data), scenarios, problems, readouts_with(own))
    _fill_designs(data, layout)
    data["replicate"] = _replicates(data, layout, problems)
    problems.raise_any()
    data["n"] = pd.array(data["n"], dtype="Int64")
    extra = [name for name in ("note", *(HEADERS[name] for name in TREATMENTS)) if name in data]
    frame = pd.DataFrame({name: data[name] for name in (*COLUMNS, *extra)})
    return AssayTable(frame, problems.source, FrozenMap(scenarios), layout, tuple(problems.names), own)


def _scenarios(raw: RawTable, data: Mapping[str, Any], problems: Problems) -> dict[str, Scenario]:
    """Load the scenarios that the table names; without them its wells are not known."""
    scenarios = {}
    names, firsts = combined([data["scenario"]])
    rows = grouped(raw.rows, names, len(firsts))
    told = 0
    for number, first in enumerate(firsts):
        name = data["scenario"][first]
        if not name or told >= ENOUGH:
            continue
        try:
            scenario = _loaded(name, raw.folder)
            _check_axes(scenario, data)
        except ScenarioError as error:
            for line in str(error).splitlines():
                problems.add(line, "scenario", rows[number])
            told += 1
        else:
            scenarios[name] = scenario.model_copy(update={"vary": nothing()})
    if told:
        problems.raise_any()
    return scenarios


def _loaded(name: str, folder: Path | None) -> Scenario:
    if name.endswith(".toml"):
        return load_scenario((folder or Path()) / name)
    if name not in scenario_names():
        known = unknown("scenario", name, scenario_names())
        raise ScenarioError(f"{known}; a file beside the table is named with its ending, '{name}.toml'")
    return load_scenario(name)


def _check_axes(scenario: Scenario, data: Mapping[str, Any]) -> None:
    """Refuse a scenario of many wells, unless the table says which of them each row is."""
    open_axes = [axis for axis in scenario.vary if HEADERS.get(axis) not in data]
    if open_axes:
        varied = ", ".join(open_axes)
        raise ScenarioError(f"{scenario.name} varies {varied}, expected a column for each, or a single well")


def _fill_designs(data: dict[str, Any], layout: Layout) -> None:
    """Write down what rows without a scenario leave to the defaults."""
    free, base = data["scenario"] == "", layout.base[layout.well]
    cells, stroma = np.array([_densities(well) for well in layout.bases]).T
    data["stroma"] = np.where(free & (data["stroma"] == ""), "none", data["stroma"])
    data["cells_per_ml"] = np.where(free, cells[base], data["cells_per_ml"])
    data["stroma_per_ml"] = np.where(free, stroma[base], data["stroma_per_ml"])


def _densities(well: Scenario) -> tuple[float, float]:
    """Return the density of the leukaemic line and of the stroma; NaN where there is none."""
    source = well.conditioned_medium
    stroma = well.stroma.density if source is None else source.scenario.stroma.density
    return next((seeded.density for seeded in well.lines.values()), math.nan), stroma or math.nan


def _replicates(data: Mapping[str, Any], layout: Layout, problems: Problems) -> NDArray[np.int64]:
    """Number the replicates that have no number; the same number twice is a problem."""
    import pandas as pd

    names = ("experiment", "plate", "readout", TIME)
    key, _ = combined([layout.well, layout.host, *(data[name] for name in names)])
    number, rows = data["replicate"].copy(), data["row"]
    known = np.flatnonzero(~np.isnan(number))
    if known.size:
        same, firsts = combined([key[known], number[known]])
        for place in np.flatnonzero(firsts[same] != np.arange(known.size)):
            first, again = known[firsts[same[place]]], known[place]
            problems.add(
                f"repeats row {rows[first]}: the same well, read-out, time and replicate {number[again]:g}; "
                "expected another number, or none in both rows",
                "replicate",
                [rows[again]],
            )
    missing = np.isnan(number)
    highest = pd.Series(number).groupby(key).transform("max").fillna(0).to_numpy()
    count = pd.Series(key[missing]).groupby(key[missing]).cumcount().to_numpy() + 1
    number[missing] = highest[missing] + count
    whole: NDArray[np.int64] = number.astype(np.int64)
    return whole
