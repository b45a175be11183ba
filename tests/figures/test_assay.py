"""Measured values and the model over them, drawn."""

from __future__ import annotations

import io

import numpy as np
import pytest

import nicheloop as nl
from nicheloop.assays.tables.read import tabulated
from nicheloop.assays.tables.text import read_text
from nicheloop.figures.assay import plot_assay
from nicheloop.figures.style import HOST_COLOURS

HEADER = "readout,line,time [h],value,unit,imatinib [uM],il1ra [ng/mL],stroma,sd,plate,relative_to\n"


def table(*rows):
    return tabulated(read_text(HEADER + "\n".join(rows) + "\n", "plate.csv"))


def titles(figure):
    return [ax.get_title(loc="left") for ax in figure.axes if ax.axison]


def drawn(ax, marker):
    """Points of a marker: x, y, colour."""
    return [
        (np.asarray(line.get_xdata()), np.asarray(line.get_ydata()), line.get_color())
        for line in ax.get_lines()
        if line.get_marker() == marker
    ]


def saved(figure):
    """Drawing must not fail; returns the legend."""
    figure.savefig(io.BytesIO())
    return [text.get_text() for text in figure.legends[0].get_texts()]


DOSES = (0, 0.1, 1, 10)
SERIES = [
    f"viability,{line},72,{1 / (1 + dose):.2f},fraction,{dose},0,,0.1,,"
    for line in ("K562S", "K562R")
    for dose in DOSES
]


def curves_of(ax):
    """Solid lines over the three doses above nothing."""
    return [line for line in ax.get_lines() if line.get_linestyle() == "-" and len(line.get_xdata()) == 3]


def test_doses_are_an_axis_with_a_place_for_none():
    data = table(*SERIES)
    model = np.linspace(0.1, 0.8, 8)[None, :]
    figure = plot_assay(data, model)
    (ax,) = figure.axes
    assert titles(figure) == ["viability"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("imatinib [µM]", "[fraction of vehicle]")
    assert ax.get_xscale() == "log"
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["0", "0.1", "1", "10"]
    points = drawn(ax, "o")
    assert [colour for _, _, colour in points] == [HOST_COLOURS["K562S"], HOST_COLOURS["K562R"]]
    for (x, y, _), start in zip(points, (0, 4), strict=True):
        np.testing.assert_allclose(y, data.measurements.value[start : start + 4])
        assert 0.01 < x[0] < 0.1
        np.testing.assert_allclose(x[1:], DOSES[1:], rtol=0.1)
    np.testing.assert_allclose([line.get_ydata() for line in curves_of(ax)], [model[0, 1:4], model[0, 5:]])
    dashes = [line for line in ax.get_lines() if line.get_marker() == "_" and line.get_markersize() > 5]
    np.testing.assert_allclose([line.get_ydata()[0] for line in dashes], model[0, [0, 4]])
    assert saved(figure) == ["K562S", "K562R", "measured ± SD", "model"]


def test_censored_values_are_open_triangles_at_their_limit():
    rows = [
        f"il1b,K562R,{t},{v},pg/mL,0,0,,,," for t, v in [(6, "<4"), (12, "<4"), (24, "30"), (48, ">2000")]
    ]
    figure = plot_assay(table(*rows))
    (ax,) = figure.axes
    (below,), (above,) = drawn(ax, "v"), drawn(ax, "^")
    np.testing.assert_allclose(below[1], [4, 4])
    np.testing.assert_allclose(above[1], [2000])
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_yscale()) == ("time [h]", "[pg/mL]", "log")
    assert all(line.get_markerfacecolor() == "white" for line in ax.get_lines() if line.get_marker() in "v^")
    assert saved(figure) == ["K562R", "measured", "below this limit", "above this limit"]


def test_bars_stand_where_neither_dose_nor_time_is_an_axis():
    rows = [
        f"viability,{line},72,{value},fraction,{d},0,{stroma},,,"
        for line in ("K562S", "K562R")
        for d, stroma, value in ((0, "", 1), (1, "", 0.3), (1, "coculture", 0.6))
    ]
    model = np.arange(6.0)[None, :] / 6
    figure = plot_assay(table(*rows), model)
    (ax,) = figure.axes
    names = [" ".join(tick.get_text().split()) for tick in ax.get_xticklabels()]
    assert names == ["untreated", "imatinib 1 µM", "imatinib 1 µM, on stroma"]
    bars = sorted((bar.get_x(), bar.get_height()) for bar in ax.patches)
    np.testing.assert_allclose([height for _, height in bars], model[0, [0, 3, 1, 4, 2, 5]])
    assert ax.get_xlabel() == ""
    assert saved(figure)[:2] == ["K562S", "K562R"]


def test_lines_alone_are_the_bars():
    figure = plot_assay(nl.load_data("il1b_mrna_resistant_lines"))
    (ax,) = figure.axes
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["K562R"]
    assert ax.get_ylabel() == "[fold]"
    saved(figure)


def test_many_sets_are_a_median_and_a_band():
    data = table(*SERIES)
    model = np.linspace(0, 1, 21)[:, None] * np.ones(8)
    model[3] = np.nan  # a failed set
    figure = plot_assay(data, model)
    (ax,) = figure.axes
    curve = curves_of(ax)[0]
    kept = np.delete(model[:, 0], 3)
    np.testing.assert_allclose(curve.get_ydata(), np.median(kept))
    band = next(c for c in ax.collections if hasattr(c, "get_paths") and len(c.get_paths()[0].vertices) > 6)
    heights = band.get_paths()[0].vertices[:, 1]
    np.testing.assert_allclose([heights.min(), heights.max()], np.percentile(kept, [5, 95]))
    assert "model (median, 90 % of the sets)" in saved(figure)


def test_a_failed_set_leaves_the_points():
    data = table(*SERIES)
    figure = plot_assay(data, np.full((1, 8), np.nan))
    assert len(drawn(figure.axes[0], "o")) == 2
    saved(figure)


def test_each_read_out_and_reference_has_a_panel_with_its_unit():
    rows = [f"p_crkl,K562R,2,{100 * d},a.u.,{d},0,,,membrane {m},scale" for m in (1, 2) for d in DOSES]
    rows += [f"p_crkl,K562R,2,{d},%,{d},0,,,,vehicle" for d in DOSES]
    figure = plot_assay(table(*SERIES, *rows))
    assert titles(figure) == ["viability", "p crkl", "p crkl"]
    labels = [ax.get_ylabel() for ax in figure.axes]
    assert labels == ["[fraction of vehicle]", "[a.u.]", "[fraction of vehicle]"]
    assert {"K562R, membrane 1", "K562R, membrane 2"} <= set(saved(figure))


def test_what_others_imply_is_not_said():
    figure = plot_assay(nl.simulate_assay(["imatinib_k562s", "imatinib_k562r"], ["viability"], seed=1))
    assert saved(figure)[:2] == ["K562S", "K562R"]


def test_too_many_series_are_spread_over_panels():
    rows = [
        f"viability,{line},{t},0.5,fraction,{d},{i},,,,"
        for line in ("K562S", "K562R") for t in (24, 48, 72) for i in (0, 10, 100, 500) for d in DOSES
    ]  # fmt: skip
    figure = plot_assay(table(*rows))
    assert titles(figure) == ["viability, 24 h", "viability, 48 h", "viability, 72 h"]
    assert "K562R, il1ra 500 ng/mL" in saved(figure)
    points = sum(len(x) for ax in figure.axes for mark in "osDP" for x, _, _ in drawn(ax, mark))
    assert points == len(rows)


def test_predictions_and_tables_draw_themselves():
    data = table(*SERIES)
    assert titles(data.plot()) == ["viability"]
    found = nl.predict(data)
    assert len(found.plot().axes[0].get_lines()) > len(data.plot().axes[0].get_lines())


def test_curves_take_the_place_of_straight_lines():
    rows = [f"viability,K562R,{t},0.5,fraction,{d},0,,,," for t in (24, 48) for d in DOSES]
    data = table(*rows, "viability,K562R,36,0.5,fraction,1,0,,,,")
    found = nl.predict(data)
    (ax,) = found.plot().axes
    lines = [line for line in ax.get_lines() if line.get_marker() == "None" and len(line.get_xdata()) > 2]
    for line, curve in zip(lines, found.curves, strict=True):
        np.testing.assert_array_equal(line.get_xydata().T, [curve.places, curve.values[0]])
    dashes = [line.get_ydata() for line in ax.get_lines() if line.get_marker() == "_"]
    single = [y.tolist() for y in dashes if y.size]
    np.testing.assert_allclose(np.ravel(single), found.values[0, [0, 4, 8]])  # no dose, and one dose only


def test_a_model_below_the_frame_is_marked_not_drawn_along_it():
    rows = [
        f"il1b,K562R,24,{value},pg/mL,{d},0,,,," for d, value in zip(DOSES, (900, 400, 60, 9), strict=True)
    ]
    model = np.array([[800.0, 300.0, 1e-3, 0.0]])
    figure = plot_assay(table(*rows), model)
    (ax,) = figure.axes
    assert ax.get_yscale() == "log"
    bottom = ax.get_ylim()[0]
    (line,) = [line for line in ax.get_lines() if line.get_linestyle() == "-" and len(line.get_xdata()) == 3]
    assert (np.asarray(line.get_ydata())[1:] < bottom).all()
    (marks,) = [line for line in ax.get_lines() if line.get_marker() == "v"]
    np.testing.assert_allclose(marks.get_xdata(), DOSES[2:])
    assert saved(figure)[-1] == "model below the frame"


def test_model_values_of_another_table_are_refused():
    with pytest.raises(ValueError, match=r"got shape \(1, 3\), expected \(sets, 8 rows\)"):
        plot_assay(table(*SERIES), np.zeros((1, 3)))
