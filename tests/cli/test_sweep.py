"""`nicheloop sweep` and `nicheloop merge`: files, exit codes, shards, interruptions, misuse."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import nicheloop as nl

from .conftest import Call

R = "imatinib_k562r"
QUICK = (
    "sweep",
    R,
    "--vary",
    "imatinib=0,0.1:10:5:log",
    "--readouts",
    "viability,il1b",
    "--summary",
    "final,ic50",
)


def test_a_sweep_leaves_table_figure_manifest_and_store(call: Call, tmp_path: Path) -> None:
    called = call(*QUICK, "--vary", "K562R=1e4,1e5", "--sets", "ensemble:3", "--seed", "4")
    assert called.code == 0, called.err
    (out,) = (tmp_path / "results").glob(f"sweep_{R}-??????")
    assert called.out == f"wrote {out.relative_to(tmp_path)}/sweep.png and 3 more files\n"
    names = {path.name for path in out.iterdir()}
    assert names == {"sweep.png", "sweep.svg", "sweep.csv", "manifest.json", "store"}
    about = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert about["command"].startswith("nicheloop sweep imatinib_k562r --vary")
    assert (about["seed"], about["runs"], about["failed_runs"], about["parameter_sets"]) == (
        4,
        36,
        0,
        "ensemble:3",
    )
    table = pd.read_csv(out / "sweep.csv")
    assert list(table.columns) == ["set", "imatinib [uM]", "K562R [cells/mL]", "variable", "value", "unit"]
    expected = nl.sweep(
        R,
        {"imatinib": [0, *nl.log_range(0.1, 10, 5)], "K562R": [1e4, 1e5]},
        ["viability", "il1b"],
        summaries=["final", "ic50"],
        parameters="ensemble:3",
        seed=4,
    )
    for name in ("viability_final", "il1b_final", "viability_ic50", "il1b_ic50"):
        found = table[table["variable"] == name]["value"].to_numpy()
        np.testing.assert_allclose(found, expected[name].values.ravel(), rtol=1e-14)
    assert set(table[table["variable"] == "viability_ic50"]["unit"]) == {"uM"}
    assert nl.open_sweep(out / "store").identical(expected)


def test_a_scenario_with_axes_of_its_own_needs_none(call: Call, tmp_path: Path) -> None:
    called = call(
        "sweep", "imatinib_il1ra_matrix", "--readouts", "viability", "--summary", "bliss", "--out", "x"
    )
    assert called.code == 0, called.err
    assert len(pd.read_csv(tmp_path / "x" / "sweep.csv")) == 30


def test_different_sweeps_have_folders_of_their_own(call: Call, tmp_path: Path) -> None:
    for arguments in ((), ("--seed", "1"), ("--seed", "1", "--workers", "1")):
        assert call(*QUICK, *arguments).code == 0
    assert len(list((tmp_path / "results").iterdir())) == 2  # where it is computed decides nothing


def test_a_random_design(call: Call, tmp_path: Path) -> None:
    arguments = ("--vary", "imatinib=10 nM:10 uM:log", "--vary", "il1_kon=prior", "--design", "sobol")
    called = call(
        "sweep",
        R,
        *arguments,
        "--samples",
        "8",
        "--readouts",
        "viability",
        "--summary",
        "final",
        "--out",
        "x",
    )
    assert called.code == 0, called.err
    table = pd.read_csv(tmp_path / "x" / "sweep.csv")
    assert table["sample"].tolist() == list(range(8))
    assert table["imatinib [uM]"].between(0.01, 10).all()
    assert table.filter(like="il1_kon").iloc[:, 0].nunique() == 8


def test_the_same_again_computes_nothing_and_another_sweep_is_refused(call: Call, tmp_path: Path) -> None:
    assert call(*QUICK, "--out", "x").code == 0
    stored = (tmp_path / "x" / "store" / "viability_final.npy").stat().st_mtime_ns
    table = (tmp_path / "x" / "sweep.csv").read_bytes()
    again = call(*QUICK, "--out", "x")
    assert again.code == 0
    assert (tmp_path / "x" / "store" / "viability_final.npy").stat().st_mtime_ns == stored
    assert (tmp_path / "x" / "sweep.csv").read_bytes() == table
    other = call(*QUICK, "--rtol", "1e-5", "--out", "x")
    assert other.code == 2
    assert "settings.rtol: 1e-06 there, 1e-05 now" in other.err
    assert (tmp_path / "x" / "sweep.csv").read_bytes() == table


def test_merged_shards_are_the_sweep(call: Call, tmp_path: Path) -> None:
    sets = ("--sets", "prior:7")
    assert call(*QUICK, *sets, "--out", "whole", "--max-failed", "1").code == 0
    for number in (1, 2, 3):
        called = call(*QUICK, *sets, "--shard", f"{number}/3", "--out", "parts", "--max-failed", "1")
        assert called.code == 0, called.err
        assert "nicheloop merge parts" in called.out
    merged = call("merge", "parts", "--max-failed", "1")
    assert merged.code == 0, merged.err
    for name in ("sweep.csv", "sweep.png", "store/viability_final.npy", "store/status.npy"):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name
    elsewhere = call(
        "merge",
        *(f"parts/shard-{number}-of-3" for number in (2, 1, 3)),
        "--out",
        "again",
        "--max-failed",
        "1",
    )
    assert elsewhere.code == 0, elsewhere.err
    assert (tmp_path / "again" / "sweep.csv").read_bytes() == (tmp_path / "whole" / "sweep.csv").read_bytes()
    incomplete = call("merge", "parts/shard-1-of-3", "parts/shard-3-of-3", "--out", "lacking")
    assert incomplete.code == 2
    assert "shard 2/3" in incomplete.err
    assert not (tmp_path / "lacking").exists()


def test_failed_runs_beyond_the_policy_are_exit_code_1(call: Call) -> None:
    shrinking = ("--parameters", "uniform_death=0.3")
    strict = call(*QUICK, *shrinking, "--out", "x")
    assert strict.code == 1
    assert "6 of 6 runs failed, first imatinib_k562r[imatinib=0 uM]: no stock culture" in strict.err
    assert call(*QUICK, *shrinking, "--out", "x", "--max-failed", "1").code == 0
    shard = call(*QUICK, *shrinking, "--out", "y", "--shard", "1/1")
    assert shard.code == 1
    assert "6 of 6 runs failed" in shard.err


@pytest.mark.parametrize("workers", ["1", "2"])
def test_ctrl_c_says_how_to_go_on(workers: str, tmp_path: Path) -> None:
    arguments = [
        "sweep",
        "imatinib_il1ra_matrix",
        "--vary",
        "imatinib=0.1:30:9:log",
        "--sets",
        "ensemble:300",
    ]
    command = [
        sys.executable,
        "-m",
        "nicheloop.cli.main",
        *arguments,
        "--readouts",
        "viability",
        "--workers",
        workers,
    ]
    command += ["--summary", "final", "--out", "x"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env=environment
    ) as process:
        assert process.stderr is not None
        told = ""
        for line in process.stderr:
            told = line
            if line.startswith("sweep: ") and " runs, " in line and not line.startswith("sweep: 0/"):
                break
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
    assert process.returncode == 130, told + rest
    assert "Traceback" not in rest
    assert "rows are in x/store: run the same again to go on" in rest.splitlines()[-1]
    assert not (tmp_path / "x" / "sweep.csv").exists()
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert len(pd.read_csv(tmp_path / "x" / "sweep.csv")) == 300 * 9 * 5


MISUSES = {
    "unknown axis": (("--vary", "imatinb=0,1"), "did you mean 'imatinib'"),
    "no values": (("--vary", "imatinib"), "--vary: got 'imatinib', expected NAME=VALUE"),
    "bad range": (("--vary", "imatinib=1:10:log:5"), "expected '0.01:10:20:log'"),
    "other dimension": (("--vary", "imatinib=0,1 h"), "imatinib"),
    "twice": (("--vary", "imatinib=0,1", "--vary", "imatinib=2"), "--vary: imatinib is given twice"),
    "unknown read-out": (("--vary", "imatinib=0,1", "--readouts", "viabilty"), "did you mean 'viability'"),
    "read-out that is not here": (("--vary", "imatinib=0,1", "--readouts", "cxcl11_mRNA"), "stroma"),
    "unknown summary": (("--vary", "imatinib=0,1", "--summary", "final,ic5"), "did you mean 'ic50'"),
    "nothing varies": ((), "nothing varies"),
    "samples of a grid": (("--vary", "imatinib=0,1", "--samples", "3"), "samples: got 3 for a grid"),
    "sets": (("--sets", "ensembel:3"), "expected 'ensemble', 'ensemble:100' or 'prior:100'"),
    "sets and parameters": (("--sets", "prior:3", "--parameters", "il1_kon=1"), "expected one of them"),
    "shard": (("--vary", "imatinib=0,1", "--shard", "5/4"), "shard 5/4: expected a number from 1 to 4"),
    "shard text": (("--vary", "imatinib=0,1", "--shard", "first"), "expected i/n"),
    "workers": (("--vary", "imatinib=0,1", "--workers", "0"), "--workers"),
    "design": (("--vary", "imatinib=0,1", "--design", "gird"), "did you mean 'grid'"),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "expected"), MISUSES.values(), ids=list(MISUSES))
def test_misuse_is_one_line_and_writes_nothing(
    arguments: tuple[str, ...], expected: str, call: Call, tmp_path: Path
) -> None:
    called = call("sweep", R, *arguments)
    assert called.code == 2
    assert called.out == ""
    (line,) = called.err.splitlines()
    assert line.startswith("nicheloop: ")
    assert expected in line
    assert list(tmp_path.iterdir()) == []


def test_a_folder_without_shards_is_refused(call: Call, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for folder, expected in (("empty", "holds no shard"), ("nowhere", "no such folder")):
        called = call("merge", folder, "--out", "x")
        assert called.code == 2
        assert f"{folder}: {expected}" in called.err
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]
