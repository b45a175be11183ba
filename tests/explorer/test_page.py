"""The page without a browser: what its widgets do."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

pytest.importorskip("panel", reason='the explorer is not installed: pip install ".[explore]"')

import nicheloop as nl
from nicheloop.explorer.page import CLAIMS, EXPORT, Page
from nicheloop.explorer.view import View

from .test_claims_and_data import PLATE


@pytest.fixture
def page() -> Page:
    return Page(View.of("coculture_imatinib"))


def last(page: Page, readout: str = "viability", host: str = "K562R") -> float:
    return float(page.plots.data(readout)[host]["y"][-1])


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
    assert all(len(data["y"]) == 0 for data in page.plots.data("viability").values())
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
    assert set(page.plots.data("cxcl11")) == {""}
    assert page.sidebar.promoter.visible
    assert not page.sidebar.well.visible


def test_read_outs_are_chosen_and_the_rest_is_hidden(page: Page) -> None:
    page.readouts.value = ["p_erk", "viability"]
    assert page.view.readouts == ("viability", "p_erk")
    assert {pane.visible for pane in page.plots.panel.objects} == {True, False}
    assert len(page.plots.data("p_erk")["K562R"]["y"]) == page.course.time.size


def test_pins_are_drawn_listed_and_removed(page: Page) -> None:
    page.pin()
    tell(page, "dose:imatinib", value=5.0)
    page.pin()
    assert len(page.pin_list.objects) == 2
    assert "pinned 2" in page.ends.object
    page.unpin(0)
    assert [pin.number for pin in page.pins] == [1]
    assert len(page.pin_list.objects) == 1


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


def test_the_chooser_lists_every_shipped_scenario_once() -> None:
    from nicheloop.explorer.sidebar import grouped_scenarios

    listed = [name for group in grouped_scenarios().values() for name in group.values()]
    assert sorted(listed) == list(nl.scenario_names())


def test_explore_returns_what_a_notebook_shows() -> None:
    shown = nl.explore("imatinib_k562r", {"il1_kon": 0.5}, readouts=["viability"])
    assert shown.view.overrides == {"il1_kon": 0.5}
    assert shown.course.ok
    assert callable(nl.explore)
    with pytest.raises(nl.ScenarioError, match="did you mean"):
        nl.explore("imatinib_k562")
    own = nl.explore(nl.load_scenario("imatinib_k562r").with_(title="mine", duration="10 h"))
    assert own.page.sidebar.scenario.value == ""
