"""Claims for the setting of the sliders, and tables over the model."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path

import numpy as np
import pytest

import nicheloop as nl
from nicheloop.analysis.claims import CLAIMS
from nicheloop.analysis.reproduction import run_claims
from nicheloop.assays.mapping import FrozenMap
from nicheloop.explorer.claims import Setting, explained, judge
from nicheloop.explorer.data import overlay, read_table
from nicheloop.explorer.view import View

DEFAULT = Setting.of(View.of("imatinib_k562r"))
PLATE = b"""readout,line,time [h],value,unit,imatinib [uM],sd
viability,K562R,72,100,%,0,
viability,K562R,72,80,%,1,5
viability,K562R,72,40,%,3,5
viability,K562R,72,<2,%,30,
il1b,K562R,24,3,pg/mL,0,
"""


def test_the_default_is_judged_as_reproduce_judges_it() -> None:
    effects = [effect for effect in run_claims(CLAIMS, 0, 1).effects if effect.expected_sign]
    judged = judge(DEFAULT)
    assert [one.key for one in judged] == ["S1", "S2", "S3", "S4", "S5", "S6"]
    mine = [effect for one in judged for effect in one.effects]
    assert np.allclose([effect.value for effect in mine], [effect.default for effect in effects], rtol=1e-6)
    assert [effect.shown for effect in mine] == [bool(effect.shown_by(effect.default)) for effect in effects]


def test_without_more_il1b_in_k562r_its_claims_are_not_shown() -> None:
    judged = {one.key: one for one in judge(Setting(FrozenMap({}), "desensitised_kinase"))}
    assert judged["S1"].word == "shown"
    assert judged["S2"].word != "shown"


def test_what_is_moved_decides_the_verdicts() -> None:
    alike = {"il1b_secretion_K562R": 0.0}
    judged = {one.key: one for one in judge(Setting(FrozenMap(alike), "mixed"))}
    assert judged["S2"].word == "not shown"
    assert judged["S2"].failed == ""


def test_a_setting_holds_the_promoter_and_what_the_scenario_sets_itself() -> None:
    view = View.of("s6_viability_arm").explained_by("il1b", "ifnb")
    moved = view.move("parameter:cxcr3_copies_K562R", 500.0)
    setting = Setting.of(moved)
    assert setting == Setting(FrozenMap({"cxcr3_copies_K562R": 500.0}), "il1b", "ifnb")
    assert Setting.of(moved.back("parameter:cxcr3_copies_K562R")).parameters == {}


def test_experiments_that_ask_for_no_promoter_get_that_of_the_setting() -> None:
    claims = {claim.key: claim.experiments for claim in CLAIMS}
    setting = Setting(FrozenMap({}), promoter="ifnb")
    own = {scenario.promoter for scenario in claims["S4"].values() if scenario.stroma.present}
    assert (
        {explained(one, setting).promoter for one in claims["S4"].values() if one.stroma.present}
        == own
        == {"nfkb", "ifnb"}
    )
    assert {explained(one, setting).promoter for one in claims["S6"].values()} == {"ifnb"}
    (well,) = read_table("plate.csv", PLATE).layout.bases
    assert explained(well, setting).promoter == "ifnb"


def test_a_setting_without_a_stock_culture_is_not_known() -> None:
    judged = judge(Setting(FrozenMap({"uniform_death": 0.2})))
    assert {one.word for one in judged} == {"not known"}
    assert "stock culture" in judged[0].failed
    failed = [effect for one in judged for effect in one.effects if math.isnan(effect.value)]
    assert failed
    assert {effect.word for effect in failed} == {"not known"}


def test_the_model_over_a_table_is_that_of_predict() -> None:
    table = read_table("plate.csv", PLATE)
    shown = overlay(table, Setting(FrozenMap({"death_max": 0.05}), "mixed"))
    assert np.allclose(shown.predictions.values, nl.predict(table, [{"death_max": 0.05}]).values)
    assert shown.problem == ""
    doses, time = shown.panels
    assert (doses.xlabel, doses.ylabel, doses.log) == ("imatinib [µM]", "[fraction]", True)
    assert list(doses.ticks.values()) == ["0"]
    (series,) = doses.series
    assert np.allclose(series.y, [1.0, 0.8, 0.4, 0.02])
    assert list(series.censored) == ["", "", "", "below"]
    assert len(series.model) == 1
    assert series.marks[0].tolist() == list(doses.ticks)
    assert time.title.startswith("IL-1β")


def test_the_explanation_of_the_page_holds_in_wells_that_ask_for_none() -> None:
    table = read_table("plate.csv", PLATE)
    mixed, none = (
        overlay(table, Setting(FrozenMap({}), name)).predictions.values for name in ("mixed", "none")
    )
    assert none[0, 2] < mixed[0, 2]


def test_a_wrong_file_is_told_by_its_name_row_and_column() -> None:
    wrong = PLATE.replace(b"viability,K562R,72,80", b"viabilty,K562R,72,80")
    with pytest.raises(
        nl.AssayError, match=r"^mine\.csv: row 3, column 'readout': unknown read-out 'viabilty'"
    ):
        read_table("C:\\data\\mine.csv", wrong)


def test_a_file_is_named_by_the_browser_but_not_placed_by_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "temporary"
    root.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(root))
    wrong = PLATE.replace(b"viability,K562R,72,80", b"viabilty,K562R,72,80")
    for name in ("../outside.csv", "..\\outside.csv", f"{tmp_path}/outside.csv"):
        with pytest.raises(nl.AssayError, match=r"^outside\.csv: row 3"):
            read_table(name, wrong)
    assert [path.name for path in tmp_path.rglob("*")] == ["temporary"]


def test_wells_that_fail_are_told_and_have_no_model() -> None:
    shown = overlay(read_table("plate.csv", PLATE), Setting(FrozenMap({"uniform_death": 0.2}), "mixed"))
    assert "stock culture" in shown.problem
    assert np.isnan(shown.predictions.values).all()
