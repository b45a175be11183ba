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
from nicheloop.explorer.style import BESIDE, text_pane
from nicheloop.explorer.turns import in_turn
from nicheloop.explorer.view import View

ABOUT = (
    "The wells of the table are run as the table says; of the sliders, the parameters of the model and the "
    "explanation of resistance count, doses and densities do not. "
    "Points are measured, lines and dashes are the model."
)
NONE = "choose…"


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
        self.notice = text_pane(visible=False)
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
        try:
            self._take(read_table(name, content))
        except (ValueError, OSError) as error:
            self.source = None
            self.told.object = ""
            self._refuse(str(error))

    def _take(self, table: AssayTable) -> None:
        self.source, self._setting = table, None
        self.tell("")
        self.told.object = f"<p><b>{escape(told(table))}</b></p>"
        self.refresh()

    def follow(self, view: View) -> None:
        """Note where the sliders are now, and lay the model over the table anew if that matters."""
        self._view = view
        if self.source is not None and Setting.of(view) != self._setting:
            self.refresh()

    def refresh(self) -> None:
        """Lay the model over the table in the background, unless that is going on."""
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
                except ValueError as error:
                    in_turn(partial(self._refuse, str(error)))
                else:
                    in_turn(partial(self._show, table, shown))
                if table is self.source:
                    self._setting = setting
        finally:
            self._running = False

    def _show(self, table: AssayTable, shown: Overlaid) -> None:
        if table is self.source:
            self.shown = shown
            self.plots.show(shown)
            self.tell(f"No model values for some wells: {shown.problem}" if shown.problem else "")

    def _refuse(self, message: str) -> None:
        self.shown = None
        self.plots.clear()
        self.tell(message)

    def tell(self, message: str) -> None:
        """Show a message, line by line; an empty one takes it away."""
        lines = "<br>".join(escape(line) for line in message.splitlines())
        shown = f'<div class="notice" role="alert">{lines}</div>' if message else ""
        if self.notice.object != shown:
            self.notice.param.update(object=shown, visible=bool(message))
