"""Predictions of assay tables: values, relations, scale factors, derivatives through all of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import nicheloop as nl
from nicheloop.assays.settings import Settings
from nicheloop.assays.tables.predictions import Predictions, Predictor, predict
from nicheloop.assays.tables.scales import Scale

TIGHT = Settings(engine="batch", rtol=1e-10, atol_scale=1e-3)
BY = ("death_max", "il1b_secretion_K562S", "bclxl_basal")
WEIGHTS = (4 / 5, -1 / 5, 4 / 105, -1 / 280)  # of differences of order 8
HEADER = "readout,line,time [h],value,unit,relative_to,sd,n,plate,imatinib [uM],il1ra [ng/mL]\n"
ROWS = (
    "viability,K562S,48,52,%,,4,3,1,1,",
    "viability,K562S,48,101,%,,4,3,1,,",
    "viability,K562S,24,80,%,,,,1,1,",
    "il1b,K562S,48,0.9,pg/mL,,,,1,,",
    "il1b,K562S,48,0.4,fraction,vehicle,,,1,1,",
    # counts in arbitrary units: weighted by their SDs, one of them of three wells; then by a CV
    "viable_cells,K562S,24,1200,a.u.,scale,100,,1,,",
    "viable_cells,K562S,24,300,a.u.,scale,50,3,1,1,",
    "viable_cells,K562S,24,<40,a.u.,scale,,,1,10,",
    "viable_cells,K562S,24,77,a.u.,scale,,,2,,50",
    "viable_cells,K562S,24,21,a.u.,scale,,,2,1,50",
    # blots: mean of the logarithms
    "p_crkl,K562S,48,3.1,a.u.,scale,,,1,,",
    "p_crkl,K562S,48,2.6,a.u.,scale,,,1,1,",
)


def table_of(folder: Path, rows: tuple[str, ...] = ROWS, normalise: bool = True) -> nl.AssayTable:
    path = folder / "plate.csv"
    path.write_text(HEADER + "\n".join(rows) + "\n", encoding="utf-8")
    return nl.read_assay(path, normalise=normalise)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> nl.AssayTable:
    return table_of(tmp_path_factory.mktemp("table"))


@pytest.fixture(scope="module")
def found(table: nl.AssayTable) -> Predictions:
    return predict(table, [{}, {"death_max": 0.05}], TIGHT, by=BY)


def outputs(table: nl.AssayTable, row: int, key: str) -> np.ndarray:
    """A read-out at the time of a row, from a run of its own; then that of its vehicle."""
    measured = table.measurements[row]
    run = nl.simulate(table.wells[measured.well], {"death_max": 0.05}, times=[measured.time_h], rtol=1e-9)
    return np.array([run[key][0], run.vehicle()[key][0]])


def test_values_are_in_the_unit_of_the_table(table: nl.AssayTable, found: Predictions) -> None:
    treated = outputs(table, 0, "viability")[0]
    assert 0.1 < treated < 0.9
    assert found.values[1, 0] == pytest.approx(treated, rel=1e-6)
    assert found.values[:, 1].tolist() == [1.0, 1.0]
    assert found.values[1, 2] == pytest.approx(outputs(table, 2, "viability")[0], rel=1e-6)
    assert found.values[1, 3] == pytest.approx(outputs(table, 3, "il1b")[0], rel=1e-6)
    il1b, of_vehicle = outputs(table, 4, "il1b")
    assert found.values[1, 4] == pytest.approx(il1b / of_vehicle, rel=1e-6)


def test_factors_are_weighted_least_squares_or_the_mean_of_logarithms(
    table: nl.AssayTable, found: Predictions
) -> None:
    assert found.scales == (
        Scale("", "1", "viable_cells"),
        Scale("", "2", "viable_cells"),
        Scale("", "1", "p_crkl"),
    )
    cells = np.array([outputs(table, row, "viable_cells")[0] for row in range(5, 10)])
    weights, counts = np.array([1 / 100**2, 3 / 50**2]), np.array([1200, 300])
    first = (weights * counts * cells[:2]).sum() / (weights * cells[:2] ** 2).sum()
    assert found.factors[1, 0] == pytest.approx(first, rel=1e-6)
    np.testing.assert_allclose(found.values[1, 5:8], first * cells[:3], rtol=1e-6)  # the censored one, too
    counts = np.array([77, 21])
    second = (cells[3:] / counts).sum() / (cells[3:] ** 2 / counts**2).sum()
    assert found.factors[1, 1] == pytest.approx(second, rel=1e-6)
    crkl = np.array([outputs(table, row, "p_crkl")[0] for row in (10, 11)])
    assert found.factors[1, 2] == pytest.approx(np.sqrt((3.1 / crkl[0]) * (2.6 / crkl[1])), rel=1e-6)
    np.testing.assert_allclose(found.values[1, 10:], found.factors[1, 2] * crkl, rtol=1e-6)


@pytest.mark.parametrize("column", range(len(BY)))
def test_derivatives_go_through_vehicles_and_factors(
    table: nl.AssayTable, found: Predictions, column: int
) -> None:
    name = BY[column]
    value = nl.parameter_values()[name]
    step = 5e-3 * value
    moved = [{name: value + sign * m * step} for m in (1, 2, 3, 4) for sign in (1, -1)]
    y = predict(table, moved, Settings(engine="batch", rtol=1e-11, atol_scale=1e-5)).values
    expected = sum(w * (y[2 * m] - y[2 * m + 1]) for m, w in enumerate(WEIGHTS)) / step
    floor = 1e-3 * np.abs(found.values[0]) / value
    slopes = found.derivatives[0, :, column]
    assert (np.abs(slopes - expected) / np.maximum(np.abs(expected), floor)).max() < 1e-5
    assert (np.abs(expected) > floor).any()


def test_a_failed_set_is_nan_and_says_why(table: nl.AssayTable) -> None:
    found = predict(table, [{}, {"uniform_death": 0.1}])
    assert found.ok.tolist() == [True, False]
    assert found.status.shape == (2, len(table.wells))
    assert (found.status[0] == "ok").all()
    assert (found.status[1] == "failed").all()
    assert np.isnan(found.values[1]).all()
    assert np.isnan(found.factors[1]).all()
    assert np.array_equal(found.values[0], predict(table).values[0])
    assert found.derivatives.shape == (2, len(table), 0)
    frame = found.to_dataframe()
    assert len(frame) == 2 * len(table)
    assert frame["set"].tolist() == [0] * len(table) + [1] * len(table)
    assert frame["predicted"].to_numpy()[: len(table)].tolist() == found.values[0].tolist()
    assert set(frame["status"][: len(table)]) == {"ok"}
    assert frame["message"].iloc[-1].startswith("no stock culture: K562S shrinks")
    assert "predicted" not in table.frame


def test_a_well_that_failed_tells_nothing_about_the_factor(tmp_path: Path) -> None:
    table = table_of(tmp_path, ROWS[5:7])
    whole = predict(table, [{}])
    found = predict(table, [{"imatinib_kon": -1.0}])
    assert np.isnan(found.values[0]).tolist() == [False, True]
    assert found.values[0, 0] == pytest.approx(1200.0)
    assert whole.values[0, 0] != pytest.approx(1200.0, rel=1e-3)


def test_a_predictor_can_be_used_again(table: nl.AssayTable, found: Predictions) -> None:
    predictor = Predictor(table)
    first = predictor.predict([{}], TIGHT, by=BY)
    predictor.predict([{"death_max": 0.07}])
    again = predictor.predict([{}, {"death_max": 0.05}], TIGHT, by=BY)
    assert np.array_equal(first.values[0], again.values[0])
    assert np.array_equal(again.values, found.values)
    assert np.array_equal(again.derivatives, found.derivatives)


def test_raw_signals_have_to_be_normalised_first(tmp_path: Path) -> None:
    rows = ("viability,K562S,48,0.4,OD,,,,1,1,", "viability,K562S,48,0.9,OD,,,,1,,")
    table = table_of(tmp_path, rows, normalise=False)
    with pytest.raises(nl.AssayError, match=r"rows 2, 3.*raw signals.*call table.normalise\(\) first"):
        predict(table)
    assert predict(table.normalise()).values[0, 1] == 1.0


def test_a_plate_whose_factor_nothing_tells_is_refused(tmp_path: Path) -> None:
    table = table_of(tmp_path, ("p_crkl,K562S,24,<40,a.u.,scale,,,7,1,", *ROWS[:2]))
    with pytest.raises(
        nl.AssayError, match=r"row 2.*no value of p_crkl tells what one unit is on this plate"
    ):
        predict(table)


def test_a_virtual_assay_without_noise_is_what_is_predicted() -> None:
    wells = nl.load_scenario("imatinib_k562s").with_(times=[24, 48], duration=48)
    assay = nl.simulate_assay(
        wells, ["viability", "p_crkl"], 2, noise={"viability": None, "p_crkl": None}, plate_sd=0
    )
    found = predict(assay)
    np.testing.assert_allclose(found.values[0], assay.measurements.value, rtol=1e-12)
