"""Wells of an experiment drawn over what sets them apart."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest

import nicheloop as nl
from nicheloop.assays.wells import Wells
from nicheloop.figures.style import HOST_COLOURS
from nicheloop.figures.wells import plot_wells

PLAIN = nl.load_scenario("imatinib_k562r").with_(times=[0, 24, 72])


def wells_of(vary: dict[str, Any], **changes: Any) -> Wells:
    return nl.simulate_wells(PLAIN.with_(vary=vary, **changes))


def legend(figure: Any) -> list[str]:
    figure.savefig(io.BytesIO())
    return [text.get_text() for text in figure.legends[0].get_texts()] if figure.legends else []


def curves(ax: Any) -> list[Any]:
    """Lines of data; the break of a dose axis is dotted."""
    return [line for line in ax.get_lines() if line.get_linestyle() != ":" or line.get_label()[0] != "_"]


def test_one_axis_is_a_curve_at_the_last_time() -> None:
    wells = wells_of({"imatinib": [0, 0.1, 1, 10]})
    figure = wells.plot(["viability", "gr"])
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["viability", "gr"]
    for ax, key in zip(figure.axes, ("viability", "gr"), strict=True):
        (line,) = curves(ax)
        np.testing.assert_array_equal(line.get_ydata(), wells[key][:, -1])
        np.testing.assert_array_equal(line.get_xdata()[1:], [0.1, 1, 10])
        assert (ax.get_xlabel(), ax.get_xscale()) == ("imatinib [µM]", "log")
        assert ax.get_ylim()[0] <= wells[key][:, -1].min()
        assert ax.get_ylim()[1] > wells[key][:, -1].max()
    assert legend(figure) == []
    assert figure.get_suptitle().endswith(", after 72 h")


def test_other_axes_are_lines_with_one_legend() -> None:
    wells = wells_of({"il1ra": [0, 500], "K562R": [1e4, 1e5, 1e6], "imatinib": [0, 5]})
    figure = wells.plot(["viability"])
    (ax,) = figure.axes
    drawn = curves(ax)
    for line, (i, j) in zip(drawn, np.ndindex(2, 2), strict=True):
        np.testing.assert_array_equal(line.get_ydata(), wells["viability"][i, :, j, -1])
    assert len({(str(line.get_color()), line.get_linestyle()) for line in drawn}) == 4
    assert legend(figure) == [
        f"il1ra {il1ra} ng/mL, imatinib {imatinib} µM" for il1ra in (0, 500) for imatinib in (0, 5)
    ]
    assert ax.get_xlabel() == "K562R [cells/mL]"


def test_migration_towards_cxcl11_is_a_bell_and_one_drug_a_dose_response() -> None:
    gradient = nl.load_scenario("transwell_cxcl11").with_(times=[0, 4], vary={"cxcl11": [1, 10, 100, 1000]})
    figure = nl.simulate_wells(gradient).plot(["migrated"])
    assert "best at" in figure.axes[0].get_legend().get_texts()[0].get_text()
    ax = wells_of({"imatinib": [0, 0.1, 0.3, 1, 3, 10]}).plot(["viability"]).axes[0]
    assert ax.get_ylabel() == "viability [fraction]"
    assert "IC50" in ax.get_legend().get_texts()[0].get_text()
    panel = wells_of({"imatinib": [0, 0.1, 1, 10]}).plot(["viability"], kind="panels", ax=ax)
    assert panel is ax.figure
    with pytest.raises(ValueError, match="unknown kind of figure 'pie'"):
        wells_of({"imatinib": [0, 1]}).plot(["viability"], kind="pie")
    with pytest.raises(ValueError, match="unknown kind of figure for one run"):
        nl.simulate(PLAIN).plot(kind="bell")


def test_two_long_axes_are_a_heat_map_or_the_synergy_of_two_drugs() -> None:
    doses = [0, 0.1, 0.3, 1, 3, 10, 30]
    wells = wells_of({"imatinib": doses, "celecoxib": doses})
    surface = wells.plot(["viability"]).axes
    assert surface[1].get_ylabel() == "Bliss excess [1], synergy above 0"
    loewe = wells.plot(["viability"], method="loewe").axes
    assert loewe[1].get_ylabel().startswith("Loewe index")
    figure = wells.plot(["viability"], kind="panels")
    mesh = figure.axes[0].collections[0]
    np.testing.assert_array_equal(mesh.get_array(), wells["viability"][..., -1].T)
    assert (figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()) == ("imatinib [µM]", "celecoxib [µM]")
    assert legend(figure) == []


def test_a_figure_of_one_read_out_says_when_it_was_read_and_what_failed() -> None:
    def title(figure: Any) -> str:
        return " ".join(figure.axes[0].get_title(loc="left").split())

    doses = [0, 0.1, 0.3, 1, 3, 10]
    name = PLAIN.title or PLAIN.name
    assert title(wells_of({"imatinib": doses}).plot(["viability"])) == f"{name}, after 72 h"
    both = wells_of({"imatinib": doses, "celecoxib": [0, 1, 10]})
    assert title(both.plot(["viability"])) == f"{name}, after 72 h viability [% of untreated] as lines"
    assert title(both.plot(["viability"], kind="heatmap")) == f"{name}, after 72 h viability K562R"
    broken = wells_of({"uniform_death": [0.0, 0.001, 0.2]})
    figure = broken.plot(["viable_cells"], kind="dose_response")
    assert title(figure) == f"{name}, after 72 h (1 of 3 wells failed)"


def test_gr_values_over_two_drugs_are_no_synergy_surface() -> None:
    wells = wells_of({"imatinib": [0, 1, 3, 10], "celecoxib": [0, 1, 10]})
    assert "gr" in wells.plot(["gr"]).axes[0].get_title(loc="left")
    with pytest.raises(ValueError, match="expected none below 0"):
        wells.plot(["gr"], kind="synergy")


def test_what_takes_one_read_out_or_no_option_says_so() -> None:
    wells = wells_of({"imatinib": [0, 1, 3], "celecoxib": [0, 1, 10]})
    with pytest.raises(
        ValueError, match=r"kind='heatmap': got \d+ read-outs, expected one of: .*viability_K562R"
    ):
        wells.plot(kind="heatmap")
    with pytest.raises(ValueError, match="kind='panels' has no options, got method="):
        wells.plot(method="loewe")


def test_a_single_curve_has_the_colour_of_its_cells() -> None:
    (line,) = curves(wells_of({"imatinib": [0, 1, 10]}).plot(["viability"], kind="panels").axes[0])
    assert line.get_color() == HOST_COLOURS["K562R"]


def test_two_values_are_compared_over_time() -> None:
    wells = wells_of({"imatinib": [0, 5], "il1ra": [0, 500]})
    figure = wells.plot(["viability"])
    (ax,) = figure.axes
    for line, place in zip(curves(ax), np.ndindex(2, 2), strict=True):
        np.testing.assert_array_equal(line.get_ydata(), wells["viability"][place])
        np.testing.assert_array_equal(line.get_xdata(), [0, 24, 72])
    assert ax.get_xlabel() == "time [h]"
    assert legend(figure)[-1] == "imatinib 5 µM, il1ra 500 ng/mL"
    assert figure.get_suptitle() == PLAIN.title


def test_every_read_out_has_a_panel_with_its_cells_and_unit() -> None:
    wells = nl.simulate_wells("s4_k562r_with_stroma")
    titles = [ax.get_title(loc="left") for ax in plot_wells(wells).axes if ax.axison]
    assert {"nuclear nfkb, stroma", "nuclear nfkb, K562R", "il1b"} <= set(titles)
    assert len(titles) == len(wells.to_xarray().data_vars)


def test_events_are_an_axis() -> None:
    wells = wells_of({"at": [4, 12, 24]}, events=[{"at": 4, "wash_out": 1.0}])
    assert wells.plot(["viability"]).axes[0].get_xlabel() == "first event [h]"


@pytest.mark.parametrize("times", [[72], [0, 24, 72]])
def test_a_single_well_is_drawn_over_time(times: list[float]) -> None:
    wells = nl.simulate_wells(PLAIN, times=times)
    figure = wells.plot(["viability"])
    (line,) = curves(figure.axes[0])
    assert len(line.get_xdata()) == len(times)
    assert (line.get_marker() == "o") == (len(times) == 1)
    assert legend(figure) == []


def test_wells_that_failed_leave_gaps_and_are_counted() -> None:
    wells = wells_of({"uniform_death": [0.0, 0.001, 0.2]})
    figure = wells.plot(["viable_cells"])
    (line,) = curves(figure.axes[0])
    assert np.isnan(line.get_ydata()).tolist() == [False, False, True]
    assert figure.get_suptitle().endswith("(1 of 3 wells failed)")
    legend(figure)


def test_an_unknown_read_out_is_refused() -> None:
    with pytest.raises(nl.ReadoutError, match="did you mean 'viability'"):
        wells_of({"imatinib": [0, 1]}).plot(["viabilty"])


def test_arrays_have_axes_units_and_descriptions() -> None:
    wells = wells_of({"imatinib": [0, 1], "il1ra": [0, 500]})
    found = wells.to_xarray(["viability", "il1b"])
    assert found["viability_K562R"].dims == ("imatinib", "il1ra", "time")
    np.testing.assert_array_equal(found["il1b"].values, wells["il1b"])
    units = [found[name].attrs["units"] for name in ("imatinib", "il1ra", "time", "il1b")]
    assert units == ["uM", "ng/mL", "h", "pg/mL"]
    assert found["il1b"].sel(imatinib=1, il1ra=500, time=72) == wells["il1b"][1, 1, 2]
