"""Numbers as people and spreadsheets write them: decimal commas, groups of thousands, percent, dates, errors.

A number is read in the one way it can be meant, or refused. Which mark separates decimals is decided by the
whole table: ``0,5`` can only have a decimal comma, ``0.5`` only a decimal point, ``1,234`` may be either.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nicheloop.assays.tables.problems import Problems
from nicheloop.assays.tables.text import Column

Floats = NDArray[np.float64]
NO_VALUE = frozenset({"", "NA", "N/A", "NaN", "nan"})
"""What stands in a cell that holds nothing."""

_E = r"(?:[eE][-+]?\d+)?"
_PLAIN = re.compile(rf"[-+]?(?:\d+\.?\d*|\.\d+){_E}")
_COMMA = re.compile(rf"[-+]?(?:\d+,\d*|,\d+){_E}")
_POINTS_IN_GROUPS = re.compile(rf"[-+]?[1-9]\d{{0,2}}(?:,\d{{3}})+(?:\.\d*)?{_E}")
_COMMAS_IN_GROUPS = re.compile(rf"[-+]?[1-9]\d{{0,2}}(?:\.\d{{3}})+(?:,\d*)?{_E}")
_ONE_GROUP = re.compile(r"[-+]?[1-9]\d{0,2}[.,]\d{3}")
_BLANKS = re.compile(r"(?<=\d)[ \u2009\u202f'’](?=\d{3}(?:\D|$))")
_ERROR = re.compile(r"#(?:DIV/0!|N/A|NAME\?|NULL!|NUM!|REF!|VALUE!|SPILL!|CALC!|#+)|Err:\d+", re.IGNORECASE)
_MONTHS = "jan|feb|mar|mär|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez"
_DATE = re.compile(
    r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}(?:[ T].*)?"
    rf"|\d{{1,2}}[-. ]+(?:{_MONTHS})\w*[-. ]*\d*|(?:{_MONTHS})\w*[-. ]+\d+"
    r"|\d+:\d\d(?::\d\d)?",
    re.IGNORECASE,
)


@dataclass(frozen=True, eq=False)
class Numbers:
    """Numbers of one column.

    Attributes
    ----------
    values : ndarray, shape (rows,)
        NaN where the cell is empty, or was refused.
    percent : ndarray of bool
        Which of them were written with a percent sign.
    bound : ndarray of str
        ``<`` or ``>`` where one stands before the number, else empty.
    given : ndarray of bool
        Which cells hold something, readable or not.
    """

    values: Floats
    percent: NDArray[np.bool_]
    bound: NDArray[np.str_]
    given: NDArray[np.bool_]


def decimal_mark(columns: Sequence[Column], rows: NDArray[np.int64], problems: Problems) -> str:
    """Return the mark that separates decimals in these columns; notes a problem if both do.

    Parameters
    ----------
    columns : sequence of Column
        That hold numbers.
    rows : ndarray of int
        Where each row is in the file.
    problems : Problems
        Gets the rows where the two are.
    """
    if not any("," in text for column in columns for text in column.texts):
        return "."
    found: dict[str, tuple[int, str, str]] = {}
    for column in columns:
        for code, text in enumerate(column.texts):
            mark = _mark(_bare(text)[0])
            if mark and mark not in found:
                row = int(rows[np.argmax(column.codes == code)])
                found[mark] = (row, column.name, text)
    if len(found) < 2:
        return next(iter(found), ".")
    (row, name, text), (other_row, other_name, other) = found[","], found["."]
    problems.add(
        f"{text!r} has a decimal comma, but {other!r} (row {other_row}, column {other_name!r}) a decimal "
        "point; expected one of them in the whole table",
        name,
        [row],
    )
    return ""


def _mark(text: str) -> str:
    """Return the decimal mark that a number must have; empty if it is no number or leaves it open."""
    if text.isdigit() or _ONE_GROUP.fullmatch(text):
        return ""
    if _PLAIN.fullmatch(text):
        return "." if "." in text else ""
    if _POINTS_IN_GROUPS.fullmatch(text):
        return "."
    if _COMMA.fullmatch(text) or _COMMAS_IN_GROUPS.fullmatch(text):
        return ","
    return ""


def read_numbers(
    column: Column,
    rows: NDArray[np.int64],
    problems: Problems,
    mark: str,
    example: str,
    bounds: bool = False,
    percent: bool = False,
) -> Numbers:
    """Read the numbers of a column.

    Parameters
    ----------
    column : Column
        Cells.
    rows : ndarray of int
        Where each row is in the file.
    problems : Problems
        Gets what cannot be read.
    mark : str
        Decimal mark of the table; empty if it is not known (then numbers with a mark give NaN).
    example : str
        What was expected, such as ``"a number such as 0.85"``.
    bounds, percent : bool
        Whether ``<`` or ``>`` may stand before a number, and ``%`` after it.
    """
    size = len(column.texts)
    values = np.full(size, np.nan)
    signs = np.zeros(size, dtype="U1")
    in_percent, given = np.zeros(size, dtype=bool), np.ones(size, dtype=bool)
    refused: dict[int, str] = {}
    for code, text in enumerate(column.texts):
        if mark == "." and _PLAIN.fullmatch(text):
            values[code] = float(text)
            continue
        if text in NO_VALUE:
            given[code] = False
            continue
        bare, signs[code], in_percent[code] = _bare(text)
        number, problem = _number(bare, mark)
        if (signs[code] and not bounds) or (in_percent[code] and not percent):
            number, problem = None, ""
        if number is None:
            refused[code] = problem or f"got {text!r}, {_expectation(text, example)}"
        else:
            values[code] = number
    for code in np.flatnonzero(np.isinf(values)).tolist():
        refused[code] = f"got {column.texts[code]!r}, which is too large, expected {example}"
    column.refuse(refused, rows, problems)
    codes = column.codes
    return Numbers(values[codes], in_percent[codes], signs[codes], given[codes])


def _bare(text: str) -> tuple[str, str, bool]:
    """Return a number without the sign before it, the sign (``<``, ``>``), and whether it is in percent."""
    bound = ""
    if text[:1] in "<>≤≥" and text:
        bound = "<" if text[0] in "<≤" else ">"
        text = text[1:].lstrip("= ")
    percent = text.endswith("%")
    return _BLANKS.sub("", text.rstrip("% ").replace("−", "-")), bound, percent


def number_of(text: str) -> float | None:
    """Return the number that a text alone can mean; None if it is none, or may be two.

    Examples
    --------
    >>> number_of("0,5"), number_of("1,234"), number_of("1e5")
    (0.5, None, 100000.0)
    """
    return _number(text, _mark(text) or ".")[0]


def _number(text: str, mark: str) -> tuple[float | None, str]:
    """Read a bare number, or say why it cannot be told what it means."""
    if mark != "," and _PLAIN.fullmatch(text):
        return float(text), ""
    if mark == "," and _COMMA.fullmatch(text):
        return float(text.replace(",", ".")), ""
    if mark == "," and _PLAIN.fullmatch(text) and "." not in text:
        return float(text), ""
    if _ONE_GROUP.fullmatch(text):
        digits = re.sub(r"[.,]", "", text)
        decimal = re.sub(r"[.,]", ".", text)
        return None, f"{text!r} may mean {digits} or {decimal}, expected one of these"
    if mark != "," and _POINTS_IN_GROUPS.fullmatch(text):
        return float(text.replace(",", "")), ""
    if mark != "." and _COMMAS_IN_GROUPS.fullmatch(text):
        return float(text.replace(".", "").replace(",", ".")), ""
    if mark == "" and (_COMMA.fullmatch(text) or _PLAIN.fullmatch(text)):
        return math.nan, ""  # that both marks occur is told once
    return None, ""


def _expectation(text: str, example: str) -> str:
    if spreadsheet_error(text):
        return f"an error of the spreadsheet, expected {example}: mend the formula there"
    if _DATE.fullmatch(text):
        return (
            f"a date or time that the spreadsheet made of a number, expected {example}: "
            "format the cells as numbers there and type them again"
        )
    if text.startswith("="):
        return f"a formula without its result, expected {example}: open and save the file in the spreadsheet"
    return f"expected {example}"


def spreadsheet_error(text: str) -> bool:
    """Whether a cell holds an error such as ``#DIV/0!``."""
    return _ERROR.fullmatch(text) is not None
