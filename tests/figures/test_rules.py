"""What every figure keeps to: drawn where it is told, labelled with units, told apart by all eyes."""

from __future__ import annotations

import re
import sys
from itertools import combinations
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

import nicheloop as nl

sys.path.insert(0, str(Path(__file__).parent))
from examples import EXAMPLES, dose_response, effects, profiles, quality, search, surface, wiring

from nicheloop.analysis.fit.fit import Fit
from nicheloop.analysis.fit.profile import Profile
from nicheloop.equations.network import Network, Reaction
from nicheloop.equations.system import compile_network
from nicheloop.figures.doses import decades
from nicheloop.figures.style import HOST_COLOURS, OTHER_COLOURS, SINGLE, figure_of

# Machado GM, Oliveira MM, Fernandes LAF, IEEE Trans Vis Comput Graph 2009;15:1291, severity 1, linear RGB.
BLINDNESS = {
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
}
NAMED = {
    "panel_bars", "factorial", "tornado", "interactions", "fitted_parameters", "prior_and_ensemble",
    "profile", "profiles", "residuals", "sensitivity_map",
}  # fmt: skip
"""Figures with an axis of names, or of panels that share the label of the first, which needs no label."""
UNITLESS = {
    "start, best first", "objective above the best", "objective above lowest", "objective\nabove lowest",
    "predicted", "expected of normal noise", "share of the variance", "mean size of effects, μ*",
    "standard deviation of effects, σ",
}  # fmt: skip
"""Labels of quantities that have no unit, or of axes that carry names."""


@pytest.mark.parametrize("name", EXAMPLES)
def test_drawn_into_the_axes_given_and_nowhere_else(name: str) -> None:
    example, before = EXAMPLES[name], dict(matplotlib.rcParams)
    figure = Figure(figsize=(7.2, 4.0), layout="constrained")
    axes = list(np.ravel(figure.subplots(1, example.panels)))
    drawn = example.draw(ax=axes if example.panels > 1 else axes[0])
    assert figure_of(drawn) is figure
    assert all(ax.has_data() or ax.patches for ax in axes)
    assert dict(matplotlib.rcParams) == before
    assert "matplotlib.pyplot" not in vars(sys.modules[nl.figures.plot.__module__])
    figure.draw_without_rendering()


@pytest.mark.parametrize("name", [name for name, example in EXAMPLES.items() if not example.bare])
def test_axes_have_units(name: str) -> None:
    figure = figure_of(EXAMPLES[name].draw())
    for ax in figure.axes:
        for axis in (ax.xaxis, ax.yaxis):
            label = axis.get_label_text()
            named = (
                bool(re.search(r"\[[^\]]+\]", label)) or label in UNITLESS or ax.get_label() == "<colorbar>"
            )
            named |= label.startswith("parameter sets") or (not label and name in NAMED)
            assert named, f"{name}: {label!r} has no unit"
        told = ax.get_xlabel() + ax.get_ylabel()
        assert told or ax.get_label() == "<colorbar>" or any(t.get_text() for t in ax.get_xticklabels())


@pytest.mark.parametrize("name", EXAMPLES)
def test_type_is_large_enough_to_be_printed(name: str) -> None:
    figure = figure_of(EXAMPLES[name].draw())
    figure.draw_without_rendering()
    sizes = [text.get_fontsize() for text in figure.findobj(matplotlib.text.Text) if text.get_text().strip()]
    assert min(sizes) >= 5.9


@pytest.mark.parametrize("name", [name for name, one in EXAMPLES.items() if one.panels == 1])
def test_nothing_is_cut_off(name: str) -> None:
    figure = figure_of(EXAMPLES[name].draw())
    figure.draw_without_rendering()
    frame = figure.bbox
    texts = [
        text for ax in figure.axes for text in (ax.title, ax._left_title, ax.xaxis.label, ax.yaxis.label)
    ]  # type: ignore[attr-defined]
    for text in texts:
        if text.get_text():
            box = text.get_window_extent()
            assert frame.x0 - 1 <= box.x0
            assert box.x1 <= frame.x1 + 1, text.get_text()
            assert frame.y0 - 1 <= box.y0
            assert box.y1 <= frame.y1 + 1, text.get_text()


def test_every_function_has_an_example() -> None:
    public = sorted(nl.figures.__all__, key=len)
    drawn = {
        [one for one in public if f"{name}_".startswith(f"{one}_")][-1]
        for name in EXAMPLES
        if name != "plot_overlay"
    }
    assert drawn == set(public) - {"house_style", "plot", "save"}


def test_too_few_axes_are_refused() -> None:
    with pytest.raises(ValueError, match="got 1 axes, expected 3"):
        nl.figures.waterfalls(effects(), ax=Figure().subplots())


def lab(colour: str, matrix: list[list[float]] | None = None) -> np.ndarray:
    """CIELAB of a colour as it is seen."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    if matrix is not None:
        linear = np.clip(np.array(matrix) @ linear, 0, 1)
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ linear
    scaled = xyz / np.array([0.9505, 1.0, 1.089])
    f = np.where(scaled > 0.008856, np.cbrt(scaled), 7.787 * scaled + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("eyes", [None, *BLINDNESS])
def test_colours_are_told_apart(eyes: str | None) -> None:
    matrix = BLINDNESS[eyes] if eyes else None
    hosts = list(HOST_COLOURS.values())
    for one, other in combinations([*hosts, *OTHER_COLOURS], 2):
        assert np.linalg.norm(lab(one, matrix) - lab(other, matrix)) > 10, (eyes, one, other)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.1, 100.0, [0.1, 1.0, 10.0, 100.0]),
        (0.3, 40.0, [1.0, 10.0]),
        (10**-1.0000000001, 0.9999999999, [0.1, 1.0]),
        (2.0, 7.0, [2.0, 7.0]),
        (1e-12, 3e-11, [1e-12, 1e-11]),
    ],
)
def test_doses_are_marked_at_powers_of_ten(low: float, high: float, expected: list[float]) -> None:
    assert decades(low, high) == expected


def test_the_right_figure_is_picked() -> None:
    def label(figure: Figure) -> str:
        return figure.axes[-1].get_ylabel()

    assert label(nl.figures.plot(surface())).startswith("Bliss excess")
    assert label(nl.figures.plot(surface(), kind="heatmap")) == "[fraction]"
    curve = surface().isel(il1ra=0, drop=True)
    assert label(nl.figures.plot(curve)) == "viability [fraction]"
    assert "IC50" in nl.figures.plot(curve).axes[0].get_legend().get_texts()[0].get_text()  # type: ignore[union-attr]
    ax = Figure().subplots()
    assert nl.figures.plot(dose_response(), ax=ax) is ax.figure
    assert isinstance(nl.figures.plot(effects()[0]).axes[0], Axes)
    assert figure_of(nl.figures.dose_response(dose_response())).get_figwidth() == pytest.approx(SINGLE)


def test_what_is_read_off_a_curve_is_no_response() -> None:
    curve = surface().isel(il1ra=0, drop=True).rename(viability="viability_ic50")
    curve["viability_ic50"].attrs |= {"summary": "ic50"}
    assert nl.figures.plot(curve).axes[0].get_title(loc="left") == "viability ic50"  # a panel
    late = surface().isel(il1ra=0, drop=True).rename(viability="viability_final_48h")
    del late["viability_final_48h"].attrs["readout"]
    assert nl.figures.plot(late).axes[0].get_ylabel() == "viability final 48h [fraction]"
    falling = surface() - 0.5
    falling["viability"].attrs |= {"readout": "gr", "units": "1"}
    assert len(nl.figures.plot(falling).axes[0].get_lines()) > 1  # no synergy of what falls below 0


def test_plain_results_are_drawn_by_what_they_are() -> None:
    unplaced = nl.figures.plot(wiring(False))
    assert len(unplaced.axes[0].texts) > len(wiring(False).nodes)
    assert nl.figures.plot(search()).axes[0].get_title(loc="left") == "Where the starts ended"
    assert nl.figures.plot(quality()).axes[1].get_xlabel() == "expected of normal noise"
    x = np.linspace(-1.0, 1.0, 5)
    points = np.zeros((5, 1))
    one = Profile("k", True, (-1.0, 1.0), x, x**2, 2 * x, points, x**2, ("bound", "bound"), 9, 0)
    assert nl.figures.plot(one).axes[0].get_title(loc="left") == "k"
    decay = compile_network(
        Network("decay", ("A()",), ("k",), (1.0,), (), (), (Reaction("k*__s0", ((0, -1),)),), ((0, "k"),))
    )
    assert nl.figures.plot(decay).axes


def test_an_option_that_a_figure_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match=r"unknown option of kind='synergy' 'metod', did you mean 'method'"):
        nl.figures.plot(surface(), metod="loewe")
    with pytest.raises(ValueError, match=r"kind='heatmap' has no options, got method="):
        nl.figures.plot(surface(), kind="heatmap", method="loewe")


def test_a_kind_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(ValueError, match=r"heatmp.*did you mean 'heatmap'.*bell.*synergy"):
        nl.figures.plot(surface(), kind="heatmp")
    with pytest.raises(TypeError, match="cannot draw a int"):
        nl.figures.plot(3)
    with pytest.raises(ValueError, match="expected one of: a, b"):
        nl.figures.plot(surface().rename(viability="a").assign(b=0), kind="synergy")


def test_a_fit_draws_its_profiles_or_where_its_starts_ended() -> None:
    plain = Fit(None, search(), None, None, 0)  # type: ignore[arg-type]
    assert plain.plot().axes[0].get_title(loc="left") == "Where the starts ended"
    profiled = Fit(None, search(), profiles(), None, 0)  # type: ignore[arg-type]
    assert [ax.get_title(loc="left") for ax in profiled.plot().axes] == ["k_on", "k_off"]
    with pytest.raises(ValueError, match="none were computed"):
        plain.plot("profiles")
    with pytest.raises(ValueError, match="unknown figure 'waterfal'"):
        plain.plot("waterfal")
