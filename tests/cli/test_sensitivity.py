"""`nicheloop sensitivity`: tables, figures, stores, shards, exit codes and misuse."""

from __future__ import annotations

import csv
import json
import re
import shlex
from pathlib import Path

import pytest

from nicheloop.analysis.sensitivity.methods import METHODS

from .conftest import Call
from .test_docs import ROOT, blocks

PAGE = (ROOT / "docs" / "sensitivity.md").read_text(encoding="utf-8")
R = "imatinib_k562r"
VARIED = ("death_max", "imatinib_affinity_loss_K562R", "il1_kon")
SMALL = ("--readouts", "viability", "--vary", ",".join(VARIED), "--samples", "8")


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_sobol_writes_all_and_says_what_leads(call: Call, tmp_path: Path) -> None:
    called = call("sensitivity", R, *SMALL, "--second-order", "--out", "found")
    assert called.code == 0, called.err
    out = tmp_path / "found"
    assert {path.name for path in out.iterdir()} == {
        "convergence.csv", "indices.csv", "interactions.png", "interactions.svg", "manifest.json", "store",
        "tornado.png", "tornado.svg",
    }  # fmt: skip
    rows = table(out / "indices.csv")
    assert {(row["index"], row["factor"]) for row in rows if row["with"] == ""} == {
        (index, factor) for index in ("S1", "ST") for factor in (*VARIED, "dummy")
    }
    assert sum(row["index"] == "S2" for row in rows) == 3
    about = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert about["rows"] == 8 * (2 * (3 + 1) + 2)
    assert about["failed_fraction"] == 0
    assert about["seed"] == 1
    first, written = called.out.splitlines()
    assert first.startswith("viability:K562R, final_72h, imatinib_k562r: imatinib_affinity_loss_K562R 0.")
    assert "widest interval" in first
    assert written.startswith("wrote found/tornado.png")


def test_the_same_again_computes_nothing(call: Call, tmp_path: Path) -> None:
    arguments = ("sensitivity", R, *SMALL, "--out", "found")
    assert call(*arguments).code == 0
    before = (tmp_path / "found" / "indices.csv").read_bytes()
    journal = (tmp_path / "found" / "store" / "journal.jsonl").read_bytes()
    assert call(*arguments, "--workers", "2").code == 0
    assert (tmp_path / "found" / "indices.csv").read_bytes() == before
    assert (tmp_path / "found" / "store" / "journal.jsonl").read_bytes() == journal
    other = call(*arguments, "--seed", "2")
    assert other.code == 2
    assert "store" in other.err


def test_shards_give_the_same(call: Call, tmp_path: Path) -> None:
    assert call("sensitivity", R, *SMALL, "--out", "whole").code == 0
    for number in (1, 2):
        called = call("sensitivity", R, *SMALL, "--shard", f"{number}/2", "--out", "parts")
        assert called.code == 0, called.err
        assert "nicheloop merge parts, then this command without --shard" in called.out
    assert call("merge", "parts").code == 0
    assert call("sensitivity", R, *SMALL, "--out", "parts").code == 0
    found, expected = (tmp_path / name / "indices.csv" for name in ("parts", "whole"))
    assert found.read_bytes() == expected.read_bytes()


def test_several_scenarios_groups_and_failures(call: Call, tmp_path: Path) -> None:
    called = call(
        "sensitivity", R, "s5_stroma", "--readouts", f"{R}/viability,s5_stroma/migrated,s5_stroma/cxcl11",
        "--groups", "mechanism", "--samples", "8", "--log", "cxcl11", "--bootstrap", "20", "--seed", "3",
        "--out", "found", "--max-failed", "0",
    )  # fmt: skip
    assert called.code == 1
    assert "blocks were left out with them; most often: no stock culture: K562R shrinks" in called.err
    rows = table(tmp_path / "found" / "indices.csv")
    assert {(row["scenario"], row["readout"], row["log"]) for row in rows} == {
        (R, "viability", "False"), ("s5_stroma", "migrated", "False"), ("s5_stroma", "cxcl11", "True"),
    }  # fmt: skip
    assert {row["factor"] for row in rows} >= {"il1", "nfkb", "migration", "dummy"}


def test_other_methods(call: Call, tmp_path: Path) -> None:
    few = ("--readouts", "viability", "--vary", "death_max,imatinib_affinity_loss_K562R")
    local = call("sensitivity", R, "--method", "local", *few, "--times", "24,72", "--out", "local")
    assert local.code == 0, local.err
    assert {row["index"] for row in table(tmp_path / "local" / "indices.csv")} == {"elasticity", "per_sd"}
    assert (tmp_path / "local" / "heatmap.png").is_file()
    morris = call("sensitivity", R, "--method", "morris", *few, "--samples", "4", "--summary", "auc,final",
                  "--out", "morris")  # fmt: skip
    assert morris.code == 0, morris.err
    assert (tmp_path / "morris" / "plane.svg").is_file()
    assert {row["summary"] for row in table(tmp_path / "morris" / "indices.csv")} == {"auc", "final_72h"}
    grouped = call("sensitivity", R, "--method", "morris", "--readouts", "viability", "--samples", "4",
                   "--group", "death=death_max,death_basal", "--group", "drug=imatinib_kon",
                   "--set", "imatinib=3 uM", "--out", "grouped")  # fmt: skip
    assert grouped.code == 0, grouped.err
    assert {row["factor"] for row in table(tmp_path / "grouped" / "indices.csv")} == {
        "death",
        "drug",
        "dummy",
    }


def test_the_page_shows_what_works(call: Call, tmp_path: Path) -> None:
    lines = [line for block in blocks(PAGE, "") for line in block.splitlines()]
    assert len(lines) == 3
    for number, line in enumerate(lines):
        words = shlex.split(line)
        assert words[0] == "nicheloop"
        called = call(*words[1:], "--out", f"found{number}")
        assert called.code == 0, (line, called.err)
    (example,) = blocks(PAGE, "python")
    exec(example, {})
    assert (tmp_path / "tornado.png").is_file()
    for method in METHODS:
        assert f"| `{method}` |" in PAGE
    for picture in re.findall(r"!\[.*\]\((.*)\)", PAGE):
        assert (ROOT / "docs" / picture).is_file()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("imatinib_k562",), "did you mean 'imatinib_k562s'"),
        ((R, "--method", "sobl"), "did you mean 'sobol'"),
        ((R, "--samples", "100"), "a power of two, such as 128"),
        ((R, "--vary", "il1_kan"), "did you mean 'il1_kon'"),
        ((R, "--vary", "cell_floor"), "is fixed in the table"),
        ((R, "--readouts", "viabilty"), "did you mean 'viability'"),
        ((R, "--readouts", "imatinib_k562s/viability"), "unknown scenario 'imatinib_k562s'"),
        ((R, "--groups", "mechanisms"), "expected 'mechanism'"),
        ((R, "--group", "drug"), "--group: got 'drug', expected NAME=A,B"),
        ((R, "--groups", "mechanism", "--group", "a=il1_kon"), "--groups and --group: expected one of them"),
        ((R, "--groups", "mechanism", "--method", "efast"), "takes single parameters only"),
        ((R, "--method", "morris", "--second-order"), "method 'morris' has none"),
        ((R, "--log", "il1c"), "log: unknown read-out 'il1c'"),
        ((R, "--summary", "finale"), "did you mean 'final'"),
        ((R, "--failed", "skip"), "unknown policy 'skip'"),
        ((R, "--parameters", "il1_kno=1"), "did you mean 'il1_kon'"),
        ((R, "--shard", "3/2"), "shard 3/2"),
        ((R, "--method", "local", "--shard", "1/2"), "a single run"),
        ((R, "--rtol", "0"), "rtol"),
        ((R, "--draws", "ensemble"), "are not independent"),
    ],
)
def test_misuse(arguments: tuple[str, ...], expected: str, call: Call, tmp_path: Path) -> None:
    called = call("sensitivity", *arguments)
    assert called.code == 2
    assert called.out == ""
    lines = [line for line in called.err.splitlines() if line.startswith("nicheloop: ")]
    assert len(lines) == 1, called.err
    assert expected in lines[0]
    assert list(tmp_path.iterdir()) == []
