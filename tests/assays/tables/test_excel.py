"""Excel workbooks: read as people see them, or refused with what to mend."""

from __future__ import annotations

import datetime
import zipfile

import openpyxl
import pytest

import nicheloop as nl

HEADER = ["readout", "line", "time [h]", "value", "unit", "imatinib [µM]"]
ROW = ["viability", "K562R", 72, 0.5, "fraction", 1]


@pytest.fixture
def book(tmp_path):
    """Make a workbook of sheets, each a list of rows."""

    def made(sheets, change=None):
        workbook = openpyxl.Workbook()
        workbook.remove(workbook.active)
        for name, rows in sheets.items():
            sheet = workbook.create_sheet(name)
            for row in rows:
                sheet.append(row)
        if change:
            change(workbook)
        workbook.save(tmp_path / "plate.xlsx")
        return tmp_path / "plate.xlsx"

    return made


def refused(path, **options):
    with pytest.raises(nl.AssayError) as told:
        nl.read_assay(path, **options)
    (line,) = str(told.value).splitlines()
    return line


def test_a_sheet_is_read_and_blank_rows_are_not(book):
    table = nl.read_assay(
        book({"data": [["# mine"], HEADER, ROW, [None] * 6, ROW, [None], [" "]], "other": []})
    )
    assert table.measurements.row.tolist() == [3, 5]
    assert table.measurements.replicate.tolist() == [1, 2]
    assert table.wells[0].treatments == {"imatinib": 1.0}


def test_the_sheet_with_a_table_is_found_or_named(book):
    path = book({"notes": [["hello"]], "data": [HEADER, ROW]})
    assert nl.read_assay(path).measurements[0].value == 0.5
    path = book({"a": [HEADER, ROW], "b": [HEADER, [*ROW[:3], 0.7, *ROW[4:]]]})
    assert nl.read_assay(path, sheet="b").measurements[0].value == 0.7
    assert (
        "several sheets with a column 'readout', expected the name of one of the sheets 'a', 'b'"
        in refused(path)
    )
    assert "unknown sheet 'B', did you mean 'b'? Expected one of: a, b" in refused(path, sheet="B")
    assert "no sheet with a column 'readout'" in refused(book({"a": [["x"]], "b": [["y"]]}))


def test_what_a_file_is_called_does_not_matter(book, tmp_path):
    workbook = book({"data": [HEADER, ROW]}).rename(tmp_path / "plate.csv")
    assert nl.read_assay(workbook).measurements[0].value == 0.5
    text = tmp_path / "text.xlsx"
    text.write_text("readout,line,time [h],value,unit\nviability,K562R,72,50,%\n", encoding="utf-8")
    assert nl.read_assay(text).measurements[0].value == 0.5


@pytest.mark.parametrize(("unit", "expected"), [("%", 0.85), ("fraction", 0.85)])
def test_a_cell_shown_in_percent_reads_as_it_is_shown(book, unit, expected):
    def in_percent(workbook):
        workbook["data"]["D2"].number_format = "0.0%"

    path = book({"data": [HEADER, [*ROW[:3], 0.85, unit, 1]]}, in_percent)
    assert nl.read_assay(path).measurements[0].value == expected


def test_merged_cells_are_refused(book):
    path = book({"data": [HEADER, ROW, ROW]}, lambda workbook: workbook["data"].merge_cells("B2:B3"))
    message = (
        "sheet 'data': cells B2:B3 are merged, expected a value in each: take the merge back and fill all"
    )
    assert message in refused(path)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("#DIV/0!", "got '#DIV/0!', an error of the spreadsheet"),
        ("=A1/2", "got '=A1/2', a formula without its result"),
        (
            datetime.datetime(2024, 5, 1),
            "got '2024-05-01 00:00:00', a date or time that the spreadsheet made",
        ),
        (
            datetime.date(2024, 5, 1),
            "got '2024-05-01 00:00:00', a date or time that the spreadsheet made of a number",
        ),
        (datetime.time(3, 0), "got '03:00:00', a date or time that the spreadsheet made of a number"),
        (datetime.timedelta(hours=72), "got '72:00', a date or time that the spreadsheet made of a number"),
        (True, "got 'TRUE', expected a number"),
        ("0,5", "'0,5' has a decimal comma, but '0.5'"),
    ],
)
def test_cells_that_hold_no_number_are_refused(book, value, message):
    row = [*ROW[:3], value, *ROW[4:]]
    assert f"row 2, column 'value': {message}" in refused(book({"data": [HEADER, row, ROW]}))


def test_a_formula_counts_by_its_result(book):
    path = book({"data": [HEADER, [*ROW[:3], "=1/4", *ROW[4:]]]})
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    name = "xl/worksheets/sheet1.xml"
    assert b"<f>1/4</f><v" in parts[name]
    parts[name] = (
        parts[name]
        .replace(b"<f>1/4</f><v></v>", b"<f>1/4</f><v>0.25</v>")
        .replace(b"<f>1/4</f><v />", b"<f>1/4</f><v>0.25</v>")
    )  # as a spreadsheet saves it
    with zipfile.ZipFile(path, "w") as archive:
        for part, data in parts.items():
            archive.writestr(part, data)
    assert nl.read_assay(path).measurements[0].value == 0.25


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"PK\x03\x04 and nothing more", "is no workbook that can be read"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
            "is an old or encrypted workbook, expected one saved as",
        ),
    ],
)
def test_what_is_no_workbook_is_refused(data, message, tmp_path):
    path = tmp_path / "plate.xlsx"
    path.write_bytes(data)
    assert message in refused(path)


def test_an_archive_that_is_no_workbook_is_refused(tmp_path):
    path = tmp_path / "plate.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    assert "is no workbook that can be read" in refused(path)


def test_empty_sheets_and_titles_are_refused(book):
    assert "is empty" in refused(book({"data": []}))
    assert "a line above the header begins with '#'" in refused(book({"data": [["my data"], HEADER, ROW]}))
    assert "row 2: 7 cells, expected the 6 of the header" in refused(book({"data": [HEADER, [*ROW, "note"]]}))


def test_texts_that_look_like_formulas_are_written_as_texts(tmp_path):
    source = tmp_path / "plate.csv"
    source.write_text(
        "readout,line,time [h],value,unit,plate\nviability,K562R,72,50,%,=1+1\n", encoding="utf-8"
    )
    table = nl.read_assay(source)
    path = table.to_excel(tmp_path / "plate.xlsx")
    (cell,) = [cell for cell in openpyxl.load_workbook(path)["data"][2] if cell.value == "=1+1"]
    assert cell.data_type == "s"
    assert nl.read_assay(path).same_as(table)
