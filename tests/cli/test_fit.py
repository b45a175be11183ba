"""`nicheloop fit`: what it writes, that it goes on, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from .conftest import Call

DATA = """readout,line,time [h],imatinib [uM],value,unit,sd,n
viability,K562S,72,0.1,0.85,fraction,0.1,3
viability,K562S,72,0.3,0.4,fraction,0.1,3
viability,K562S,72,1,0.05,fraction,0.02,3
"""
SMALL = ("--parameters-free", "death_max,il1b_secretion_K562R", "--starts", "2", "--out", "out")


@pytest.fixture
def plate(tmp_path: Path) -> str:
    (tmp_path / "plate.csv").write_text(DATA, encoding="utf-8")
    return "plate.csv"


def stored(folder: Path) -> dict[str, Any]:
    return {str(p): (p.stat().st_mtime_ns, p.read_bytes()) for p in folder.rglob("*") if p.is_file()}


def test_a_fit_says_what_the_data_tell_and_the_same_command_computes_nothing_again(
    call: Call, plate: str, tmp_path: Path
) -> None:
    first = call("fit", plate, *SMALL, "--sample", "100")
    assert first.code == 0, first.err
    assert "Your data tell death_max" in first.out
    assert "They cannot tell il1b_secretion_K562R" in first.out
    out = tmp_path / "out"
    about = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert set(about["files"]) == {path.name for path in out.iterdir() if path.is_file()}
    assert about["verdicts"]["il1b_secretion_K562R"] == "flat"
    assert "pypesto" in about["versions"]
    assert len(pd.read_csv(out / "sample.csv")) == 4 * 50
    before, tables = stored(out / "store"), (out / "parameters.csv").read_bytes()
    again = call("fit", plate, *SMALL, "--sample", "100")
    assert again.code == 0
    assert stored(out / "store") == before
    assert (out / "parameters.csv").read_bytes() == tables
    shown = call("simulate", "imatinib_k562s", "--parameters", "out/fitted.toml", "--readouts", "viability")
    assert shown.code == 0, shown.err


def test_published_numbers_can_be_all_there_is(call: Call, tmp_path: Path) -> None:
    called = call("fit", "--constraints", "published", "--parameters-free", "death_max", "--starts", "2",
                  "--no-profile", "--note", "No plate.")  # fmt: skip
    assert called.code == 0, called.err
    text = (tmp_path / "results" / "fit_constraints" / "report.html").read_text(encoding="utf-8")
    assert "ic50:K562S" in text
    assert "No plate." in text


MISUSES = {
    "nothing": ((), "nothing to fit"),
    "missing file": (("none.csv",), "none.csv"),
    "no free parameter": (("plate.csv", "--parameters-free", "death_mx"), "did you mean 'death_max'"),
    "unknown noise": (("plate.csv", "--noise", "guessed"), "estimated"),
    "unknown optimiser": (("plate.csv", "--optimizer", "newton"), "fides"),
    "unknown sampler": (("plate.csv", "--sample", "9", "--sampler", "gibbs"), "tempering"),
    "too few draws": (("plate.csv", "--sample", "3"), "--sample"),
    "unknown hypothesis": (("plate.csv", "--resistance", "magic"), "mixed"),
    "unknown constraints": (("plate.csv", "--constraints", "imatinib_k56"), "did you mean 'imatinib_k562'"),
    "constraints without a dose": (("plate.csv", "--constraints", "il1b_levels"), "half-maximal dose"),
    "no starts": (("plate.csv", "--starts", "0"), "--starts"),
    "fixed and free": (("plate.csv", "--parameters", "death_max=0.1"), "in 'base' and free"),
}


@pytest.mark.parametrize("name", MISUSES)
def test_misuse_is_one_line_and_writes_nothing(name: str, call: Call, plate: str, tmp_path: Path) -> None:
    arguments, expected = MISUSES[name]
    free = () if "--parameters-free" in arguments else ("--parameters-free", "death_max")
    called = call("fit", *arguments, *free, "--out", "out")
    assert called.code == 2, called.err
    assert expected in called.err
    assert "Traceback" not in called.err
    assert not (tmp_path / "out").exists()


def test_without_the_extra_the_install_command_is_named(
    call: Call, plate: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name == "pypesto" else real(name, *a)
    )
    called = call("fit", plate, *SMALL)
    assert called.code == 2
    assert "pip install 'nicheloop[fit]'" in called.err
