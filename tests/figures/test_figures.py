"""Every figure: labelled axes with units, the numbers it was given, legible ticks, colours of the hosts."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

from nicheloop.analysis.curves import half_dose
from nicheloop.analysis.dose_response import DoseResponse, dose_curve
from nicheloop.analysis.evidence import Band, Effect, Panel, Series
from nicheloop.figures.calibration import prior_and_ensemble
from nicheloop.figures.doses import bell, dose_response, exact, short
from nicheloop.figures.effects import waterfall
from nicheloop.figures.panels import panel
from nicheloop.figures.style import HOST_COLOURS, MM, colours, new_axes, save

CATEGORIES = ("none", "IL-1Ra", "anti-IL-1β", "IL1B knock-down")


def series(label: str, group: str, x: np.ndarray, y: np.ndarray) -> Series:
    return Series(label, x, y, 0.9 * y, 1.1 * y, 0.1 * y, 100 * y, group)


def made(kind: str, xscale: str = "linear", yscale: str = "linear", several: bool = True) -> Panel:
    x = {"bars": np.arange(4.0), "timecourse": np.linspace(0, 72, 30)}.get(kind, np.geomspace(0.01, 30, 12))
    y = 1 / (1 + x)
    found = [series("K562S", "K562S", x, y), series("K562R", "K562R", x, 2 * y)][: 2 if several else 1]
    bands = (Band("x", 0.2, 0.4, "published", "Blood"),) if kind == "dose_response" else ()
    names = CATEGORIES if kind == "bars" else ()
    return Panel(
        "S1",
        "name",
        "A title",
        kind,
        "imatinib [µM]",
        "viable [fraction]",
        xscale,
        yscale,
        tuple(found),
        bands,
        names,
    )


ALL = [
    made("dose_response", "log"),
    made("timecourse"),
    made("timecourse", yscale="log"),
    made("bell", "log"),
    made("bars"),
    made("bars", yscale="log"),
]


@pytest.mark.parametrize("given", ALL, ids=lambda given: f"{given.kind}-{given.yscale}")
def test_axes_are_labelled_with_units_and_fit_a_column(given: Panel, tmp_path: Path) -> None:
    ax = panel(given)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("imatinib [µM]", "viable [fraction]")
    assert ax.get_title(loc="left") == "A title"
    assert ax.get_yscale() == given.yscale
    assert ax.figure.get_figwidth() == pytest.approx(89 * MM)
    png, svg = save(ax, tmp_path / "figure")
    assert png.stat().st_size > 1000
    assert "imatinib [µM]" in svg.read_text(encoding="utf-8")


@pytest.mark.parametrize("given", ALL, ids=lambda given: f"{given.kind}-{given.yscale}")
def test_default_and_ensemble_are_in_the_frame_though_the_prior_is_wide(given: Panel) -> None:
    low, high = panel(given).get_ylim()
    for one in given.series:
        assert one.high is not None
        assert one.low is not None
        assert low <= one.low.min()
        assert one.high.max() <= high
        assert one.prior_high is not None
        assert high < one.prior_high.max()


def test_tick_labels_do_not_overlap() -> None:
    for given in ALL:
        ax = panel(given)
        figure = ax.get_figure(root=True)
        assert figure is not None
        figure.draw_without_rendering()
        frame = figure.bbox
        for axis in (ax.xaxis, ax.yaxis):
            boxes = [label.get_window_extent() for label in axis.get_ticklabels() if label.get_text()]
            inside = [box for box in boxes if frame.x0 <= box.x0 and box.x1 <= frame.x1 + 1]
            assert len(inside) >= 2
            ends = [(box.x0, box.x1) if axis is ax.xaxis else (box.y0, box.y1) for box in inside]
            assert all(a[1] <= b[0] for a, b in pairwise(ends)), given.kind


def test_a_curve_holds_the_numbers_given() -> None:
    given = made("dose_response", "log")
    drawn = {line.get_label(): line for line in panel(given).get_lines()}
    np.testing.assert_array_equal(drawn["K562R"].get_ydata(), given.series[1].default)
    np.testing.assert_array_equal(drawn["K562R"].get_xdata(), given.series[1].x)


def test_a_logarithmic_axis_leaves_out_dose_zero() -> None:
    x = np.array([0.0, 0.1, 1.0])
    one = Series("K562R", x, np.array([3.0, 2.0, 1.0]))
    given = Panel("S1", "n", "t", "dose_response", "x [nM]", "y [1]", "log", "linear", (one,))
    assert panel(given).get_lines()[0].get_xdata().tolist() == [0.1, 1.0]


def test_bars_start_at_zero_and_are_as_high_as_the_default() -> None:
    given = made("bars")
    bars = [bar for group in panel(given).containers for bar in group]
    heights = sorted(bar.get_height() for bar in bars)
    assert heights == sorted(np.concatenate([one.default for one in given.series]).tolist())
    assert {bar.get_y() for bar in bars} == {0.0}


def test_the_published_range_is_in_the_legend() -> None:
    legend = panel(made("dose_response", "log")).get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["K562S", "K562R", "published"]


def test_hosts_have_their_colour_and_nothing_else_has_it() -> None:
    drawn = {line.get_label(): line for line in panel(made("timecourse")).get_lines()}
    assert to_hex(str(drawn["K562S"].get_color())).upper() == HOST_COLOURS["K562S"]
    found = colours(["stroma", "a", "K562R", "b", "c", "a"])
    assert found[0] == HOST_COLOURS["stroma"]
    assert found[1] == found[5]
    assert not {found[1], found[3], found[4]} & set(HOST_COLOURS.values())
    assert len({found[1], found[3], found[4]}) == 3


def test_two_series_of_one_host_differ() -> None:
    x = np.linspace(0, 72, 5)
    both = (Series("a", x, x, group="K562R"), Series("b", x, 2 * x, group="K562R"))
    given = Panel("S2", "n", "t", "timecourse", "time [h]", "y [1]", "linear", "linear", both)
    styles = {line.get_linestyle() for line in panel(given).get_lines()}
    assert styles == {"-", "--"}


def test_more_curves_than_colours_differ_in_their_dashes() -> None:
    x = np.linspace(0, 72, 5)
    many = tuple(Series(f"s{i}", x, x + i) for i in range(8))
    given = Panel("S2", "n", "t", "timecourse", "time [h]", "y [1]", "linear", "linear", many)
    looks = [(str(line.get_color()), line.get_linestyle()) for line in panel(given).get_lines()]
    assert len(set(looks)) == 8
    doses = tuple(dose_curve(f"s{i}", [1.0, 2.0], [1.0, 0.9]) for i in range(8))
    lines = dose_response(DoseResponse("drug", "uM", "y", "fraction", doses)).get_lines()
    assert len({(str(line.get_color()), line.get_linestyle()) for line in lines}) == 8


def test_drawing_uses_the_axes_given_and_leaves_the_global_style_alone() -> None:
    before = dict(matplotlib.rcParams)
    ax = new_axes()
    assert panel(made("bars"), ax) is ax
    assert dict(matplotlib.rcParams) == before


def test_equal_figures_give_equal_files(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save(panel(made("bell", "log")), tmp_path / name)
    for ending in ("png", "svg"):
        assert (tmp_path / f"a.{ending}").read_bytes() == (tmp_path / f"b.{ending}").read_bytes()


def test_all_failed_series_can_be_drawn(tmp_path: Path) -> None:
    x = np.array([0.1, 1.0])
    one = Series("K562R", x, np.full(2, np.nan), np.full(2, np.nan), np.full(2, np.nan))
    for kind, yscale in (("dose_response", "log"), ("bars", "linear"), ("timecourse", "linear")):
        given = Panel("S1", "n", "t", kind, "x [nM]", "y [1]", "linear", yscale, (one,), (), ("a", "b"))
        save(panel(given), tmp_path / kind)


def test_the_calibration_figure_has_a_row_per_claimed_effect() -> None:
    values = np.array([1.0, 2.0, -1.0, 3.0])
    effects = [
        Effect("S1", "e", "first", "1", 1, 0.0, 1.0, np.abs(values), values),
        Effect("S1", "e", "unsigned", "1", 0, 0.0, 1.0, values, values),
        Effect("S2", "e", "second", "1", -1, 0.0, 1.0, values, values),
    ]
    ax: Axes = prior_and_ensemble(effects)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["S1  first", "S2  second"]
    points = {line.get_label(): line.get_xdata() for line in ax.get_lines()}
    assert np.asarray(points["prior"]).tolist() == [75.0, 25.0]
    assert np.asarray(points["ensemble"]).tolist() == [100.0]
    assert np.asarray(points["ensemble, does not hold"]).tolist() == [25.0]


def test_a_waterfall_ranks_what_is_infinite_first_and_counts_it() -> None:
    values = np.array([np.inf, np.inf, 3.0, 2.0, np.nan, 1.5, 4.0, 1.2])
    effect = Effect("S1", "e", "IC50 ratio", "1", 1, 1.0, np.inf, values, np.array([np.inf, 2.0, 0.5]))
    ax = waterfall(effect)
    assert ax.get_xlabel() == "parameter sets, ranked, 2 unreached, 1 failed [%]"
    bars = ax.collections[0].get_paths()[0].vertices
    top = ax.get_ylim()[1]
    assert bars[:, 1].max() == pytest.approx(top)
    full = bars[np.isclose(bars[:, 1], top)]
    assert full[:, 0].max() == pytest.approx(100 * 2 / 7)  # two of the seven that have a value
    (prior,) = [line for line in ax.get_lines() if line.get_color() == "#E69F00"]
    np.testing.assert_allclose(prior.get_ydata(), [top, 2.0, 0.5])
    ax.figure.draw_without_rendering()


def test_the_ic50_of_a_figure_is_that_of_the_summaries() -> None:
    doses = np.array([0.0, *np.geomspace(0.01, 100, 13)])

    def label(found: DoseResponse) -> str:
        legend = dose_response(found).get_legend()
        return "" if legend is None else legend.get_texts()[0].get_text()

    def of(response: np.ndarray, readout: str = "viability") -> DoseResponse:
        return DoseResponse("drug", "uM", readout, "fraction", (dose_curve("a", doses, response),))

    partial = 0.6 + 0.4 / (1 + doses)  # never halves the response; its Hill curve has a middle
    assert label(of(partial)) == ""
    floored = 0.3 + 0.7 / (1 + doses)  # its Hill curve has its middle at 1
    expected = float(half_dose(doses[1:], floored[1:], 0.5 * floored[0]))
    assert label(of(floored)) == f"a, IC50 {short(expected)} µM"
    assert expected == pytest.approx(2.5, rel=0.05)
    assert label(of(0.1 / (1 + doses / 1e3))) == ""  # beyond the doses
    assert label(of(1.1 - 1 / (1 + doses))) == "a, EC50 1 µM"
    gr = 2.0 / (1 + doses) - 1.0
    assert label(of(gr, "gr")) == f"a, GR50 {short(float(half_dose(doses[1:], gr[1:])))} µM"


def test_numbers_that_were_set_are_not_rounded_to_two_digits() -> None:
    assert (exact(125.0), exact(168.0), short(125.4)) == ("125", "168", "130")
    found = dose_curve("a", [10.0, 125.0, 1000.0], [1.0, 2.0, 1.0], fit=False)
    (text,) = bell(DoseResponse("drug", "uM", "migrated", "%", (found,))).get_legend().get_texts()  # type: ignore[union-attr]
    assert text.get_text() == "a, best at 125 µM"
