"""Draws stand in for the table: the explanation of resistance still decides where K562R differs."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import nicheloop as nl
from nicheloop.assays.runs.study import Study
from nicheloop.assays.settings import Settings
from nicheloop.biology.priors import sample_parameters
from nicheloop.biology.resistance import HOST_SPECIFIC, RESISTANCES, changed_by
from nicheloop.biology.table import rows

SECRETION = "il1b_secretion_K562R"
TABLE = {name: row.value for name, row in rows().items()}
EXPLAINED = {"mixed": 77.0, "il1b": 77.0, "efflux": TABLE["il1b_secretion_K562S"]}
"""What a draw of 77 comes to under three explanations; only the first two let K562R secrete more."""
GROWTH = nl.load_scenario("k562r_growth").with_(times=[0, 12, 24], duration=24)


def runs_of(scenario: nl.Scenario, values: dict[str, float], **options: Any) -> nl.Runs:
    (runs,) = nl.simulate_many([scenario], [values], **options)
    assert runs.ok.all(), runs.messages
    return runs


# -- the table ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("resistance", "expected"), EXPLAINED.items())
def test_a_draw_is_used_where_the_explanation_lets_k562r_differ(resistance: str, expected: float) -> None:
    assert nl.parameter_values(resistance, drawn={SECRETION: 77.0})[SECRETION] == expected
    assert nl.parameter_values(resistance, {SECRETION: 77.0})[SECRETION] == 77.0  # set by hand: kept
    assert nl.parameter_values(resistance, {SECRETION: 5.0}, {SECRETION: 77.0})[SECRETION] == 5.0


def test_where_k562r_does_not_differ_it_follows_the_draw_of_k562s() -> None:
    drawn = {"il1b_secretion_K562S": 7.0}
    assert nl.parameter_values("efflux", drawn=drawn)[SECRETION] == 7.0
    assert nl.parameter_values("mixed", drawn=drawn)[SECRETION] == TABLE[SECRETION]


def test_t315i_keeps_its_own_loss_of_affinity() -> None:
    loss, mutant = "imatinib_affinity_loss_K562R", "imatinib_affinity_loss_T315I"
    assert TABLE[mutant] > TABLE[loss]
    assert nl.parameter_values("T315I", drawn={loss: 3.0})[loss] == TABLE[mutant]
    assert nl.parameter_values("T315I", drawn={loss: 3.0, mutant: 4000.0})[loss] == 4000.0
    assert nl.parameter_values("T315I", {loss: 3.0})[loss] == 3.0
    assert nl.parameter_values("mixed", drawn={loss: 3.0, mutant: 4000.0})[loss] == 3.0


@pytest.mark.parametrize("resistance", RESISTANCES)
def test_a_whole_draw_changes_k562r_only_where_the_explanation_says(resistance: str) -> None:
    draws = sample_parameters(1, 4)
    drawn = {name: float(values[0]) for name, values in draws.items()}
    found = nl.parameter_values(resistance, drawn=drawn)
    for quantity in HOST_SPECIFIC:
        own = "T315I" if (resistance, quantity) == ("T315I", "imatinib_affinity_loss") else "K562R"
        line = own if quantity in changed_by(resistance) else "K562S"
        name = f"{quantity}_{line}"
        assert found[f"{quantity}_K562R"] == drawn.get(name, TABLE[name]), quantity
    others = set(found) - {f"{quantity}_K562R" for quantity in HOST_SPECIFIC}
    assert all(found[name] == drawn.get(name, TABLE[name]) for name in others)


def test_misuse_of_a_draw_names_the_parameter() -> None:
    with pytest.raises(ValueError, match="did you mean 'death_max'"):
        nl.parameter_values(drawn={"death_mx": 1.0})
    with pytest.raises(ValueError, match="death_max=inf: expected a finite number"):
        nl.parameter_values(drawn={"death_max": float("inf")})


# -- runs ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["scipy", "batch"])
@pytest.mark.parametrize(("resistance", "expected"), EXPLAINED.items())
def test_runs_take_a_draw_as_the_explanation_says(engine: str, resistance: str, expected: float) -> None:
    scenario = GROWTH.with_(resistance=resistance)
    drawn = runs_of(scenario, {SECRETION: 77.0}, engine=engine, drawn=True)
    by_hand = runs_of(scenario, {SECRETION: expected}, engine=engine)
    assert drawn.result(0).parameters[SECRETION] == expected
    np.testing.assert_array_equal(drawn.outputs, by_hand.outputs)
    table = runs_of(scenario, {}, engine=engine)
    assert (np.abs(drawn["il1b"] - table["il1b"]).max() > 0) == (resistance != "efflux")


def test_sets_are_kept_as_they_are_unless_they_are_draws() -> None:
    scenario = GROWTH.with_(resistance="efflux")
    given, drawn = (runs_of(scenario, {SECRETION: 77.0}, drawn=drawn) for drawn in (False, True))
    assert given["il1b_mRNA"][0, 0] > 2 * drawn["il1b_mRNA"][0, 0]  # the stock culture knows it, too


@pytest.mark.parametrize("resistance", ["mixed", "efflux"])
def test_what_a_scenario_sets_wins_over_a_draw(resistance: str) -> None:
    scenario = GROWTH.with_(resistance=resistance, parameters={SECRETION: 5.0})
    drawn, table = (runs_of(scenario, values, drawn=True) for values in ({SECRETION: 77.0}, {}))
    assert drawn.result(0).parameters[SECRETION] == 5.0
    np.testing.assert_array_equal(drawn.outputs, table.outputs)


def test_medium_is_conditioned_by_the_drawn_cells() -> None:
    scenario = nl.load_scenario("conditioned_medium_k562s").with_(times=[0])
    mixed, efflux = (
        runs_of(scenario.with_(resistance=resistance), {SECRETION: 77.0}, drawn=True)
        for resistance in ("mixed", "efflux")
    )
    assert mixed["il1b"][0, 0] > 2 * efflux["il1b"][0, 0]


def test_a_study_of_draws_stays_one_when_it_travels() -> None:
    study = Study([{SECRETION: 77.0}], Settings(), drawn=True)
    again = pickle.loads(pickle.dumps(study))
    scenario = GROWTH.with_(resistance="efflux")
    assert again.result(scenario).parameters[SECRETION] == TABLE["il1b_secretion_K562S"]
    np.testing.assert_array_equal(again.result(scenario).species, study.result(scenario).species)
