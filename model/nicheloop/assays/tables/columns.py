"""Columns of an assay table: their names, and the units in their headers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from nicheloop.assays.names import unknown
from nicheloop.assays.tables.problems import Problems
from nicheloop.assays.tables.text import Column, RawTable
from nicheloop.assays.units import UnitError, nanomolar_factor, unit_factor
from nicheloop.biology.medium import SOLUTES

TIME = "time [h]"
TEXTS = ("readout", "line", "unit", "experiment", "plate", "relative_to", "scenario", "stroma", "note")
NUMBERS = (
    "time", "value", "sd", "n", "replicate", "detection_limit", "cells_per_ml", "stroma_per_ml",
)  # fmt: skip
REQUIRED = ("readout", "line", "time", "value")
IN_UNIT_OF_VALUE = ("value", "sd", "detection_limit")
TREATMENTS = tuple(solute.name for solute in SOLUTES)
HEADERS = {"time": TIME, **{solute.name: f"{solute.name} [{solute.unit}]" for solute in SOLUTES}}
"""Columns whose header holds a unit, as they are written."""
_UNITS = {"time": "h", "cells_per_ml": "cells/mL", "stroma_per_ml": "cells/mL"}
_HEADER = re.compile(r"(.*?)\s*[\[(]\s*(.*?)\s*[\])]")


@dataclass(frozen=True)
class Field:
    """A column that is understood.

    Attributes
    ----------
    column : Column
        Cells, and the header as in the file.
    factor : float
        How many of the default unit make one of the header's.
    unit : str
        Of the header, for columns in the unit of the value; empty without one.
    """

    column: Column
    factor: float = 1.0
    unit: str = ""


def plain_unit(unit: str) -> str:
    """Return a unit without the Greek and typographic letters that spreadsheets put in."""
    return unit.strip().replace("µ", "u").replace("μ", "u").replace("−", "-")


def fields_of(raw: RawTable, problems: Problems) -> dict[str, Field]:
    """Return the columns by name; notes those that are unknown, missing, twice or without a unit."""
    fields: dict[str, Field] = {}
    for column in raw.columns:
        name, unit = split_header(column.name)
        if name not in (*TEXTS, *NUMBERS, *TREATMENTS):
            known = [HEADERS.get(n, n) for n in (*REQUIRED, "unit", *TREATMENTS, *NUMBERS, *TEXTS)]
            problems.add(unknown("column", column.name, dict.fromkeys(known)), rows=[raw.header_row])
        elif name in fields:
            first = fields[name].column.name
            problems.add(
                f"columns {first!r} and {column.name!r} both hold {name}, expected one of them",
                rows=[raw.header_row],
            )
        else:
            fields[name] = _field(name, unit, column, raw.header_row, problems)
    missing = [HEADERS.get(name, name) for name in REQUIRED if name not in fields]
    if missing:
        listed = ", ".join(repr(name) for name in missing)
        noun = "columns" if len(missing) > 1 else "column"
        problems.add(
            f"no {noun} {listed}, expected readout, line, time [h], value, unit", rows=[raw.header_row]
        )
    if "unit" not in fields and "value" in fields and not fields["value"].unit:
        problems.add(
            "no column 'unit', expected one, or the unit of all values in the header: 'value [pg/mL]'",
            rows=[raw.header_row],
        )
    return fields


def split_header(header: str) -> tuple[str, str]:
    """Return name and unit of a header such as ``Imatinib (µM)``."""
    match = _HEADER.fullmatch(header)
    name, unit = (match[1], match[2]) if match else (header, "")
    return re.sub(r"[\s-]+", "_", name.strip().lower()), plain_unit(unit)


def _field(name: str, unit: str, column: Column, row: int, problems: Problems) -> Field:
    """Check the unit of a header."""
    if name in IN_UNIT_OF_VALUE:
        return Field(column, unit=unit)
    if name in TREATMENTS or name in _UNITS:
        try:
            return Field(column, _factor(name, unit))
        except UnitError as error:
            problems.add(
                f"{error}; expected a header such as {HEADERS.get(name, name)!r}", column.name, [row]
            )
    elif unit:
        problems.add(f"got the unit {unit!r}, expected the header {name!r}", column.name, [row])
    return Field(column)


def _factor(name: str, unit: str) -> float:
    """How many of the default unit make one ``unit``; raises `UnitError`."""
    if not unit:
        if name not in HEADERS:
            return 1.0  # cells_per_ml says its unit
        raise UnitError("no unit")
    if name in TREATMENTS:
        default = DEFAULT_UNITS[name]
        return 1.0 if unit == default else nanomolar_factor(unit, name) / nanomolar_factor(default, name)
    factor = unit_factor(unit, _UNITS[name])
    if factor is None:
        raise UnitError(f"{unit!r} cannot be converted to {_UNITS[name]!r}")
    return factor


DEFAULT_UNITS: Mapping[str, str] = {solute.name: solute.unit for solute in SOLUTES}
