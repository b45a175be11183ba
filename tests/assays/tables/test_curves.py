"""The model between measured doses and times is what single runs say there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import nicheloop as nl
from nicheloop.assays.tables.curves import DOSES, TIMES
from nicheloop.assays.tables.predictions import Predictions

HEADER = "readout,line,time [h],value,unit,relative_to,plate,scenario,imatinib [uM],il1ra [ng/mL]\n"
SETS = ({}, {"death_max": 0.05})


def predicted(folder: Path, *rows: str) -> Predictions:
    path = folder / "plate.csv"
    path.write_text(HEADER + "\n".join(rows) + "\n", encoding="utf-8")
    return nl.predict(nl.read_assay(path), SETS)


def doses(readout: str, rest: str, il1ra: str = "") -> list[str]:
    return [f"{readout},K562R,48,{rest},{dose},{il1ra}" for dose in ("", 0.1, 1, 5)]


def run(well: nl.Scenario, dose: float, times: list[float]) -> nl.Result:
    return nl.simulate(well.with_(treatments={"imatinib": dose}), SETS[1], times=times, rtol=1e-8)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Predictions:
    rows = [
        *doses("viability", "0.5,fraction,,1,", il1ra="50"),
        *doses("il1b", "0.5,fraction,vehicle,1,"),
        *doses("p_crkl", "3,a.u.,scale,1,"),
        *doses("p_crkl", "300,a.u.,scale,2,"),
        *(f"viable_cells,K562S,{time},1e5,cells/mL,,1,imatinib_washout,," for time in (0, 12, 24, 48)),
    ]
    return predicted(tmp_path_factory.mktemp("curves"), *rows)


def test_curves_go_through_the_predictions(found: Predictions) -> None:
    assert [(curve.axis, curve.rows.tolist()) for curve in found.curves] == [
        ("imatinib [uM]", [0, 1, 2, 3]),
        ("imatinib [uM]", [4, 5, 6, 7]),
        ("imatinib [uM]", [8, 9, 10, 11]),
        ("imatinib [uM]", [12, 13, 14, 15]),
        ("time [h]", [16, 17, 18, 19]),
    ]
    for curve in found.curves:
        rows = found.table.frame.iloc[curve.rows]
        measured = rows[rows[curve.axis] > 0] if curve.axis != "time [h]" else rows
        places = measured[curve.axis].to_numpy()
        assert (curve.places[[0, -1]] == places[[0, -1]]).all()
        assert curve.places.size >= (TIMES if curve.axis == "time [h]" else DOSES)
        through = curve.values[:, np.searchsorted(curve.places, places)]
        np.testing.assert_allclose(through, found.values[:, measured.index], rtol=1e-5)


def test_between_them_they_are_what_a_run_says(found: Predictions) -> None:
    viability, il1b, crkl, again, cells = found.curves
    wells, at = found.table.wells, 25
    one = run(wells[1], viability.places[at], [48.0])
    assert "il1ra" in one.scenario.treatments
    assert viability.values[1, at] == pytest.approx(one["viability"][0], rel=1e-4)
    two = run(wells[5], il1b.places[at], [48.0])
    assert "il1ra" not in two.scenario.treatments
    assert il1b.values[1, at] == pytest.approx(two["il1b"][0] / two.vehicle()["il1b"][0], rel=1e-4)
    for curve, factor in ((crkl, found.factors[1, 0]), (again, found.factors[1, 1])):
        assert curve.values[1, at] == pytest.approx(factor * two["p_crkl"][0], rel=1e-4)
    three = nl.simulate("imatinib_washout", SETS[1], times=[cells.places[at]], rtol=1e-8)
    assert three["viable_cells"][0] == pytest.approx(cells.values[1, at], rel=1e-4)


def test_what_differs_in_more_than_its_axis_is_not_joined(tmp_path: Path) -> None:
    rows = [
        f"viability,K562R,{time},0.5,fraction,,1,,{dose},"
        for dose, time in ((0.1, 24), (0.3, 24), (1, 48), (3, 48), (10, 72))
    ]
    found = predicted(tmp_path, *rows)
    assert [curve.rows.tolist() for curve in found.curves] == [[0, 1], [2, 3]]


def test_bars_have_no_curves(tmp_path: Path) -> None:
    assert predicted(tmp_path, "il1b,K562R,48,9,pg/mL,,1,,,", "il1b,K562R,48,9,pg/mL,,1,,1,").curves == ()


def test_a_failed_set_has_none(found: Predictions) -> None:
    failed = nl.predict(found.table, [{}, {"uniform_death": 0.1}])
    for curve, whole in zip(failed.curves, found.curves, strict=True):
        assert np.isnan(curve.values[1]).all()
        np.testing.assert_allclose(curve.values[0], whole.values[0], rtol=1e-9)
