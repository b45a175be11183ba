"""Effects: what counts as a failed run, what holds, what an infinite IC50 does to an interval."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nicheloop.analysis.evidence import Effect, Panel, Series, spread
from nicheloop.report.verdicts import explanation, joint_share, sign_kept, verdict

VALUES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40)


def effect(
    sign: int, default: float, ensemble: list[float], prior: list[float] | None = None, null: float = 0.0
) -> Effect:
    values = (np.array(ensemble, dtype=float), np.array(prior or ensemble, dtype=float))
    return Effect("S1", "e", "x", "1", sign, null, default, *values)


def test_failed_runs_are_counted_and_left_out_of_the_share() -> None:
    found = effect(1, 1.0, [1.0, -1.0, 1.0, math.nan, 1.0])
    assert found.failed == 1
    assert found.fraction_with_claimed_sign == 0.75


@pytest.mark.parametrize(("positive", "holds"), [(9, True), (8, False)])
def test_nine_tenths_of_the_ensemble_must_have_the_sign(positive: int, holds: bool) -> None:
    assert effect(1, 1.0, [1.0] * positive + [-1.0] * (10 - positive)).holds is holds


def test_the_default_must_have_the_sign_too() -> None:
    assert not effect(1, -1.0, [1.0] * 10).holds
    assert not effect(1, 0.0, [1.0] * 10).holds
    assert not effect(1, math.nan, [1.0] * 10).holds


def test_a_ratio_is_judged_against_one() -> None:
    assert effect(-1, 0.5, [0.5, 0.9], null=1.0).holds
    assert not effect(-1, 1.5, [0.5, 0.9], null=1.0).holds


def test_a_dose_that_is_never_reached_is_a_value() -> None:
    found = effect(1, 2.0, [1.0, 2.0, math.inf, math.inf])
    assert found.failed == 0
    assert found.fraction_with_claimed_sign == 1.0
    assert (found.low, found.high) == (1.0, math.inf)


def test_without_a_value_there_is_no_interval_and_nothing_holds() -> None:
    found = effect(1, 1.0, [math.nan, math.nan])
    assert math.isnan(found.low)
    assert math.isnan(found.fraction_with_claimed_sign)
    assert not found.holds


@given(VALUES)
def test_the_interval_lies_within_the_values_and_signs_mirror(values: list[float]) -> None:
    up, down = effect(1, 1.0, values), effect(-1, 1.0, values)
    assert min(values) <= up.low <= up.high <= max(values)
    zeros = values.count(0.0) / len(values)
    assert up.fraction_with_claimed_sign + down.fraction_with_claimed_sign + zeros == pytest.approx(1.0)


def test_a_claim_is_judged_by_its_signed_effects_only() -> None:
    effects = [effect(1, 1.0, [1.0, 1.0]), effect(0, -1.0, [-1.0, -1.0]), effect(1, -1.0, [1.0, 1.0])]
    judged = verdict("S1", "text", effects)
    assert (judged.claimed, judged.holding, judged.word) == (2, 1, "holds in part")
    assert verdict("S1", "text", effects[:2]).word == "holds"
    assert verdict("S1", "text", effects[2:]).word == "does not hold"
    assert verdict("S1", "text", effects[1:2]).word == "not tested"


def test_the_joint_share_counts_sets_in_which_all_effects_have_their_sign() -> None:
    effects = [effect(1, 1.0, [1.0, 1.0, -1.0, math.nan]), effect(-1, -1.0, [-1.0, 1.0, -1.0, -1.0])]
    assert joint_share(effects, "ensemble") == pytest.approx(1 / 3)


def test_the_explanation_names_what_is_missing() -> None:
    assert explanation(effect(1, 1.0, [1.0] * 10)) == ""
    assert explanation(effect(0, -1.0, [-1.0] * 10)) == ""
    assert "opposite sign" in explanation(effect(1, -1.0, [1.0] * 10))
    assert "50 % of the ensemble" in explanation(effect(1, 1.0, [1.0, -1.0]))
    assert "failed" in explanation(effect(1, math.nan, [1.0]))
    assert "no effect" in explanation(effect(1, 0.0, [1.0]))


def test_a_default_below_the_resolution_of_the_assay_shows_no_effect() -> None:
    values = (np.full(10, 0.9), np.full(10, 0.9))
    found = Effect("S1", "e", "x", "1", -1, 1.0, 0.999, *values, resolution=0.05)
    assert not found.holds
    assert explanation(found) == "the default shows no effect that an assay would see"
    assert sign_kept([found], "S1", "x", 0.98) == "lost"
    assert sign_kept([found], "S1", "x", 0.9) == "kept"


def test_a_fact_keeps_or_loses_the_sign_of_an_effect() -> None:
    effects = [effect(-1, 0.5, [0.5], null=1.0), effect(0, 0.5, [0.5])]
    assert sign_kept(effects, "S1", "e: x", 0.9) == "kept"
    assert sign_kept(effects, "S1", "x", 1.2) == "lost"
    assert sign_kept(effects, "S1", "x", math.nan) == ""
    assert sign_kept(effects[1:], "S1", "x", 1.2) == ""
    assert sign_kept(effects, "S2", "x", 1.2) == ""


def test_shapes_signs_and_kinds_are_checked() -> None:
    with pytest.raises(ValueError, match="expected -1, 0 or 1"):
        effect(2, 1.0, [1.0])
    with pytest.raises(ValueError, match="low has shape"):
        Series("a", np.zeros(3), np.zeros(3), low=np.zeros(2))
    with pytest.raises(ValueError, match="pie"):
        Panel("S1", "n", "t", "pie", "x", "y", "linear", "linear", ())


def test_a_spread_over_no_sets_is_unknown() -> None:
    for shape in ((0,), (0, 3), (0, 0)):
        for part in spread(np.empty(shape)):
            assert part.shape == shape[1:]
            assert np.isnan(part).all()
