"""The scenarios that ship: every experiment of the claims, and what the special ones are there for."""

from __future__ import annotations

import numpy as np
import pytest

import nicheloop as nl
from nicheloop.analysis.claims import CLAIMS
from nicheloop.analysis.density import EXPERIMENTS as DENSITY
from nicheloop.assays.comparison import Difference, differences
from nicheloop.assays.library import load_scenario, scenario_names, scenarios
from nicheloop.assays.scenario import Scenario

DESIGNS = {
    **{f"{claim.key} {name}": well for claim in CLAIMS for name, well in claim.experiments.items()},
    **{f"density {name}": well for name, well in DENSITY.items()},
}


def design(well: Scenario) -> Scenario:
    """What is done to a well: without names and doses of nothing; medium is made with the user's model."""
    plain = {
        "name": "",
        "title": "",
        "description": "",
        "times": well.sampling_times,
        "treatments": type(well.treatments)(
            {name: dose for name, dose in well.treatments.items() if dose > 0}
        ),
    }
    if well.conditioned_medium is not None:
        source = design(well.conditioned_medium.scenario)
        shared = {"resistance": well.resistance, "promoter": well.promoter}
        made = {"scenario": source.model_copy(update=shared), "hours": well.conditioned_medium.harvest}
        plain["conditioned_medium"] = well.conditioned_medium.model_copy(update=made)
    return well.model_copy(update=plain)


@pytest.fixture(scope="module")
def shipped():
    return {design(well) for name in scenario_names() for well in load_scenario(name).wells()}


@pytest.mark.parametrize("name", DESIGNS)
def test_every_experiment_of_the_claims_ships(name, shipped):
    assert design(DESIGNS[name]) in shipped


def test_titles_are_plain_lines_of_their_own():
    titles = scenarios()
    assert len(titles) >= 20
    assert len(set(titles.values())) == len(titles)
    for name, title in titles.items():
        assert 10 < len(title) <= 110, name
        assert title.isprintable(), name
        assert "_" not in title, name
        assert load_scenario(name).description, name


def test_the_checkerboard_fills_a_plate():
    board = load_scenario("imatinib_celecoxib_checkerboard")
    assert [len(values) for values in board.vary.values()] == [8, 12]
    assert board.vessel.kind == "well_96"
    ratios = np.array(board.vary["imatinib"][2:]) / board.vary["imatinib"][1:-1]
    np.testing.assert_allclose(ratios, 2.0)


def test_two_weeks_of_rising_dose_select_the_resistant_line():
    scenario = load_scenario("dose_escalation_mixed")
    assert scenario.duration == 14 * 24
    run = nl.simulate(scenario, times=[0, *(48 * k for k in range(1, 7)), 336])
    assert run.ok
    doses = [0.1, *(event.set["imatinib"] for event in scenario.events)]
    np.testing.assert_allclose(run["imatinib_medium"][:-1], 1000 * np.array(doses), rtol=1e-9)
    sensitive, resistant = run["viable_cells:K562S"], run["viable_cells:K562R"]
    assert resistant[0] / sensitive[0] == pytest.approx(1 / 99)
    assert resistant[-1] > 10 * sensitive[-1]


def test_a_pulse_kills_less_than_the_drug_for_good():
    pulse = load_scenario("imatinib_pulse")
    first = pulse.events[0]
    kept = pulse.with_(events=[first])
    assert nl.simulate(pulse)["viability"][-1] > 3 * nl.simulate(kept)["viability"][-1]


# -- comparison ---------------------------------------------------------------------------------------------


def difference(left, right):
    return {item.field: (item.left, item.right) for item in differences(left, right)}


def test_differences_name_field_and_both_values_with_units():
    left = load_scenario("imatinib_k562s")
    right = left.with_(
        treatments={"imatinib": "3 uM", "il1ra": 100},
        stroma={"mode": "coculture", "density": 5e4},
        vessel={"kind": "well_96", "volume": "150 uL"},
        duration="4 d",
        every="30 min",
        parameters={"death_max": 0.1},
        knockdown={"il1b": 0.5},
        vary={"K562S": [1e4, 1e5], "il1_kon": [1.5]},
        events=[
            {"at": 8, "wash_out": {"fraction": 0.9, "keep": ["il1ra"]}},
            {"at": 8, "passage": {"fraction": 0.75, "treatments": {"imatinib": 1}}},
        ],
    )
    rate = nl.parameters().loc["il1_kon", "unit"]
    assert difference(left, right) == {
        "stroma.mode": ("none", "coculture"),
        "stroma.density": ("0 cells/mL", "50000 cells/mL"),
        "treatments.imatinib": ("1 uM", "3 uM"),
        "treatments.il1ra": ("not set", "100 ng/mL"),
        "knockdown.il1b": ("not set", "0.5"),
        "at 8 h: wash_out.fraction": ("not set", "0.9"),
        "at 8 h: wash_out.keep": ("not set", "il1ra"),
        "at 8 h (2): passage.fraction": ("not set", "0.75"),
        "at 8 h (2): passage.treatments.imatinib": ("not set", "1 uM"),
        "vessel.kind": ("well", "well_96"),
        "vessel.volume": ("not set", "0.15 mL"),
        "duration": ("72 h", "96 h"),
        "times": ("every 1 h", "every 0.5 h"),
        "parameters.death_max": ("not set", "0.1"),
        "vary.K562S": ("not set", "10000, 100000 cells/mL"),
        "vary.il1_kon": ("not set", f"1.5 {rate}"),
    }
    assert difference(right, left) == {field: (b, a) for field, (a, b) in difference(left, right).items()}


def test_differences_of_conditioned_media_reach_into_the_run_that_made_them():
    plain, medium = load_scenario("imatinib_k562s"), load_scenario("conditioned_medium_k562s")
    assert difference(plain, medium) == {
        "conditioned_medium.scenario.lines.K562R": ("not set", "100000 cells/mL"),
        "conditioned_medium.hours": ("not set", "48 h"),
        "conditioned_medium.fraction": ("not set", "0.5"),
    }
    boiled, depleted = (load_scenario(f"conditioned_medium_{how}") for how in ("boiled", "depleted"))
    assert difference(boiled, depleted) == {
        "conditioned_medium.boiled": ("yes", "no"),
        "conditioned_medium.depleted": ("none", "il1b"),
    }


def test_the_same_experiment_under_another_name_has_no_differences():
    scenario = load_scenario("dose_escalation_mixed")
    renamed = scenario.with_(name="other", title="another", description="words")
    assert renamed != scenario
    assert differences(scenario, renamed) == ()
    changed = Difference("duration", "336 h", "337 h")
    assert differences(scenario, renamed.with_(duration=337)) == (changed,)
