"""Figures of a fit show what was found."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from nicheloop.analysis.fit.quality import Quality
from nicheloop.analysis.fit.search import Optimum, Search
from nicheloop.analysis.fit.story import Estimate
from nicheloop.figures.fit import LEVELS, fitted_parameters, profiles, residuals, starts
from nicheloop.figures.style import save


def optimum(value: float, start: int) -> Optimum:
    return Optimum(np.zeros(1), value, start, np.zeros(1), 3, 0, "")


class Curve:
    """A profile as the figure needs it: a parabola."""

    def __init__(self, name: str, verdict: str, logarithmic: bool) -> None:
        self.name, self.verdict, self.logarithmic = name, verdict, logarithmic
        self.x = np.linspace(-1.0, 1.0, 9)
        self.values = np.array([self.height(at) for at in self.x])
        self.numbers = 10.0**self.x if logarithmic else self.x
        self.lowest = (0.0, 0.0)

    def height(self, at: float) -> float:
        return 4.0 * at * at


def test_the_waterfall_shows_every_start_and_marks_those_that_failed() -> None:
    search = Search(("k",), (optimum(1.0, 0), optimum(1.0, 2), optimum(9.0, 1), optimum(np.inf, 3)), 0.0)
    ax = starts(search)
    drawn, crosses = ax.lines[0], ax.lines[1]
    np.testing.assert_array_equal(drawn.get_xdata(), [1, 2, 3])
    assert drawn.get_ydata()[2] == pytest.approx(8.0)
    assert list(crosses.get_xdata()) == [4]
    assert "failed" in [text.get_text() for text in ax.get_legend().get_texts()]


def test_each_parameter_has_a_profile_with_its_thresholds(tmp_path: Any) -> None:
    found: Any = {
        "k_on": Curve("k_on", "identifiable", True),
        "a_parameter_with_a_very_long_name_K562R": Curve(
            "a_parameter_with_a_very_long_name_K562R", "flat", False
        ),
    }
    figure = profiles(found, {"k_on": "1/h"})
    shown = [ax for ax in figure.axes if ax.axison]
    assert [ax.get_title(loc="left").replace("\n", "") for ax in shown] == list(found)
    assert shown[0].get_xscale() == "log"
    assert shown[1].get_xscale() == "linear"
    assert shown[0].get_xlabel() == "[1/h]"
    for rise, _ in LEVELS:
        assert any(np.allclose(line.get_ydata(), rise) for line in shown[0].lines)
    assert "flat" in [text.get_text() for text in figure.legends[0].get_texts()]
    png, svg = save(figure, tmp_path / "profiles")
    assert png.stat().st_size > 1000
    assert svg.stat().st_size > 1000


@pytest.mark.parametrize("low", [0.0, 0.01])
def test_residuals_are_drawn_against_prediction_dose_and_normal_quantiles(low: float, tmp_path: Any) -> None:
    values = np.array([0.5, -1.0, np.nan, 2.0, -3.0])
    found: Any = object.__new__(Quality)
    object.__setattr__(found, "found", type("E", (), {"residuals": values, "predictions": np.arange(5.0)})())
    figure = residuals(found, [("imatinib [uM]", np.array([low, 0.1, 1.0, 10.0, 100.0]))])
    against, dose, quantiles = figure.axes
    np.testing.assert_array_equal(against.lines[-1].get_ydata(), values[[0, 1, 3, 4]])
    np.testing.assert_array_equal(dose.lines[-1].get_xdata(), [low, 0.1, 10.0, 100.0])
    assert dose.get_xlabel() == "imatinib [µM]"
    np.testing.assert_array_equal(quantiles.lines[-1].get_ydata(), np.sort(values[[0, 1, 3, 4]]))
    low_end, high_end = against.get_ylim()
    assert low_end < -3.0
    assert high_end > 3.0
    save(figure, tmp_path / "residuals")


def test_all_quantiles_are_in_the_frame() -> None:
    values = np.linspace(-1, 1, 400)
    found: Any = object.__new__(Quality)
    object.__setattr__(found, "found", type("E", (), {"residuals": values, "predictions": values})())
    quantiles = residuals(found).axes[-1]
    low, high = quantiles.get_xlim()
    x = quantiles.lines[-1].get_xdata()
    assert low < min(x)
    assert max(x) < high


def test_open_ends_are_arrows_and_numbers_stand_beside() -> None:
    one = Estimate("k", "1/h", 1, 0.1, 10, 2, 1, 4, 1, 4, "identifiable", 0.5, 0.1, 0.9)
    flat = replace(one, name="f", low=0.0, high=np.inf, verdict="flat", z_low=-np.inf, z_high=np.inf)
    ax = fitted_parameters([one, flat])
    texts = [text.get_text() for text in ax.texts]
    assert texts[0].startswith("2 (1 to 4) 1/h")
    assert "∞" in texts[1]
    markers = [line.get_marker() for line in ax.lines]
    assert markers.count("<") == markers.count(">") == 1
    assert [label.get_text() for label in ax.get_yticklabels()] == ["k", "f"]


def test_the_legend_of_all_verdicts_lies_inside_the_figure() -> None:
    verdicts = ("identifiable", "bounded below", "bounded above", "flat")
    one = Estimate("k", "pg/1e6 cells/24 h", 1, 0.1, 10, 2, 1, 4, 1, 4, "flat", 0.5, 0.1, 0.9)
    ax = fitted_parameters(
        [replace(one, name=f"k{i}", verdict=verdict) for i, verdict in enumerate(verdicts)]
    )
    figure = ax.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()
    (legend,) = figure.legends
    assert len(legend.get_texts()) == 1 + len(verdicts)
    for box in (legend.get_window_extent(), *(text.get_window_extent() for text in ax.texts)):
        assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1
