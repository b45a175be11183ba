"""The page: a view, the curves of it, and what the user does to either."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import Any

import panel as pn

from nicheloop.assays.scenario import Scenario
from nicheloop.explorer.claims_section import ClaimsSection
from nicheloop.explorer.courses import Bench, Course, unstarted
from nicheloop.explorer.data_section import DataSection
from nicheloop.explorer.export_section import ExportSection
from nicheloop.explorer.live import LiveText, notice, reason
from nicheloop.explorer.pins import Pin, pinned, unpinned
from nicheloop.explorer.plots import Plots
from nicheloop.explorer.sidebar import Sidebar
from nicheloop.explorer.style import BESIDE, BODY, HEADER, MAIN, PAGE, text_pane
from nicheloop.explorer.summary import end_values, sample
from nicheloop.explorer.turns import in_turn
from nicheloop.explorer.view import View
from nicheloop.explorer.words import readout_in_words
from nicheloop.figures.style import colour_of

CURVES, DATA, CLAIMS, EXPORT = "Curves", "Your data", "Claims", "Export"


class Page:
    """One explorer; several may be open at once and share nothing.

    Parameters
    ----------
    view : View
        What to show first.
    """

    def __init__(self, view: View) -> None:
        self.view = view
        self._first = view.origin
        self.pins: tuple[Pin, ...] = ()
        self._listed: tuple[Pin, ...] = ()
        self._follows = False
        self._bench = Bench()
        try:
            self.course: Course = self._bench.run(view)
        except Exception as error:  # there is no earlier view to stay with
            self.course = unstarted(view, reason(error))
        self.plots = Plots()
        self.sidebar = Sidebar(self, view)
        self._build()
        self._draw()

    def _curves(self) -> pn.Column:
        """Return the section of curves: buttons, legend, pins, read-outs, plots and values at the end."""
        wide: dict[str, Any] = {"sizing_mode": "stretch_width"}
        self.legend, self.ends = text_pane(), LiveText()
        self.pin_list = pn.Column(**wide)
        self.pin_button = pn.widgets.Button(
            name="Pin these curves", button_type="primary", width=140, **BESIDE
        )
        self.reset_button = pn.widgets.Button(name="Reset all", width=90, **BESIDE)
        self.pin_button.on_click(lambda _: in_turn(self.pin))
        self.reset_button.on_click(lambda _: in_turn(self.reset))
        self.readouts = pn.widgets.CheckBoxGroup(
            name="Read-outs", options=self._readout_options(), value=list(self.view.readouts), inline=True,
            **BESIDE, **wide,
        )  # fmt: skip
        self.readouts.param.watch(self._chosen, "value")
        return pn.Column(
            pn.Row(self.pin_button, self.reset_button, self.legend, **wide),
            self.pin_list, self.readouts, self.plots.panel, self.ends, **wide,
        )  # fmt: skip

    def _build(self) -> None:
        wide: dict[str, Any] = {"sizing_mode": "stretch_width"}
        self.notice = LiveText()
        self.data, self.claims, self.export = (
            DataSection(self.view),
            ClaimsSection(self.view),
            ExportSection(self),
        )
        self._sections = {
            CURVES: self._curves(),
            DATA: self.data.panel,
            CLAIMS: self.claims.panel,
            EXPORT: self.export.panel,
        }
        self.section = pn.widgets.RadioButtonGroup(
            name="Section", options=list(self._sections), value=CURVES, button_type="primary",
            button_style="outline", **BESIDE,
        )  # fmt: skip
        self.section.param.watch(lambda event: in_turn(lambda: self.open(event.new)), "value")
        main = pn.Column(self.section, self.notice, *self._sections.values(), stylesheets=[MAIN], **wide)
        self.panel = pn.Column(
            text_pane(HEADER),
            pn.Row(self.sidebar.panel, main, stylesheets=[BODY], **wide),
            stylesheets=[PAGE],
            **wide,
        )

    # -- what the user does ---------------------------------------------------------------------------------

    def move(self, key: str, value: float) -> None:
        """Move one control."""
        self._try(lambda: self.view.move(key, value))

    def back(self, key: str) -> None:
        """Put one control back."""
        self._try(lambda: self.view.back(key))

    def add(self, key: str) -> None:
        """Ask for one more control."""
        self._try(lambda: self.view.add(key))

    def remove(self, key: str) -> None:
        """Take an added control away."""
        self._try(lambda: self.view.remove(key))

    def explain(self, resistance: str | None = None, promoter: str | None = None) -> None:
        """Choose another explanation of resistance or promoter of CXCL11."""
        self._try(lambda: self.view.explained_by(resistance or self.view.resistance, promoter))

    def choose(self, source: str | Path | Scenario, well: int = 0) -> None:
        """Go to another scenario."""
        self._try(lambda: self.view.at(source, well))

    def choose_scenario(self, source: str) -> None:
        """Go to a scenario of the chooser: a shipped one, or the one this page was opened with."""
        self.choose(self._first.scenario if source == self._first.source and not source else source)

    def choose_well(self, number: int) -> None:
        """Go to another well of a scenario that has several."""
        origin = self.view.origin
        self.choose(origin.source or origin.scenario, number)

    def _chosen(self, event: Any) -> None:
        """Take the read-outs that the user chose; not what the page itself has just put there."""
        if not self._follows:
            in_turn(lambda: self.choose_readouts(tuple(event.new)))

    def choose_readouts(self, names: tuple[str, ...]) -> None:
        """Draw these read-outs."""
        if set(names) != set(self.view.readouts):
            self._try(lambda: self.view.showing(names))

    def reset(self) -> None:
        """Put everything back to the scenario."""
        self._try(self.view.reset)

    def pin(self) -> None:
        """Keep the curves that are shown."""
        try:
            self.pins = pinned(self.pins, self.view, self.course)
        except ValueError as error:
            self.tell(str(error))
            return
        self._draw()

    def unpin(self, number: int) -> None:
        """Let go of pinned curves."""
        self.pins = unpinned(self.pins, number)
        self._draw()

    def open(self, section: str) -> None:
        """Show one section in place of the others."""
        for name, part in self._sections.items():
            part.visible = name == section
        self.export.follow()

    def tell(self, message: str) -> None:
        """Show a message above the curves; an empty one takes it away."""
        self.notice.write(notice(message))

    # -- what follows ---------------------------------------------------------------------------------------

    def _try(self, following: Callable[[], View]) -> None:
        """Go to the next view, or say why it cannot be; what is shown stays what the controls say."""
        try:
            view, course = following(), self.course
            if view.scenario != self.view.scenario or view.overrides != self.view.overrides:
                course = self._bench.run(view)
        except Exception as error:  # whatever it is, the controls must not say what the curves do not show
            self.tell(reason(error))
            self.sidebar.follow(self.view)
            self._follow_readouts()
            return
        self.view, self.course = view, course
        self.sidebar.follow(view)
        self._draw()

    def _draw(self) -> None:
        self.tell(_problem(self.course))
        self.plots.show(self.view.readouts, self.course, self.pins)
        self._follow_readouts()
        legend = _legend([self.course, *(pin.course for pin in self.pins)])
        if self.legend.object != legend:
            self.legend.object = legend
        self._list_pins()
        self.ends.write(end_values(self.view.readouts, self.course, self.pins))
        self.data.follow(self.view)
        self.claims.follow(self.view)
        self.export.follow()

    def _follow_readouts(self) -> None:
        """Show which read-outs there are and are drawn; Panel drops those that are gone by itself."""
        options, value = self._readout_options(), list(self.view.readouts)
        if self.readouts.options == options and set(self.readouts.value) == set(value):
            return
        self._follows = True
        try:
            self.readouts.param.update(options=options, value=value)
        finally:
            self._follows = False

    def _list_pins(self) -> None:
        if self._listed != self.pins:
            self._listed = self.pins
            self.pin_list.objects = [self._pin_row(pin) for pin in self.pins]

    def _pin_row(self, pin: Pin) -> pn.Row:
        told = f"{sample(pin)} {escape(pin.name)}"
        button = pn.widgets.Button(name="Remove", width=80, height=28, align="center", **BESIDE)
        button.on_click(lambda _: in_turn(lambda: self.unpin(pin.number)))
        return pn.Row(button, text_pane(told, align="center"), sizing_mode="stretch_width")

    def _readout_options(self) -> dict[str, str]:
        return {readout_in_words(name): name for name in self.view.known_readouts()}


def _problem(course: Course) -> str:
    if course.problem:
        return f"The run failed, so there are no curves: {course.problem}"
    if course.vehicle_problem:
        return f"The vehicle well failed, so nothing relative to it is drawn: {course.vehicle_problem}"
    return ""


def _legend(courses: Sequence[Course]) -> str:
    hosts = dict.fromkeys(host for course in courses for host in course.scenario.hosts)
    marks = [
        f'<span class="key"><span class="swatch" style="background:{colour_of(host)}"></span>'
        f"{host or 'medium'}</span>"
        for host in (*hosts, "")
    ]
    return f'<div class="legend">{"".join(marks)}</div>'
