"""What a read-out says of its assay, the GR value against closed forms, and a read-out of one's own."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest

import nicheloop as nl
from nicheloop.assays.noise import LogNormal, Normal
from nicheloop.assays.readouts import READOUTS, Readout, gr_value, outputs_needed
from nicheloop.assays.runs.dual import Dual

PLAIN = Readout("signal", "a.u.", "some signal", (), lambda run, host: run.output("il1b_medium"))


# -- the assay ----------------------------------------------------------------------------------------------


def test_a_read_out_without_an_assay_measures_what_is_there():
    assert PLAIN.noise is None
    np.testing.assert_array_equal(PLAIN.measured([0.0, 1.0, 1e9]), [0.0, 1.0, 1e9])


def test_background_is_added_and_the_upper_end_cuts_off():
    assay = dataclasses.replace(PLAIN, background=2.0, saturation=10.0, detection_limit=0.5)
    np.testing.assert_array_equal(
        assay.measured([0.0, 3.0, 8.0, 9.0, np.nan]), [2.0, 5.0, 10.0, 10.0, np.nan]
    )


def test_derivatives_go_through_the_assay():
    assay = dataclasses.replace(PLAIN, background=2.0, saturation=10.0)
    shown = assay.measured(Dual(np.array([3.0, 9.0]), np.array([[1.5], [1.5]])))
    np.testing.assert_array_equal(shown.values, [5.0, 10.0])
    np.testing.assert_array_equal(shown.slopes, [[1.5], [0.0]])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"relative": "vehicel"}, "signal: relative: unknown reference 'vehicel', did you mean 'vehicle'"),
        ({"background": np.nan}, "signal: background: got nan, expected a finite number"),
        ({"plate_sd": -0.1}, "signal: plate_sd: got -0.1, expected at least 0"),
        (
            {"detection_limit": 5.0, "saturation": 5.0},
            "signal: detection_limit 5 is not below saturation 5",
        ),
    ],
)
def test_an_assay_that_cannot_be_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(PLAIN, **change)


def test_what_is_relative_says_so():
    relative = {readout.name: readout.relative for readout in READOUTS if readout.relative}
    assert relative == {
        "viability": "vehicle",
        "gr": "vehicle",
        "il1b_mRNA": "stock",
        "cxcl11_mRNA": "stock",
    }


# -- GR values ----------------------------------------------------------------------------------------------


def test_gr_is_1_for_equal_growth_0_for_stasis_and_negative_for_death():
    assert gr_value(400.0, 100.0, 400.0) == pytest.approx(1.0)
    assert gr_value(100.0, 100.0, 400.0) == pytest.approx(0.0)
    assert gr_value(50.0, 100.0, 400.0) == pytest.approx(2**-0.5 - 1)
    assert gr_value(0.0, 100.0, 400.0) == -1


def test_gr_depends_on_the_ratio_of_rates_and_not_on_speed_or_time():
    for rate in (0.01, 0.03):
        for time in (24.0, 72.0, 100.0):
            control, treated = np.exp(rate * time), np.exp(0.4 * rate * time)
            assert gr_value(5 * treated, 5.0, 5 * control) == pytest.approx(2**0.4 - 1)


def test_gr_is_not_told_where_the_control_has_not_grown():
    found = gr_value([1.1, 2.0, 0.5, 0.0], [1.0, 1.0, 1.0, 0.0], [1.0, 0.9, 1.0 + 1e-12, 0.0])
    assert np.isnan(found).all()


def test_gr_is_its_limit_before_anything_has_changed():
    np.testing.assert_allclose(gr_value([1.0, 1.0 + 1e-15], [1.0, 1.0], [1.0, 1.0 - 1e-15]), 1.0, rtol=1e-12)


def test_gr_of_a_run_is_that_of_its_counts():
    run = nl.simulate("imatinib_k562s", times=[0, 1e-4, 24, 72])
    start = nl.load_scenario("imatinib_k562s").lines["K562S"].density
    counts, control = run["viable_cells"], run.vehicle()["viable_cells"]
    by_hand = 2 ** (np.log2(counts[1:] / start) / np.log2(control[1:] / start)) - 1
    np.testing.assert_allclose(run["gr"][1:], by_hand, rtol=1e-9)
    np.testing.assert_allclose(run["gr"][:2], 1.0, rtol=1e-3)
    np.testing.assert_allclose(run.vehicle()["gr"], 1.0, rtol=1e-9)


def test_gr_carries_derivatives():
    def gr(cells):
        return gr_value(cells, 2.0, np.array([8.0, 8.0]))

    cells = np.array([1.0, 5.0])
    found = gr(Dual(cells, np.ones((2, 1))))
    np.testing.assert_allclose(found.slopes[:, 0], (gr(cells + 1e-6) - gr(cells - 1e-6)) / 2e-6, rtol=1e-7)


# -- one's own ----------------------------------------------------------------------------------------------


def test_the_read_out_of_the_guide_is_measured():
    guide = (Path(__file__).parents[2] / "docs" / "guide.md").read_text(encoding="utf-8")
    (example,) = [
        code for code in re.findall(r"```python\n(.*?)```", guide, re.DOTALL) if "nl.Readout(" in code
    ]
    run = nl.simulate("imatinib_k562s", times=[0, 72])
    names = {"nl": nl, "run": run}
    exec(example, names)
    ldh = names["ldh"]
    dead = run["apoptosis"] / 100
    np.testing.assert_allclose(run[ldh], dead / (1 - dead), rtol=1e-9)
    np.testing.assert_allclose(ldh.measured(run[ldh]), run[ldh] + 0.02)
    assert ldh.noise == LogNormal(sd=0.1)
    (runs,) = nl.simulate_many(["imatinib_k562s"], [{}, {"death_max": 0.02}], times=[0, 72])
    assert runs[ldh][1, 1] < runs[ldh][0, 1]


def test_names_are_public():
    assert nl.Normal is Normal
    for name in ("Binomial", "LogNormal", "Noise", "StudentT", "assay_noise", "gr_value"):
        assert name in nl.__all__
        assert getattr(nl, name) is not None


def test_the_outputs_of_every_read_out_are_kept():
    assert {"cells_K562R", "dead_K562R", "il1b_medium"} <= outputs_needed(("K562R",))
