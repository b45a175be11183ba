"""Raw signals as fractions of the matching vehicle wells of the same plate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nicheloop.assays.tables.frame import AssayTable
from nicheloop.assays.tables.layout import combined
from nicheloop.assays.tables.problems import Problems
from nicheloop.assays.tables.units import RATIO, is_raw, relative_by_itself

Flags = NDArray[np.bool_]


def raw_rows(table: AssayTable) -> Flags:
    """Return which values are signals that vehicle wells turn into fractions, shape (rows,)."""
    values = table.measurements
    own = [readout.name for readout in table.known_readouts.values() if relative_by_itself(readout)]
    signal = np.isin(values.unit.astype(str), [unit for unit in set(values.unit) if is_raw(unit)])
    by_itself = np.isin(values.readout.astype(str), own) & (values.relative_to == "") & signal
    asked = (values.relative_to == "vehicle") & (values.unit != RATIO)
    return np.asarray(by_itself | asked, dtype=bool)


def normalised(table: AssayTable) -> AssayTable:
    """Return the table with its raw values normalised; see `AssayTable.normalise`."""
    raw = np.flatnonzero(raw_rows(table))
    if not raw.size:
        return table
    problems = Problems(table.source, table.names)
    divisor = np.ones(len(table))
    for rows in _plates(table, raw):
        divisor[rows] = _vehicle_mean(table, rows, problems)
    problems.raise_any()
    frame = table.frame.copy()
    for name in ("value", "sd", "detection_limit"):
        frame[name] = frame[name].to_numpy(dtype=float) / divisor
    unit = frame["unit"].to_numpy(dtype=object).copy()
    unit[raw] = RATIO
    frame["unit"] = unit
    return replace(table, frame=frame)


def _plates(table: AssayTable, raw: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
    """Yield the rows that share their vehicle wells."""
    values = table.measurements
    columns = [values.experiment, values.plate, values.readout, values.host, values.time_h]
    family = table.layout.family[values.well]
    codes, _ = combined([column[raw] for column in (*columns, family)])
    order = np.argsort(codes, kind="stable")
    ends = np.searchsorted(codes[order], np.arange(codes.max() + 2))
    for start, end in pairwise(ends):
        yield raw[order[start:end]]


def _vehicle_mean(table: AssayTable, rows: NDArray[np.intp], problems: Problems) -> float:
    """Return the mean of the vehicle wells among ``rows``; 1 if a problem was noted."""
    values = table.measurements
    vehicle = rows[table.layout.vehicle[values.well[rows]]]
    numbers = values.row[rows]
    first = values[int(rows[0])]
    where = f"{first.readout} of {first.host or 'the medium'} at {first.time_h:g} h{_on_plate(first)}"
    units = dict.fromkeys(values.unit[rows].tolist())
    if len(units) > 1:
        other = rows[values.unit[rows] != first.unit]
        problems.add(
            f"{where}: unit {values.unit[other[0]]!r} here, {first.unit!r} in "
            f"{problems.named([first.row])}, expected one unit for the wells that are compared",
            "unit",
            values.row[other],
        )
    elif not vehicle.size:
        problems.add(
            f"{where}: no matching vehicle well, expected at least one with every treatment 0 and the same "
            "design otherwise (or values that are relative to vehicle already, in '%' or 'fraction')",
            rows=numbers,
        )
    elif (values.censored[vehicle] != "").any():
        beyond = vehicle[values.censored[vehicle] != ""]
        problems.add(
            f"{where}: a vehicle well is beyond a limit of the assay, expected a number to divide by",
            "value",
            values.row[beyond],
        )
    elif not values.value[vehicle].mean() > 0:
        problems.add(f"{where}: vehicle wells are 0, expected more", "value", values.row[vehicle])
    else:
        return float(values.value[vehicle].mean())
    return 1.0


def _on_plate(value: Any) -> str:
    told = {"plate": value.plate, "experiment": value.experiment}
    names = [f"{kind} {name!r}" for kind, name in told.items() if name]
    return " on " + " of ".join(names) if names else ""
