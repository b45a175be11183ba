"""The page of a fit: everything in one file, words first, nothing invented."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from nicheloop.analysis.fit.fitted import read_fitted
from nicheloop.report.fit_page import write_fit
from nicheloop.report.manifest import provenance

from .fit_findings import FREE, small


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("fit")
    about = provenance("nicheloop fit <data>", seed=1, more={"seconds": 1.5})
    files = write_fit(small(), folder, about, ["Cells of <another> line."])
    return folder, files


def page(folder: Path) -> str:
    return (folder / "report.html").read_text(encoding="utf-8")


def test_the_page_needs_nothing_else(written: Any) -> None:
    text = page(written[0])
    assert "<script" not in text
    assert not re.findall(r'(?:src|href)="(?!data:|#)', text)
    assert text.count("data:image/svg+xml") == 5


def test_what_was_typed_is_escaped(written: Any) -> None:
    text = page(written[0])
    assert "&lt;another&gt;" in text
    assert "fit &lt;data&gt;" in text


def test_verdicts_stand_first_and_are_those_of_the_profiles(written: Any) -> None:
    text, found = page(written[0]), small()
    lead = text[: text.index("<nav>")]
    assert "Your data tell death_max" in lead
    assert "They cannot tell il1b_secretion_K562R" in lead
    assert found.quality.verdict in lead
    assert found.fit.verdict in lead
    for heading in ("The model over the data", "Profiles", "Residuals", "What to measure next", "Provenance"):
        assert f"<h2>{heading}</h2>" in text
    assert found.advice[0].sentence in text
    assert found.structure is not None
    assert found.structure.silent == ("il1b_secretion_K562R",)
    assert found.structure.verdict in text


def test_every_file_of_the_manifest_is_there_and_no_other(written: Any) -> None:
    folder, files = written
    told = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["files"]
    assert sorted(files) == told == sorted(path.name for path in folder.iterdir())
    assert {
        "report.html",
        "fitted.toml",
        "parameters.csv",
        "predictions.csv",
        "waterfall.csv",
        "profiles.csv",
    } <= set(told)


def test_the_tables_hold_what_was_found(written: Any) -> None:
    folder, found = written[0], small()
    parameters = pd.read_csv(folder / "parameters.csv").set_index("name")
    assert list(parameters.index) == list(FREE)
    assert parameters.loc["il1b_secretion_K562R", "verdict"] == "flat"
    assert (
        parameters.loc["death_max", "low"]
        < parameters.loc["death_max", "best"]
        < parameters.loc["death_max", "high"]
    )
    assert len(pd.read_csv(folder / "predictions.csv")) == 4
    waterfall = pd.read_csv(folder / "waterfall.csv")
    assert waterfall["above_best"].is_monotonic_increasing
    assert len(waterfall) == 3
    profiles = pd.read_csv(folder / "profiles.csv")
    assert set(profiles["parameter"]) == set(FREE)
    assert read_fitted(folder / "fitted.toml")["death_max"] == pytest.approx(found.fit.best["death_max"])
