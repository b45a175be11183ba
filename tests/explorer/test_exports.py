"""What a view leaves behind gives its numbers again."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import nicheloop as nl
from nicheloop.assays.runs.study import Study
from nicheloop.explorer import exports
from nicheloop.explorer.courses import Bench, Course
from nicheloop.explorer.pins import DASHES, pinned, unpinned
from nicheloop.explorer.view import View


def moved() -> View:
    view = View.of("coculture_imatinib").add("dose:il1ra").add("parameter:il1_kon").add("knockdown:il1b")
    for key, value in {
        "dose:imatinib": 3.1,
        "dose:il1ra": 480.0,
        "parameter:il1_kon": 0.9,
        "density:stroma": 1.2e5,
        "density:K562R": 3e5,
        "duration": 50.0,
        "knockdown:il1b": 0.35,
    }.items():
        view = view.move(key, value)
    return view.explained_by("il1b", "ifnb")


def timed() -> View:
    view = View.of("dose_escalation_k562r").move("event", 24.0).move("event_dose:3:imatinib", 2.5)
    return view.move("duration", 300.0)


VIEWS = {
    "untouched": lambda: View.of("imatinib_k562r"),
    "moved": moved,
    "events": timed,
    "well": lambda: View.of("s3_il1b_on_k562s", well=5).move("dose:il1b", 33.0),
    "own parameters": lambda: View.of("s6_viability_arm").move("parameter:cxcr3_copies_K562R", 70.0),
    "conditioned": lambda: View.of("s3_k562r_medium_on_k562s", {"il1b_secretion_K562R": 80.0}),
    "in Python": lambda: View.of(
        nl.load_scenario("imatinib_k562r").with_(title='a "quoted" \\ title', duration="30 h")
    ).move("dose:imatinib", 2.0),
}


def same(course: Course, run: nl.Result) -> None:
    for curve in course.curves:
        key = f"{curve.readout}:{curve.host}" if curve.host else curve.readout
        assert np.array_equal(curve.values, np.broadcast_to(run[key], curve.values.shape), equal_nan=True), (
            key
        )
    assert np.array_equal(course.time, run.time)


@pytest.mark.parametrize("name", VIEWS)
def test_the_python_lines_give_the_numbers_of_the_view(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    view = VIEWS[name]()
    course = Bench().run(view)
    names: dict[str, Any] = {}
    exec(exports.to_python(view), names)
    assert course.ok
    same(course, names["run"])
    assert set(names["table"]["readout"]) == set(view.readouts)


@pytest.mark.parametrize("name", VIEWS)
def test_the_scenario_file_gives_the_numbers_of_the_view(name: str, tmp_path: Path) -> None:
    view = VIEWS[name]()
    (tmp_path / "mine.toml").write_text(exports.to_scenario(view), encoding="utf-8")
    same(Bench().run(view), nl.simulate(nl.load_scenario(tmp_path / "mine.toml")))


def test_pinned_views_have_their_lines_too(capsys: pytest.CaptureFixture[str]) -> None:
    bench, first = Bench(), moved()
    pins = pinned((), first, bench.run(first))
    names: dict[str, Any] = {}
    exec(exports.to_python(first.reset(), pins), names)
    same(pins[0].course, names["pinned_1"])
    same(bench.run(first.reset()), names["run"])


def test_csv_is_tidy_and_names_units_and_runs() -> None:
    bench, view = Bench(), View.of("coculture_imatinib", readouts=["viability", "il1b"])
    course = bench.run(view)
    pins = pinned((), view, course)
    other = view.move("dose:imatinib", 5.0)
    table = pd.read_csv(io.StringIO(exports.to_csv(other, bench.run(other), pins)), keep_default_na=False)
    assert list(table) == ["run", "time [h]", "readout", "line", "value", "unit", "status"]
    assert set(table["run"]) == {"shown", pins[0].name}
    assert set(table["status"]) == {"ok"}
    assert set(zip(table["readout"], table["line"], table["unit"], strict=True)) == {
        ("viability", "K562R", "fraction"),
        ("il1b", "", "pg/mL"),
    }
    kept = table[(table["run"] == pins[0].name) & (table["readout"] == "viability")]["value"]
    assert np.allclose(kept.astype(float), course.of("viability")[0].values)


def test_figure_has_a_panel_per_read_out_and_both_formats() -> None:
    bench, view = Bench(), View.of("imatinib_washout", readouts=["viability", "p_bcr_abl"])
    course = bench.run(view)
    other = view.move("event", 12.0)
    figure = exports.draw(other, bench.run(other), pinned((), view, course))
    drawn = [ax for ax in figure.axes if ax.lines]
    assert [ax.get_title(loc="left") for ax in drawn] == ["viability", "p-BCR-ABL"]
    assert [ax.get_xlabel() for ax in drawn] == ["time [h]"] * 2
    assert "[fraction]" in {ax.get_ylabel() for ax in drawn}
    png, svg = (exports.figure_file(figure, ending) for ending in ("png", "svg"))
    assert png.startswith(b"\x89PNG")
    assert b"p-BCR-ABL" in svg


def test_csv_has_no_value_of_a_run_that_failed_and_says_so() -> None:
    view = View.of("imatinib_k562r", {"uniform_death": 0.2})
    view = view.showing(view.known_readouts())
    table = exports.to_frame(view, Bench().run(view))
    assert set(table["readout"]) == set(view.readouts)
    assert table["value"].isna().all()
    assert set(table["status"]) == {"failed"}


def test_a_run_that_stops_half_way_has_values_up_to_there(monkeypatch: pytest.MonkeyPatch) -> None:
    bench, view = Bench(), View.of("imatinib_k562r")
    whole = bench.run(view)
    original = Study.runs

    def stopped(self: Study, scenario: nl.Scenario, *outputs: str) -> Any:
        runs = original(self, scenario, *outputs)
        return replace(runs, status=("failed",), messages=("too stiff",), time_reached=np.array([24.0]))

    monkeypatch.setattr(Study, "runs", stopped)
    course = Bench().run(view)
    assert course.problem == "at 24 h: too stiff"
    for curve, full in zip(course.curves, whole.curves, strict=True):
        assert np.array_equal(curve.values[course.time <= 24], full.values[course.time <= 24], equal_nan=True)
        assert np.isnan(curve.values[course.time > 24]).all()


def test_runs_that_differ_little_are_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    bench, first = Bench(), View.of("imatinib_k562r", readouts=["viability"]).move("dose:imatinib", 2.0001)
    second = first.move("dose:imatinib", 2.0002)
    pins = pinned(pinned((), first, bench.run(first)), second, bench.run(second))
    assert pins[0].label == pins[1].label
    runs = exports.to_frame(first, bench.run(first), pins)["run"]
    assert list(dict.fromkeys(runs)) == ["shown", f"pinned 1: {pins[0].label}", f"pinned 2: {pins[1].label}"]
    (legend,) = exports.draw(first.reset(), bench.run(first.reset()), pins).legends
    assert len({text.get_text() for text in legend.get_texts()}) == 4  # the line, and three runs


def test_a_title_of_several_lines_is_no_code() -> None:
    title = "mine\nraise SystemExit('run by a title')"
    view = View.of(nl.load_scenario("imatinib_k562r").with_(title=title, duration="10 h"))
    bench = Bench()
    exec(exports.to_python(view.move("dose:imatinib", 3.0), pinned((), view, bench.run(view))), {})


def test_a_failed_run_is_not_drawn_and_not_pinned() -> None:
    view = View.of("imatinib_k562r", {"uniform_death": 0.2})
    course = Bench().run(view)
    assert not exports.can_be_drawn(view, course)
    with pytest.raises(ValueError, match="no curves"):
        exports.draw(view, course)
    with pytest.raises(ValueError, match="failed"):
        pinned((), view, course)


def test_pins_have_dashes_of_their_own_and_an_end() -> None:
    bench, view = Bench(), View.of("imatinib_k562r")
    pins = ()
    for dose in (1.0, 2.0, 3.0, 4.0):
        there = view.move("dose:imatinib", dose)
        pins = pinned(pins, there, bench.run(there))
    assert len({pin.dashes for pin in pins}) == len(DASHES)
    again = view.move("dose:imatinib", 5.0)
    with pytest.raises(ValueError, match="remove one"):
        pinned(pins, again, bench.run(again))
    fewer = unpinned(pins, 1)
    assert [pin.number for pin in pinned(fewer, again, bench.run(again))] == [0, 2, 3, 1]
    with pytest.raises(ValueError, match="already"):
        pinned(fewer, view, bench.run(view))
