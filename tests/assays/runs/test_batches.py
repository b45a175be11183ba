"""Plans run together: to the last bit what each gives alone; derivatives of what is seeded or fixed."""

from __future__ import annotations

import numpy as np
import pytest

import nicheloop as nl
from nicheloop.assays.runs.batches import Batch, run_plans
from nicheloop.assays.runs.plan import Plan, plan_of, seeded_by
from nicheloop.assays.runs.specimen import Specimen
from nicheloop.assays.runs.stocks import FEW_CULTURES
from nicheloop.assays.runs.study import Study
from nicheloop.assays.settings import Settings

SETTINGS = Settings(engine="batch", rtol=1e-6)
BASE = nl.load_scenario("k562s_growth")
SCENARIOS = (
    BASE.with_(times=[24, 48], duration=48),
    BASE.with_(treatments={"imatinib": 1.0}, times=[1, 36], duration=48),
    BASE.with_(treatments={"imatinib": 0.3, "il1ra": 50.0}, times=[7], duration=48),
    BASE.with_(lines={"K562S": 3e5}, parameters={"bclxl_basal": 0.7}, times=[0, 48], duration=48),
    BASE.with_(events=[{"at": 12, "wash_out": 0.9, "add": {"imatinib": 2.0}}], times=[12, 48], duration=48),
    BASE.with_(events=[{"at": 12, "add": {"il1b": 300.0}}], times=[48], duration=48),
    nl.load_scenario("conditioned_medium_k562s").with_(times=[24], duration=48),
)
COLUMNS = ("cells_K562S", "il1b_medium", "p_bcr_abl_K562S")
BY = ("death_max", "imatinib_kd_phosphorylated", "bclxl_basal")
SETS = ({}, {"death_max": 0.05}, {"uniform_death": 0.1}, {"il1b_secretion_K562R": 4.0})


def plans() -> list[Plan]:
    company = frozenset().union(*(seeded_by(scenario) for scenario in SCENARIOS))
    return [plan_of(scenario, company) for scenario in SCENARIOS]


def specimens(sets=SETS) -> list[Specimen]:
    return [Specimen(values, SETTINGS) for values in sets]


def same(ours: Batch, theirs: Batch) -> bool:
    names = ("values", "time_reached", "slopes")
    pairs = [(getattr(ours, name), getattr(theirs, name)) for name in names]
    return ours.problems == theirs.problems and all(np.array_equal(a, b, equal_nan=True) for a, b in pairs)


@pytest.mark.parametrize("by", [(), BY])
def test_together_or_alone_runs_are_the_same(by: tuple[str, ...]) -> None:
    wanted = plans()
    together = run_plans(wanted, specimens(), SETTINGS, COLUMNS, by)
    assert len({id(plan.compiled) for plan in wanted}) == 1
    for plan, ours in zip(wanted, together, strict=True):
        (alone,) = run_plans([plan], specimens(), SETTINGS, COLUMNS, by)
        assert same(ours, alone)
        assert ours.values.shape == (len(SETS), plan.times.size, len(COLUMNS))
        assert ours.slopes.shape == (*ours.values.shape, len(by))
        assert np.isnan(ours.values[2]).all()
        assert np.isfinite(ours.values[[0, 1, 3]]).all()
    reverse = run_plans(wanted[::-1], specimens(SETS[::-1]), SETTINGS, COLUMNS, by)
    for ours, theirs in zip(together, reverse[::-1], strict=True):
        assert np.array_equal(ours.values, theirs.values[::-1], equal_nan=True)


def test_cultures_of_many_sets_do_not_depend_on_what_else_is_run() -> None:
    sets = [{"death_max": 0.03 + 1e-3 * j} for j in range(FEW_CULTURES)]
    wanted = plans()[:4]
    together = run_plans(wanted, specimens(sets), SETTINGS, COLUMNS)
    for plan, ours in zip(wanted, together, strict=True):
        assert same(ours, run_plans([plan], specimens(sets), SETTINGS, COLUMNS)[0])


def test_a_study_gives_the_same_for_several_scenarios_and_one_by_one() -> None:
    scenarios = [*SCENARIOS, nl.load_scenario("coculture").with_(times=[5], duration=5), SCENARIOS[0]]
    together = Study(SETS, SETTINGS)
    for ours, scenario in zip(together.runs_of(scenarios), scenarios, strict=True):
        theirs = Study(SETS, SETTINGS).runs(scenario)
        assert ours.status == theirs.status
        assert np.array_equal(ours.outputs, theirs.outputs, equal_nan=True)
        assert together.runs(scenario) is ours


def test_the_conditioned_medium_is_spread_over_the_layers_as_the_volumes_say() -> None:
    """At the start: derivatives of what is seeded, by the share of the lower layer that it is mixed with."""
    source = nl.load_scenario("stroma_il1b").with_(duration=12, times=[12])
    medium = {"scenario": source, "fraction": 0.4}
    wanted = BASE.with_(conditioned_medium=medium, treatments={"cxcl11": 5.0}, cxcl11_layer="upper")
    plan = plan_of(wanted.with_(times=[0], duration=1))
    name, settings = "lower_volume_fraction", Settings(engine="batch", rtol=1e-10, atol_scale=1e-4)
    value, step = nl.parameter_values()[name], 1e-3
    sets = [{name: value}, {name: value - step}, {name: value + step}]
    (done,) = run_plans([plan], [Specimen(one, settings) for one in sets], settings, "species", [name])
    start, low, high = done.values[:, 0]
    slopes = done.slopes[0, 0, :, 0]
    np.testing.assert_allclose(slopes, (high - low) / (2 * step), rtol=1e-4, atol=1e-9 * start.max())
    layered = np.array([bool(layer) for layer in plan.compiled.layout.layer])
    assert (np.abs(slopes[layered]) > 0.1 * start[layered].max()).any()


def test_what_the_vessel_or_a_knock_down_sets_has_no_derivative() -> None:
    transwell = nl.load_scenario("transwell_cxcl11").with_(times=[5], duration=5)
    (done,) = run_plans(
        [plan_of(transwell)],
        specimens([{}]),
        SETTINGS,
        ["cxcl11_medium", "cells_K562R_stroma"],
        ["lower_volume_fraction", "insert_exchange"],
    )
    assert not done.slopes[0, 0, :, 0].any()
    assert done.slopes[0, 0, :, 1].all()
    silenced = nl.load_scenario("k562r_growth").with_(
        events=[{"at": 4, "knockdown": {"il1b": 0.9}}], times=[2, 4, 12], duration=12
    )
    name = "il1b_knockdown"
    wanted = [plan_of(silenced), plan_of(silenced.with_(events=[]))]
    onset, without = run_plans(wanted, specimens([{}]), SETTINGS, ["il1b_mRNA_K562R"], [name])
    before, at, after = onset.slopes[0, :, 0, 0]
    assert before == pytest.approx(without.slopes[0, 0, 0, 0], rel=1e-4)
    assert before < 0
    assert abs(after) < 0.2 * abs(at)  # what was made before is lost, and nothing follows


def test_a_parameter_may_act_in_an_output_only() -> None:
    plan = plan_of(nl.load_scenario("stroma_alone").with_(times=[3], duration=3))
    name, half = "contact_half_density", nl.parameter_values()["contact_half_density"]
    (done,) = run_plans([plan], specimens([{}]), SETTINGS, ["stroma_presence"], [name])
    share = done.values[0, 0, 0]
    assert 0 < share < 1
    assert done.slopes[0, 0, 0, 0] == pytest.approx(-share * (1 - share) / half, rel=1e-12)
