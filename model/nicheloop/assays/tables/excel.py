"""Excel workbooks: sheets read as texts, with what Excel hides made visible, and tables written as sheets.

Formulas count by their result. A cell shown in percent reads as such. Errors, dates and formulas without a
result stay visible as texts, which the reader of numbers refuses; merged cells are refused here.
"""

from __future__ import annotations

import datetime
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nicheloop.assays.names import unknown
from nicheloop.assays.tables.numbers import spreadsheet_error
from nicheloop.assays.tables.problems import AssayError, Problems
from nicheloop.assays.tables.text import RawTable, table_of
from nicheloop.assays.tables.write import file_columns, write_scenarios

if TYPE_CHECKING:
    from nicheloop.assays.tables.frame import AssayTable

ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
"""How workbooks begin: those of today, and old or encrypted ones."""
SHEET = "data"
WIDEST = 40
"""Characters of a column that is written."""


@dataclass(frozen=True)
class Sheet:
    """One sheet as texts.

    Attributes
    ----------
    name : str
        Its name.
    grid : tuple of tuple of str
        Rows of texts; empty cells are empty texts.
    merged : tuple of str
        Ranges of merged cells, such as ``A2:A5``.
    """

    name: str
    grid: tuple[tuple[str, ...], ...]
    merged: tuple[str, ...]


def is_workbook(data: bytes) -> bool:
    """Whether a file is an Excel workbook, whatever its name."""
    return data.startswith((ZIP, OLE))


def sheets_of(data: bytes, source: str) -> tuple[Sheet, ...]:
    """Read all sheets that hold something.

    Raises
    ------
    AssayError
        If it is no workbook that can be read, or nothing is in it.
    """
    if data.startswith(OLE):
        raise AssayError(
            f"{source}: is an old or encrypted workbook, expected one saved as 'Excel workbook (.xlsx)' "
            "without a password"
        )
    formulas = _opened(data, source, results=False)
    with_formulas = any(
        cell.data_type == "f" for sheet in formulas.worksheets for row in sheet.iter_rows() for cell in row
    )
    results = _opened(data, source, results=True) if with_formulas else formulas
    sheets = tuple(
        Sheet(
            sheet.title,
            tuple(
                tuple(_text(cell, result) for cell, result in zip(row, shown, strict=True))
                for row, shown in zip(sheet.iter_rows(), results[sheet.title].iter_rows(), strict=True)
            ),
            tuple(str(area) for area in sheet.merged_cells.ranges),
        )
        for sheet in formulas.worksheets
    )
    filled = tuple(sheet for sheet in sheets if any(any(row) for row in sheet.grid))
    if not filled:
        raise AssayError(f"{source}: is empty, expected a header row and a row for each value")
    return filled


def _opened(data: bytes, source: str, results: bool) -> Any:
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        return openpyxl.load_workbook(io.BytesIO(data), data_only=results)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, EOFError, OSError) as error:
        raise AssayError(
            f"{source}: is no workbook that can be read ({error}); expected one saved as .xlsx, or a CSV file"
        ) from None


def _text(cell: Any, result: Any) -> str:
    """Return what a cell holds, as a text."""
    value = result.value
    if value is None:
        return str(cell.value) if cell.data_type == "f" else ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, (int, float)):
        if "%" in (cell.number_format or ""):
            return f"{100 * value:.15g}%"
        return repr(value)
    if isinstance(value, datetime.timedelta):
        minutes = round(value.total_seconds() / 60)
        return f"{minutes // 60}:{minutes % 60:02d}"
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat(*([" "] if isinstance(value, datetime.datetime) else []))
    return " ".join(str(value).split())


def chosen_sheet(sheets: Sequence[Sheet], name: str | None, source: str, header: str = "readout") -> Sheet:
    """Return the sheet of that name; without one, the only sheet, or the only one with a header of a table.

    Raises
    ------
    AssayError
        If there is no such sheet, or several may be meant.
    """
    names = [sheet.name for sheet in sheets]
    if name is not None:
        if name not in names:
            raise AssayError(f"{source}: {unknown('sheet', name, names)}")
        return sheets[names.index(name)]
    if len(sheets) == 1:
        return sheets[0]
    tables = [sheet for sheet in sheets if header in (cell.lower() for cell in _first_row(sheet))]
    if len(tables) == 1:
        return tables[0]
    listed = ", ".join(repr(name) for name in names)
    kind = "several sheets with" if tables else "no sheet with"
    raise AssayError(f"{source}: {kind} a column {header!r}, expected the name of one of the sheets {listed}")


def _first_row(sheet: Sheet) -> Sequence[str]:
    return next((row for row in sheet.grid if any(row) and not is_comment(row)), ())


def is_comment(row: Sequence[str]) -> bool:
    """Whether a row of texts begins with ``#``."""
    return bool(row) and row[0].startswith("#") and not spreadsheet_error(row[0])


def read_sheet(data: bytes, source: str, name: str | None, folder: Path | None) -> RawTable:
    """Read one sheet of a workbook as a tidy table; see `chosen_sheet` for which.

    Raises
    ------
    AssayError
        If it cannot be read, or cells are merged.
    """
    sheet = chosen_sheet(sheets_of(data, source), name, source)
    place = f"{source}, sheet {sheet.name!r}"
    refuse_merged(sheet, place)
    rows = [() if is_comment(row) else row for row in sheet.grid]
    width = max(len(row) for row in rows)
    cells = [[row[i] if i < len(row) else "" for row in rows] for i in range(width)]
    return table_of([np.array(column, dtype=object) for column in cells], place, folder)


def refuse_merged(sheet: Sheet, place: str) -> None:
    """Raise `AssayError` if cells are merged: only the first of them would hold the value."""
    problems = Problems(place)
    for area in sheet.merged:
        problems.add(
            f"cells {area} are merged, expected a value in each: take the merge back and fill all of them"
        )
    problems.raise_any()


# -- writing ------------------------------------------------------------------------------------------------


def write_excel(table: AssayTable, path: Path) -> Path:
    """Write a table and the scenarios that are its own; see `AssayTable.to_excel`."""
    columns = file_columns(table)
    write_scenarios(table, path.parent)
    rows = columns.astype(object).where(columns.notna(), None).to_numpy().tolist()
    write_sheets(path, {SHEET: [list(columns), *rows]})
    return path


def write_sheets(path: Path, sheets: dict[str, list[list[Any]]]) -> None:
    """Write sheets of rows, the first of each a header that stays in view."""
    import openpyxl
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    workbook = openpyxl.Workbook()
    workbook.remove(workbook.active)
    for name, rows in sheets.items():
        sheet = workbook.create_sheet(name)
        for i, row in enumerate(rows, 1):
            for j, value in enumerate(row, 1):
                if value is not None and value != "":
                    number = isinstance(value, (int, float))
                    cell = sheet.cell(i, j, repr(value) if number else value)  # openpyxl keeps 16 digits only
                    cell.data_type = "n" if number else "s"  # and takes a text such as =A1 for a formula
        for j in range(1, len(rows[0]) + 1):
            sheet.cell(1, j).font = Font(bold=True)
            longest = max(len(str(row[j - 1])) for row in rows[:100] if len(row) >= j)
            sheet.column_dimensions[get_column_letter(j)].width = min(longest + 2, WIDEST)
        sheet.freeze_panes = "A2"
    workbook.save(path)
