"""`--parameters fitted.toml` brings the hypothesis the values were fitted under."""

from __future__ import annotations

from pathlib import Path

import pytest

from nicheloop.assays.library import load_scenario
from nicheloop.cli.values import hypothesis, tell_differing, under

from .conftest import Call

TEXT = 'schema = 1\nkind = "nicheloop fit"\nresistance = "efflux"\n[parameters]\ndeath_max = 0.1\n'


@pytest.fixture
def fitted(tmp_path: Path) -> str:
    path = tmp_path / "fitted.toml"
    path.write_text(TEXT, encoding="utf-8")
    return str(path)


def test_a_scenario_that_sets_none_takes_that_of_the_fit(
    fitted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario = load_scenario("imatinib_k562r")
    assert scenario.resistance == "mixed"
    found = under(scenario, ["death_max=0.2", fitted])
    assert found.resistance == "efflux"
    dosed = scenario.with_(treatments={"imatinib": 2.0}, lines={"K562R": 2e5})
    assert under(dosed, [fitted]).resistance == "efflux"
    assert found.model_copy(update={"resistance": "mixed"}) == scenario
    told = capsys.readouterr().err.splitlines()
    assert told == 2 * ["nicheloop: imatinib_k562r: resistance efflux as in the fit, not mixed"]


def test_one_that_sets_another_keeps_it_and_says_so(fitted: str, capsys: pytest.CaptureFixture[str]) -> None:
    scenario = type(load_scenario("imatinib_k562r")).model_validate(
        {**dict(load_scenario("imatinib_k562r")), "resistance": "mixed"}
    )
    assert under(scenario, [fitted]).resistance == "mixed"
    assert "resistance mixed as set, but fitted for efflux" in capsys.readouterr().err
    tell_differing([scenario], [fitted])
    assert "resistance mixed in the wells, but fitted for efflux" in capsys.readouterr().err


def test_without_a_file_nothing_changes(capsys: pytest.CaptureFixture[str]) -> None:
    scenario = load_scenario("imatinib_k562r")
    assert under(scenario, ["death_max=0.2"]) is scenario
    tell_differing([scenario], ["death_max=0.2"])
    assert hypothesis(["death_max=0.2"]) == {}
    assert not capsys.readouterr().err


def test_simulate_and_sweep_run_under_it(fitted: str, call: Call, tmp_path: Path) -> None:
    arguments = ("--parameters", fitted, "--readouts", "viability", "--out")
    called = call("simulate", "imatinib_k562r", *arguments, "one")
    assert called.code == 0, called.err
    assert "efflux as in the fit" in called.err
    assert 'resistance = "efflux"' in (tmp_path / "one" / "scenario.toml").read_text(encoding="utf-8")
    called = call("sweep", "imatinib_k562r", "--vary", "imatinib=0.1,1 uM", *arguments, "two")
    assert called.code == 0, called.err
    assert "efflux as in the fit" in called.err
