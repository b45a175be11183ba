"""Runs drawn over time."""

from __future__ import annotations

import numpy as np
import pytest

from nicheloop import ReadoutError, simulate
from nicheloop.assays.result import Result
from nicheloop.assays.tables.frame import AssayTable
from nicheloop.assays.tables.read import tabulated
from nicheloop.assays.tables.text import read_text
from nicheloop.figures.timecourse import plot_run, time_course


@pytest.fixture(scope="module")
def run() -> Result:
    return simulate("coculture_imatinib", times=[0, 24, 48, 72])


def test_one_line_per_kind_of_cell_with_the_unit_on_the_axis(run: Result) -> None:
    ax = time_course(run, "viable_cells")
    drawn = {str(line.get_label()): line for line in ax.get_lines()}
    assert list(drawn) == ["K562R", "stroma"]
    np.testing.assert_array_equal(drawn["K562R"].get_ydata(), run["viable_cells:K562R"])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("time [h]", "[cells/mL]")
    assert ax.get_xticks().tolist() == [0, 12, 24, 36, 48, 60, 72]


def test_a_read_out_of_one_line(run: Result) -> None:
    assert len(time_course(run, "viable_cells:stroma").get_lines()) == 1


def test_an_unknown_read_out_is_refused(run: Result) -> None:
    with pytest.raises(ReadoutError, match="viability"):
        time_course(run, "viabilty")


def measured(*rows: str) -> AssayTable:
    return tabulated(
        read_text("readout,line,time [h],value,unit,relative_to\n" + "\n".join(rows), "plate.csv")
    )


def test_measured_values_stand_beside_the_run_and_inside_the_frame(run: Result) -> None:
    data = measured("viable_cells,K562R,24,1e5,cells/mL,", "viable_cells,K562R,96,2e5,cells/mL,")
    ax = time_course(run, "viable_cells:K562R", data=data)
    (points,) = [line for line in ax.get_lines() if line.get_marker() == "o"]
    np.testing.assert_array_equal(points.get_xdata(), [24, 96])
    assert ax.get_xlim() == (0, 96)


def test_values_on_another_scale_are_counted_not_drawn(run: Result) -> None:
    data = measured(
        "p_crkl,K562R,24,80,a.u.,scale", "p_crkl,K562R,48,0.4,%,vehicle", "viability,K562R,72,30,%,vehicle"
    )
    ax = time_course(run, "p_crkl:K562R", data=data)
    assert not [line for line in ax.get_lines() if line.get_marker() == "o"]
    assert ax.get_title(loc="left") == "p crkl\n2 measured on another scale: not shown"
    ax = time_course(run, "viability:K562R", data=data)
    (points,) = [line for line in ax.get_lines() if line.get_marker() == "o"]
    np.testing.assert_allclose(points.get_ydata(), [0.3])


def test_a_panel_per_read_out(run: Result) -> None:
    figure = run.plot(["viability", "il1b"])
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["viability", "il1b"]
    assert len(plot_run(run).axes) >= len(set(run.to_dataframe()["readout"]))
