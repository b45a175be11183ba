"""Figures in notebooks.

IPython shows a figure as a picture only once pyplot or ``%matplotlib inline`` has told it how. Ours are drawn
outside of pyplot, so they say it themselves; what a notebook has been told already is left alone.
"""

from __future__ import annotations

import sys
from io import BytesIO
from typing import Any

from matplotlib.figure import Figure

from nicheloop.execution.progress import in_notebook

SHOWN = 1.35
"""Pixels on the screen per 1/100 inch: 7 pt, the size of text in a journal, is small on a screen."""
SHARP = 2
"""Pixels of the picture per pixel on the screen."""


def shown_in_notebooks() -> None:
    """Have the running notebook, if there is one, show figures as pictures; called whenever one is drawn."""
    if not in_notebook():
        return
    shell: Any = sys.modules["IPython"].get_ipython()
    formatter = shell.display_formatter.formatters["image/png"]
    try:
        formatter.lookup_by_type(Figure)
    except KeyError:
        formatter.for_type(Figure, picture)


def picture(figure: Figure) -> tuple[bytes, dict[str, int]]:
    """Return a figure as PNG, and its size on the screen."""
    target = BytesIO()
    figure.savefig(target, format="png", dpi=100 * SHOWN * SHARP)
    width, height = (round(100 * SHOWN * inches) for inches in figure.get_size_inches())
    return target.getvalue(), {"width": width, "height": height}
