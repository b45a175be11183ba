"""The section on data: load an assay table and see it over the model with the parameters of the sliders."""

from __future__ import annotations

import asyncio
from functools import partial
from html import escape
from typing import Any

import panel as pn

from nicheloop.assays.tables.frame import AssayTable
from nicheloop.data.shipped import data_names, load_data
from nicheloop.explorer.claims import Setting
from nicheloop.explorer.data import Overlaid, overlay, read_table, told
from nicheloop.explorer.data_plots import DataPlots
from nicheloop.explorer.live import LiveText, notice, reason
from nicheloop.explorer.style import BESIDE, text_pane
from nicheloop.explorer.turns import in_turn
from nicheloop.explorer.view import View

ABOUT = (
    "The wells of the table are run as the table says; of the sliders, the parameters of the model and the "
    "explanations of resistance and promoter count (where the table asks for none), doses and densities do "
    "not. "
    "Points are measured, lines and dashes are the model."
)
NONE = "choose…"
COMPUTING = "The model is being run with these parameters…"


class DataSection:
    """One assay table at a time; a file that cannot be read is told, and what was shown is taken away."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._running = False
        self.source: AssayTable | None = None
        self.shown: Overlaid | None = None
        self._setting: Setting | None = None
        wide: dict[str, Any] = {"sizing_mode": "stretch_width"}
        self.file = pn.widgets.FileInput(
            name="Assay table (CSV or Excel)", accept=".csv,.tsv,.txt,.xlsx", **BESIDE
        )
        self.example = pn.widgets.Select(
            name="or published data that ship with the package",
            options={NONE: ""} | {name.replace("_", " "): name for name in data_names()},
            **BESIDE,
        )
        self.file.param.watch(lambda event: in_turn(lambda: self._file(event.new)), "value")
        self.example.param.watch(lambda event: in_turn(lambda: self._example(event.new)), "value")
        self.notice = LiveText()
        self.told = text_pane()
        self.plots = DataPlots()
        self.panel = pn.Column(
            pn.Row(self.file, self.example), text_pane(f"<p>{ABOUT}</p>"), self.notice, self.told,
            self.plots.panel, visible=False, **wide,
        )  # fmt: skip

    def _file(self, content: bytes | None) -> None:
        if content:
            self.load(self.file.filename or "table", content)

    def _example(self, name: str) -> None:
        if name:
            self._take(load_data(name))

    def load(self, name: str, content: bytes) -> None:
        """Take a file; what is wrong with it is told, one line per problem."""
        self.example.value = ""  # so that what was chosen there can be chosen again
        try:
            self._take(read_table(name, content))
        except Exception as error:
            self.source = None
            self.told.object = ""
            self._refuse(None, reason(error))

    def _take(self, table: AssayTable) -> None:
        self.source, self._setting, self.shown = table, None, None
        self.plots.clear()
        self.told.object = f"<p><b>{escape(told(table))}</b></p>"
        self.refresh()

    def follow(self, view: View) -> None:
        """Note where the sliders are now, and lay the model over the table anew if that matters."""
        self._view = view
        if self.source is not None and Setting.of(view) != self._setting:
            self.refresh()

    def refresh(self) -> None:
        """Lay the model over the table in the background, unless that is going on."""
        self.tell(COMPUTING, "status")
        if not self._running:
            self._running = True
            pn.state.execute(self._run)

    async def _run(self) -> None:
        try:
            # What was moved meanwhile is done in the next round; what that supersedes is never run.
            while self.source is not None and Setting.of(self._view) != self._setting:
                setting, table = Setting.of(self._view), self.source
                try:
                    shown = await asyncio.to_thread(overlay, table, setting)
                except Exception as error:
                    in_turn(partial(self._refuse, table, reason(error)))
                else:
                    in_turn(partial(self._show, table, setting, shown))
                if table is self.source:
                    self._setting = setting
        finally:
            self._running = False

    def _show(self, table: AssayTable, setting: Setting, shown: Overlaid) -> None:
        if table is not self.source:
            return
        self.shown = shown
        self.plots.show(shown)
        if setting == Setting.of(self._view):  # else these lines are of an earlier setting, and that is told
            self.tell(f"No model values for some wells: {shown.problem}" if shown.problem else "")

    def _refuse(self, table: AssayTable | None, message: str) -> None:
        if table is self.source:
            self.shown = None
            self.plots.clear()
            self.tell(message)

    def tell(self, message: str, role: str = "alert") -> None:
        """Show a message, line by line; an empty one takes it away."""
        self.notice.write(notice(message, role))
