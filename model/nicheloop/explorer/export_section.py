"""The section on export: figure, CSV, scenario, and the Python lines that give the same numbers."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import panel as pn

from nicheloop.explorer import exports
from nicheloop.explorer.live import reason
from nicheloop.explorer.style import BESIDE, WIDGET, text_pane

if TYPE_CHECKING:
    from nicheloop.explorer.page import Page

FIGURES = ("png", "svg")
COPY = """
navigator.clipboard.writeText(lines.value);
button.label = "Copied";
setTimeout(() => { button.label = "Copy"; }, 1500);
"""


class ExportSection:
    """Files are made when they are asked for, of what is shown at that moment."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.buttons = {
            name: self._button(label, name, make)
            for name, label, make in (
                ("png", "Figure (PNG)", lambda: self.figure("png")),
                ("svg", "Figure (SVG)", lambda: self.figure("svg")),
                ("csv", "Curves (CSV)", lambda: self._csv().encode()),
                ("toml", "Scenario (TOML)", lambda: exports.to_scenario(page.view).encode()),
                ("py", "Python lines", lambda: exports.to_python(page.view, page.pins).encode()),
            )
        }
        self.lines = pn.widgets.TextAreaInput(
            name="Python lines that give these numbers", rows=18, max_length=100_000,
            max_rows=40, sizing_mode="stretch_width",
            stylesheets=[WIDGET, "textarea { font-family: monospace; }"],
        )  # fmt: skip
        copy = pn.widgets.Button(name="Copy", width=90, **BESIDE)
        copy.js_on_click(args={"lines": self.lines, "button": copy}, code=COPY)
        about = text_pane(
            "<p>Of what is shown, and of pinned curves. The scenario holds the parameters that were moved: "
            "<code>nicheloop simulate</code> runs it again.</p>"
        )
        self.panel = pn.Column(
            about,
            pn.FlexBox(*self.buttons.values()),
            copy,
            self.lines,
            visible=False,
            sizing_mode="stretch_width",
        )

    def follow(self) -> None:
        """Name the files after the scenario, and write the lines anew, if anybody can see them."""
        page = self._page
        stem = page.view.base.name.partition("[")[0]
        blank = not exports.can_be_drawn(page.view, page.course, page.pins)
        for ending, button in self.buttons.items():
            wanted = {"filename": f"{stem}.{ending}", "disabled": blank and ending in FIGURES}
            changed = {name: new for name, new in wanted.items() if getattr(button, name) != new}
            if changed:
                button.param.update(**changed)
        if self.panel.visible:
            self.lines.value = exports.to_python(self._page.view, self._page.pins)

    def figure(self, ending: str) -> bytes:
        """Return what is shown as PNG or SVG."""
        page = self._page
        return exports.figure_file(exports.draw(page.view, page.course, page.pins), ending)

    def _csv(self) -> str:
        page = self._page
        return exports.to_csv(page.view, page.course, page.pins)

    def _button(self, label: str, ending: str, make: Callable[[], bytes]) -> Any:
        def made() -> io.BytesIO:
            try:
                return io.BytesIO(make())
            except Exception as error:
                self._page.tell(reason(error))
                raise  # an empty file would be worse than none

        return pn.widgets.FileDownload(
            callback=made, filename=f"nicheloop.{ending}", label=label, button_type="primary", width=150,
            **BESIDE,
        )  # fmt: skip
