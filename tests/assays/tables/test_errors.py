# ruff: noqa: E501 - a bad file and its message stand side by side
"""Bad tables: every problem is told with file, row, column, what stands there and what was expected."""

from __future__ import annotations

from pathlib import Path

import pytest

import nicheloop as nl

H = "readout,line,time [h],value,unit,imatinib [uM]\n"
V = "viability,K562R,72,0.5,fraction,1\n"

# Each file breaks one thing; its one message follows.
BAD = {
    "empty": ("", "is empty, expected a header row"),
    "blank": ("\n,,,\n \n", "is empty, expected a header row"),
    "comments only": ("# readout,line\n", "is empty, expected a header row"),
    "a header alone": (H, "row 1 is a header without rows, expected a row for each value"),
    "a row cut off": (H + V + "viability,K562R,72\n", "row 3: fewer cells than the 6 columns of the header; was the file cut off?"),
    "a decimal comma between commas": (H + "viability,K562R,72,0,5,fraction,1\n", "row 2: 7 cells, expected the 6 of the header in row 1; write numbers with a decimal point"),
    "a column without a name": ("readout,line,,value,unit\n" + "viability,K562R,72,0.5,fraction\n", "row 2: no name above '72', expected one above every column"),
    "an open quotation mark": (H + '"viability,K562R,72,0.5,fraction,1\n', "row 2: unexpected end of data; expected every quotation mark"),
    "an unknown column": (H.replace("imatinib", "imatinb") + V, "row 1: unknown column 'imatinb [uM]', did you mean 'imatinib [uM]'?"),
    "a column twice": (H[:-1] + ",imatinib [nM]\n" + V[:-1] + ",1\n", "row 1: columns 'imatinib [uM]' and 'imatinib [nM]' both hold imatinib, expected one"),
    "no column for the time": (H.replace("time [h],", "") + V.replace("72,", ""), "row 1: no column 'time [h]', expected readout, line, time [h], value, unit"),
    "no unit of the values": (H.replace("unit,", "") + V.replace("fraction,", ""), "row 1: no column 'unit', expected one, or the unit of all values in the header: 'value [pg/mL]'"),
    "a time without unit": (H.replace(" [h]", "") + V, "row 1, column 'time': no unit; expected a header such as 'time [h]'"),
    "a treatment without unit": (H.replace(" [uM]", "") + V, "row 1, column 'imatinib': no unit; expected a header such as 'imatinib [uM]'"),
    "an unknown unit of a treatment": (H.replace("uM", "uN") + V, "row 1, column 'imatinib [uN]': imatinib cannot be given in 'uN'; expected a header such as 'imatinib [uM]'"),
    "a unit that is none": (H.replace("uM", "mikromol") + V, "row 1, column 'imatinib [mikromol]': unknown unit 'mikromol'"),
    "a time in grams": (H.replace("[h]", "[g]") + V, "row 1, column 'time [g]': 'g' cannot be converted to 'h'"),
    "a unit where none belongs": (H.replace("line", "line [x]") + V, "row 1, column 'line [x]': got the unit 'x', expected the header 'line'"),
    "an unknown read-out": (H + V.replace("viability", "viabilty"), "row 2, column 'readout': unknown read-out 'viabilty', did you mean 'viability'?"),
    "no read-out": (H + V.replace("viability", ""), "row 2, column 'readout': is empty, expected one of: viable_cells"),
    "an unknown line": (H + V.replace("K562R", "K562"), "row 2, column 'line': unknown line 'K562', did you mean 'K562S'?"),
    "no line": (H + V.replace("K562R", ""), "row 2, column 'line': is empty, expected one of: K562S, K562R, stroma; or a column 'scenario'"),
    "no value": (H + V.replace("0.5", ""), "row 2, column 'value': got '', expected a number such as 0.85, or '<3.9'"),
    "a missing value": (H + V.replace("0.5", "NA"), "row 2, column 'value': got 'NA', expected a number such as 0.85"),
    "not detected": (H + V.replace("0.5", "n.d."), "row 2, column 'value': got 'n.d.', expected a number such as 0.85, or '<3.9' for a value below the detection limit"),
    "no time": (H + V.replace("72", ""), "row 2, column 'time [h]': got '', expected a number such as 72"),
    "a negative time": (H + V.replace("72", "-1"), "row 2, column 'time [h]': got '-1', expected a number of at least 0"),
    "a negative value": (H + V.replace("0.5", "-0.5"), "row 2, column 'value': got '-0.5', expected a value of at least 0; what is below the detection limit is written '<3.9'"),
    "below nothing": (H + V.replace("0.5", "<0"), "row 2, column 'value': got '<0', expected a limit above 0 after '<'"),
    "a negative dose": (H + V.replace(",1\n", ",-1\n"), "row 2, column 'imatinib [uM]': got '-1', expected a number of at least 0"),
    "a dose with its unit": (H + V.replace(",1\n", ",1 uM\n"), "row 2, column 'imatinib [uM]': got '1 uM', expected a number such as 0.85"),
    "a dose below a limit": (H + V.replace(",1\n", ",<1\n"), "row 2, column 'imatinib [uM]': got '<1', expected a number such as 0.85"),
    "a missing dose": (H + V.replace(",1\n", ",NA\n"), "row 2, column 'imatinib [uM]': got 'NA', expected a dose, or an empty cell for none"),
    "a word for a number": (H + V.replace("72", "3 days"), "row 2, column 'time [h]': got '3 days', expected a number such as 72"),
    "a number too large": (H + V.replace("72", "1e999"), "row 2, column 'time [h]': got '1e999', which is too large"),
    "infinity": (H + V.replace("72", "inf"), "row 2, column 'time [h]': got 'inf', expected a number"),
    "a hexadecimal number": (H + V.replace("72", "0x10"), "row 2, column 'time [h]': got '0x10', expected a number"),
    "digits with underscores": (H + V.replace("72", "1_000"), "row 2, column 'time [h]': got '1_000', expected a number"),
    "an error of Excel": (H + V.replace("0.5", "#DIV/0!"), "row 2, column 'value': got '#DIV/0!', an error of the spreadsheet, expected a number such as 0.85"),
    "an error that looks like a comment": (H + V.replace("viability", "#N/A"), "row 2, column 'readout': got '#N/A', an error of the spreadsheet: mend the formula there"),
    "a date that was a number": (H + V.replace("0.5", "01.05.2024"), "row 2, column 'value': got '01.05.2024', a date or time that the spreadsheet made of a number"),
    "a month that was a number": (H + V.replace("0.5", "5-Jan"), "row 2, column 'value': got '5-Jan', a date or time that the spreadsheet made of a number"),
    "a number that may be two": (H + V.replace("0.5", '"1,234"'), "row 2, column 'value': '1,234' may mean 1234 or 1.234, expected one of these"),
    "points and commas": (H + V + V.replace("0.5", '"0,5"'), "row 3, column 'value': '0,5' has a decimal comma, but '0.5' (row 2, column 'value') a decimal point; expected one of them in the whole table"),
    "a unit of something else": (H + V.replace("fraction", "pg/mL"), "row 2, column 'unit': 'pg/mL' is no unit of viability, expected one that converts to 'fraction' (or 'OD' with vehicle wells on the plate)"),
    "a fraction of a concentration": (H + "il1b,K562R,72,5,fraction,1\n", "row 2, column 'unit': unknown unit 'fraction'; expected one that converts to 'pg/mL'"),
    "an unknown unit": (H + "il1b,K562R,72,5,pg/mll,1\n", "row 2, column 'unit': unknown unit 'pg/mll', did you mean 'pg/mL'"),
    "no unit": (H + "il1b,K562R,72,5,,1\n", "row 2, column 'unit': is empty, expected the unit of the value, such as 'pg/mL'"),
    "a raw signal of a share": (H + "p_crkl,K562R,72,5,a.u.,1\n", "row 2, column 'unit': 'a.u.' is a raw signal, but p_crkl is in 'fraction'; expected values in that unit, or in column 'relative_to' either 'vehicle' (with vehicle wells on the plate) or 'scale'"),
    "two units of the values": ("readout,line,time [h],value [ng/mL],unit\nil1b,K562R,72,5,pg/mL\n", "row 2, column 'unit': differs from 'ng/mL' in the header of the values, expected one unit"),
    "percent of a concentration": (H + "il1b,K562R,72,5%,pg/mL,1\n", "row 2, column 'value': got '5%', expected a number without '%', since the unit is 'pg/mL'"),
    "percent called a fraction": (H + V.replace("0.5", "85"), "row 2, column 'value': got '85', expected a viability around 1 in unit 'fraction', or the unit '%'"),
    "more than all": (H + "apoptosis,K562R,72,120,%,1\n", "row 2, column 'value': got '120', expected at most 100 %"),
    "an unknown reference": (H[:-1] + ",relative_to\n" + V[:-1] + ",vehicel\n", "row 2, column 'relative_to': unknown reference 'vehicel', did you mean 'vehicle'? Expected one of: vehicle, scale"),
    "a negative SD": (H[:-1] + ",sd\n" + V[:-1] + ",-0.1\n", "row 2, column 'sd': got '-0.1', expected a number of at least 0"),
    "a detection limit of 0": (H[:-1] + ",detection_limit\n" + V[:-1] + ",0\n", "row 2, column 'detection_limit': got '0', expected a number above 0, or an empty cell"),
    "half a replicate": (H[:-1] + ",replicate\n" + V[:-1] + ",1.5\n", "row 2, column 'replicate': got '1.5', expected a whole number of at least 1"),
    "no wells": (H[:-1] + ",n\n" + V[:-1] + ",0\n", "row 2, column 'n': got '0', expected a whole number of at least 1"),
    "no cells": (H[:-1] + ",cells_per_ml\n" + V[:-1] + ",0\n", "row 2, column 'cells_per_ml': got '0', expected a number above 0"),
    "a replicate twice": (H[:-1] + ",replicate\n" + V[:-1] + ",2\n" + V.replace("72", "48")[:-1] + ",2\n" + V.replace(",1\n", ",1000e-3\n")[:-1] + ",2\n", "row 4, column 'replicate': repeats row 2: the same well, read-out, time and replicate 2; expected another number, or none in both rows"),
    "an unknown stroma mode": (H[:-1] + ",stroma\n" + V[:-1] + ",coculure\n", "row 2, column 'stroma': unknown stroma mode 'coculure', did you mean 'coculture'?"),
    "stroma without a mode": (H[:-1] + ",stroma_per_ml\n" + V[:-1] + ",5e4\n", "row 2, column 'stroma_per_ml': given without stroma, expected a mode in column 'stroma'"),
    "stroma beside stroma": (H[:-1] + ",stroma\ncxcl11,stroma,72,5,pg/mL,1,coculture\n", "row 2, column 'stroma': 'coculture' for line 'stroma', expected 'none' or another line"),
    "leukaemic cells of stroma": (H[:-1] + ",cells_per_ml\ncxcl11,stroma,72,5,pg/mL,1,1e5\n", "row 2, column 'cells_per_ml': given for line 'stroma', expected it in 'stroma_per_ml'"),
    "a read-out that is not there": (H + "cxcl11_mRNA,K562R,72,5,fold,1\n", "row 2, column 'readout': cxcl11_mRNA cannot be measured on 'K562R' here, expected line stroma"),
    "viability of stroma": (H[:-1] + ",scenario\nviability,stroma,72,0.5,fraction,1,coculture\n", "row 2, column 'readout': viability cannot be measured on 'stroma' here, expected line K562R"),
    "an unknown scenario": (H[:-1] + ",scenario\n" + V[:-1] + ",coculure\n", "row 2, column 'scenario': unknown scenario 'coculure', did you mean 'coculture'?"),
    "a scenario that is no file": (H[:-1] + ",scenario\n" + V[:-1] + ",mine.toml\n", "mine.toml: no such file"),
    "a scenario of many wells": (H[:-1] + ",scenario\n" + V[:-1] + ",density_series\n", "row 2, column 'scenario': density_series varies anti_il1b, K562R, expected a column for each, or a single well"),
    "a line that is not in the scenario": (H[:-1] + ",scenario\n" + V[:-1] + ",stroma_alone\n", "row 2, column 'line': 'K562R' is not in scenario 'stroma_alone', expected 'stroma', nothing, or in column 'cells_per_ml' how many are added"),
    "stroma that is not in the scenario": (H[:-1] + ",scenario\ncxcl11,stroma,72,5,pg/mL,1,k562r_growth\n", "row 2, column 'line': scenario 'k562r_growth' has no stroma, expected one that has"),
    "a density of nobody": (H[:-1] + ",scenario,cells_per_ml\nil1b,,72,5,pg/mL,1,mixed_lines,1e5\n", "row 2, column 'cells_per_ml': given without the line it is of, expected one in 'line'"),
    "an insert without one": (H[:-1] + ",scenario,stroma\n" + V[:-1] + ",coculture,transwell\n", "row 2, column 'stroma': stroma mode 'transwell' in a vessel 'well'"),
    "no vehicle": (H[:-1] + ",plate\nviability,K562R,72,0.5,OD,1,P1\nviability,K562R,72,1.5,OD,0,P2\n", "row 2: viability of K562R at 72 h on plate 'P1': no matching vehicle well, expected at least one with every treatment 0"),
    "no vehicle at that time": (H + "viability,K562R,72,0.5,OD,1\nviability,K562R,48,1.5,OD,0\n", "row 2: viability of K562R at 72 h: no matching vehicle well"),
    "mixed raw units": (H + "viability,K562R,72,0.5,OD,0\nviability,K562R,72,1.5,RLU,1\n", "row 3, column 'unit': viability of K562R at 72 h: unit 'RLU' here, 'OD' in row 2, expected one unit"),
    "a vehicle beyond the assay": (H + "viability,K562R,72,>4,OD,0\nviability,K562R,72,1.5,OD,1\n", "row 2, column 'value': viability of K562R at 72 h: a vehicle well is beyond a limit of the assay"),
    "a vehicle of nothing": (H + "viability,K562R,72,0,OD,0\nviability,K562R,72,1.5,OD,1\n", "row 2, column 'value': viability of K562R at 72 h: vehicle wells are 0, expected more"),
}  # fmt: skip


def refused(path: Path, **options: object) -> list[str]:
    with pytest.raises(nl.AssayError) as told:
        nl.read_assay(path, **options)
    return str(told.value).splitlines()


@pytest.mark.parametrize(("text", "message"), BAD.values(), ids=list(BAD))
def test_one_problem_is_told_in_one_line(text, message, tmp_path):
    path = tmp_path / "plate.csv"
    path.write_text(text, encoding="utf-8")
    (line,) = refused(path)
    assert line.startswith("plate.csv: ")
    assert message in line


def test_problems_of_all_kinds_are_told_together_in_the_order_of_rows(tmp_path):
    path = tmp_path / "plate.csv"
    rows = [
        "viability,K562R,72,x,fraction,1",
        "viability,K562,72,0.5,fraction,1",
        "viability,K562R,72,0.5,kg,-1",
    ]
    path.write_text(H + V + "\n".join(rows), encoding="utf-8")
    lines = refused(path)
    assert [line.split(":")[1].strip() for line in lines] == [
        "row 3, column 'value'",
        "row 4, column 'line'",
        "row 5, column 'imatinib [uM]'",
        "row 5, column 'unit'",
    ]


def test_one_problem_in_many_rows_is_one_line(tmp_path):
    path = tmp_path / "plate.csv"
    path.write_text(H + V.replace("K562R", "K562") * 400, encoding="utf-8")
    (line,) = refused(path)
    assert "rows 2, 3, 4 and 397 more, column 'line': unknown line 'K562'" in line


def test_many_problems_are_capped(tmp_path):
    path = tmp_path / "plate.csv"
    path.write_text(H + "".join(V.replace("0.5", f"x{i}") for i in range(3000)), encoding="utf-8")
    lines = refused(path)
    assert len(lines) == 21
    assert "row 2, column 'value': got 'x0'" in lines[0]
    assert lines[-1] == "plate.csv: and at least 2980 more problems"


@pytest.mark.parametrize("column", range(6))
def test_a_column_in_the_wrong_place_is_told_soon_however_long_the_table(column, tmp_path):
    cells = V.strip().split(",")
    rows = [",".join([*cells[:column], f"q{i}", *cells[column + 1 :]]) for i in range(100_000)]
    path = tmp_path / "plate.csv"
    path.write_text(H + "\n".join(rows), encoding="utf-8")
    assert len(refused(path)) in (1, 21)


def test_many_unknown_scenarios_are_told_soon(tmp_path):
    path = tmp_path / "plate.csv"
    rows = "\n".join(f"{V.strip()},q{i}" for i in range(100_000))
    path.write_text(f"{H.strip()},scenario\n{rows}", encoding="utf-8")
    assert len(refused(path)) == 21


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            b"\x89PNG\x00\x00\x01\x02",
            "has zero bytes, so it is no text; expected a CSV file or an Excel workbook",
        ),
        ((H + V.replace("K562R", "Müller")).encode("latin-1"), "row 2: byte 0xFC is not UTF-8"),
        (b"\xef\xbb\xbf" + H.encode() + b"\xff", "is not UTF-8; save it as 'CSV UTF-8'"),
        (H.encode("utf-16")[:-1], "is not UTF-16"),
    ],
)
def test_what_is_no_text_is_refused(data, message, tmp_path):
    path = tmp_path / "plate.csv"
    path.write_bytes(data)
    (line,) = refused(path)
    assert line.startswith("plate.csv: ")
    assert message in line


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    assert "no such file" in refused(tmp_path / "plate.csv")[0]
    assert "cannot be read" in refused(tmp_path)[0]
    path = tmp_path / "plate.csv"
    path.write_text(H + V, encoding="utf-8")
    assert "sheet 'data' of a text file, expected an Excel workbook" in refused(path, sheet="data")[0]


def test_a_problem_of_a_scenario_file_names_the_row_and_the_file(tmp_path):
    (tmp_path / "mine.toml").write_text('duration = "-3 h"\n[lines]\nK562R = 1e5\n', encoding="utf-8")
    path = tmp_path / "plate.csv"
    path.write_text(H[:-1] + ",scenario\n" + V[:-1] + ",mine.toml\n", encoding="utf-8")
    (line,) = refused(path)
    assert "row 2, column 'scenario'" in line
    assert "mine.toml: duration: got '-3 h'" in line
