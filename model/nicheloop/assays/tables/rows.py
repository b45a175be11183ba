"""From the texts of a file to the rows of an assay table: each cell is understood, or its problem told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nicheloop.assays.names import unknown
from nicheloop.assays.readouts import Readout
from nicheloop.assays.tables.columns import HEADERS, IN_UNIT_OF_VALUE, TIME, TREATMENTS, fields_of, plain_unit
from nicheloop.assays.tables.layout import combined
from nicheloop.assays.tables.numbers import NO_VALUE, Numbers, decimal_mark, read_numbers, spreadsheet_error
from nicheloop.assays.tables.problems import ENOUGH, Problems
from nicheloop.assays.tables.text import RawTable
from nicheloop.assays.tables.units import RELATIONS, ValueUnit, is_ratio, relative_by_itself, value_unit
from nicheloop.assays.units import UnitError

Floats = NDArray[np.float64]
Texts = NDArray[Any]
AT_MOST = {"%": 100.0, "fraction": 1.0}
"""Largest share of a whole, by the unit of a read-out that is one."""
IMPLAUSIBLE_RATIO = 10.0
"""A viability above this was in percent."""
_DIGITS = 15
"""Of a converted number: 300 nM are 0.3 uM, not 0.30000000000000004."""
_EXAMPLES = {
    "time": "a number such as 72",
    "value": "a number such as 0.85, or '<3.9' for a value below the detection limit",
    "n": "a whole number such as 3",
    "replicate": "a whole number such as 3",
}
_NUMBER = "a number such as 0.85"


class Rows:
    """Reads the columns of one file; what is wrong goes to ``problems``."""

    def __init__(self, raw: RawTable, problems: Problems, readouts: Mapping[str, Readout]) -> None:
        self.raw, self.problems, self.readouts = raw, problems, readouts
        self.fields = fields_of(raw, problems)
        problems.raise_any()
        self.size = len(raw.rows)
        self._numbers: dict[str, Numbers] = {}
        numeric = [f.column for name, f in self.fields.items() if name not in _TEXT_CHECKS]
        self.mark = decimal_mark(numeric, raw.rows, problems)

    def header(self, name: str) -> str:
        """Return the header of a column, as in the file."""
        return self.fields[name].column.name if name in self.fields else HEADERS.get(name, name)

    def refuse(self, where: NDArray[np.bool_], name: str, message: str) -> None:
        """Note a problem of some rows."""
        if where.any():
            self.problems.add(message, self.header(name), self.raw.rows[where])

    def refuse_each(self, where: NDArray[np.bool_], name: str, expected: str) -> None:
        """Note a problem of some rows, by what stands there."""
        if where.any():
            column = self.fields[name].column.taken(where)
            codes = set(column.codes.tolist())
            got = {code: f"got {column.texts[code]!r}, expected {expected}" for code in codes}
            column.refuse(got, self.raw.rows[where], self.problems)

    def texts(self, name: str) -> Texts:
        """Return the texts of a column; empty ones if there is none."""
        if name not in self.fields:
            return np.full(self.size, "", dtype=object)
        column = self.fields[name].column
        check = _one_of("read-out", tuple(self.readouts), False) if name == "readout" else _TEXT_CHECKS[name]
        refused: dict[int, str] = {}
        for code, text in enumerate(column.texts):
            if len(refused) >= ENOUGH:
                break
            if spreadsheet_error(text):
                refused[code] = f"got {text!r}, an error of the spreadsheet: mend the formula there"
            elif problem := check(text):
                refused[code] = problem
        column.refuse(refused, self.raw.rows, self.problems)
        return column.cells()

    def numbers(self, name: str) -> Numbers:
        """Return the numbers of a column; NaN if there is none."""
        if name in self._numbers:
            return self._numbers[name]
        if name not in self.fields:
            nothing = np.zeros(self.size, dtype=bool)
            return Numbers(np.full(self.size, np.nan), nothing, np.zeros(self.size, dtype="U1"), nothing)
        field = self.fields[name]
        example = _EXAMPLES.get(name, _NUMBER)
        bounds, percent = name == "value", name in IN_UNIT_OF_VALUE
        self._numbers[name] = read_numbers(
            field.column, self.raw.rows, self.problems, self.mark, example, bounds, percent
        )
        return self._numbers[name]

    def quantity(self, name: str, lower: float = 0.0, strict: bool = False) -> Floats:
        """Return a column in its default unit, NaN where it is empty."""
        values = self.numbers(name).values
        low = values <= lower if strict else values < lower
        self.refuse_each(low, name, f"a number {'above' if strict else 'of at least'} {lower:g}")
        return converted(values, self.fields[name].factor) if name in self.fields else values

    def counts(self, name: str) -> Floats:
        """Return a column of whole numbers from 1 on, NaN where it is empty."""
        values = self.numbers(name).values
        odd = np.isfinite(values) & ((values < 1) | (values != np.round(values)) | (values > 1e15))
        self.refuse_each(odd, name, "a whole number of at least 1")
        return values


def converted(values: Floats, factor: float) -> Floats:
    """Return numbers in another unit, without the noise of the conversion in their last digits."""
    if factor == 1.0:
        return values
    unique, codes = np.unique(values * factor, return_inverse=True)
    rounded: Floats = np.array([float(f"{value:.{_DIGITS}g}") for value in unique.tolist()])[codes]
    return rounded


def _one_of(kind: str, known: tuple[str, ...], may_be_empty: bool = True) -> Callable[[str], str]:
    def check(text: str) -> str:
        if text in known or (may_be_empty and not text):
            return ""
        return unknown(kind, text, known) if text else f"is empty, expected one of: {', '.join(known)}"

    return check


def _anything(text: str) -> str:
    return ""


_TEXT_CHECKS: Mapping[str, Callable[[str], str]] = {
    "relative_to": _one_of("reference", RELATIONS[1:]),
    **dict.fromkeys(
        ("readout", "line", "unit", "experiment", "plate", "scenario", "stroma", "note"), _anything
    ),
}


def read_rows(raw: RawTable, problems: Problems, readouts: Mapping[str, Readout]) -> dict[str, Any]:
    """Read all columns of a table, each in its default unit.

    Parameters
    ----------
    raw : RawTable
        Texts.
    problems : Problems
        Gets everything that cannot be read.
    readouts : mapping
        Those that the table may hold, by name.

    Returns
    -------
    dict
        Column of an assay table to array, shape (rows,).

    Raises
    ------
    AssayError
        If the columns themselves cannot be understood.
    """
    rows = Rows(raw, problems, readouts)
    value = rows.numbers("value")
    data: dict[str, Any] = {"row": raw.rows}
    data |= {name: rows.texts(name) for name in ("readout", "line")}
    data |= {TIME: rows.quantity("time"), "value": value.values, "unit": _units(rows)}
    sides = [value.bound == "<", value.bound == ">"]
    data["censored"] = np.select(sides, ["below", "above"], "").astype(object)
    data |= {name: rows.numbers(name).values for name in ("sd", "detection_limit")}
    data |= {name: rows.counts(name) for name in ("n", "replicate")}
    data |= {name: rows.texts(name) for name in ("experiment", "plate", "relative_to", "scenario", "stroma")}
    data |= {name: rows.quantity(name, strict=True) for name in ("cells_per_ml", "stroma_per_ml")}
    if (rows.texts("note") != "").any():
        data["note"] = rows.texts("note")
    given = [name for name in TREATMENTS if name in rows.fields]
    data |= {HEADERS[name]: _doses(rows, name, data["scenario"]) for name in given}
    for name in ("time", "value"):
        rows.refuse_each(~rows.numbers(name).given, name, _EXAMPLES[name])
    _convert_values(rows, data)
    _check_values(rows, data)
    return data


def _doses(rows: Rows, name: str, scenario: Texts) -> Floats:
    """Return a treatment; an empty cell is 0, or what the scenario of its row says."""
    column = rows.fields[name].column
    unclear = np.array([text in NO_VALUE and bool(text) for text in column.texts], dtype=bool)[column.codes]
    rows.refuse_each(unclear, name, "a dose, or an empty cell for none")
    doses = rows.quantity(name)
    return np.where(np.isnan(doses) & (scenario == ""), 0.0, doses)


# -- values -------------------------------------------------------------------------------------------------


def _units(rows: Rows) -> Texts:
    """Return the unit of each value, from its column or from the header of the values."""
    units = rows.texts("unit")
    of_header = rows.fields["value"].unit
    if not of_header:
        return units
    plain = {text: plain_unit(text) for text in set(units.tolist())}
    other = np.array([plain[text] not in ("", of_header) for text in units], dtype=bool)
    rows.refuse(other, "unit", f"differs from {of_header!r} in the header of the values, expected one unit")
    return np.full(rows.size, of_header, dtype=object)


def _convert_values(rows: Rows, data: dict[str, Any]) -> None:
    """Turn values, SDs and limits into the units that they are kept in."""
    codes, firsts = combined([data[name] for name in ("readout", "relative_to", "unit")])
    kept = np.full(rows.size, "", dtype=object)
    if len(firsts) > ENOUGH:
        rows.problems.add(f"{len(firsts)} different units, expected a few", rows.header("unit"))
        return
    for code, first in enumerate(firsts):
        where = codes == code
        readout = rows.readouts.get(data["readout"][first])
        relative_to, unit = data["relative_to"][first], data["unit"][first]
        if readout is None or relative_to not in RELATIONS:
            continue  # told already
        if relative_by_itself(readout) and relative_to == "vehicle":
            data["relative_to"][where] = relative_to = ""
        try:
            kept[where] = value_unit(readout, relative_to, unit).unit
            for name in IN_UNIT_OF_VALUE:
                _convert(rows, data, name, where, partial(value_unit, readout, relative_to), unit)
        except UnitError as error:
            rows.problems.add(str(error), rows.header("unit"), rows.raw.rows[where])
    data["unit"] = kept


def _convert(
    rows: Rows,
    data: dict[str, Any],
    name: str,
    where: NDArray[np.bool_],
    understood: Callable[[str], ValueUnit],
    unit: str,
) -> None:
    """Convert one column of the rows ``where``; cells with a percent sign are in percent."""
    own = rows.fields[name].unit if name in rows.fields else ""
    signed = where & rows.numbers(name).percent
    plain = where & ~signed
    data[name][plain] = converted(data[name][plain], understood(own or unit).factor)
    if not signed.any():
        return
    if not is_ratio(own or unit):
        rows.refuse_each(signed, name, f"a number without '%', since the unit is {own or unit!r}")
    else:
        data[name][signed] = converted(data[name][signed], understood("%").factor)


def _check_values(rows: Rows, data: dict[str, Any]) -> None:
    """Refuse values that cannot be, and mark those at or below the detection limit as censored."""
    value, censored, limit = data["value"], data["censored"], data["detection_limit"]
    signed = np.isin(data["readout"], [name for name, known in rows.readouts.items() if known.signed])
    with np.errstate(invalid="ignore"):
        negative = (value < 0) & ~signed
        nothing = (censored == "below") & (value <= 0) & ~signed
        rows.refuse_each(data["sd"] < 0, "sd", "a number of at least 0")
        rows.refuse_each(limit <= 0, "detection_limit", "a number above 0, or an empty cell")
        rows.refuse_each(
            negative, "value", "a value of at least 0; what is below the detection limit is written '<3.9'"
        )
        rows.refuse_each(nothing & ~negative, "value", "a limit above 0 after '<'")
        _check_shares(rows, data)
        below = (censored == "") & (value <= limit)
    value[below] = limit[below]
    censored[below] = "below"


def _check_shares(rows: Rows, data: dict[str, Any]) -> None:
    """Refuse more than all of a whole, and viabilities that must have been in percent."""
    absolute = data["relative_to"] == ""
    for readout in rows.readouts.values():
        here = absolute & (data["readout"] == readout.name) & (data["unit"] == readout.unit)
        if readout.name == "viability":
            most, expected = IMPLAUSIBLE_RATIO, "a viability around 1 in unit 'fraction', or the unit '%'"
        elif readout.unit in AT_MOST and not readout.relative:
            most, expected = AT_MOST[readout.unit], f"at most {AT_MOST[readout.unit]:g} {readout.unit}"
        else:
            continue
        for name in ("value", "detection_limit"):
            rows.refuse_each(here & (data[name] > most), name, expected)
