"""What the commands print and leave behind."""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest

import nicheloop as nl
from nicheloop.cli.output import staged
from nicheloop.execution.progress import progress

from .conftest import Call

COMMANDS = ("reproduce", "simulate", "parameters", "scenarios", "study", "template")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example_and_out(command: str, call: Call) -> None:
    called = call(command, "--help")
    assert called.code == 0
    assert f"nicheloop {command}" in called.out
    assert "Example:" in called.out
    assert "--out" in called.out


def test_without_a_command_the_help_is_shown(call: Call) -> None:
    called = call()
    assert called.code == 0
    for command in COMMANDS:
        assert command in called.out


def test_version(call: Call) -> None:
    assert call("--version").out == f"nicheloop {nl.__version__}\n"


def test_simulate_writes_what_the_python_interface_gives(call: Call, tmp_path: Path) -> None:
    called = call(
        "simulate", "imatinib_k562r", "--set", "imatinib=3 uM", "--set", "K562R=2e5 cells/mL",
        "--parameters", "il1b_secretion_K562R=2", "--readouts", "viability, il1b", "--out", "out",
    )  # fmt: skip
    assert called.code == 0, called.err
    out = tmp_path / "out"
    names = {"readouts.csv", "readouts.png", "readouts.svg", "scenario.toml", "manifest.json"}
    assert {path.name for path in out.iterdir()} == names
    scenario = nl.load_scenario("imatinib_k562r").with_(
        treatments={"imatinib": "3 uM"}, lines={"K562R": "2e5 cells/mL"}
    )
    run = nl.simulate(scenario, {"il1b_secretion_K562R": 2.0})
    with (out / "readouts.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["readout"] for row in rows} == {"viability", "il1b"}
    found = [float(row["value"]) for row in rows if row["readout"] == "viability"]
    np.testing.assert_allclose(found, run["viability"], rtol=1e-12)
    assert nl.load_scenario(out / "scenario.toml") == scenario
    about = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert about["parameters_changed"] == {"il1b_secretion_K562R": 2.0}
    assert about["status"] == "ok"
    assert about["command"].startswith("nicheloop simulate imatinib_k562r --set 'imatinib=3 uM'")


def test_a_read_out_without_a_line_means_all_lines_that_have_it(call: Call, tmp_path: Path) -> None:
    assert call("simulate", "coculture", "--readouts", "viable_cells", "--out", "out").code == 0
    with (tmp_path / "out" / "readouts.csv").open(encoding="utf-8", newline="") as file:
        assert {row["line"] for row in csv.DictReader(file)} == {"K562R", "stroma"}


def test_a_failed_run_is_written_and_has_exit_code_1(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from nicheloop.assays import simulate as module

    honest = module.simulate

    def failing(*arguments: object, **options: object) -> object:
        run = honest(*arguments, **options)  # type: ignore[arg-type]
        cut = np.where(run.time[:, None] > 24, np.nan, run.outputs)
        return replace(run, outputs=cut, status="failed", message="step size became zero", time_reached=24.0)

    monkeypatch.setattr(module, "simulate", failing)
    called = call("simulate", "k562r_growth", "--readouts", "viable_cells", "--out", "out")
    assert called.code == 1
    assert "failed at 24 h: step size became zero" in called.err
    with (tmp_path / "out" / "readouts.csv").open(encoding="utf-8", newline="") as file:
        late = [row["value"] for row in csv.DictReader(file) if float(row["time"]) > 24]
    assert late
    assert set(late) == {""}
    assert json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))["status"] == "failed"


def test_parameters_in_a_pipe_are_csv(call: Call) -> None:
    rows = list(csv.DictReader(io.StringIO(call("parameters", "--evidence", "measured").out)))
    table = nl.parameters()
    assert [row["name"] for row in rows] == list(table[table["evidence"] == "measured"].index)
    one = next(row for row in rows if row["name"] == "imatinib_kd_unphosphorylated")
    assert float(one["value"]) == table.loc["imatinib_kd_unphosphorylated", "value"]
    assert one["source"]


def test_parameters_take_the_values_of_an_explanation(call: Call) -> None:
    rows = csv.DictReader(io.StringIO(call("parameters", "--resistance", "none").out))
    found = {row["name"]: float(row["value"]) for row in rows}
    assert found == pytest.approx(nl.parameter_values("none"))


def test_parameters_can_be_written(call: Call, tmp_path: Path) -> None:
    assert call("parameters", "--out", "table").code == 0
    assert {path.name for path in (tmp_path / "table").iterdir()} == {"parameters.csv", "manifest.json"}


def test_scenarios_are_listed_and_shown(call: Call, tmp_path: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(call("scenarios").out)))
    assert [row["name"] for row in rows] == list(nl.scenario_names())
    assert all(row["title"] for row in rows)
    (tmp_path / "mine.toml").write_text(call("scenarios", "--show", "imatinib_washout").out, encoding="utf-8")
    assert nl.load_scenario(tmp_path / "mine.toml") == nl.load_scenario("imatinib_washout")


def test_two_scenarios_are_compared_field_by_field(call: Call, tmp_path: Path) -> None:
    lines = call("scenarios", "--diff", "imatinib_k562s", "imatinib_washout").out.splitlines()
    assert lines == [
        "imatinib_k562s -> imatinib_washout",
        "at 8 h: wash_out.fraction: not set -> 0.999",
    ]
    (tmp_path / "mine.toml").write_text('extends = "imatinib_k562s"\ntitle = "mine"\n', encoding="utf-8")
    same = call("scenarios", "--diff", "mine.toml", "imatinib_k562s")
    assert (same.code, same.out) == (0, "mine.toml -> imatinib_k562s: the same experiment\n")
    assert call("scenarios", "--diff", "imatinib_k562s", "imatinib_k562r", "--out", "diff").code == 0
    with (tmp_path / "diff" / "differences.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [
            ["field", "imatinib_k562s", "imatinib_k562r"],
            ["lines.K562S", "100000 cells/mL", "not set"],
            ["lines.K562R", "not set", "100000 cells/mL"],
        ]


def test_simulate_runs_all_wells_of_a_scenario_that_varies_something(call: Call, tmp_path: Path) -> None:
    called = call("simulate", "density_series", "--readouts", "viable_cells", "--set", "anti_il1b=1 ug/mL")
    assert called.code == 0, called.err
    out = tmp_path / "results" / "density_series"
    names = {"readouts.csv", "readouts.png", "readouts.svg", "scenario.toml", "manifest.json"}
    assert {path.name for path in out.iterdir()} == names
    with (out / "readouts.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0])[:3] == ["K562R [cells/mL]", "imatinib [uM]", "time"]
    assert len(rows) == 7 * 2 * 2
    scenario = nl.load_scenario("density_series").with_(treatments={"anti_il1b": "1 ug/mL"})
    assert nl.load_scenario(out / "scenario.toml") == scenario
    single = nl.simulate(scenario.wells()[3], rtol=1e-6)["viable_cells"][-1]
    assert float(rows[7]["value"]) == pytest.approx(single, rel=1e-5)
    about = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert (about["wells"], about["failed_wells"]) == (14, {})


def test_wells_that_fail_are_told_and_have_exit_code_1(call: Call, tmp_path: Path) -> None:
    text = 'extends = "k562r_growth"\n[vary]\nuniform_death = [0.0, 0.2]\n'
    (tmp_path / "dying.toml").write_text(text, encoding="utf-8")
    called = call("simulate", "dying.toml", "--readouts", "viable_cells", "--out", "out")
    assert called.code == 1
    told = "nicheloop: 1 of 2 wells failed; dying[uniform_death=0.2 1/h]: no stock culture: K562R shrinks"
    assert called.err.startswith(told)
    with (tmp_path / "out" / "readouts.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["value"] == "" for row in rows if row["uniform_death [1/h]"] == "0.2"} == {True}
    assert {row["value"] == "" for row in rows if row["uniform_death [1/h]"] == "0.0"} == {False}


def test_studies_are_listed_and_run(call: Call, tmp_path: Path) -> None:
    listed = call("study").out
    assert "density_dependence" in listed
    called = call("study", "density_dependence", "--draws", "0", "--seed", "3")
    assert called.code == 0, called.err
    out = tmp_path / "results" / "density_dependence"
    about = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert (about["study"], about["seed"], about["draws"]) == ("density_dependence", 3, 0)
    assert {"series.csv", "claims.csv", "manifest.json"} < {path.name for path in out.iterdir()}
    with (out / "series.csv").open(encoding="utf-8", newline="") as file:
        assert all(float(row["default"]) > 0 for row in csv.DictReader(file))


def test_results_replace_earlier_ones_and_leave_other_files_alone(tmp_path: Path) -> None:
    out = tmp_path / "a" / "b"
    for names in (("one", "two"), ("two", "three")):
        with staged(out) as folder:
            for name in names:
                (folder / name).write_text(" ".join(names), encoding="utf-8")
            (folder / "manifest.json").write_text(
                json.dumps({"files": [*names, "../keep"]}), encoding="utf-8"
            )
        (out / "notes.txt").write_text("mine", encoding="utf-8")
        (out.parent / "keep").write_text("mine", encoding="utf-8")
    assert {path.name for path in out.iterdir()} == {"two", "three", "manifest.json", "notes.txt"}
    assert (out / "two").read_text(encoding="utf-8") == "two three"
    assert (out.parent / "keep").exists()


def test_a_failure_while_writing_leaves_no_trace(tmp_path: Path) -> None:
    def write() -> None:
        with staged(tmp_path / "a" / "b") as folder:
            (folder / "half").write_text("half", encoding="utf-8")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write()
    assert list(tmp_path.iterdir()) == []


def test_progress_in_a_log_is_a_few_lines_with_failures(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False, raising=False)
    with progress("claims") as show:
        for done in range(1001):
            show(done, 1000, done // 100)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 11
    assert lines[5].startswith("claims: 500/1000 runs, 5 failed")
    assert "left" in lines[5]
    assert "left" not in lines[-1]
