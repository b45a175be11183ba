"""Runs drawn over time."""

from __future__ import annotations

import numpy as np
import pytest

from nicheloop import ReadoutError, simulate
from nicheloop.assays.result import Result
from nicheloop.figures.timecourse import plot_run, timecourse


@pytest.fixture(scope="module")
def run() -> Result:
    return simulate("coculture_imatinib", times=[0, 24, 48, 72])


def test_one_line_per_kind_of_cell_with_the_unit_on_the_axis(run: Result) -> None:
    ax = timecourse(run, "viable_cells")
    drawn = {str(line.get_label()): line for line in ax.get_lines()}
    assert list(drawn) == ["K562R", "stroma"]
    np.testing.assert_array_equal(drawn["K562R"].get_ydata(), run["viable_cells:K562R"])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("time [h]", "[cells/mL]")
    assert ax.get_xticks().tolist() == [0, 12, 24, 36, 48, 60, 72]


def test_a_read_out_of_one_line(run: Result) -> None:
    assert len(timecourse(run, "viable_cells:stroma").get_lines()) == 1


def test_an_unknown_read_out_is_refused(run: Result) -> None:
    with pytest.raises(ReadoutError, match="viability"):
        timecourse(run, "viabilty")


def test_a_panel_per_read_out(run: Result) -> None:
    figure = run.plot(["viability", "il1b"])
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["viability", "il1b"]
    assert len(plot_run(run).axes) >= len(set(run.to_dataframe()["readout"]))
