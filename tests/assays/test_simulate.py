"""Results: shipped scenarios, read-outs, many parameter sets, and failure as a value."""

from __future__ import annotations

import dataclasses
import pickle
import re
import subprocess
import sys

import numpy as np
import pytest

import nicheloop as nl
from nicheloop.assays.readouts import READOUTS, Readout, ReadoutError
from nicheloop.assays.units import NANOMOLAR_PER_CELL_PER_ML
from nicheloop.biology.hosts import LEUKAEMIC

SETS = ({}, {"il1b_secretion_K562R": 2.0}, {"death_max": 0.02, "imatinib_affinity_loss_K562R": 3.0})


@pytest.mark.parametrize("name", nl.scenario_names())
def test_every_shipped_scenario_runs(name):
    """Of one that varies something, the last well: it has the highest doses."""
    run = nl.simulate(nl.load_scenario(name).wells()[-1])
    assert run.ok, run.message
    assert np.isfinite(run.species).all()
    assert np.isfinite(run.outputs).all()
    assert run.species.min() > -1e-9
    table = run.to_dataframe()
    if any(event.passage for event in run.scenario.events):
        table = table[table["readout"] != "gr"]  # a vehicle that is split may hold fewer cells than seeded
    assert np.isfinite(table["value"]).all()
    assert run.time[-1] == run.scenario.duration == run.time_reached


def test_viability_equals_the_ratio_to_a_vehicle_well_by_hand():
    treated = nl.load_scenario("coculture_imatinib").with_(treatments={"il1ra": 100})
    untreated = treated.with_(treatments={"imatinib": 0, "il1ra": 0})
    by_hand = nl.simulate(treated)["cells_K562R"] / nl.simulate(untreated)["cells_K562R"]
    np.testing.assert_allclose(nl.simulate(treated)["viability"], by_hand, rtol=1e-5)
    assert by_hand[-1] < 0.95
    np.testing.assert_array_equal(nl.simulate("coculture")["viability"], 1.0)


def test_readouts_equal_their_definitions():
    run = nl.simulate("coculture_imatinib")
    cells, dead = run["cells_K562R"], run["dead_K562R"]
    np.testing.assert_allclose(run["viable_cells:K562R"], cells / NANOMOLAR_PER_CELL_PER_ML)
    np.testing.assert_allclose(run["migrated"], run["cells_K562R_stroma"] / cells * 100)
    np.testing.assert_allclose(run["apoptosis"], 100 * dead / (cells + dead))
    np.testing.assert_allclose(run["il1b"], run["il1b_medium"] * 17.5 * 1e3)
    np.testing.assert_allclose(run["cxcl11"], run["cxcl11_medium"] * 8.3 * 1e3)
    layers = [f"cxcl11_{form}{layer}" for form in ("", "clipped_") for layer in ("upper", "lower")]
    np.testing.assert_allclose(run["cxcl11_medium"], sum(run[layer] for layer in layers), atol=1e-15)
    assert run["cxcl11_mRNA"][0] == pytest.approx(1.0)
    assert nl.simulate("k562s_growth")["il1b_mRNA"][0] == pytest.approx(1.0)
    assert nl.simulate("k562r_growth")["il1b_mRNA"][0] > 2


def test_a_readout_of_ones_own():
    doublings = Readout(
        "doublings",
        "1",
        "since seeding",
        LEUKAEMIC,
        lambda run, host: np.log2(run.output(f"cells_{host}") / run.seeded(host)),
    )
    run = nl.simulate("k562s_growth")
    expected = np.log2(run["viable_cells"] / 1e5)
    np.testing.assert_allclose(run[doublings], expected, atol=1e-12)


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("viabilty", "unknown read-out 'viabilty', did you mean 'viability'?"),
        ("cells_K562", "unknown read-out 'cells_K562', did you mean 'cells_K562"),
        ("viability", "viability: several lines here, expected one of: viability:K562S, viability:K562R"),
        ("viability:K562", "viability: unknown line 'K562', did you mean 'K562S'?"),
        (
            "cxcl11_mRNA",
            "cxcl11_mRNA: none of its lines here (K562S, K562R), expected one of: cxcl11_mRNA:stroma",
        ),
        ("il1b:K562R", "il1b is measured in the medium, expected no line, got 'K562R'"),
    ],
)
def test_a_readout_that_is_not_there(key, message):
    run = nl.simulate("mixed_lines", times=[0])
    with pytest.raises(ReadoutError) as caught:
        run[key]
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"parameters": {"il1b_secretion_K562": 2.0}}, "il1b_secretion_K562S"),
        ({"parameters": {"death_max": float("nan")}}, "death_max=nan: expected a finite number"),
        ({"engine": "scypi"}, "unknown engine 'scypi', did you mean 'scipy'?"),
        ({"method": "lsode"}, "unknown method 'lsode', did you mean 'lsoda'?"),
        ({"rtol": -1}, "rtol: got -1, expected a positive number"),
        ({"times": [100]}, "times: got 100 h, expected at most the duration 72 h"),
        ({"times": ["1 uM"]}, "times: '1 uM' has unit 'uM', expected one that converts to 'h'"),
    ],
)
def test_misuse_is_an_error_that_names_it(arguments, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is checked below
        nl.simulate("k562s_growth", **arguments)
    assert message in str(caught.value)


def test_what_a_scenario_sets_wins_over_the_parameter_set():
    off = nl.load_scenario("coculture").with_(parameters={"migration_directed": 0.0})
    run = nl.simulate(off, parameters={"migration_directed": 1.0})
    assert run.parameters["migration_directed"] == 0.0
    np.testing.assert_array_equal(run.species, nl.simulate(off).species)


def test_a_parameter_set_reaches_stock_culture_and_run():
    plain, more = (nl.simulate("k562r_growth", parameters=p) for p in ({}, {"il1b_secretion_K562R": 1000.0}))
    assert more.parameters["il1b_secretion_K562R"] == 1000.0
    assert more["il1b_mRNA"][0] > 2 * plain["il1b_mRNA"][0]
    assert more["il1b"][-1] > 2 * plain["il1b"][-1]


# -- failure ------------------------------------------------------------------------------------------------


def test_a_run_that_fails_is_a_value_with_nan_after_the_time_reached(monkeypatch):
    import nicheloop.integrate.periods as periods

    original = periods.integrate_periods

    def few_steps(*arguments, **options):
        return original(*arguments, **options, max_steps=60)

    monkeypatch.setattr(periods, "integrate_periods", few_steps)
    run = nl.simulate("imatinib_k562s", method="bdf")
    assert run.status == "failed"
    assert "more than 60 steps" in run.message
    assert 0 < run.time_reached < 72
    late = run.time > run.time_reached
    assert np.isnan(run.species[late]).all()
    assert np.isfinite(run.species[~late]).all()
    assert np.isnan(run["viable_cells"][late]).all()
    many = nl.simulate_many(["imatinib_k562s"], SETS[:2], method="bdf")[0]
    assert many.status == ("failed", "failed")
    assert np.isnan(many["viable_cells"][:, -1]).all()


@pytest.mark.parametrize("engine", ["scipy", "batch"])
def test_without_a_stock_culture_there_is_no_run(engine, monkeypatch):
    import nicheloop.integrate.steady as steady

    original = steady.balanced_growth

    def fails_for_some(system, parameters, *rest, **options):
        found = original(system, parameters, *rest, **options)
        if parameters[system.parameters.index("death_max")] != 0.5:
            return found
        return steady.SteadyState(found.y * np.nan, np.nan, np.inf, "failed", "no steady state")

    monkeypatch.setattr(steady, "balanced_growth", fails_for_some)
    many = nl.simulate_many(["conditioned_medium_k562s"], [{}, {"death_max": 0.5}], engine=engine)[0]
    assert many.status == ("ok", "failed")
    assert "stock culture of K562R: no steady state" in many.messages[1]
    assert "conditioning" in many.messages[1]
    assert np.isnan(many["viable_cells"][1]).all()
    assert np.isfinite(many["viable_cells"][0]).all()


@pytest.mark.parametrize("engine", ["scipy", "batch"])
def test_a_line_that_shrinks_without_drug_says_so(engine):
    scenarios = ["k562s_growth", "conditioned_medium_k562s"]
    alone, conditioned = nl.simulate_many(scenarios, [{"uniform_death": 0.1}], engine=engine)
    said = re.fullmatch(
        r"no stock culture: K562S shrinks without drug at (\S+) /h with these parameters: "
        r"a culture that cannot grow cannot be seeded",
        alone.messages[0],
    )
    assert said is not None
    assert 0.1 - np.log(2) / 20 < float(said[1]) < 0.11  # it divides at most every 20 h
    assert conditioned.messages[0].startswith("conditioning: no stock culture: K562R shrinks")
    assert alone.status == conditioned.status == ("failed",)
    assert np.isnan(alone["viable_cells"]).all()


# -- many ---------------------------------------------------------------------------------------------------

FEW = ("imatinib_washout", "conditioned_medium_k562s", "coculture_imatinib", "transwell_stroma")


def test_many_runs_equal_single_ones():
    for runs in nl.simulate_many(FEW, SETS):
        assert runs.ok.all()
        for index, parameters in enumerate(SETS):
            single = nl.simulate(runs.scenario, parameters=parameters)
            for output in ("il1b_medium", "imatinib_medium"):
                np.testing.assert_array_equal(runs[output][index], single[output])
            np.testing.assert_array_equal(runs["viability"][index], single["viability"])
            np.testing.assert_array_equal(runs["il1b_mRNA"][index], single["il1b_mRNA"])
            np.testing.assert_array_equal(runs.result(index).species, single.species)


def test_the_batch_engine_agrees_with_the_reference():
    silenced = nl.load_scenario("coculture").with_(
        events=[{"at": 20, "knockdown": {"il1b": 0.9}, "wash_out": 0.5}]
    )
    scenarios = [*FEW, silenced]
    reference = nl.simulate_many(scenarios, SETS, rtol=1e-9)
    batch = nl.simulate_many(scenarios, SETS, engine="batch", rtol=1e-8)
    for expected, found in zip(reference, batch, strict=True):
        assert found.ok.all()
        keys = [
            f"{readout.name}:{host}" for readout in READOUTS for host in readout.hosts if host in found.hosts
        ]
        for key in [*keys, "il1b", "cxcl11"]:
            scale = np.abs(expected[key]).max()
            np.testing.assert_allclose(found[key], expected[key], rtol=2e-5, atol=2e-6 * scale, err_msg=key)
    single = nl.simulate(silenced, engine="batch", rtol=1e-8)
    np.testing.assert_allclose(single["viable_cells:K562R"], batch[-1]["viable_cells:K562R"][0], rtol=1e-12)


def test_only_what_the_readouts_need_is_kept_and_the_rest_is_there_when_asked():
    (runs,) = nl.simulate_many(["coculture"], SETS, times=[0, 24])
    assert len(runs.output_names) < 50
    assert "pge2_medium" not in runs.output_names
    single = nl.simulate("coculture", times=[0, 24])
    assert single["pge2_medium"][1] > 0
    np.testing.assert_array_equal(runs["pge2_medium"][0], single["pge2_medium"])
    kept = runs.study.runs(nl.load_scenario("imatinib_k562r"))
    assert "pge2_medium" in kept.output_names
    with pytest.raises(ReadoutError, match="unknown read-out 'pge_medium', did you mean 'pge2_medium'"):
        runs["pge_medium"]


def test_stock_cultures_and_media_are_made_once(monkeypatch):
    import nicheloop.integrate.periods as periods
    import nicheloop.integrate.steady as steady

    grown, ran = [], []
    growth, integrate = steady.balanced_growth, periods.integrate_periods
    monkeypatch.setattr(steady, "balanced_growth", lambda *a, **k: grown.append(a[0].n) or growth(*a, **k))
    monkeypatch.setattr(periods, "integrate_periods", lambda *a, **k: ran.append(1) or integrate(*a, **k))
    dose = nl.load_scenario("conditioned_medium_k562s")
    scenarios = [dose.with_(treatments={"imatinib": amount}) for amount in (0.1, 1.0, 10.0)]
    runs = nl.simulate_many(scenarios, [{"death_max": 0.031}])
    assert len(ran) == 4  # one conditioning run, three doses
    assert len(grown) == 2  # K562R and K562S
    assert [run["viability"].shape for run in runs] == [(1, 73)] * 3
    assert len(ran) == 5  # one vehicle for all three


# -- forms --------------------------------------------------------------------------------------------------


def test_a_tidy_table_has_units():
    run = nl.simulate("coculture_imatinib", times=[0, 24, 72])
    table = run.to_dataframe()
    assert list(table.columns) == ["time", "readout", "line", "value", "unit"]
    assert set(table["readout"]) == {readout.name for readout in READOUTS}
    assert len(table) == 3 * len(table.groupby(["readout", "line"]))
    chosen = run.to_dataframe(["viability", "il1b"])
    assert chosen["unit"].tolist() == ["fraction"] * 3 + ["pg/mL"] * 3
    np.testing.assert_array_equal(chosen["value"][:3], run["viability"])


def test_xarray_holds_everything_by_name():
    run = nl.simulate("coculture_imatinib", times=[0, 24])
    data = run.to_xarray()
    np.testing.assert_array_equal(data["outputs"].sel(output="cells_K562R"), run["cells_K562R"])
    assert data["species"].shape == run.species.shape
    assert data["viability_K562R"].attrs["units"] == "fraction"
    assert data.attrs["status"] == "ok"


def test_a_plot_has_one_labelled_panel_per_readout():
    figure = nl.simulate("imatinib_washout").plot(["viability", "il1b"])
    panels = [axes for axes in figure.axes if axes.axison]
    assert len(panels) == 2
    for axes, unit in zip(panels, ["fraction", "pg/mL"], strict=True):
        assert unit in axes.get_ylabel()
        assert "time" in axes.get_xlabel()
        assert axes.get_lines()


def test_a_result_travels_between_processes():
    run = nl.simulate("imatinib_k562s", times=[0, 72])
    parcel = pickle.dumps(run)
    assert len(parcel) < run.species.nbytes + run.outputs.nbytes + 100_000
    again = pickle.loads(parcel)
    np.testing.assert_array_equal(again.species, run.species)
    np.testing.assert_array_equal(again["viability"], run["viability"])
    assert again.scenario == run.scenario


HEAVY = ("numpy", "pydantic", "pysb", "sympy", "scipy", "pandas", "pint", "matplotlib")


def test_importing_the_package_imports_nothing_heavy():
    code = f"""
import sys, nicheloop
print(sorted(set({HEAVY}) & set(sys.modules)))
print([name for name in nicheloop.__all__ if not hasattr(nicheloop, name)])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["[]", "[]"]


def test_results_say_what_they_are_in_a_line():
    run = nl.simulate("imatinib_k562r", times=[0, 24])
    assert repr(run) == "Result imatinib_k562r: K562R, to 24 h"
    failed = dataclasses.replace(run, status="failed", message="too many steps", time_reached=3.0)
    assert repr(failed) == "Result imatinib_k562r: K562R, failed at 3 h: too many steps"
    (many,) = nl.simulate_many(["imatinib_k562r"], [{}, {}], times=[0, 24])
    some = dataclasses.replace(many, status=("ok", "failed"))
    assert repr(some) == "Runs imatinib_k562r: 2 parameter sets, 1 failed"


def test_a_notebook_shows_what_was_measured_at_the_end():
    run = nl.simulate("imatinib_k562r", times=[0, 24])
    page = run._repr_html_()
    assert "viability" in page
    assert f"{run['viability'][-1]:.3g}" in page


@pytest.mark.parametrize("engine", ["scipy", "batch"])
def test_a_stock_culture_without_cells_is_refused_by_name(engine):
    with pytest.raises(ValueError, match="stock_density_K562R: got 0 cells/mL, expected more than 0"):
        nl.simulate_many(["imatinib_k562r"], [{"stock_density_K562R": 0.0}] * 9, engine=engine)[0][
            "viability"
        ]
