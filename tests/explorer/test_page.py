"""The page without a browser: what its widgets do."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

pytest.importorskip("panel", reason='the explorer is not installed: pip install ".[explore]"')

import panel as pn

import nicheloop as nl
from nicheloop.assays.mapping import FrozenMap
from nicheloop.assays.runs import specimen
from nicheloop.data.shipped import data_names, load_data
from nicheloop.explorer.claims import Judged, Setting, Shown
from nicheloop.explorer.claims_section import table_of
from nicheloop.explorer.courses import Bench, Course
from nicheloop.explorer.data import overlay, read_table
from nicheloop.explorer.data_plots import DataPlots
from nicheloop.explorer.page import CLAIMS, EXPORT, Page
from nicheloop.explorer.plots import rounded_up
from nicheloop.explorer.view import View

from .test_claims_and_data import PLATE


@pytest.fixture
def page() -> Page:
    return Page(View.of("coculture_imatinib"))


def last(page: Page, readout: str = "viability", host: str = "K562R") -> float:
    return float(page.plots.known[readout].live[host].data["y"][-1])


def tell(page: Page, key: str, **message: object) -> None:
    page.sidebar.slider(key)._handle_msg(message)


def test_a_slider_moves_the_curve_that_is_drawn(page: Page) -> None:
    before = last(page)
    tell(page, "dose:imatinib", value=10.0)
    assert last(page) < before
    run = nl.simulate(page.view.scenario)
    assert last(page) == run["viability"][-1]
    tell(page, "dose:imatinib", back=True)
    assert last(page) == before
    assert page.sidebar.slider("dose:imatinib").value == 1.0


def test_an_axis_rests_while_a_curve_moves_and_follows_one_that_leaves_it(page: Page) -> None:
    plot = page.plots.known["il1b"]
    axis = plot.figure.y_range

    def highest() -> float:
        return max(source.data["y"].max() for source in plot.live.values())

    before, first = axis.end, highest()
    tell(page, "dose:imatinib", value=1.05)
    assert highest() != first
    assert axis.end == before
    page.pin()
    tell(page, "density:K562R", value=1e6)
    assert 1.02 * highest() <= axis.end < 1.4 * highest()
    assert axis.end > 5 * before
    tell(page, "density:K562R", value=1e3)
    assert axis.start == 0
    assert axis.end == before  # the pinned curve is still there


@pytest.mark.parametrize("decade", [1e-12, 1e-3, 1.0, 1e3, 1e5])
def test_an_axis_ends_just_above_a_value(decade: float) -> None:
    values = decade * np.geomspace(1, 10, 200)
    ends = np.array([rounded_up(value) for value in values])
    assert (ends >= 1.02 * values * (1 - 1e-12)).all()
    assert (ends <= 1.4 * values).all()
    assert len(set(ends)) <= 11
    assert rounded_up(0.0) == 0.0


def test_a_rate_may_be_negative_and_its_axis_goes_there(page: Page) -> None:
    page.choose_readouts(("growth_rate", "viability"))
    tell(page, "dose:imatinib", value=100.0)
    shown = page.plots.known["growth_rate"]
    assert min(source.data["y"].min() for source in shown.live.values()) < 0
    assert shown.figure.y_range.start < 0 < shown.figure.y_range.end


def test_cells_that_a_parameter_leaves_alone_are_not_grown_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    grown = []
    known = specimen._grown
    monkeypatch.setattr(specimen, "_grown", lambda culture: grown.append(culture.host) or known(culture))
    page = Page(View.of("coculture_imatinib", parameters={"il1b_secretion_K562R": 25.0}))
    assert sorted(grown) == ["K562R", "K562S", "stroma"]
    grown.clear()
    page.move("parameter:il1b_secretion_K562R", 40.0)
    assert grown == ["K562R"]
    run = nl.simulate("coculture_imatinib", parameters={"il1b_secretion_K562R": 40.0})
    assert last(page) == run["viability"][-1]


def test_two_pages_share_nothing(page: Page) -> None:
    other = Page(View.of("coculture_imatinib"))
    before = last(other)
    tell(page, "dose:imatinib", value=10.0)
    page.pin()
    assert last(other) == before
    assert other.pins == ()
    assert other.view.scenario.treatments["imatinib"] == 1.0


def test_treatments_and_parameters_are_added_moved_and_taken_away(page: Page) -> None:
    page.sidebar.addition.value = "dose:il1ra"
    tell(page, "dose:il1ra", value=500.0)
    blocked = last(page, "cxcl11", "")
    page.sidebar.search.value = "il1b_secretion_K562R"
    control = page.view.control("parameter:il1b_secretion_K562R")
    slider = page.sidebar.slider(control.key)
    row = nl.parameters().loc["il1b_secretion_K562R"]
    assert (slider.low, slider.high, slider.log) == (row["low"], row["high"], True)
    assert slider.note.startswith(row["evidence"])
    assert row["source"] in slider.note
    tell(page, control.key, value=row["high"])
    assert page.view.overrides == {"il1b_secretion_K562R": row["high"]}
    tell(page, "dose:il1ra", gone=True)
    assert "dose:il1ra" not in {control.key for control in page.view.controls()}
    assert last(page, "cxcl11", "") > blocked


def test_a_failed_run_shows_its_message_and_no_curve(page: Page) -> None:
    page.add("parameter:uniform_death")
    tell(page, "parameter:uniform_death", value=0.2)
    assert "no stock culture" in page.notice.object
    assert all(len(one.data["y"]) == 0 for one in page.plots.known["viability"].live.values())
    page.pin()
    assert page.pins == ()
    tell(page, "parameter:uniform_death", back=True)
    assert page.notice.object == ""
    assert np.isfinite(last(page))


def test_a_move_that_cannot_be_is_told_and_the_slider_goes_back() -> None:
    page = Page(View.of("imatinib_washout"))
    tell(page, "event", value=100.0)
    assert "at most the duration" in page.notice.object
    assert page.sidebar.slider("event").value == page.view.base.events[0].at


def test_scenario_well_and_explanation_are_chosen(page: Page) -> None:
    page.sidebar.scenario.value = "s3_il1ra_k562r"
    assert page.view.base.name.startswith("s3_il1ra_k562r[")
    assert page.sidebar.well.visible
    page.sidebar.well.value = 3
    assert page.view.base == nl.load_scenario("s3_il1ra_k562r").wells()[3]
    before = last(page)
    page.sidebar.resistance.value = "none"
    assert last(page) < before
    page.choose("stroma_il1b")
    assert page.sidebar.scenario.value == "stroma_il1b"
    assert set(page.plots.known["cxcl11"].live) == {""}
    assert page.sidebar.promoter.visible
    assert not page.sidebar.well.visible


def test_a_model_that_breaks_is_told_and_the_controls_say_what_is_shown(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, course = last(page), page.course

    def broken(self: Bench, view: View) -> Course:
        raise RuntimeError("singular matrix")

    with monkeypatch.context() as patch:
        patch.setattr(Bench, "run", broken)
        tell(page, "dose:imatinib", value=10.0)
    assert "RuntimeError: singular matrix" in page.notice.object
    assert page.sidebar.slider("dose:imatinib").value == page.view.scenario.treatments["imatinib"] == 1.0
    assert page.course is course
    assert last(page) == before
    tell(page, "dose:imatinib", value=10.0)
    assert page.notice.object == ""
    assert last(page) < before


def test_a_page_opens_on_what_cannot_be_run_and_can_leave_it() -> None:
    page = Page(View.of("imatinib_k562r", {"stock_density_K562R": 0.0}))
    assert "stock_density_K562R" in page.notice.object
    assert all(len(one.data["y"]) == 0 for one in page.plots.known["viability"].live.values())
    tell(page, "parameter:stock_density_K562R", back=True)
    assert page.notice.object == ""
    assert np.isfinite(last(page))


def test_another_scenario_settles_on_its_read_outs(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    page.panel.get_root()  # without a browser's side, Panel does not drop what is gone from the options
    queue: list[Any] = []
    monkeypatch.setattr("nicheloop.explorer.page.in_turn", queue.append)  # as on a server: later
    for source in ("stroma_il1b", "coculture_imatinib", "transwell_cxcl11"):
        page.choose(source)
        shown = page.view.readouts
        for _ in range(10):
            waiting, queue[:] = queue[:], []
            for action in waiting:
                action()
        assert queue == []
        assert page.view.readouts == shown
        assert set(page.readouts.value) == set(shown)


def test_a_moved_parameter_can_be_taken_away_in_another_scenario() -> None:
    page = Page(View.of("s6_viability_arm"))
    key = "parameter:cxcr3_copies_K562R"
    assert not page.sidebar.slider(key).removable
    tell(page, key, value=500.0)
    page.choose("imatinib_k562r")
    assert page.sidebar.slider(key).removable
    tell(page, key, gone=True)
    assert not page.view.moved
    assert page.view.overrides == {}


def test_read_outs_are_chosen_and_the_rest_is_hidden(page: Page) -> None:
    page.readouts.value = ["p_erk", "viability"]
    assert page.view.readouts == ("viability", "p_erk")
    assert {pane.visible for pane in page.plots.panel.objects} == {True, False}
    assert len(page.plots.known["p_erk"].live["K562R"].data["y"]) == page.course.time.size


def test_pins_are_drawn_listed_and_removed(page: Page) -> None:
    page.pin()
    tell(page, "dose:imatinib", value=5.0)
    page.pin()
    assert len(page.pin_list.objects) == 2
    assert "pinned 2" in page.ends.object
    page.unpin(0)
    assert [pin.number for pin in page.pins] == [1]
    assert len(page.pin_list.objects) == 1
    page.choose("stroma_il1b")
    assert "K562R" in page.legend.object  # the pin is of it


def test_a_table_is_laid_over_and_a_wrong_one_is_told(page: Page) -> None:
    page.data.load("plate.csv", PLATE)
    assert page.data.shown is not None
    assert len(page.data.plots.panel.objects) == 2
    first = page.data.shown.predictions.values.copy()
    page.add("parameter:death_max")
    tell(page, "parameter:death_max", value=0.2)
    assert not np.allclose(page.data.shown.predictions.values, first)
    page.data.load("plate.csv", PLATE.replace(b"K562R,72,80", b"K562T,72,80"))
    assert "plate.csv: row 3, column &#x27;line&#x27;" in page.data.notice.object
    assert page.data.plots.panel.objects == []
    tell(page, "dose:imatinib", value=2.0)
    assert np.isfinite(last(page))


def test_while_the_model_runs_over_a_table_the_section_says_so(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.data.load("plate.csv", PLATE)
    waiting: list[Any] = []
    with monkeypatch.context() as patch:
        patch.setattr(pn.state, "execute", lambda run, **_: waiting.append(run))
        page.add("parameter:death_max")
        page.move("parameter:death_max", 0.2)
        assert "being run" in page.data.notice.object
        page.data._take(load_data(data_names()[0]))
        assert page.data.plots.panel.objects == []
        assert page.data.shown is None
    asyncio.run(waiting[0]())
    assert page.data.plots.panel.objects
    assert "being run" not in page.data.notice.object


def test_a_table_that_the_model_breaks_on_is_told(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("singular matrix")

    page.data.load("plate.csv", PLATE)
    monkeypatch.setattr("nicheloop.explorer.data_section.overlay", broken)
    page.add("parameter:death_max")
    page.move("parameter:death_max", 0.2)
    assert "RuntimeError: singular matrix" in page.data.notice.object
    assert page.data.plots.panel.objects == []


def test_a_published_table_can_be_chosen_again_after_a_file(page: Page) -> None:
    name = data_names()[0]
    page.data.example.value = name
    first = page.data.source
    page.data.load("plate.csv", PLATE)
    assert page.data.example.value == ""
    page.data.example.value = name
    assert page.data.source is not None
    assert page.data.source.source == first.source  # type: ignore[union-attr]


def test_ticks_of_doses_lie_between_the_doses() -> None:
    plate = PLATE.replace(b",1,5", b",0.3,5")  # doses 0, 0.3, 3 and 30: 0.1 would lie on the 0
    (doses, _) = overlay(read_table("plate.csv", plate), Setting(FrozenMap({}))).panels
    plot = DataPlots()
    plot.show(overlay(read_table("plate.csv", plate), Setting(FrozenMap({}))))
    ticks = plot.panel.objects[0].object.xaxis[0].ticker.ticks
    (zero,) = doses.ticks
    assert ticks == pytest.approx([zero, 1.0, 10.0])


def test_claims_that_cannot_be_judged_are_told(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(setting: Setting) -> None:
        raise RuntimeError("singular matrix")

    monkeypatch.setattr("nicheloop.explorer.claims_section.judge", broken)
    asyncio.run(page.claims.run())
    assert "RuntimeError: singular matrix" in page.claims.state.object
    assert not page.claims.button.disabled


def test_an_effect_that_failed_is_not_known() -> None:
    effects = (Shown("a: b", float("nan"), 0.0, "1", 1, False), Shown("c: d", 2.0, 0.0, "1", 1, True))
    table = table_of((Judged("S1", "it holds", effects, "the stock culture dies"),))
    assert "not shown" not in table
    assert table.count("not known") == 2  # the claim, and the effect that failed


def test_verdicts_are_marked_when_parameters_move_on(page: Page) -> None:
    page.open(CLAIMS)
    asyncio.run(page.claims.run())
    assert [one.key for one in page.claims.judged] == ["S1", "S2", "S3", "S4", "S5", "S6"]
    tell(page, "dose:imatinib", value=2.0)
    assert not page.claims.stale
    page.add("parameter:death_max")
    tell(page, "parameter:death_max", value=0.2)
    assert page.claims.stale
    assert "earlier setting" in page.claims.state.object


def test_files_are_those_of_what_is_shown(page: Page) -> None:
    page.open(EXPORT)
    tell(page, "dose:imatinib", value=2.5)
    assert '"imatinib": "2.5 uM"' in page.export.lines.value
    made = {name: button.callback().getvalue() for name, button in page.export.buttons.items()}
    assert made["png"].startswith(b"\x89PNG")
    assert b"2.5 uM" in made["toml"]
    assert made["csv"].startswith(b"run,time [h]")
    assert made["py"].decode() == page.export.lines.value


def test_files_are_named_after_the_scenario_that_is_shown(page: Page) -> None:
    assert page.export.buttons["csv"].filename == "coculture_imatinib.csv"
    page.choose("s3_il1ra_k562r")
    assert {button.filename for button in page.export.buttons.values()} == {
        f"s3_il1ra_k562r.{ending}" for ending in ("png", "svg", "csv", "toml", "py")
    }


def test_there_is_no_figure_of_nothing(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    figures = [page.export.buttons[name] for name in ("png", "svg")]
    assert not any(button.disabled for button in figures)
    page.choose_readouts(())
    assert all(button.disabled for button in figures)
    page.choose_readouts(("viability",))
    page.move("parameter:uniform_death", 0.2)
    assert all(button.disabled for button in figures)
    with pytest.raises(ValueError, match="no curves"):
        figures[0].callback()
    assert "no curves" in page.notice.object
    page.reset()
    page.pin()
    page.move("parameter:uniform_death", 0.2)
    assert not any(button.disabled for button in figures)


def test_the_chooser_lists_every_shipped_scenario_once() -> None:
    from nicheloop.explorer.sidebar import grouped_scenarios

    listed = [name for group in grouped_scenarios().values() for name in group.values()]
    assert sorted(listed) == list(nl.scenario_names())


def test_explore_returns_what_a_notebook_shows() -> None:
    shown = nl.explore("imatinib_k562r", {"il1_kon": 0.5}, readouts=["viability"])
    assert shown.view.overrides == {"il1_kon": 0.5}
    assert shown.course.ok
    with pytest.raises(nl.ScenarioError, match="did you mean"):
        nl.explore("imatinib_k562")
    own = nl.explore(nl.load_scenario("imatinib_k562r").with_(title="mine", duration="10 h"))
    assert own.page.sidebar.scenario.value == ""
