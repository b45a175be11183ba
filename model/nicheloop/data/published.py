"""Published numbers that are no measured values of a well: half-maximal doses, ranges, ratios.

A table of such constraints is a CSV with the columns in `COLUMNS`. Those that ship are in the folder
``constraints`` beside this file.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from nicheloop.assays.names import unknown
from nicheloop.biology.hosts import HOSTS
from nicheloop.data.shipped import names_in

COLUMNS = (
    "quantity", "line", "cells", "time [h]", "value", "low", "high", "unit", "n", "source", "note",
)  # fmt: skip
REQUIRED = ("quantity", "unit", "source")


@dataclass(frozen=True)
class Constraint:
    """A published number or range.

    Attributes
    ----------
    quantity : str
        What was told, such as ``ic50_viable_cells``.
    line : str
        Line of the model that it is about; empty if it is about none.
    cells : str
        What it was measured on.
    time : float or None
        Hours of treatment or culture.
    value, low, high : float or None
        The number, and the range; ``low`` without ``high`` is "at least", ``high`` without ``low`` "at most".
    unit, n, source, note : str, float or None, str, str
        Unit of the numbers, how many samples, where it was read, and what else there is to know.
    """

    quantity: str
    line: str
    cells: str
    time: float | None
    value: float | None
    low: float | None
    high: float | None
    unit: str
    n: float | None
    source: str
    note: str

    def holds(self, number: float) -> bool:
        """Whether a number is within the range; without a range, whether it is the value."""
        if self.low is None and self.high is None:
            return number == self.value
        return (self.low is None or number >= self.low) and (self.high is None or number <= self.high)


@cache
def constraint_names() -> tuple[str, ...]:
    """Names of the tables of constraints that ship with the package, sorted."""
    return names_in("constraints")


def load_constraints(source: str | Path) -> tuple[Constraint, ...]:
    """Read a table of constraints.

    Parameters
    ----------
    source : str or Path
        One of `constraint_names`, or path of a CSV (a Path, or text with ``.csv`` at its end).

    Raises
    ------
    ValueError
        One line per problem: file, row, column, offending value, what was expected.
    """
    if isinstance(source, str) and not source.endswith(".csv"):
        if source not in constraint_names():
            raise ValueError(unknown("constraints", source, constraint_names()))
        text = files("nicheloop.data").joinpath("constraints", f"{source}.csv").read_text(encoding="utf-8")
    else:
        text = _text(Path(source))
    return _parsed(text, str(source))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: byte {error.start} is not UTF-8, expected a UTF-8 text file") from None
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror}") from None


def _parsed(text: str, source: str) -> tuple[Constraint, ...]:
    reader = csv.reader(line if not line.startswith("#") else "\n" for line in text.splitlines(keepends=True))
    header: list[str] = []
    found, problems = [], []
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        if not header:
            header = [cell.strip() for cell in cells]
            problems += _header_problems(header)
            continue
        try:
            found.append(_constraint(dict(zip(header, cells, strict=False))))
        except ValueError as error:
            problems.append(f"row {reader.line_num}, {error}")
    if not header:
        problems.append(f"is empty, expected a header: {', '.join(COLUMNS)}")
    if problems:
        raise ValueError("\n".join(f"{source}: {problem}" for problem in problems))
    return tuple(found)


def _header_problems(header: list[str]) -> list[str]:
    problems = [unknown("column", name, COLUMNS) for name in header if name not in COLUMNS]
    twice = sorted({name for name in header if header.count(name) > 1})
    problems += [f"column {name!r} is there twice, expected it once" for name in twice]
    return problems + [f"no column {name!r}, expected one" for name in REQUIRED if name not in header]


def _constraint(row: dict[str, str]) -> Constraint:
    texts = {name: row.get(name, "").strip() for name in COLUMNS}
    for name in REQUIRED:
        if not texts[name]:
            raise ValueError(f"column {name}: is empty, expected what it is called")
    if texts["line"] not in ("", *HOSTS):
        raise ValueError(f"column line: {unknown('line', texts['line'], HOSTS)}, or nothing")
    numbers = {name: _number(name, texts[name]) for name in ("time [h]", "value", "low", "high", "n")}
    low, high = numbers["low"], numbers["high"]
    if numbers["value"] is None and low is None and high is None:
        raise ValueError("column value: is empty, expected a number there, or in low or high")
    if low is not None and high is not None and low > high:
        raise ValueError(f"column low: got {low:g}, expected at most high, {high:g}")
    time = numbers.pop("time [h]")
    words = {name: texts[name] for name in ("quantity", "line", "cells", "unit", "source", "note")}
    return Constraint(time=time, **numbers, **words)  # type: ignore[arg-type]


def _number(name: str, text: str) -> float | None:
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"column {name}: got {text!r}, expected a number")
    return number
