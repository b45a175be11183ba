# ruff: noqa: E501 - a bad cell and its message stand side by side
"""Plate maps: grids of values and layouts become rows, blanks are subtracted, wells are named in messages."""

from __future__ import annotations

import csv

import numpy as np
import openpyxl
import pytest

import nicheloop as nl
from nicheloop.assays.tables.platemap_cells import read_well

ABOUT = [["readout", "viability"], ["time [h]", 72], ["unit", "OD570"], ["plate", "P1"]]
DOSES = (0, 0, 0.1, 1, 10)


def grid(cells, height=8, width=12, corner=""):
    rows = [[corner, *range(1, width + 1)]]
    for r in range(height):
        rows.append([chr(65 + r), *(cells.get((r, c), "") for c in range(1, width + 1))])
    return rows


def layout():
    """Two lines in two rows each, a vehicle in two columns, and blanks beside."""
    cells = {}
    for r, line in {1: "K562S", 2: "K562S", 3: "K562R", 4: "K562R"}.items():
        for c, dose in enumerate(DOSES, 2):
            cells[r, c] = f"{line}; imatinib {dose} uM" if dose else f"{line}; vehicle"
        cells[r, 11] = "blank"
    return cells


def values(blank=(0.04, 0.05, 0.05, 0.06)):
    rng = np.random.default_rng(1)
    cells = {place: round(float(rng.uniform(0.3, 1.2)), 3) for place in layout()}
    cells |= {(r, 11): value for r, value in enumerate(blank, 1)}
    return cells


def write(path, rows, separator=","):
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=separator).writerows(rows)
    return path


@pytest.fixture
def plate(tmp_path):
    """Write values and layout as two CSV files and return the arguments of `read_assay`."""

    def made(cells=None, wells=None, about=ABOUT, **size):
        path = write(
            tmp_path / "values.csv", [*about, [], *grid(values() if cells is None else cells, **size)]
        )
        where = write(tmp_path / "layout.csv", grid(layout() if wells is None else wells, **size))
        return {"path": path, "layout": where}

    return made


def refused(**arguments):
    with pytest.raises(nl.AssayError) as told:
        nl.read_assay(**arguments)
    return str(told.value).splitlines()


def test_wells_become_rows_less_the_blanks_over_the_vehicle(plate):
    table = nl.read_assay(**plate())
    cells = {place: value - 0.05 for place, value in values().items()}
    by_hand = []
    for r in range(1, 5):
        line = (1, 2) if r < 3 else (3, 4)
        vehicle = np.mean([cells[row, c] for row in line for c in (2, 3)])
        by_hand += [cells[r, c] / vehicle for c in range(2, 7)]
    assert table.measurements.value.tolist() == pytest.approx(by_hand)
    assert table.frame["imatinib [uM]"].tolist() == [*DOSES] * 4
    assert table.frame["line"].tolist() == ["K562S"] * 10 + ["K562R"] * 10
    assert set(table.measurements.plate) == {"P1"}
    assert table.measurements.replicate[:10].tolist() == [1, 2, 1, 1, 1, 3, 4, 2, 2, 2]
    assert table.names[table.measurements[0].row - 1] == "B2"
    assert len(table.wells) == 8


def test_a_workbook_with_a_sheet_layout_is_a_plate_map(plate, tmp_path):
    arguments = plate()
    workbook = openpyxl.Workbook()
    workbook.active.title = "OD"
    for row in [*ABOUT, [], *grid(values())]:
        workbook.active.append(row)
    sheet = workbook.create_sheet("layout")
    for row in grid(layout()):
        sheet.append(row)
    workbook.save(tmp_path / "plate.xlsx")
    assert nl.read_assay(tmp_path / "plate.xlsx").same_as(nl.read_assay(**arguments))
    assert nl.read_assay(tmp_path / "plate.xlsx", sheet="OD", layout="layout").same_as(
        nl.read_assay(**arguments)
    )
    workbook.create_sheet("more").append(["x"])
    workbook.save(tmp_path / "plate.xlsx")
    expected = "expected the name of the sheet that holds the values, one of: 'OD', 'more'"
    assert expected in refused(path=tmp_path / "plate.xlsx")[0]
    assert nl.read_assay(tmp_path / "plate.xlsx", sheet="OD").same_as(nl.read_assay(**arguments))


def test_what_was_read_from_a_plate_is_written_as_a_tidy_table(plate, tmp_path):
    table = nl.read_assay(**plate())
    assert nl.read_assay(table.to_csv(tmp_path / "tidy.csv")).same_as(table)


def test_semicolons_and_decimal_commas(plate, tmp_path):
    arguments = plate()
    rows = [[str(cell).replace(".", ",") for cell in row] for row in [*ABOUT, *grid(values())]]
    write(tmp_path / "comma.csv", rows, ";")
    assert nl.read_assay(tmp_path / "comma.csv", layout=arguments["layout"]).same_as(
        nl.read_assay(**arguments)
    )


def test_384_wells(plate):
    cells = {(r, c): 0.5 for r in range(16) for c in range(1, 25)}
    wells = {place: "K562R; 1 uM imatinib" if place[0] else "K562R" for place in cells}
    table = nl.read_assay(**plate(cells, wells, height=16, width=24))
    assert len(table) == 384
    assert table.names[-1] == "P24"


def test_several_plates_share_a_layout_and_several_layouts_complement_each_other(tmp_path):
    rows = [*ABOUT, *grid(values()), [], ["time [h]", 48], ["plate", "P2"], *grid(values())]
    lines = {place: text.partition(";")[0] for place, text in layout().items()}
    doses = {
        place: dose
        for r in range(1, 5)
        for place, dose in zip(((r, c) for c in range(2, 7)), DOSES, strict=True)
    }
    path = write(tmp_path / "values.csv", rows)
    both = write(tmp_path / "layout.csv", [*grid(lines), [], *grid(doses, corner="imatinib [uM]")])
    table = nl.read_assay(path, layout=both)
    assert len(table) == 40
    first, second = table.frame[:20], table.frame[20:]
    assert (set(first["time [h]"]), set(first["plate"])) == ({72.0}, {"P1"})
    assert (set(second["time [h]"]), set(second["plate"])) == ({48.0}, {"P2"})
    assert first["imatinib [uM]"].tolist() == second["imatinib [uM]"].tolist() == [*DOSES] * 4
    assert first["value"].tolist() == pytest.approx(second["value"].tolist())


def test_what_holds_for_all_wells_stands_above_them(plate):
    wells = {place: text.partition("; ")[2] or text for place, text in layout().items()}
    about = [*ABOUT, ["line", "K562R"], ["stroma", "coculture"], ["il1ra [ug/mL]", 0.5], ["# mine"]]
    table = nl.read_assay(**plate(wells=wells, about=about), normalise=False)
    assert set(table.frame["line"]) == {"K562R"}
    assert set(table.frame["stroma"]) == {"coculture"}
    assert set(table.frame["il1ra [ng/mL]"]) == {500.0}


def test_signals_at_the_blanks_are_below_three_of_their_sds(plate):
    cells = values() | {(1, 6): 0.051, (2, 6): 0.03}
    table = nl.read_assay(**plate(cells))
    limit = 3 * np.std([0.04, 0.05, 0.05, 0.06], ddof=1)
    vehicle = np.mean([values()[r, c] - 0.05 for r in (1, 2) for c in (2, 3)])
    dark = [table.measurements[i] for i in (4, 9)]
    assert [value.censored for value in dark] == ["below", "below"]
    assert [value.value for value in dark] == pytest.approx([limit / vehicle] * 2)


@pytest.mark.parametrize("blank", [(0.05,), (0.05, 0.05, 0.05, 0.05)])
def test_blanks_that_give_no_limit_leave_dark_wells_unexplained(plate, blank):
    wells = {place: text for place, text in layout().items() if place[1] != 11 or place[0] <= len(blank)}
    cells = {place: value for place, value in values(blank).items() if place in wells} | {(1, 6): 0.03}
    (line,) = refused(**plate(cells, wells))
    assert (
        "values.csv: well B6: not above the mean of the blanks (0.05), expected at least two blanks" in line
    )
    table = nl.read_assay(**plate(cells, wells, [*ABOUT, ["detection_limit", 0.02]]))
    assert table.measurements[4].censored == "below"


def test_without_blanks_nothing_is_subtracted(plate):
    wells = {place: text for place, text in layout().items() if place[1] != 11}
    cells = {place: value for place, value in values().items() if place in wells}
    table = nl.read_assay(**plate(cells, wells), normalise=False)
    assert table.measurements.value.tolist() == [cells[place] for place in sorted(cells)]


BAD = {
    "a line that is none": ({}, {(1, 2): "K562"}, "layout.csv: well B2: unknown content of a well 'K562', did you mean 'K562S'?"),
    "a dose without unit": ({}, {(1, 2): "K562S; imatinib 1"}, "well B2: cannot read 'imatinib 1', expected a dose with its unit such as 'imatinib 1 uM'"),
    "a unit of something else": ({}, {(1, 2): "K562S; imatinib 1 h"}, "well B2: 'imatinib 1 h': '1.0 h': imatinib cannot be given in 'h'"),
    "a number that may be two": ({}, {(1, 2): "K562S; imatinib 1,234 nM"}, "well B2: 'imatinib 1,234 nM': cannot tell what number '1,234' is"),
    "two doses": ({}, {(1, 2): "K562S; imatinib 1 uM; 2 uM imatinib"}, "well B2: 'K562S; imatinib 1 uM; 2 uM imatinib' says imatinib [uM] twice, expected it once"),
    "a blank with cells": ({}, {(1, 2): "blank; K562S"}, "well B2: 'blank; K562S': 'blank' and something else, expected one of them"),
    "a value of nothing": ({(0, 1): 0.5, (0, 2): 0.5}, {}, "values.csv: wells A1, A2: has a value but nothing in the layout, expected 'empty' there"),
    "nothing of a well": ({(1, 2): ""}, {}, "values.csv: well B2: has no value, expected one, or 'empty' in the layout"),
    "no number": ({(1, 2): "OVER"}, {}, "values.csv: well B2, column 'value': got 'OVER', expected a number such as 0.85"),
    "a blank beyond the reader": ({(1, 11): ">4"}, {}, "values.csv: well B11: a blank is beyond a limit of the assay"),
    "no vehicle": ({}, {(r, c): "K562S; imatinib 1 uM" for r in (1, 2) for c in (2, 3)}, "no matching vehicle well"),
    "a negative dose": ({}, {(1, 2): "K562S; imatinib -1 uM"}, "well B2, column 'imatinib [uM]': got '-1.0', expected a number of at least 0"),
}  # fmt: skip


@pytest.mark.parametrize(("cells", "wells", "message"), BAD.values(), ids=list(BAD))
def test_problems_are_told_by_well(plate, cells, wells, message):
    (line,) = refused(**plate(values() | cells, layout() | wells))
    assert message in line


def test_empty_wells_may_have_values(plate):
    arguments = plate(values() | {(0, 1): 3.0}, layout() | {(0, 1): "empty"})
    assert len(nl.read_assay(**arguments)) == 20


@pytest.mark.parametrize(
    ("about", "message"),
    [
        (ABOUT[1:], "no column 'readout'"),
        ([*ABOUT, ["Reader", "X"]], "row 5: unknown name 'Reader'"),
        (
            [*ABOUT, ["stroma", "a", "b"]],
            "row 5: 'stroma': got 2 values, expected one that holds for the plate",
        ),
        ([["readout", "viabilty"], *ABOUT[1:]], "unknown read-out 'viabilty'"),
    ],
)
def test_what_stands_above_a_plate_is_checked(plate, about, message):
    (line,) = refused(**plate(about=about))
    assert message in line


def test_a_plate_without_its_layout_is_recognised(plate):
    (line,) = refused(path=plate()["path"])
    assert line.startswith("values.csv: is a plate map, expected its layout: read_assay(path, layout=...)")


def test_a_layout_that_is_none_is_refused(plate, tmp_path):
    arguments = plate()
    write(tmp_path / "other.csv", [["a", "b"]])
    assert "no plate" in " ".join(refused(path=arguments["path"], layout=tmp_path / "other.csv"))
    write(tmp_path / "large.csv", grid({}, 16, 24))
    assert (
        "96 wells, but 384 in the layout" in refused(path=arguments["path"], layout=tmp_path / "large.csv")[0]
    )
    assert "no such file" in refused(path=arguments["path"], layout=tmp_path / "none.csv")[0]
    assert "no well holds cells" in refused(**plate({}, {}))[0]


def test_something_beside_a_plate_is_refused(plate, tmp_path):
    rows = grid(values())
    rows[3].append("sum")
    write(tmp_path / "values.csv", [*ABOUT, *rows])
    message = "row 8: 'sum' stands beside the plate, expected nothing there"
    write(tmp_path / "layout.csv", grid(layout()))
    assert message in refused(path=tmp_path / "values.csv", layout=tmp_path / "layout.csv")[0]


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("K562R", {"line": "K562R"}),
        (
            "K562R; imatinib 300 nM; coculture",
            {"line": "K562R", "imatinib [uM]": "0.3", "stroma": "coculture"},
        ),
        ("imatinib=0,5 uM;line: K562S", {"imatinib [uM]": "0.5", "line": "K562S"}),
        ("1e-1 µM Imatinib\nK562S\nDMSO", {"imatinib [uM]": "0.1", "line": "K562S"}),
        ("K562S; cells_per_ml 2e5; plate day 2", {"line": "K562S", "cells_per_ml": "2e5", "plate": "day 2"}),
        ("IL1RA 100ng/mL", {"il1ra [ng/mL]": "100.0"}),
    ],
)
def test_a_well_in_words(text, columns):
    assert read_well(text).columns == columns
    assert read_well(text).use == "sample"
