"""Text that may change while a slider is dragged.

A text pane of Panel lays out the page anew with every change; the browser then lets go of a slider that is
held.
"""

from __future__ import annotations

from html import escape

import param
from panel.custom import JSComponent

from nicheloop.explorer.style import TEXT


class LiveText(JSComponent):  # type: ignore[misc]
    """HTML that is replaced in its place.

    Parameters
    ----------
    object : str
        HTML; what comes from a user must be escaped.
    """

    object = param.String()

    _esm = """
    export function render({ model, el }) {
      const show = () => { el.innerHTML = model.object; };
      model.on("object", show);
      show();
    }
    """
    _stylesheets = (TEXT,)

    def __init__(self, text: str = "") -> None:
        super().__init__(object=text, sizing_mode="stretch_width", margin=0)

    def write(self, text: str) -> None:
        """Show another text, if it is another."""
        if self.object != text:
            self.object = text


def reason(error: Exception) -> str:
    """Return what an error says; of one that nobody foresaw, its kind, too."""
    return str(error) if isinstance(error, (ValueError, OSError)) else f"{type(error).__name__}: {error}"


def notice(message: str, role: str = "alert") -> str:
    """Return a message, line by line, as HTML that is spoken when it appears; nothing for an empty one."""
    lines = "<br>".join(escape(line) for line in message.splitlines())
    return f'<div class="notice" role="{role}">{lines}</div>' if message else ""
