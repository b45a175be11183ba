"""Summaries against closed forms."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nicheloop.analysis.sweep.axis import axes_of
from nicheloop.analysis.sweep.summaries import KNOWN, Courses, Setting, Summary, read_summary
from nicheloop.analysis.sweep.synergy import bliss_excess, equivalent_dose, loewe_index
from nicheloop.assays.library import load_scenario
from nicheloop.assays.readouts import find

TIME = np.linspace(0, 72, 73)
SCENARIO = load_scenario("imatinib_k562r").with_(treatments={"imatinib": 0})
A, B = np.array([0, 0.1, 0.3, 1, 3, 10]), np.array([0, 5, 20, 100, 400])
positive = st.floats(0.05, 20)
slope = st.floats(0.5, 4)


def hill(dose: np.ndarray, ic50: float, power: float) -> np.ndarray:
    return 1 / (1 + (dose / ic50) ** power)


def settled(text: str, readout: str = "viability", **vary: object) -> Summary:
    axes = axes_of(SCENARIO, vary)
    return read_summary(text).settled(Setting(axes, (0.0, 72.0), 72.0), find(readout, SCENARIO.hosts)[0])


def summarised(text: str, values: np.ndarray) -> np.ndarray:
    return settled(text)(Courses(np.asarray(values, dtype=float), None, TIME, {}))


# -- over time ----------------------------------------------------------------------------------------------


def test_of_a_parabola() -> None:
    values = np.stack([TIME * (72 - TIME), 2 * TIME])
    np.testing.assert_allclose(summarised("final", values), [0, 144])
    np.testing.assert_allclose(summarised("final(1 d)", values), [24 * 48, 48])
    np.testing.assert_allclose(summarised("peak", values), [36**2, 144])
    np.testing.assert_allclose(summarised("time_of_peak", values), [36, 72])
    np.testing.assert_allclose(
        summarised("auc", values), [72**3 / 6 - 72 / 6, 72**2]
    )  # trapezoids: h**2 f'' / 12
    assert summarised("course", values) is not None
    np.testing.assert_array_equal(summarised("course", values), values)


@given(st.floats(-3, 3), st.floats(-0.2, 0.2), st.floats(-5, 5))
def test_time_to_of_a_line(start: float, rise: float, threshold: float) -> None:
    when = summarised(f"time_to({threshold!r})", (start + rise * TIME)[None])[0]
    exact = 0.0 if start == threshold else (threshold - start) / rise if rise else np.inf
    if not 0 <= exact <= 72:
        exact = np.inf
    if abs(exact - 72) > 1e-9:
        assert when == pytest.approx(exact, rel=1e-9, abs=1e-9)


def test_a_run_that_failed_tells_only_what_it_reached() -> None:
    values = np.where(TIME < 30, TIME, np.nan)[None]
    for text in ("final", "auc", "peak", "time_of_peak", "time_to(40)"):
        assert np.isnan(summarised(text, values)).all(), text
    assert summarised("final(24 h)", values) == summarised("time_to(24)", values) == 24


# -- over doses ---------------------------------------------------------------------------------------------


def over_doses(text: str, doses: np.ndarray, responses: np.ndarray, readout: str = "viability") -> np.ndarray:
    """Rows of dose-responses at 72 h; the doses in any order."""
    summary = settled(text, readout, imatinib=doses.tolist())
    values = np.stack([np.ones_like(responses), responses], axis=-1)
    return summary(Courses(values, np.full_like(values, 1.0), np.array([0.0, 72.0]), {"imatinib": doses}))


@given(positive, slope, st.permutations(range(40)))
def test_ic50_and_slope_of_a_hill_curve(ic50: float, power: float, order: list[int]) -> None:
    doses = np.array([0, *np.geomspace(0.01, 100, 39)])[order]
    responses = 3 * hill(doses, ic50, power)[None]
    assert over_doses("ic50", doses, responses)[0] == pytest.approx(ic50, rel=0.03)  # linear between doses
    assert over_doses("hill", doses, responses)[0] == pytest.approx(power, rel=1e-6)
    assert over_doses("gr50", doses, responses / 3, "gr")[0] == pytest.approx(ic50, rel=0.03)


def test_without_dose_0_the_vehicle_is_the_control() -> None:
    doses = np.geomspace(0.01, 100, 39)
    np.testing.assert_allclose(over_doses("ic50", doses, hill(doses, 2.0, 1.0)[None]), 2, rtol=0.01)
    np.testing.assert_allclose(over_doses("hill", doses, hill(doses, 2.0, 1.5)[None]), 1.5)


def test_a_response_that_never_falls_has_no_ic50() -> None:
    doses = np.array([0.0, 1.0, 10.0])
    assert over_doses("ic50", doses, np.array([[1, 0.9, 0.8]])) == [np.inf]
    assert np.isnan(over_doses("ic50", doses, np.array([[1, np.nan, 0.8]])))
    assert np.isnan(over_doses("hill", doses, np.array([[1, 1.0, 1.0]])))


def test_other_inner_axes_stay() -> None:
    summary = settled("ic50(imatinib)", imatinib=A.tolist(), il1ra=B.tolist())
    assert (summary.inner, summary.used_up) == (("imatinib",), ("imatinib",))
    responses = np.stack([hill(A, ic50, 1.0) for ic50 in (0.5, 1, 2, 4, 8)], axis=0)  # il1ra, imatinib
    values = np.stack([responses * 0, responses], axis=-1)[None]
    found = summary(Courses(values, None, np.array([0.0, 72.0]), {"il1ra": B, "imatinib": A}))
    assert found.shape == (1, 5)
    assert (np.diff(found[0]) > 0).all()


# -- two drugs ----------------------------------------------------------------------------------------------


@given(positive, slope, positive, slope)
def test_independent_drugs_have_no_bliss_excess(ic50_a: float, n: float, ic50_b: float, m: float) -> None:
    surface = 2.5 * hill(A, ic50_a, n)[:, None] * hill(B, 10 * ic50_b, m)
    np.testing.assert_allclose(bliss_excess(A, B, surface), 0, atol=1e-14)
    np.testing.assert_allclose(bliss_excess(A, B, surface**2 / surface.max())[0], 0, atol=1e-14)


@given(positive, slope, positive)
def test_one_drug_in_two_dilutions_is_loewe_additive(ic50: float, power: float, dilution: float) -> None:
    sum_of_doses = A[:, None] / ic50 + B / (10 * dilution)
    index = loewe_index(A, B, 7.0 * hill(sum_of_doses, 1.0, power))
    np.testing.assert_allclose(index.ravel()[1:], 1, rtol=1e-6)
    assert np.isnan(index[0, 0])


def test_more_effect_than_the_sum_of_doses_is_synergy_and_less_antagonism() -> None:
    for power, sign in ((0.5, -1), (2.0, 1)):  # iso-effect lines bend inwards, or outwards
        bent = (A[:, None] ** power + (B / 50) ** power) ** (1 / power)
        assert (sign * (loewe_index(A, B, hill(bent, 1.0, 1.5))[1:, 1:] - 1) > 0).all()


def test_a_drug_without_effect_alone_adds_nothing_to_the_index() -> None:
    surface = hill(A, 1.0, 2.0)[:, None] * np.ones(B.size)
    surface[:, 1:] = hill(A, 0.25, 2.0)[:, None]  # four times more sensitive
    surface[0] = 1
    index = loewe_index(A, B, surface)
    np.testing.assert_allclose(index[1:3, 1:], 0.25, rtol=1e-9)
    assert np.isnan(index[0]).all()


@given(positive, slope, st.floats(0.02, 0.98))
def test_equivalent_dose_inverts_a_hill_curve(ic50: float, power: float, level: float) -> None:
    doses = np.geomspace(0.1, 1000, 7)
    exact = ic50 * (1 / level - 1) ** (1 / power)
    found = equivalent_dose(doses, hill(doses, ic50, power), level)
    assert found == pytest.approx(exact, rel=1e-6)


def test_a_fraction_that_falls_no_more_never_reaches_a_level() -> None:
    doses = np.array([1.0, 10.0, 100.0])
    assert equivalent_dose(doses, [0.9, 0.6, 0.6], 0.5) == np.inf
    assert equivalent_dose(doses, [0.9, 0.6, 0.7], 0.6) == pytest.approx(10)
    assert np.isnan(equivalent_dose(doses, [0.9, 0.6, 0.3], [1.0, np.nan])).all()
    assert np.isnan(equivalent_dose(doses, [0.9, np.nan, 0.3], 0.5))


def test_surfaces_keep_the_order_and_place_of_their_axes() -> None:
    b_first = np.array([100, 0, 20, 400, 5.0])
    surface = hill(A[:, None] / 2 + b_first / 100, 1.0, 1.3) ** 1.1
    values = np.stack([surface * 0, surface], axis=-1)[None]
    summary = settled("loewe", imatinib=A.tolist(), il1ra=b_first.tolist())
    found = summary(Courses(values, None, np.array([0.0, 72.0]), {"imatinib": A, "il1ra": b_first}))[0]
    order = np.argsort(b_first)
    np.testing.assert_allclose(found[:, order], loewe_index(A, b_first[order], surface[:, order]))
    swapped = settled("bliss(il1ra, imatinib)", imatinib=A.tolist(), il1ra=b_first.tolist())
    found = swapped(Courses(values, None, np.array([0.0, 72.0]), {"imatinib": A, "il1ra": b_first}))[0]
    np.testing.assert_allclose(
        found[:, order], bliss_excess(A, b_first[order], surface[:, order]), atol=1e-15
    )


# -- misuse -------------------------------------------------------------------------------------------------

MISUSES = {
    "unknown": ("finale", {}, "viability", "did you mean 'final'"),
    "no text": (3, {}, "viability", "got 3"),
    "brackets": ("final(", {}, "viability", "got 'final('"),
    "arguments": ("auc(3)", {}, "viability", "expected nothing in brackets"),
    "no threshold": ("time_to", {}, "viability", "time_to(0.5)"),
    "threshold": ("time_to(half)", {}, "viability", "got 'half'"),
    "beyond the run": ("final(80 h)", {}, "viability", "expected a time of the run, 0 to 72 h"),
    "no time": ("final(3 uM)", {}, "viability", "final: '3 uM' has unit 'uM'"),
    "no drug": ("ic50", {}, "viability", "no drug varies"),
    "several drugs": (
        "ic50",
        {"imatinib": [0, 1, 2], "il1ra": [0, 1, 2]},
        "viability",
        "got imatinib, il1ra",
    ),
    "unknown drug": ("ic50(imatinb)", {"imatinib": [0, 1, 2]}, "viability", "did you mean 'imatinib'"),
    "sampled drug": ("ic50(imatinib)", {"imatinib": "0:1"}, "viability", "expected one"),
    "few doses": ("hill", {"imatinib": [0, 1]}, "viability", "expected two above 0"),
    "other read-out": ("gr50", {"imatinib": [0, 1, 2]}, "viability", "expected the read-out gr"),
    "below 0": ("bliss", {"imatinib": [0, 1, 2], "il1ra": [0, 1, 2]}, "gr", "falls below 0 where cells die"),
    "two drugs of one": ("ic50(imatinib, il1ra)", {"imatinib": [0, 1, 2]}, "viability", "expected a drug"),
    "one drug of two": ("bliss(imatinib)", {"imatinib": [0, 1, 2]}, "viability", "expected two drugs"),
    "one drug varies": ("loewe", {"imatinib": [0, 1, 2]}, "viability", "got imatinib, expected two drugs"),
    "no dose 0": (
        "bliss",
        {"imatinib": [1, 2], "il1ra": [0, 1, 2]},
        "viability",
        "imatinib: expected dose 0",
    ),
}


@pytest.mark.parametrize(("text", "vary", "readout", "expected"), MISUSES.values(), ids=list(MISUSES))
def test_a_summary_that_makes_no_sense_is_refused(
    text: str, vary: dict[str, object], readout: str, expected: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(expected)):
        settled(text, readout, **vary)


def test_every_summary_describes_itself() -> None:
    arguments = {"time_to": "(0.5)"}
    vary = {"imatinib": A.tolist(), "il1ra": B.tolist()}
    for name in KNOWN:
        readout = find("gr" if name == "gr50" else "viability", SCENARIO.hosts)[0]
        chosen = f"{name}(imatinib)" if name in ("ic50", "hill", "gr50") else name + arguments.get(name, "")
        summary = settled(chosen, readout.name, **vary)
        assert summary.describe(readout)
        assert isinstance(summary.unit(readout), str)
