"""Tables to fill in, and the model laid over filled ones."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import openpyxl
import pytest

import nicheloop as nl
from nicheloop.assays.tables.predictions import predict
from nicheloop.assays.tables.templates import template_names, template_text, write_template

from .conftest import Call

NAMES = ("blot", "elisa", "migration", "qpcr", "viability")
VALUES = {"OD": 0.9, "pg/mL": 20.0, "%": 12.0, "fold": 2.0, "a.u.": 1500.0}


def filled(text: str) -> str:
    """Fill in the column 'value' of a template."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    rows = list(csv.DictReader(lines))
    body = [",".join({**row, "value": str(VALUES[row["unit"]])}.values()) for row in rows]
    return "\n".join([lines[0], *body]) + "\n"


def test_templates_are_listed(call: Call) -> None:
    called = call("template")
    assert called.code == 0
    assert template_names() == NAMES
    assert [line.split()[0] for line in called.out.splitlines()] == list(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_filled_template_is_read_and_predicted(name: str, call: Call, tmp_path: Path) -> None:
    text = call("template", name).out
    assert text == template_text(name)
    assert text.isascii()
    (tmp_path / "mine.csv").write_text(filled(text), encoding="utf-8")
    table = nl.read_assay("mine.csv")
    assert len(table) == len(filled(text).splitlines()) - 1
    assert np.isfinite(predict(table).values).all()


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_template_is_refused_by_its_empty_values(name: str, tmp_path: Path) -> None:
    path = write_template(name, tmp_path / "mine.csv")
    with pytest.raises(
        nl.AssayError, match=r"column 'value': got '', expected a number such as 0\.85"
    ) as told:
        nl.read_assay(path)
    assert len(str(told.value).splitlines()) == 1


def test_a_workbook_holds_the_same_table(call: Call, tmp_path: Path) -> None:
    called = call("template", "elisa", "--format", "xlsx", "--out", "mine")
    assert called.code == 0, called.err
    assert {path.name for path in (tmp_path / "mine").iterdir()} == {"elisa.xlsx", "manifest.json"}
    workbook = openpyxl.load_workbook(tmp_path / "mine" / "elisa.xlsx")
    sheet = workbook["data"]
    value = next(cell.column for cell in sheet[1] if cell.value == "value")
    for row in range(2, sheet.max_row + 1):
        sheet.cell(row, value, VALUES["pg/mL"])
    workbook.save("filled.xlsx")
    Path("filled.csv").write_text(filled(template_text("elisa")), encoding="utf-8")
    assert nl.read_assay("filled.xlsx").same_as(nl.read_assay("filled.csv"))
    assert workbook["how to fill it in"]["A1"].value.startswith("IL-1beta and CXCL11 in the medium")


def test_a_template_in_a_folder(call: Call, tmp_path: Path) -> None:
    assert call("template", "blot", "--out", "mine").code == 0
    assert (tmp_path / "mine" / "blot.csv").read_text(encoding="utf-8") == template_text("blot")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("viabilty",), "unknown template 'viabilty', did you mean 'viability'?"),
        (("blot", "--format", "xls"), "--format: unknown format 'xls', did you mean 'xlsx'?"),
        (("blot", "--format", "xlsx"), "--format xlsx: is not printed, expected --out DIR as well"),
    ],
)
def test_misuse_of_template(arguments: tuple[str, ...], message: str, call: Call, tmp_path: Path) -> None:
    called = call("template", *arguments)
    assert (called.code, called.out) == (2, "")
    assert message in called.err
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match=r"unknown kind of file '\.ods'"):
        write_template("blot", tmp_path / "blot.ods")


# -- simulate --like ----------------------------------------------------------------------------------------

TABLE = """\
readout,line,time [h],value,unit,imatinib [uM],plate,detection_limit
viability,K562S,72,1.1,OD,0,P1,
viability,K562S,72,0.9,OD,0,P1,
viability,K562S,72,0.4,OD,0.3,P1,
il1b,K562R,72,<3.9,pg/mL,0,,
il1b,K562R,72,<390,pg/mL,0,,
il1b,K562R,72,>2,pg/mL,0,,
il1b,K562R,72,>2000,pg/mL,0,,
"""


def test_the_model_is_laid_over_a_table(call: Call, tmp_path: Path) -> None:
    (tmp_path / "plate.csv").write_text(TABLE, encoding="utf-8")
    called = call("simulate", "--like", "plate.csv", "--parameters", "death_max=0.05", "--out", "out")
    assert called.code == 0, called.err
    assert "viability" in called.out
    assert "7 more" not in called.out
    names = {"predictions.csv", "predictions.png", "predictions.svg", "manifest.json"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == names
    found = predict(nl.read_assay("plate.csv"), [{"death_max": 0.05}]).values[0]
    with (tmp_path / "out" / "predictions.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    np.testing.assert_allclose([float(row["model"]) for row in rows], found, rtol=1e-12)
    assert [row["value"] for row in rows] == ["1.1", "0.9", "0.4", "<3.9", "<390.0", ">2.0", ">2000.0"]
    residual = [float(row["residual"]) for row in rows]
    il1b = found[3]
    assert 3.9 < il1b < 390
    by_hand = [0.1, -0.1, 0.4 - found[2], 3.9 - il1b, 0.0, 0.0, 2000 - il1b]
    np.testing.assert_allclose(residual, by_hand, atol=1e-9)
    about = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
    assert (about["data"], about["wells"], about["failed_wells"]) == ("plate.csv", 3, 0)
    assert about["parameters_changed"] == {"death_max": 0.05}


def test_both_engines_agree(call: Call, tmp_path: Path) -> None:
    (tmp_path / "plate.csv").write_text(TABLE, encoding="utf-8")
    values = []
    for engine in ("batch", "scipy"):
        assert call("simulate", "--like", "plate.csv", "--engine", engine, "--out", engine).code == 0
        with (tmp_path / engine / "predictions.csv").open(encoding="utf-8", newline="") as file:
            values.append([float(row["model"]) for row in csv.DictReader(file)])
    np.testing.assert_allclose(*values, rtol=1e-3)


def test_scenarios_of_the_table_go_with_the_predictions(call: Call, tmp_path: Path) -> None:
    nl.save_scenario(nl.load_scenario("imatinib_washout"), tmp_path / "pulse.toml")
    table = "readout,line,time [h],value,unit,scenario\nviability,K562S,72,50,%,pulse.toml\n"
    (tmp_path / "plate.csv").write_text(table, encoding="utf-8")
    assert call("simulate", "--like", "plate.csv").code == 0
    assert (tmp_path / "results" / "plate" / "pulse.toml").is_file()


def test_a_plate_map_is_run_with_its_layout(call: Call, tmp_path: Path) -> None:
    grid = [["", *map(str, range(1, 13))], *[[letter, *["0.5"] * 12] for letter in "ABCDEFGH"]]
    about = "readout,viability\ntime [h],72\nunit,OD\n"
    (tmp_path / "values.csv").write_text(about + "\n".join(map(",".join, grid)), encoding="utf-8")
    wells = [["K562S; imatinib 1 uM" if cell == "0.5" else cell for cell in row] for row in grid]
    wells[1][1] = "K562S"
    (tmp_path / "layout.csv").write_text("\n".join(map(",".join, wells)), encoding="utf-8")
    called = call("simulate", "--like", "values.csv", "--layout", "layout.csv", "--out", "out")
    assert called.code == 0, called.err
    assert "96 values" in called.out


def test_failed_wells_are_told_and_have_exit_code_1(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from nicheloop.assays.tables import predictions as module

    honest = module.predict

    def failing(*arguments: object, **options: object) -> object:
        found = honest(*arguments, **options)  # type: ignore[arg-type]
        problems = tuple("step size became zero" if i == 0 else "" for i in range(len(found.problems[0])))
        values = np.where(found.table.measurements.well == 0, np.nan, found.values)
        return replace(found, problems=(problems,), values=values)

    monkeypatch.setattr(module, "predict", failing)
    (tmp_path / "plate.csv").write_text(TABLE, encoding="utf-8")
    called = call("simulate", "--like", "plate.csv", "--out", "out")
    assert called.code == 1
    assert "K562S[vehicle] failed: step size became zero" in called.err
    about = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
    assert about["failed_wells"] == 1


def test_every_problem_of_a_table_is_a_line(call: Call, tmp_path: Path) -> None:
    rows = "viabilty,K562R,72,0.5,fraction\nviability,K562,72,x,fraction\n"
    (tmp_path / "plate.csv").write_text("readout,line,time [h],value,unit\n" + rows, encoding="utf-8")
    called = call("simulate", "--like", "plate.csv")
    assert (called.code, called.out) == (2, "")
    lines = called.err.splitlines()
    assert len(lines) == 3
    assert all(line.startswith("nicheloop: plate.csv: row ") for line in lines)
    assert [path.name for path in tmp_path.iterdir()] == ["plate.csv"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("simulate",), "no scenario, expected one (nicheloop scenarios lists them) or --like FILE"),
        (("simulate", "--like", "none.csv"), "none.csv: no such file"),
        (("simulate", "imatinib_k562r", "--like", "plate.csv"), "a scenario with --like"),
        (("simulate", "--like", "plate.csv", "--readouts", "il1b"), "--readouts with --like"),
        (("simulate", "--like", "plate.csv", "--set", "imatinib=1"), "--set with --like"),
        (("simulate", "--like", "plate.csv", "--parameters", "il1_kno=2"), "did you mean 'il1_kon'"),
        (("simulate", "--like", "plate.csv", "--engine", "euler"), "unknown engine 'euler'"),
        (("simulate", "--like", "plate.csv", "--sheet", "data"), "sheet 'data' of a text file"),
        (("simulate", "imatinib_k562r", "--layout", "x.csv"), "--sheet and --layout: expected with --like"),
        (("simulate", "--like", "plate.csv", "--out", "plate.csv"), "is a file, expected a folder"),
    ],
)  # fmt: skip
def test_misuse_of_like(arguments: tuple[str, ...], message: str, call: Call, tmp_path: Path) -> None:
    (tmp_path / "plate.csv").write_text(TABLE, encoding="utf-8")
    called = call(*arguments)
    assert (called.code, called.out) == (2, "")
    assert message in called.err
    assert len(called.err.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["plate.csv"]
