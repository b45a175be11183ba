"""Sweeps against runs one by one, and what their results say of themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from mmap import mmap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import nicheloop as nl
from nicheloop.analysis.sweep import parameter_sets, plan_sweep
from nicheloop.analysis.sweep.bench import STOPPED
from nicheloop.assays.readouts import Readout
from nicheloop.assays.scenario import Scenario
from nicheloop.assays.simulate import simulate_many
from nicheloop.integrate import BatchSolver

K562R = nl.load_scenario("imatinib_k562r").with_(times=[0, 24, 72])


def one_by_one(
    scenario: Scenario,
    vary: Mapping[str, Sequence[float]],
    readouts: Sequence[str],
    parameters: Mapping[str, float] | None = None,
    engine: str = "batch",
) -> dict[str, np.ndarray]:
    """Read-outs of every combination, each run by itself, shape (axes..., times)."""
    found: dict[str, list[np.ndarray]] = {readout: [] for readout in readouts}
    for values in product(*vary.values()):
        (well,) = scenario.with_(
            vary={axis: [value] for axis, value in zip(vary, values, strict=True)}
        ).wells()
        run = nl.simulate(well, parameters, engine=engine, rtol=1e-6 if engine == "batch" else 1e-8)
        for readout in readouts:
            found[readout].append(np.broadcast_to(run[readout], run.time.shape))
    shape = [len(values) for values in vary.values()]
    return {name: np.reshape(rows, (*shape, -1)) for name, rows in found.items()}


@dataclass(frozen=True)
class Case:
    scenario: Scenario
    vary: Mapping[str, Sequence[float]]
    readouts: Sequence[str]


WASHED = nl.load_scenario("imatinib_washout_series").with_(vary={}, times=[0, 24, 72])
FED = nl.load_scenario("coculture").with_(
    events=[{"at": 20, "wash_out": 0.9}, {"at": 30, "add": {"il1b": 100}}], duration=40, times=[0, 12, 40]
)
TRANSWELL = nl.load_scenario("transwell_cxcl11").with_(times=[0, 6, 24])
CONDITIONED = nl.load_scenario("s3_k562r_medium_on_k562s").with_(vary={}, times=[0, 48])
SILENCED = nl.load_scenario("il1b_knockdown_k562r").with_(times=[0, 48])
SILENCED_LATER = nl.load_scenario("il1b_knockdown_onset").with_(times=[0, 48, 72])
DOSED_AND_WASHED = K562R.with_(events=[{"at": 0, "wash_out": 0.5}], treatments={"il1b": 50})
CASES = {
    "doses and density": Case(
        K562R,
        {"imatinib": [0, 0.3, 3], "il1ra": [0, 500], "K562R": [1e4, 1e6]},
        ["viability", "gr", "il1b", "il1b_mRNA"],
    ),
    "parameters": Case(
        K562R,
        {"imatinib": [0, 1], "death_max": [0.02, 0.05], "il1_kon": [0.5]},
        ["viability", "apoptosis", "il1b_mRNA"],
    ),
    "time of an event": Case(WASHED, {"at": [0, 8, 71.5, 72], "imatinib": [0.5, 2]}, ["viability", "p_crkl"]),
    "times of two events": Case(FED, {"at": [0, 5, 30]}, ["cxcl11", "viable_cells:K562R"]),
    "dose that is washed at once": Case(DOSED_AND_WASHED, {"imatinib": [0, 2]}, ["viability", "il1b"]),
    "co-culture": Case(
        nl.load_scenario("coculture_imatinib").with_(times=[0, 48]),
        {"stroma": [1e4, 2e5], "K562R": [0, 1e5], "ifng": [0, 10]},
        ["cxcl11", "cxcl11_mRNA", "viable_cells:stroma"],
    ),
    "layers": Case(TRANSWELL, {"cxcl11": [0, 100]}, ["migrated", "cxcl11"]),
    "conditioned medium": Case(CONDITIONED, {"imatinib": [0, 0.3]}, ["viability", "il1b"]),
    "silenced": Case(SILENCED, {"K562R": [1e5, 1e6]}, ["il1b", "il1b_mRNA", "viability"]),
    "silenced later": Case(SILENCED_LATER, {"at": [12, 36]}, ["il1b", "il1b_mRNA"]),
    "outputs of the model": Case(K562R, {"imatinib": [0, 1]}, ["cells_K562R", "p_crkl_K562R"]),
}


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_a_sweep_is_its_wells_one_by_one(case: Case) -> None:
    results = nl.sweep(case.scenario, case.vary, case.readouts)
    expected = one_by_one(case.scenario, case.vary, case.readouts)
    for readout in case.readouts:
        name = readout.replace(":", "_")
        name = f"{name}_readout" if name in case.vary else name
        assert results[name].dims == (*case.vary, "time")
        np.testing.assert_allclose(results[name], expected[readout], rtol=1e-9, atol=1e-12, err_msg=readout)
    assert not results["status"].any()
    assert results.attrs["failed_runs"] == 0


def test_a_sweep_is_close_to_the_reference_engine() -> None:
    vary = {"imatinib": [0, 0.3, 3], "K562R": [1e4, 1e6]}
    results = nl.sweep(K562R, vary, ["viability", "il1b"])
    expected = one_by_one(K562R, vary, ["viability", "il1b"], engine="scipy")
    for readout, values in expected.items():
        np.testing.assert_allclose(results[readout], values, rtol=2e-5, atol=1e-9)


def test_parameter_sets_are_those_of_simulate_many() -> None:
    sets = parameter_sets("prior:5", seed=3).block(0, 5)
    results = nl.sweep(K562R, {"imatinib": [0.3]}, ["viability", "il1b"], parameters="prior:5", seed=3)
    assert results["viability"].dims == ("set", "imatinib", "time")
    well = K562R.with_(treatments={"imatinib": 0.3})
    for given, drawn in ((sets, True), (sets, False)):
        mine = nl.sweep(K562R, {"imatinib": [0.3]}, ["viability"], parameters=given, drawn=drawn)
        (runs,) = simulate_many([well], sets, engine="batch", rtol=1e-6, drawn=drawn)
        np.testing.assert_allclose(mine["viability"][:, 0], runs["viability"], rtol=1e-7)
        if drawn:
            np.testing.assert_array_equal(mine["viability"], results["viability"])


def test_what_an_axis_fixes_wins_over_the_set() -> None:
    sets = parameter_sets("ensemble:2", seed=1).block(0, 2)
    results = nl.sweep(K562R, {"death_max": [0.02, 0.06]}, ["viability"], parameters=sets, drawn=True)
    for i, j in product(range(2), range(2)):
        alone = nl.sweep(
            K562R.with_(parameters={"death_max": [0.02, 0.06][j]}),
            None,
            ["viability"],
            parameters=[sets[i]],
            drawn=True,
        )
        np.testing.assert_allclose(results["viability"][i, j], alone["viability"][0], rtol=1e-12)


# -- random designs -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("design", ["random", "sobol", "latin"])
def test_samples_are_runs_at_their_coordinates(design: str) -> None:
    scenario = WASHED.with_(treatments={"imatinib": 1})
    vary = {
        "imatinib": nl.log_range("30 nM", "3 uM"),
        "K562S": "1e4:1e6:log",
        "at": "0:72",
        "death_max": "prior",
        "il1ra": [0, 500],
    }
    results = nl.sweep(scenario, vary, ["viability"], design=design, samples=6, seed=2)
    assert results["viability"].dims == ("sample", "il1ra", "time")
    for sample in range(6):
        place = {axis: [float(results[axis][sample])] for axis in vary if axis != "il1ra"}
        alone = one_by_one(scenario, place, ["viability"])["viability"].ravel()
        np.testing.assert_allclose(results["viability"][sample, 0], alone, rtol=1e-9)
    assert results["imatinib"].attrs["units"] == "uM"
    assert np.unique(results["imatinib"]).size == 6


def test_samples_are_the_same_for_every_parameter_set() -> None:
    results = nl.sweep(
        K562R, {"imatinib": "0.1:3:log"}, ["viability"], design="sobol", samples=4, parameters="ensemble:3"
    )
    assert results["viability"].dims == ("set", "sample", "time")
    assert results["imatinib"].dims == ("sample",)
    for sample in range(4):
        alone = nl.sweep(
            K562R, {"imatinib": [float(results["imatinib"][sample])]}, ["viability"], parameters="ensemble:3"
        )
        np.testing.assert_allclose(results["viability"][:, sample], alone["viability"][:, 0], rtol=1e-9)


# -- summaries ----------------------------------------------------------------------------------------------


def test_summaries_are_those_of_the_courses() -> None:
    vary = {"imatinib": [3, 0, 0.3, 1, 10], "il1ra": [0, 50, 500], "K562R": [1e4, 1e6]}
    summaries = [
        "course",
        "final",
        "final(24 h)",
        "peak",
        "auc",
        "time_to(0.7)",
        "ic50(imatinib)",
        "hill(imatinib)",
        "bliss",
        "loewe",
    ]
    results = nl.sweep(K562R, vary, ["viability"], summaries=summaries, times=[0, 12, 24, 48, 72])
    course = nl.sweep(K562R, vary, ["viability"], times=[0, 12, 24, 48, 72])["viability"]
    np.testing.assert_allclose(results["viability"], course, rtol=1e-12)
    np.testing.assert_array_equal(results["viability_final"], results["viability"][..., -1])
    np.testing.assert_array_equal(results["viability_final_24h"], results["viability"].sel(time=24))
    np.testing.assert_array_equal(results["viability_peak"], results["viability"].max("time"))
    np.testing.assert_allclose(results["viability_auc"], results["viability"].integrate("time"))
    assert results["viability_ic50_imatinib"].dims == ("il1ra", "K562R")
    assert results["viability_bliss"].dims == tuple(vary)
    single = results["viability_final"].sel(il1ra=0) * results["viability_final"].sel(imatinib=0)
    expected = (
        single / results["viability_final"].sel(imatinib=0, il1ra=0) - results["viability_final"]
    ).transpose(*vary)
    np.testing.assert_allclose(results["viability_bliss"], expected, atol=1e-12)
    crossing = np.interp(
        0.5,
        [*results["viability_final"].sel(il1ra=0, K562R=1e4).sortby("imatinib")[::-1]],
        np.log([10, 3, 1, 0.3, 1e-9]),
    )
    assert float(results["viability_ic50_imatinib"].sel(il1ra=0, K562R=1e4)) == pytest.approx(
        np.exp(crossing), rel=1e-6
    )


def test_without_dose_0_the_control_of_an_ic50_is_the_vehicle_well() -> None:
    doses = [0.1, 0.3, 1, 3, 10]
    without = nl.sweep(K562R, {"imatinib": doses}, ["il1b"], summaries=["ic50", "hill"])
    beside = nl.sweep(K562R, {"imatinib": [0, *doses]}, ["il1b"], summaries=["ic50", "hill"])
    for name in ("il1b_ic50", "il1b_hill"):
        assert float(without[name]) == pytest.approx(float(beside[name]), rel=1e-9)
    assert without["il1b_ic50"].attrs["units"] == "uM"


def test_runs_are_sampled_where_a_summary_looks() -> None:
    results = nl.sweep(K562R, {"imatinib": [1]}, ["viability"], summaries=["final(36 h)"])
    alone = nl.simulate(K562R.with_(treatments={"imatinib": 1}), engine="batch", rtol=1e-6, times=[36])
    assert float(results["viability_final_36h"][0]) == pytest.approx(alone["viability"][0], rel=1e-9)
    assert "time" not in results.dims


# -- results ------------------------------------------------------------------------------------------------


def test_results_are_labelled_with_units() -> None:
    results = nl.sweep(
        "imatinib_il1ra_matrix", {"K562R": ["1e2 cells/uL"]}, ["viability", "il1b"], times=["1 d", "2 d"]
    )
    assert dict(results.sizes) == {"imatinib": 6, "il1ra": 5, "K562R": 1, "time": 2}  # its own axes first
    units = {name: results[name].attrs["units"] for name in results.coords}
    assert units == {"imatinib": "uM", "il1ra": "ng/mL", "K562R": "cells/mL", "time": "h"}
    told = {"units": "pg/mL", "long_name": "free IL-1β in the medium"}
    assert results["il1b"].attrs == {**told, "readout": "il1b", "host": "", "summary": "course"}
    assert results["K562R"].item() == 1e5
    assert results["status"].dims == ("imatinib", "il1ra", "K562R")
    assert results.attrs["runs"] == 30


def test_a_treatment_and_a_read_out_of_one_name_are_told_apart() -> None:
    results = nl.sweep(K562R, {"il1b": [0, 100]}, ["il1b"])
    np.testing.assert_allclose(results["il1b_readout"].sel(time=0), [0, 100])


def test_all_read_outs_by_default() -> None:
    results = nl.sweep(K562R, {"imatinib": [1]})
    assert set(results.data_vars) == {name for name in nl.readout_names() if name != "cxcl11_mRNA"} | {
        "status"
    }
    several = nl.sweep("coculture", {"imatinib": [1]}, times=[0, 24])
    assert {"viable_cells_K562R", "viable_cells_stroma", "cxcl11_mRNA", "viability"} <= set(several.data_vars)


def test_a_read_out_of_ones_own() -> None:
    double = Readout(
        "double", "cells", "twice the cells", (), lambda run, host: 2 * run.output("cells_K562R")
    )
    results = nl.sweep(K562R, {"imatinib": [0, 1]}, [double, "cells_K562R"])
    np.testing.assert_array_equal(results["double"], 2 * results["cells_K562R"])


SHRINKING = {"uniform_death": [0.0, 0.3, 0.0]}
"""Three sets; with the second no line grows without drug, so that there are no stock cultures."""


def meanings(results: xr.Dataset) -> list[str]:
    words = results["status"].attrs["flag_meanings"].split()
    return [words[code] for code in results["status"].values.ravel()]


def test_failed_runs_are_counted_and_explained() -> None:
    results = nl.sweep(
        K562R, {"imatinib": [0, 1, 3]}, ["viability"], parameters=SHRINKING, summaries=["final", "ic50"]
    )
    assert meanings(results) == ["ok"] * 3 + ["no_culture"] * 3 + ["ok"] * 3
    for name in ("viability_final", "viability_ic50"):
        missing = np.isnan(results[name]).values.reshape(3, -1)
        assert missing.all(axis=1).tolist() == missing.any(axis=1).tolist() == [False, True, False]
    assert (results.attrs["runs"], results.attrs["failed_runs"]) == (9, 3)
    assert results.attrs["failed_fraction"] == pytest.approx(1 / 3)
    started = "imatinib_k562r[imatinib=0 uM], set 1: no stock culture: K562R shrinks"
    assert results.attrs["first_failure"].startswith(started)


def test_a_well_without_cells_does_not_fail_for_want_of_them() -> None:
    scenario = nl.load_scenario("mixed_lines").with_(times=[0, 24])
    sets = {"division_max_K562R": [1e-6], "uniform_death": 0.02}  # K562R shrinks, K562S grows
    results = nl.sweep(scenario, {"K562R": [0, 1e5], "K562S": [1e5]}, ["il1b"], parameters=sets)
    assert meanings(results) == ["ok", "no_culture"]
    assert np.isfinite(results["il1b"][0, 0]).all()


def test_a_medium_that_could_not_be_conditioned_is_told() -> None:
    scenario = nl.load_scenario("s3_k562r_medium_on_k562s").with_(vary={}, times=[0, 24])
    sets = {"division_max_K562R": [1e-6], "uniform_death": 0.02}
    results = nl.sweep(scenario, {"imatinib": [0, 1]}, ["viability"], parameters=sets)
    assert meanings(results) == ["no_medium", "no_medium"]
    assert "conditioning: no stock culture: K562R" in results.attrs["first_failure"]


def test_a_run_that_stops_keeps_what_it_reached() -> None:
    planned = plan_sweep(K562R, {"imatinib": [0, 3]}, ["viability"])
    system = planned.task._treated.plan.compiled
    planned.task.__dict__["_solver"] = BatchSolver(system.system, 1e-6, system.atol, max_steps=30)
    results = planned.dataset(planned.run())
    assert meanings(results) == ["stopped", "stopped"]
    np.testing.assert_array_equal(np.isnan(results["viability"]), [[False, True, True]] * 2)


def test_a_run_whose_vehicle_failed_has_no_viability() -> None:
    planned = plan_sweep(K562R, {"imatinib": [0, 3]}, ["viability", "il1b"])
    vehicle = planned.task._benches[1]
    assert vehicle is not None
    run = vehicle.run

    def failing(*arguments: Any) -> Any:
        values, status = run(*arguments)
        return np.full_like(values, np.nan), status + STOPPED

    vehicle.run = failing  # type: ignore[method-assign]
    results = planned.dataset(planned.run())
    assert meanings(results) == ["no_vehicle", "no_vehicle"]
    assert np.isnan(results["viability"]).all()
    assert np.isfinite(results["il1b"]).all()


def test_results_of_a_store_stay_on_the_disk(tmp_path: Path) -> None:
    vary: dict[str, Any] = {"imatinib": "0,0.1:10:9:log", "K562R": "1e4:1e6:4:log"}
    in_memory = nl.sweep(K562R, vary, ["viability"], parameters="ensemble:3", summaries=["course", "hill"])
    stored = nl.sweep(
        K562R,
        vary,
        ["viability"],
        parameters="ensemble:3",
        summaries=["course", "hill"],
        store=tmp_path / "s",
    )
    assert stored.identical(in_memory)
    opened = nl.open_sweep(tmp_path / "s")
    assert opened.identical(stored)
    owners = [opened["viability"].values]
    while getattr(owners[-1], "base", None) is not None:
        owners.append(owners[-1].base)
    assert any(isinstance(owner, (np.memmap, mmap)) for owner in owners)


def test_a_planned_sweep_tells_its_size() -> None:
    planned = plan_sweep(
        K562R, {"imatinib": [0, 1, 2], "K562R": [1e4, 1e5]}, ["viability"], summaries=["ic50"]
    )
    assert (planned.design.rows, planned.design.width, planned.design.runs) == (2, 3, 6)
