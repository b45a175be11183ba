"""Figures of sweeps: the way of drawing follows from the dimensions."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from matplotlib.colors import LogNorm, to_hex
from matplotlib.figure import Figure

from nicheloop.figures import heat_map, plot, plot_sweep
from nicheloop.figures.style import HOST_COLOURS
from nicheloop.figures.sweep import plot_variable

DOSES = np.array([0, 0.1, 0.3, 1, 3, 10, 30, 100])
MORE = np.array([0, 1, 2, 4, 8, 16, 32.0])
CELLS = np.array([1e4, 1e5])
TIME = np.array([0, 24, 48.0])
SETS = 9


def results(**variables: tuple[str, ...]) -> xr.Dataset:
    """Variables with these dimensions; values rise with the parameter set."""
    coordinates = {
        "imatinib": ("imatinib", DOSES, {"units": "uM"}),
        "il1ra": ("il1ra", MORE, {"units": "ng/mL"}),
        "K562R": ("K562R", CELLS, {"units": "cells/mL"}),
        "time": ("time", TIME, {"units": "h"}),
        "il1b": ("sample", np.geomspace(1, 1000, 20), {"units": "pg/mL"}),
        "ifng": ("sample", np.geomspace(0.01, 10, 20), {"units": "ng/mL"}),
    }
    sizes = {"imatinib": 8, "il1ra": 7, "K562R": 2, "time": 3, "sample": 20, "set": SETS}
    data = {}
    for name, dims in variables.items():
        shape = tuple(sizes[dim] for dim in dims)
        values = np.linspace(0, 1, int(np.prod(shape, initial=1))).reshape(shape)
        data[name] = (dims, values, {"units": "fraction"})
    used = {dim for dims in variables.values() for dim in dims}
    chosen = {name: entry for name, entry in coordinates.items() if entry[0] in used}
    return xr.Dataset({**data, "status": ((), 0)}, chosen)


def test_doses_are_lines_on_a_logarithmic_axis_with_0_beside_it() -> None:
    ax = plot_variable(results(viability_final=("imatinib", "K562R")), "viability_final")
    lines = ax.get_lines()
    assert [line.get_label() for line in lines[:2]] == ["10000", "100000"]
    assert ax.get_xscale() == "log"
    places = np.asarray(lines[0].get_xdata())
    np.testing.assert_array_equal(places[1:], DOSES[1:])
    assert 0 < places[0] < DOSES[1]
    labels = dict(zip(ax.get_xticks(), (label.get_text() for label in ax.get_xticklabels()), strict=True))
    assert labels[places[0]] == "0"
    assert labels[10.0] == "10"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("imatinib [µM]", "[fraction]")
    assert ax.get_legend().get_title().get_text() == "K562R [cells/mL]"


def test_the_band_over_parameter_sets_leaves_out_what_is_missing() -> None:
    data = results(viability_ic50=("set", "K562R"))
    values = np.tile(np.arange(SETS, dtype=float)[:, None], (1, 2))
    values[0, 0], values[-1, 0] = np.nan, np.inf
    data["viability_ic50"].values[:] = values
    ax = plot_variable(data, "viability_ic50")
    middle = np.asarray(ax.get_lines()[0].get_ydata())
    assert middle[1] == 4
    assert 4 <= middle[0] <= 5  # of 1 to 7 and infinity
    assert len(ax.collections) == 1


def test_two_axes_of_many_values_are_a_heat_map() -> None:
    ax = plot_variable(results(viability_final=("imatinib", "il1ra")), "viability_final")
    (mesh,) = ax.collections
    drawn = np.asarray(mesh.get_array())
    assert drawn.shape == (7, 8)  # the first axis across
    assert drawn[0, 1] > drawn[1, 0] > drawn[0, 0]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("imatinib [µM]", "il1ra [ng/mL]")
    assert [label.get_text() for label in ax.get_yticklabels()] == ["0", "2", "8", "32"]


def test_colours_of_synergy_are_neutral_where_drugs_are() -> None:
    for name, neutral in (("viability_bliss", 0.0), ("viability_loewe_imatinib_K562R", 1.0)):
        ax = plot_variable(results(**{name: ("set", "imatinib", "K562R")}), name)
        assert ax.collections[0].norm(neutral) == pytest.approx(0.5)


def test_one_antagonistic_combination_leaves_the_colours_of_the_others() -> None:
    data = results(viability_loewe_imatinib_K562R=("imatinib", "K562R"))
    data["viability_loewe_imatinib_K562R"].values[:] = 0.5
    data["viability_loewe_imatinib_K562R"].values[0, 0] = 300.0
    ax = plot_variable(data, "viability_loewe_imatinib_K562R")
    norm = ax.collections[0].norm
    assert float(norm(0.5)) < 0.4
    assert norm.vmin is not None
    assert norm.vmin > 0
    assert ax.figure.axes[1].get_ylim()[1] == pytest.approx(10.0)


def test_courses_are_lines_over_hours_and_the_title_tells_what_is_fixed() -> None:
    ax = plot_variable(results(viability=("il1ra", "K562R", "time")), "viability")
    assert ax.get_xlabel() == "time [h]"
    assert len(ax.get_lines()) == 6  # of 7 doses
    assert ax.get_title(loc="left") == "viability\nK562R 10000 cells/mL"


def test_samples_are_points_and_sets_alone_a_histogram() -> None:
    ax = plot_variable(results(cxcl11_final=("set", "sample")), "cxcl11_final")
    (points,) = ax.collections
    assert len(points.get_offsets()) == 20
    assert isinstance(points.norm, LogNorm)
    assert ax.get_xscale() == "log"
    ax = plot_variable(results(cxcl11_auc=("set",)), "cxcl11_auc")
    assert sum(patch.get_height() for patch in ax.patches) == SETS


def test_a_panel_per_variable_up_to_nine() -> None:
    data = results(**{f"v{number}": ("imatinib",) for number in range(12)})
    figure = plot_sweep(data)
    assert isinstance(figure, Figure)
    assert [ax.get_title(loc="left") for ax in figure.axes] == [f"v{number}" for number in range(9)]
    assert len(plot_sweep(data, ["v11"]).axes) == 1
    with pytest.raises(ValueError, match="unknown variable 'v99'"):
        plot_sweep(data, ["v99"])


def test_a_value_that_is_missing_everywhere_can_be_drawn() -> None:
    data = results(
        a=("imatinib", "il1ra"), b=("set", "imatinib"), c=("set",), viability_bliss=("imatinib", "il1ra")
    )
    for name in ("a", "b", "c", "viability_bliss"):
        data[name].values[:] = np.nan
    plot_sweep(data).draw_without_rendering()


def test_what_is_infinite_is_counted_in_a_histogram() -> None:
    data = results(viability_ic50=("set",))
    data["viability_ic50"].values[:3] = np.inf
    data["viability_ic50"].values[3] = np.nan
    ax = plot_variable(data, "viability_ic50")
    assert ax.get_ylabel() == "parameter sets (3 unreached, 1 failed)"
    assert sum(patch.get_height() for patch in ax.patches) == SETS - 4


def test_a_single_curve_has_the_colour_of_its_cells() -> None:
    data = results(viability_final=("imatinib",), cxcl11_auc=("set",))
    for name in data.data_vars:
        data[name].attrs["host"] = "K562R"
    assert plot_variable(data, "viability_final").get_lines()[0].get_color() == HOST_COLOURS["K562R"]
    bar = plot_variable(data, "cxcl11_auc").patches[0]
    assert to_hex(bar.get_facecolor()).upper() == HOST_COLOURS["K562R"]


def test_failed_runs_are_counted_above_a_sweep() -> None:
    data = results(a=("imatinib",), b=("imatinib", "il1ra", "time")).assign_attrs(runs=9, failed_runs=2)
    assert plot_sweep(data).get_suptitle() == "2 of 9 runs failed"
    assert heat_map(data, "b").get_title(loc="left") == "b, after 48 h (2 of 9 runs failed)"
    assert plot(data[["a"]]).axes[0].get_title(loc="left") == "2 of 9 runs failed\na"


def test_numbers_that_were_set_keep_their_digits() -> None:
    data = results(viability_final=("imatinib", "K562R")).assign_coords(K562R=[125.0, 1250.0])
    legend = plot_variable(data, "viability_final").get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["125", "1250"]


def test_a_number_without_unit_has_no_bracket_and_micro_is_written_so() -> None:
    data = results(ratio=("set",), ic50=("set",))
    data["ratio"].attrs["units"], data["ic50"].attrs["units"] = "1", "uM"
    assert plot_variable(data, "ratio").get_xlabel() == ""
    assert plot_variable(data, "ic50").get_xlabel() == "[µM]"
