"""The folder that a reproduction leaves behind."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest

from nicheloop.analysis.evidence import Reproduction
from nicheloop.biology.table import rows
from nicheloop.report import provenance, write_reproduction, write_study
from nicheloop.report.page import number, percent

from .conftest import STATEMENTS


@pytest.fixture
def folder(reproduction: Reproduction, tmp_path: Path) -> Path:
    about = provenance(
        "nicheloop reproduce --draws 4", seed=7, parameters={"il1_kon": 1.5}, more={"draws": 4}
    )
    files = write_reproduction(reproduction, tmp_path, about, STATEMENTS)
    assert sorted(files) == sorted(path.name for path in tmp_path.iterdir())
    return tmp_path


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_claims_csv(folder: Path, reproduction: Reproduction) -> None:
    found = table(folder / "claims.csv")
    assert list(found[0]) == [
        "claim", "experiment", "effect", "unit", "default", "low", "high",
        "fraction_with_claimed_sign", "holds", "prior_low", "prior_high", "prior_fraction",
    ]  # fmt: skip
    assert [row["claim"] for row in found] == [effect.claim for effect in reproduction.effects]
    assert [row["holds"] for row in found[:4]] == ["true", "false", "", "true"]
    assert float(found[0]["fraction_with_claimed_sign"]) == 1.0
    assert float(found[0]["prior_fraction"]) == 0.5
    assert found[3]["high"] == "inf"


def test_series_csv_names_the_category_of_a_bar(folder: Path) -> None:
    found = table(folder / "series.csv")
    assert [row["x"] for row in found if row["panel"] == "s3_bars"] == ["none", "IL-1Ra"]
    assert {row["low"] for row in found if row["panel"] == "s3_bars"} == {""}


def test_checks_and_facts(folder: Path) -> None:
    assert [row["met"] for row in table(folder / "checks.csv")] == ["true", "false"]
    assert [row["switched"] for row in table(folder / "facts.csv")] == ["0.1"]


def test_every_panel_is_there_as_png_and_svg(folder: Path) -> None:
    for name in ("s1_curve", "s3_bars", "calibration", "network", "weakest"):
        assert (folder / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert "<text" in (folder / f"{name}.svg").read_text(encoding="utf-8")


def test_the_manifest_lets_another_person_repeat_it(folder: Path) -> None:
    found = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert found["seed"] == 7
    assert found["command"] == "nicheloop reproduce --draws 4"
    assert found["parameters_changed"] == {"il1_kon": 1.5}
    assert {"nicheloop", "python", "numpy", "scipy", "pysb"} <= set(found["versions"])
    assert re.fullmatch(r"[0-9a-f]{64}", found["model"]["rules"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", found["date"])
    assert "report.html" in found["files"]


def test_the_page_holds_claims_checks_facts_and_parameters(folder: Path, reproduction: Reproduction) -> None:
    page = (folder / "report.html").read_text(encoding="utf-8")
    for claim in STATEMENTS:
        assert f'<section class="claim" id="{claim}">' in page
    for check in reproduction.checks:
        assert check.quantity in page
    assert "IL1R1 at 2 %" in page
    assert "It moves no effect of the claims noticeably" in page
    for name in rows():
        assert f"<td>{name}</td>" in page
    assert "3 of 321 runs gave no value" in page
    assert "Does not hold" in page
    assert "25 % of the ensemble have the claimed sign" in page


def test_the_page_needs_nothing_from_outside(folder: Path) -> None:
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert not re.search(r"<link|@import|url\(", page)
    sources = re.findall(r'\bsrc="([^"]{1,30})', page)
    assert len(sources) == 5
    assert all(source.startswith("data:image/svg+xml;base64,") for source in sources)


def test_the_page_escapes_what_it_is_given(folder: Path) -> None:
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "72 h &lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "A &lt;b&gt;caption&lt;/b&gt;" in page
    assert "&lt;of &amp; six&gt;" in page
    assert "receptors &lt;down&gt;" in page


def test_a_study_leaves_figures_and_numbers(reproduction: Reproduction, tmp_path: Path) -> None:
    out = tmp_path / "study"
    files = write_study(reproduction, out, provenance("nicheloop study x"))
    assert sorted(files) == sorted(path.name for path in out.iterdir())
    assert {"s1_curve.png", "s1_curve.svg", "series.csv", "manifest.json"} <= set(files)
    assert "report.html" not in files


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"), (0.21549, "0.215"), (12345.6, "12346"), (99999.6, "1.00×10⁵"), (1.5e-9, "1.50×10⁻⁹"),
        (-0.5, "−0.5"), (0.9999, "1"), (float("nan"), "–"), (float("-inf"), "−∞"),
    ],
)  # fmt: skip
def test_numbers_as_a_reader_wants_them(value: float, text: str) -> None:
    assert number(value) == text


def test_shares() -> None:
    assert percent(0.904) == "90 %"
    assert percent(float("nan")) == "–"
