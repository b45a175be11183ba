"""The section on export: figure, CSV, scenario, and the Python lines that give the same numbers."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import panel as pn

from nicheloop.explorer import exports
from nicheloop.explorer.style import BESIDE, WIDGET, text_pane

if TYPE_CHECKING:
    from nicheloop.explorer.page import Page

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
                ("png", "Figure (PNG)", lambda: self.figure()[0]),
                ("svg", "Figure (SVG)", lambda: self.figure()[1]),
                ("csv", "Curves (CSV)", lambda: self._csv().encode()),
                ("toml", "Scenario (TOML)", lambda: exports.to_scenario(page.view).encode()),
                ("py", "Python lines", lambda: exports.to_python(page.view, page.pins).encode()),
            )
        }
        self.lines = pn.widgets.TextAreaInput(
            name="Python lines that give these numbers", rows=18, max_length=100_000, auto_grow=True,
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
        """Write the lines anew, if anybody can see them."""
        if self.panel.visible:
            self.lines.value = exports.to_python(self._page.view, self._page.pins)

    def figure(self) -> tuple[bytes, bytes]:
        """Return what is shown as PNG and SVG."""
        page = self._page
        return exports.figure_files(exports.draw(page.view, page.course, page.pins))

    def _csv(self) -> str:
        page = self._page
        return exports.to_csv(page.view, page.course, page.pins)

    def _button(self, label: str, ending: str, make: Callable[[], bytes]) -> Any:
        def made() -> io.BytesIO:
            try:
                return io.BytesIO(make())
            except ValueError as error:
                self._page.tell(str(error))
                return io.BytesIO(b"")

        return pn.widgets.FileDownload(
            callback=made, filename=f"{self._page.view.base.name.partition('[')[0]}.{ending}", label=label,
            button_type="primary", width=150, **BESIDE,
        )  # fmt: skip
