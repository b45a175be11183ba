"""Misuse: exit code 2, one line that says what was expected, nothing written."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Call

R = "imatinib_k562r"

MISUSES = {
    "unknown command": (("simulat", R), "simulat"),
    "unknown scenario": (("simulate", "imatinib_k562"), "did you mean 'imatinib_k562s'"),
    "missing file": (("simulate", "mine.toml"), "mine.toml: no such file"),
    "unknown drug": (("simulate", R, "--set", "imatinb=1 uM"), "did you mean 'imatinib'"),
    "unknown line": (("simulate", R, "--set", "K562T=1e5 cells/mL"), "did you mean 'K562"),
    "unknown unit": (("simulate", R, "--set", "imatinib=1 uN"), "uM"),
    "unit of another dimension": (("simulate", R, "--set", "imatinib=1 h"), "concentration"),
    "negative dose": (("simulate", R, "--set", "imatinib=-1 uM"), "at least 0"),
    "infinite dose": (("simulate", R, "--set", "imatinib=1e999 uM"), "not finite"),
    "negative density": (("simulate", R, "--set", "K562R=-1"), "at least 0"),
    "no value": (("simulate", R, "--set", "imatinib"), "NAME=VALUE"),
    "typo in a parameter": (("simulate", R, "--parameters", "il1_kno=2"), "did you mean 'il1_kon'"),
    "infinite parameter": (("simulate", R, "--parameters", "il1_kon=inf"), "finite"),
    "parameter is not a number": (("simulate", R, "--parameters", "il1_kon=fast"), "expected a number"),
    "unknown read-out": (("simulate", R, "--readouts", "viabilty"), "did you mean 'viability'"),
    "read-out of a line that is not there": (("simulate", R, "--readouts", "viability:K562S"), "K562R"),
    "no read-outs": (("simulate", R, "--readouts", ","), "viability"),
    "unknown engine": (("simulate", R, "--engine", "euler"), "scipy"),
    "unknown method": (("simulate", R, "--method", "euler"), "lsoda"),
    "no scenario": (("simulate",), "scenario"),
    "unknown option": (("simulate", R, "--dose", "1"), "--dose"),
    "unknown mechanism": (("parameters", "--mechanism", "il2", "--out", "x"), "did you mean 'il1'"),
    "unknown evidence": (("parameters", "--evidence", "guessed", "--out", "x"), "measured"),
    "unknown explanation": (("parameters", "--resistance", "magic", "--out", "x"), "mixed"),
    "scenario to show": (("scenarios", "--show", "nothing", "--out", "x"), "nothing"),
    "scenario to compare": (("scenarios", "--diff", R, "nothing"), "unknown scenario 'nothing'"),
    "compare and show": (("scenarios", "--show", R, "--diff", R, R), "expected one of them"),
    "one scenario to compare": (("scenarios", "--diff", R), "--diff"),
    "no draws": (("reproduce", "--draws", "0"), "draws"),
    "more draws than sets": (("reproduce", "--draws", "1000000"), "1000000"),
    "share of failures": (("reproduce", "--max-failed", "2"), "max-failed"),
    "unknown study": (("study", "nothing_like_it"), "nothing_like_it"),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "expected"), MISUSES.values(), ids=list(MISUSES))
def test_misuse_is_one_line_and_writes_nothing(
    arguments: tuple[str, ...], expected: str, call: Call, tmp_path: Path
) -> None:
    called = call(*arguments)
    assert called.code == 2
    assert called.out == ""
    lines = called.err.splitlines()
    assert len(lines) == 1, called.err
    assert lines[0].startswith("nicheloop: ")
    assert expected in lines[0]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('duration = "-3 h"\n[lines]\nK562R = 1e5\n', "duration"),
        ('times = [0, -1]\n[lines]\nK562R = 1e5\n', "times"),
        ('[lines]\nK562R = 1e5\n[[events]]\nat = -2.0\nadd = { imatinib = "1 uM" }\n', "at"),
        ("[lines]\nK562R = 1e5\n[treatments]\nimatinib = -1.0\n", "imatinib"),
        ("[lines]\nK562X = 1e5\n", "K562X"),
        ("[lines]\nK562R = 1e5\n[parameters]\nil1_kno = 2.0\n", "il1_kon"),
        ("[lines]\nK562R = 1e5\n[parameters]\nil1_kon = nan\n", "finite"),
        ("lines = [", "TOML"),
    ],
)  # fmt: skip
def test_a_bad_file_is_told_by_name_and_field(text: str, expected: str, call: Call, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text, encoding="utf-8")
    called = call("simulate", "mine.toml")
    assert called.code == 2
    assert len(called.err.splitlines()) == 1
    assert expected in called.err
    assert list(tmp_path.iterdir()) == [file]


def test_a_place_that_is_a_file_is_refused_before_anything_runs(call: Call, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine", encoding="utf-8")
    for place in ("taken", "taken/below"):
        called = call("simulate", R, "--out", place)
        assert called.code == 2
        assert "expected a folder" in called.err
    assert (tmp_path / "taken").read_text(encoding="utf-8") == "mine"


def test_debug_shows_the_traceback(call: Call) -> None:
    with pytest.raises(ValueError, match="unknown scenario"):
        call("--debug", "simulate", "nothing")
