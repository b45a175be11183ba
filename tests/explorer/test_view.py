"""Views: what a slider moves is what is run, and nothing else changes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import nicheloop as nl
from nicheloop.assays.runs import study
from nicheloop.assays.runs.batches import run_one_by_one
from nicheloop.assays.runs.plan import Plan
from nicheloop.explorer.courses import KEPT_STUDIES, Bench
from nicheloop.explorer.view import View

K562R = "imatinib_k562r"


def test_a_view_of_a_scenario_runs_it_with_the_numbers_of_simulate() -> None:
    view = View.of("coculture_imatinib", {"il1b_secretion_K562R": 20.0})
    course = Bench().run(view)
    run = nl.simulate(view.scenario, dict(view.overrides))
    assert course.ok
    assert dict(view.overrides) == {"il1b_secretion_K562R": 20.0}
    for curve in course.curves:
        key = f"{curve.readout}:{curve.host}" if curve.host else curve.readout
        assert np.array_equal(curve.values, np.broadcast_to(run[key], curve.values.shape), equal_nan=True), (
            key
        )


def test_moving_gives_another_view_and_leaves_the_first() -> None:
    first = View.of(K562R)
    second = first.move("dose:imatinib", 3.0).move("density:K562R", 5e4).move("duration", 48)
    assert first.scenario.treatments["imatinib"] == 1.0
    assert second.scenario.treatments["imatinib"] == 3.0
    assert second.scenario.lines["K562R"].density == 5e4
    assert second.scenario.sampling_times[-1] == 48.0
    assert second.reset().scenario == first.scenario
    assert second.back("dose:imatinib").scenario.treatments["imatinib"] == 1.0


def test_a_parameter_at_its_default_is_no_override() -> None:
    view = View.of(K562R).add("parameter:il1_kon")
    default = view.control("parameter:il1_kon").value
    assert view.move("parameter:il1_kon", default).overrides == {}
    moved = view.move("parameter:il1_kon", 2 * default)
    assert moved.overrides == {"il1_kon": 2 * default}
    assert moved.remove("parameter:il1_kon").overrides == {}


def test_what_a_scenario_sets_itself_is_moved_in_the_scenario() -> None:
    view = View.of("s6_viability_arm")
    assert view.control("parameter:cxcr3_copies_K562R").value == 0.0
    moved = view.move("parameter:cxcr3_copies_K562R", 500.0)
    assert moved.overrides == {}
    assert moved.scenario.parameters["cxcr3_copies_K562R"] == 500.0


def test_the_default_of_a_parameter_follows_the_explanation() -> None:
    view = View.of(K562R).add("parameter:il1b_secretion_K562R")
    mixed = view.control("parameter:il1b_secretion_K562R").default
    without = view.explained_by("none").control("parameter:il1b_secretion_K562R").default
    assert mixed == nl.parameter_values("mixed")["il1b_secretion_K562R"]
    assert without == nl.parameter_values("none")["il1b_secretion_K562R"] != mixed


def test_times_of_events_keep_their_distance_and_cannot_leave_the_run() -> None:
    view = View.of("imatinib_pulse")
    gap = view.base.events[1].at - view.base.events[0].at
    moved = view.move("event", 30.0)
    assert [event.at for event in moved.scenario.events] == [30.0, 30.0 + gap]
    with pytest.raises(ValueError, match="at most the duration"):
        view.move("event", view.base.duration)
    assert view.control("duration").low >= view.base.events[-1].at


def test_doses_of_events_can_be_moved() -> None:
    view = View.of("dose_escalation_k562r").move("event_dose:2:imatinib", 4.0)
    event = view.scenario.events[2]
    assert event.set["imatinib"] == 4.0
    assert event.passage is not None
    assert event.passage.treatments["imatinib"] == 4.0
    assert view.scenario.events[1] == view.base.events[1]


def test_wells_of_an_experiment_are_chosen_by_number() -> None:
    view = View.of("s3_il1ra_k562r", well=3)
    assert view.base == nl.load_scenario("s3_il1ra_k562r").wells()[3]
    assert len(view.origin.wells) == 4
    assert all("imatinib=" in name for name in view.origin.wells)


def test_another_scenario_keeps_moved_parameters_and_read_outs() -> None:
    view = View.of(K562R).add("parameter:il1_kon").move("parameter:il1_kon", 7.0).showing(["p_erk"])
    there = view.move("dose:imatinib", 9.0).at("coculture_imatinib")
    assert there.overrides == {"il1_kon": 7.0}
    assert "p_erk" in there.readouts
    assert there.scenario.treatments["imatinib"] == 1.0
    assert there.control("parameter:il1_kon") in there.controls()


def test_a_parameter_of_the_scenario_itself_keeps_its_slider_in_another() -> None:
    view = View.of("s6_viability_arm").move("parameter:cxcr3_copies_K562R", 500.0).at(K562R)
    assert view.overrides == {"cxcr3_copies_K562R": 500.0}
    assert view.control("parameter:cxcr3_copies_K562R") in view.controls()
    assert "cxcr3_copies_K562R 500" in view.label
    assert view.remove("parameter:cxcr3_copies_K562R").overrides == {}


def test_what_a_scenario_sets_itself_wins_as_with_simulate() -> None:
    given = {"cxcr3_copies_K562R": 500.0, "il1_kon": 0.9}
    view = View.of("s6_viability_arm", given, ["viability"])
    assert view.overrides == {"il1_kon": 0.9}
    run = nl.simulate(view.base, given)
    mine = Bench().run(view).of("viability")[0].values[-1]
    assert np.isclose(mine, run["viability"][-1], rtol=1e-6)
    carried = View.of(K562R, given).at("s6_viability_arm")
    assert carried.scenario.parameters["cxcr3_copies_K562R"] == 0.0
    assert carried.overrides == {"il1_kon": 0.9}


def test_what_the_vessel_sets_has_no_slider() -> None:
    name = "parameter:lower_volume_fraction"
    view = View.of("coculture_imatinib", {"lower_volume_fraction": 0.3})
    assert name in view.added
    assert view.at("transwell").added == ()
    assert View.of("transwell", {"lower_volume_fraction": 0.3}).overrides == {}


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_parameter_that_is_no_number_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match=r"il1_kon=.*expected a finite number"):
        View.of(K562R, {"il1_kon": value})


def test_a_run_that_cannot_start_says_why_and_has_no_numbers() -> None:
    view = View.of(K562R, {"uniform_death": 0.2})
    course = Bench().run(view)
    assert "no stock culture" in course.problem
    assert all(np.isnan(curve.values).all() for curve in course.curves)


@pytest.mark.parametrize("name", nl.scenario_names())
def test_every_shipped_scenario_has_controls_whose_slider_holds_the_value(name: str) -> None:
    view = View.of(name)
    assert view.scenario.sampling_times[-1] == view.base.duration
    assert len(view.scenario.sampling_times) >= 40
    assert view.readouts
    for control in view.controls():
        assert control.low <= control.value <= control.high or (control.zero and control.value == 0), control
        assert not control.log or control.low > 0, control
        assert control.label
        assert math.isfinite(control.high)


def test_a_bench_runs_vehicle_wells_once(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[nl.Scenario] = []

    def counted(plan: Plan, *rest: Any) -> Any:
        ran.append(plan.scenario)
        return run_one_by_one(plan, *rest)

    monkeypatch.setattr(study, "run_one_by_one", counted)
    bench, view = Bench(), View.of(K562R)
    values = [
        bench.run(view.move("dose:imatinib", dose)).of("viability")[0].values[-1] for dose in (0.1, 1, 10)
    ]
    assert values == sorted(values, reverse=True)
    assert [dict(one.treatments) for one in ran].count({}) == 1
    assert len(ran) == 4


def test_a_bench_keeps_few_parameter_sets_and_finds_forgotten_ones_again() -> None:
    bench = Bench()
    moved = [View.of(K562R, {"il1_kon": 1.0 + k}).move("duration", 12) for k in range(KEPT_STUDIES + 2)]
    courses = [bench.run(one) for one in moved]
    assert len(bench._studies) == KEPT_STUDIES
    again = bench.run(moved[0])
    assert np.array_equal(again.of("viability")[0].values, courses[0].of("viability")[0].values)
