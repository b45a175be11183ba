"""The page as a value that a notebook shows."""

from __future__ import annotations

from typing import Any

import panel as pn

from nicheloop.explorer.courses import Course
from nicheloop.explorer.page import Page
from nicheloop.explorer.view import View


class Explorer:
    """The explorer in a notebook.

    Parameters
    ----------
    view : View
        What to show first.
    """

    def __init__(self, view: View) -> None:
        _load_into_notebook()
        self.page = Page(view)

    @property
    def view(self) -> View:
        """What is shown now."""
        return self.page.view

    @property
    def course(self) -> Course:
        """What came of it: its curves, or why there are none."""
        return self.page.course

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        return self.page.panel._repr_mimebundle_(include, exclude)

    def __repr__(self) -> str:
        return f"Explorer({self.view.label!r})"


def _load_into_notebook() -> None:
    """Give the notebook, if this is one, the code of the widgets: inline, from the installed package."""
    try:
        from IPython import get_ipython
    except ImportError:
        return
    if get_ipython() is not None and not pn.extension._loaded:
        pn.extension(inline=True)
