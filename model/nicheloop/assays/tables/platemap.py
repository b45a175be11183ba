"""Plate maps: a grid of values as a plate reader exports it, and a grid that says what each well held.

The values have a row of column numbers (1 to 12, or to 24) above and row letters (A to H, or to P) on their
left. Above a grid stand lines of a name and a value that hold for all of its wells: ``readout``,
``time [h]``, ``unit``, and whatever else a column of a tidy table may be called. The layout has the same
form; its cells read ``K562R; imatinib 1 uM; il1ra 100 ng/mL``, ``blank`` (medium without cells, whose mean is
subtracted) or ``empty``.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nicheloop.assays.names import unknown
from nicheloop.assays.tables.columns import HEADERS, NUMBERS, TEXTS, TREATMENTS, split_header
from nicheloop.assays.tables.excel import Sheet, is_workbook, refuse_merged, sheets_of
from nicheloop.assays.tables.numbers import Numbers, decimal_mark, read_numbers
from nicheloop.assays.tables.platemap_cells import BLANK, EMPTY, SETTINGS, VEHICLE, Well, read_well
from nicheloop.assays.tables.problems import AssayError, Problems
from nicheloop.assays.tables.text import SEPARATORS, Column, RawTable, content, decoded

FORMATS = ((8, 12), (16, 24))
"""Rows and columns of plates with 96 and with 384 wells."""
LAYOUT = "layout"
BLANK_SDS = 3.0
"""Detection limit above the blanks, in their SDs: the usual definition (IUPAC)."""


@dataclass(frozen=True, eq=False)
class Grid:
    """A plate as written.

    Attributes
    ----------
    cells : tuple of str
        Row by row.
    columns : int
        Wells in a row.
    corner : str
        What stands where the row letters and the column numbers meet.
    said : mapping
        Header to text: what the lines above the grid say.
    """

    cells: tuple[str, ...]
    columns: int
    corner: str
    said: Mapping[str, str]


def read_plate(file: Path, sheet: str | None, layout: str | Path | None) -> RawTable | None:
    """Read a plate map as a tidy table; None if the file is none.

    Parameters
    ----------
    file : Path
        Values; with the layout, if it is a workbook.
    sheet : str or None
        That holds the values.
    layout : str, Path or None
        Sheet or file of the layout; None: the sheet ``layout``, if there is one.

    Raises
    ------
    AssayError
        If it cannot be read.
    """
    data = content(file)
    sheets = {s.name: s for s in sheets_of(data, file.name)} if is_workbook(data) else {}
    if layout is None:
        if LAYOUT not in sheets:
            return None
        layout = LAYOUT
    rows, place = _layout_rows(sheets, layout, file.name)
    described = _grids(rows, place)
    wells = _described(described, place)
    rows, source = _value_rows(sheets, sheet, str(layout), data, file.name)
    return _tidy(_grids(rows, source), wells, described[0], source, file.parent)


def is_plate(file: Path, sheet: str | None) -> bool:
    """Whether a file, or a sheet of it, holds a plate."""
    data = content(file)
    grids: list[Sequence[Sequence[str]]]
    if is_workbook(data):
        grids = [s.grid for s in sheets_of(data, file.name) if sheet in (None, s.name)]
    else:
        grids = [_text_rows(decoded(data, file.name))]
    return any(_plate_at(rows, i, j) for rows in grids for i, row in enumerate(rows) for j in range(len(row)))


def _layout_rows(sheets: Mapping[str, Sheet], layout: str | Path, source: str) -> tuple[Any, str]:
    """Return the rows of the layout, and where they are from."""
    if isinstance(layout, str) and layout in sheets:
        return _sheet_rows(sheets[layout], source)
    path = Path(layout)
    if sheets and isinstance(layout, str) and not path.suffix:
        raise AssayError(f"{source}: {unknown('sheet', layout, sheets)}")
    data = content(path)
    if not is_workbook(data):
        return _text_rows(decoded(data, path.name)), path.name
    others = sheets_of(data, path.name)
    named = [s for s in others if s.name.lower() == LAYOUT] or list(others)
    return _sheet_rows(named[0], path.name)


def _value_rows(
    sheets: Mapping[str, Sheet], sheet: str | None, layout: str, data: bytes, source: str
) -> tuple[Any, str]:
    """Return the rows that hold the values, and where they are from."""
    if not sheets:
        return _text_rows(decoded(data, source)), source
    others = [name for name in sheets if name != layout]
    if sheet is not None and sheet not in sheets:
        raise AssayError(f"{source}: {unknown('sheet', sheet, others)}")
    if sheet is None and len(others) != 1:
        listed = ", ".join(repr(name) for name in others) or "none"
        raise AssayError(f"{source}: expected the name of the sheet that holds the values, one of: {listed}")
    return _sheet_rows(sheets[sheet or others[0]], source)


def _sheet_rows(sheet: Sheet, source: str) -> tuple[Any, str]:
    place = f"{source}, sheet {sheet.name!r}"
    refuse_merged(sheet, place)
    return sheet.grid, place


def _text_rows(text: str) -> list[list[str]]:
    """Split a text at the separator with which it holds a plate."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff")
    read: list[list[str]] = []
    for separator in SEPARATORS:
        reader = csv.reader(io.StringIO(text), delimiter=separator)
        read = [[" ".join(cell.split()) for cell in row] for row in reader]
        if any(_plate_at(read, i, j) for i, row in enumerate(read) for j in range(len(row))):
            break
    return read


# -- grids --------------------------------------------------------------------------------------------------


def _grids(rows: Sequence[Sequence[str]], source: str) -> tuple[Grid, ...]:
    """Find the plates in a sheet, each with what is said above it; that holds for later ones, too.

    Raises
    ------
    AssayError
        If there is none, or something stands beside them.
    """
    grids: list[Grid] = []
    said: dict[str, str] = {}
    problems = Problems(source)
    i = 0
    while i < len(rows):
        found = next(((j, size) for j in range(len(rows[i])) if (size := _plate_at(rows, i, j))), None)
        if found is None:
            _note_said(rows[i], i + 1, said, problems)
            i += 1
            continue
        j, (height, width) = found
        cells = tuple(_cell(rows, i + r, j + c) for r in range(1, height + 1) for c in range(1, width + 1))
        grids.append(Grid(cells, width, _cell(rows, i, j), dict(said)))
        _refuse_outside(rows, i, j, height, width, problems)
        i += height + 1
    if not grids:
        problems.add(
            "no plate, expected column numbers 1 to 12 (or 24) above it and letters A to H (or P) left"
        )
    problems.raise_any()
    return tuple(grids)


def _cell(rows: Sequence[Sequence[str]], i: int, j: int) -> str:
    return rows[i][j] if i < len(rows) and j < len(rows[i]) else ""


def _plate_at(rows: Sequence[Sequence[str]], i: int, j: int) -> tuple[int, int] | None:
    """Return the size of the plate whose corner is this cell, if there is one."""
    for height, width in reversed(FORMATS):
        numbers = all(_cell(rows, i, j + c) == str(c) for c in range(1, width + 1))
        if numbers and all(_cell(rows, i + r, j).upper() == _letter(r) for r in range(1, height + 1)):
            return height, width
    return None


def _letter(row: int) -> str:
    return chr(ord("A") + row - 1)


def _note_said(row: Sequence[str], number: int, said: dict[str, str], problems: Problems) -> None:
    """Read a line of a name and a value above a plate."""
    texts = [text for text in row if text]
    if not texts or texts[0].startswith("#"):
        return
    name, _ = split_header(texts[0])
    known = [HEADERS.get(n, n) for n in (*TEXTS, *NUMBERS, *TREATMENTS) if n != "value"]
    if name not in (*TEXTS, *NUMBERS, *TREATMENTS) or name == "value":
        problems.add(f"{unknown('name', texts[0], known)}; a comment begins with '#'", rows=[number])
    elif len(texts) != 2:
        problems.add(
            f"{texts[0]!r}: got {len(texts) - 1} values, expected one that holds for the plate", rows=[number]
        )
    else:
        for other in [header for header in said if split_header(header)[0] == name]:
            del said[other]
        said[texts[0]] = texts[1]


def _refuse_outside(
    rows: Sequence[Sequence[str]], i: int, j: int, height: int, width: int, problems: Problems
) -> None:
    for r in range(i, i + height + 1):
        outside = [text for c, text in enumerate(rows[r]) if text and not j <= c <= j + width]
        if outside:
            problems.add(f"{outside[0]!r} stands beside the plate, expected nothing there", rows=[r + 1])


def well_names(grid: Grid) -> list[str]:
    """Return the names of the wells, A1, A2 and so on."""
    height = len(grid.cells) // grid.columns
    return [f"{_letter(r)}{c}" for r in range(1, height + 1) for c in range(1, grid.columns + 1)]


# -- the tidy table -----------------------------------------------------------------------------------------


def _described(grids: Sequence[Grid], source: str) -> list[Well]:
    """Return what each well holds; several layouts complement each other."""
    if len({len(grid.cells) for grid in grids}) > 1:
        raise AssayError(f"{source}: plates of different size, expected one size")
    problems = Problems(source, well_names(grids[0]))
    wells = []
    for place, texts in enumerate(zip(*(grid.cells for grid in grids), strict=True), 1):
        parts = [_told(grid.corner, text) for grid, text in zip(grids, texts, strict=True) if text]
        try:
            wells.append(read_well("; ".join(parts)))
        except ValueError as error:
            problems.add(str(error), rows=[place])
            wells.append(Well("", {}))
    problems.raise_any()
    return wells


def _told(corner: str, text: str) -> str:
    """Return the text of a cell with what the corner of its grid says, such as ``imatinib [uM]``."""
    name, unit = split_header(corner)
    if name not in (*SETTINGS, *TREATMENTS) or text.lower() in (BLANK, EMPTY, *VEHICLE):
        return text
    return f"{name} {text} {unit}".strip()


def _tidy(grids: Sequence[Grid], wells: Sequence[Well], layout: Grid, source: str, folder: Path) -> RawTable:
    """Write the plates as one row per well that is used."""
    names = well_names(layout)
    problems = Problems(source, names)
    rows: list[dict[str, str]] = []
    numbers: list[int] = []
    for k, grid in enumerate(grids):
        if len(grid.cells) != len(wells):
            raise AssayError(
                f"{source}: {len(grid.cells)} wells, but {len(wells)} in the layout, expected as many"
            )
        common = {**layout.said, **grid.said}
        values, limit = _values(grid, wells, common, problems)
        for place, (well, value) in enumerate(zip(wells, values, strict=True)):
            if well.use == "sample":
                rows.append({**common, **well.columns, **limit, "value": value})
                numbers.append(k * len(wells) + place + 1)
    problems.raise_any()
    if not rows:
        raise AssayError(f"{source}: no well holds cells, expected a line such as 'K562R' in the layout")
    headers = list(dict.fromkeys(header for row in rows for header in row))
    columns = tuple(
        Column.of(header, np.array([row.get(header, "") for row in rows], dtype=object)) for header in headers
    )
    several = [f"{name} of plate {k + 1}" for k in range(len(grids)) for name in names]
    return RawTable(
        source,
        columns,
        np.array(numbers, dtype=np.int64),
        1,
        folder,
        tuple(several if len(grids) > 1 else names),
    )


def _values(
    grid: Grid, wells: Sequence[Well], common: Mapping[str, str], problems: Problems
) -> tuple[list[str], dict[str, str]]:
    """Return the value of each well less the mean of the blanks, and the detection limit that these give."""
    places = np.arange(1, len(wells) + 1)
    _check_filled(grid, wells, problems)
    used = np.array([well.use in ("sample", BLANK) for well in wells], dtype=bool)
    cells = [text if use else "" for text, use in zip(grid.cells, used, strict=True)]
    column = Column.of("value", np.array(cells, dtype=object))
    mark = decimal_mark([column], places, problems)
    numbers = read_numbers(column, places, problems, mark, "a number such as 0.85", bounds=True)
    blank = np.array([well.use == BLANK for well in wells], dtype=bool)
    if not blank.any():
        return cells if mark == "." else _texts(numbers, numbers.values), {}
    beyond = blank & (numbers.bound != "")
    if beyond.any():
        message = "a blank is beyond a limit of the assay, expected a number to subtract"
        problems.add(message, rows=places[beyond])
        return cells, {}
    values = numbers.values - numbers.values[blank].mean()
    limit = BLANK_SDS * float(numbers.values[blank].std(ddof=1)) if blank.sum() > 1 else 0.0
    told = {"detection_limit": repr(limit)} if limit > 0 and "detection_limit" not in common else {}
    dark = used & ~blank & (values <= 0)
    if dark.any() and not told and "detection_limit" not in common:
        problems.add(
            f"not above the mean of the blanks ({numbers.values[blank].mean():g}), expected at least two "
            "blanks that differ, which give a detection limit, or a line 'detection_limit' above the plate",
            rows=places[dark],
        )
    below = dark & (numbers.bound == "")
    texts = _texts(numbers, values)
    lowest = told.get("detection_limit", common.get("detection_limit", ""))
    return [f"<{lowest}" if low else text for text, low in zip(texts, below, strict=True)], told


def _texts(numbers: Numbers, values: NDArray[np.float64]) -> list[str]:
    return [f"{bound}{value!r}" for bound, value in zip(numbers.bound, values.tolist(), strict=True)]


def _check_filled(grid: Grid, wells: Sequence[Well], problems: Problems) -> None:
    """Refuse values of wells that the layout does not know, and wells without a value."""
    for place, (text, well) in enumerate(zip(grid.cells, wells, strict=True), 1):
        if text and not well.use:
            problems.add(
                "has a value but nothing in the layout, expected 'empty' there if it is not used",
                rows=[place],
            )
        if not text and well.use in ("sample", BLANK):
            problems.add("has no value, expected one, or 'empty' in the layout", rows=[place])
