"""`fitted.toml`: round trips, what is refused, and its use as parameters; `nl.fit` from end to end."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nicheloop as nl
from nicheloop.analysis.fit.fitted import Fitted, FittedParameter, read_fitted
from nicheloop.cli.main import main
from nicheloop.cli.values import numbers

sys.path.insert(0, str(Path(__file__).parent))

ENDS = st.tuples(st.floats(allow_nan=False), st.floats(allow_nan=False))
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
PLAIN = st.one_of(st.booleans(), st.integers(-(2**60), 2**60), st.floats(allow_nan=False), TEXT)


def parameter(name="death_max", value=0.08, **changes):
    row = {"unit": "1/h", "before": 0.05, "interval": (0.07, math.inf), "prior": (0.01, 0.2)}
    return FittedParameter(name=name, value=value, **{**row, "verdict": "bounded below", **changes})


@given(
    value=st.floats(allow_nan=False, allow_infinity=False),
    interval=ENDS,
    noise=st.dictionaries(TEXT, st.floats(allow_nan=False), max_size=3),
    search=st.dictionaries(TEXT, PLAIN, max_size=3),
    provenance=st.dictionaries(TEXT, st.one_of(PLAIN, st.lists(TEXT, max_size=2)), max_size=3),
)
def test_what_is_written_reads_back_equal(tmp_path_factory, value, interval, noise, search, provenance):
    fitted = Fitted(
        (parameter(value=value, interval=interval),),
        base={"bim_copies": 1e4},
        noise=noise,
        resistance="mixed",
        objective=-1.5,
        search=search,
        provenance={**provenance, "versions": {"nicheloop 1": "0.1.0"}},
    )
    path = fitted.save(tmp_path_factory.mktemp("fitted") / "fitted.toml")
    assert read_fitted(path) == fitted


def test_it_is_a_mapping_of_all_that_differs():
    fitted = Fitted((parameter(),), base={"bim_copies": 1e4, "death_max": 1.0})
    assert dict(fitted) == {"bim_copies": 1e4, "death_max": 0.08}
    assert len(fitted) == 2


def test_a_file_by_hand_needs_numbers_only(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("[parameters]\ndeath_max = 0.06\nbim_copies = 20000\n", encoding="utf-8")
    assert dict(read_fitted(path)) == {"death_max": 0.06, "bim_copies": 20000.0}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", r"has no table \[parameters\]"),
        ("schema = 2\n[parameters]\n", "schema 2, expected 1"),
        ('kind = "recipe"\n[parameters]\n', "kind 'recipe'"),
        ("[parameters]\ndeath_mx = 1.0\n", "'death_mx'.*death_max"),
        ("[parameters]\ndeath_max = true\n", "'death_max': value True, expected a number"),
        ("[parameters.death_max]\nlow = 1.0\n", "'death_max': value None, expected a number"),
        ("[parameters.death_max]\nvalue = 1.0\nlo = 1.0\n", "parameters.death_max: .*'lo'"),
        ('[parameters.death_max]\nvalue = 1.0\nunit = "1/d"\n', "unit '1/d', expected '1/h'"),
        ("[parameters]\n[base]\nbim = 1.0\n", "'bim'"),
        ("[parameters\n", "not TOML"),
    ],
)
def test_what_is_wrong_is_named(text, told, tmp_path):
    path = tmp_path / "fitted.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=told) as refused:
        read_fitted(path)
    assert all(line.startswith(str(path)) for line in str(refused.value).splitlines())


def test_every_problem_of_a_file_is_told(tmp_path):
    path = tmp_path / "fitted.toml"
    path.write_text("[parameters]\ndeath_mx = 1.0\nbim_copies = 'x'\n", encoding="utf-8")
    with pytest.raises(ValueError, match="death_mx") as refused:
        read_fitted(path)
    assert len(str(refused.value).splitlines()) == 2


def test_bytes_that_are_no_text_are_refused(tmp_path):
    path = tmp_path / "fitted.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match="byte 0 is not UTF-8"):
        read_fitted(path)


# -- on the command line ------------------------------------------------------------------------------------


def test_files_and_pairs_mix_and_what_comes_later_counts(tmp_path):
    path = str(Fitted((parameter(),), base={"bim_copies": 1e4}).save(tmp_path / "fitted.toml"))
    assert numbers([path, "death_max=0.5"]) == {"bim_copies": 1e4, "death_max": 0.5}
    assert numbers(["death_max=0.5", path]) == {"bim_copies": 1e4, "death_max": 0.08}


@pytest.mark.parametrize("typed", ["missing.toml", "death_max", "death_max=fast"])
def test_misuse_is_one_line_that_names_the_option(typed, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["simulate", "k562r_growth", "--parameters", typed]) == 2
    told = capsys.readouterr().err
    assert told.startswith("nicheloop: --parameters: ")
    assert typed in told or "'fast'" in told
    assert told.count("\n") == 1


# -- from end to end ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small():
    pytest.importorskip("pypesto")
    names = ["death_max", "bim_copies", "migration_directed"]
    data = nl.load_data("imatinib_baf3")
    return nl.fit(data, names, starts=10, workers=1, base={"atp_competition": 100.0})


def test_a_fit_improves_what_it_was_given(small):
    problem = small.problem
    before = {name: nl.parameter_values()[name] for name in problem.free.names}
    assert small.optimum.value < problem.evaluate(problem.to_point(before)).value - 10.0
    assert small.optimum.value == small.evaluation.value
    assert small.search.converged
    assert small.search.verdict in small.verdict
    assert small.best["atp_competition"] == 100.0


def test_the_table_of_a_fit_says_what_became_of_each_parameter(small):
    table = small.parameters().set_index("name")
    assert list(table.index) == list(small.problem.free.names)
    assert (table["before"] == [nl.parameter_values()[name] for name in table.index]).all()
    for name in ("death_max", "bim_copies"):
        row = table.loc[name]
        assert row["verdict"] == "identifiable"
        assert row["low"] < row["after"] < row["high"]
        assert row["gained"] > 0.9
    silent = table.loc["migration_directed"]
    assert silent["verdict"] == "flat"
    assert (silent["low"], silent["high"], silent["gained"]) == (0.0, math.inf, 0.0)
    assert (table["prior_low"] < table["prior_high"]).all()


def test_the_prior_interval_holds_95_percent(small):
    from nicheloop.biology.priors import prior_level

    for one in small.fitted().parameters:
        np.testing.assert_allclose(prior_level(one.name, one.prior), [0.025, 0.975], atol=1e-9)


def test_what_cannot_be_told_is_named(small):
    assert small.identifiability.rank == 2
    assert small.identifiability.confounded == ("not told: migration_directed",)


def test_profiles_touch_the_optimum_from_above(small):
    assert small.profiles.excess <= 1e-2
    for profile in small.profiles.values():
        assert profile.objectives.min() == pytest.approx(small.optimum.value, abs=1e-2)


def test_a_saved_fit_simulates_as_the_fit_predicts(small, tmp_path):
    path = small.to_toml(tmp_path / "fitted.toml")
    read = read_fitted(path)
    assert read == small.fitted()
    assert dict(read) == small.best
    scenario = nl.load_scenario("imatinib_k562s").with_(duration=24.0)
    predicted = small.predict(scenario, engine="batch")
    again = nl.simulate(scenario, read, engine="batch")
    assert predicted.outputs.tobytes() == again.outputs.tobytes()
    assert read.provenance["seed"] == 1
    assert len(read.provenance["data_digest"]) == 64


def test_a_fit_under_a_hypothesis_predicts_under_it():
    pytest.importorskip("pypesto")
    found = nl.fit(
        nl.load_data("imatinib_baf3"), ["death_max"], 1, resistance="efflux", profile=False, workers=1
    )
    assert found.profiles is None
    assert found.predict("k562r_growth", engine="batch").scenario.resistance == "efflux"
    assert found.fitted().parameters[0].verdict == ""
    assert math.isnan(found.fitted().parameters[0].interval[0])
    assert found.fitted().resistance == "efflux"


def test_data_decide_to_whom_a_store_belongs(tmp_path):
    pytest.importorskip("pypesto")
    options = {"parameters": ["death_max"], "starts": 1, "workers": 1, "store": tmp_path, "profile": False}
    nl.fit(nl.load_data("imatinib_baf3"), **options)
    other = tmp_path / "other.csv"
    nl.load_data("imatinib_baf3").to_csv(other)
    text = other.read_text(encoding="utf-8")
    assert "0.91595" in text
    other.write_text(text.replace("0.91595", "0.81595"), encoding="utf-8")
    with pytest.raises(ValueError, match=r"another job \(settings.data: "):
        nl.fit(other, **options)


def test_a_read_out_of_ones_own_is_part_of_the_data():
    from dataclasses import replace

    from nicheloop.analysis.fit.identity import data_digest

    table = nl.load_data("imatinib_baf3")
    shipped = next(one for one in nl.READOUTS if one.name == "viability")
    readout = replace(shipped, name="own")
    digests = {
        data_digest(nl.FitProblem(replace(table, readouts=own), ["death_max"]))
        for own in ((), (readout,), (replace(readout, background=0.01),))
    }
    assert len(digests) == 3
