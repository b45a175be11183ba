"""A notebook shows figures that pyplot does not know of."""

from __future__ import annotations

import struct
import sys
from types import SimpleNamespace

import pytest
from matplotlib.figure import Figure

from nicheloop.figures.notebook import picture, shown_in_notebooks
from nicheloop.figures.style import house_style


class Formatter:
    """What IPython keeps for one kind of output."""

    def __init__(self) -> None:
        self.known: dict[type, object] = {}

    def lookup_by_type(self, kind: type) -> object:
        return self.known[kind]

    def for_type(self, kind: type, function: object) -> None:
        self.known[kind] = function


@pytest.fixture
def formatter(monkeypatch: pytest.MonkeyPatch) -> Formatter:
    formatter = Formatter()
    shell = SimpleNamespace(
        kernel=None, display_formatter=SimpleNamespace(formatters={"image/png": formatter})
    )
    monkeypatch.setitem(
        sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell, version_info=(9, 0))
    )
    return formatter


def test_a_notebook_learns_it_with_the_first_figure(formatter: Formatter) -> None:
    with house_style():
        pass
    assert formatter.known == {Figure: picture}


def test_what_a_notebook_has_been_told_is_left_alone(formatter: Formatter) -> None:
    formatter.known[Figure] = "of pyplot"
    shown_in_notebooks()
    assert formatter.known == {Figure: "of pyplot"}


def test_a_picture_is_sharper_than_its_size_on_the_screen() -> None:
    png, size = picture(Figure(figsize=(2, 1)))
    assert struct.unpack(">II", png[16:24]) == (2 * size["width"], 2 * size["height"])
    assert size["width"] == 2 * size["height"]
