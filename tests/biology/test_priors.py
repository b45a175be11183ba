"""Priors: density, quantiles and draws agree with each other, with SciPy and with the table."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, stats

from nicheloop.biology.priors import (
    free_parameters,
    log_prior,
    prior_quantile,
    sample_parameters,
    sample_prior,
)
from nicheloop.biology.resistance import EXPLANATIONS, HOST_SPECIFIC
from nicheloop.biology.table import ParameterRow, rows

VARYING = [name for name, row in rows().items() if row.prior != "fixed"]
EACH_FAMILY = ("il1_kon", "il1rap_gain", "il1_proliferation_effect", "contact_protection")
"""One lognormal, one loguniform, one normal, one uniform."""


def test_the_families_are_those_that_the_tests_below_look_at() -> None:
    families = [rows()[name].prior for name in EACH_FAMILY]
    assert families == ["lognormal", "loguniform", "normal", "uniform"]


@pytest.mark.parametrize("name", VARYING)
def test_low_and_high_are_what_the_family_says(name: str) -> None:
    row = rows()[name]
    assert row.low is not None
    assert row.high is not None
    if row.prior in ("lognormal", "normal"):
        # The cut at three sigma moves the ends of the central 90 % by less than a hundredth of a sigma.
        low, middle, high = prior_quantile(name, [0.05, 0.5, 0.95])
        shape = np.log if row.prior == "lognormal" else np.asarray
        assert shape(low) == pytest.approx(shape(row.low), abs=0.01 * shape_width(row))
        assert shape(high) == pytest.approx(shape(row.high), abs=0.01 * shape_width(row))
        assert shape(middle) == pytest.approx((shape(row.low) + shape(row.high)) / 2)
    else:
        assert prior_quantile(name, [0, 1]) == pytest.approx([row.low, row.high])


def shape_width(row: ParameterRow) -> float:
    assert row.low is not None
    assert row.high is not None
    return math.log(row.high / row.low) if row.prior == "lognormal" else row.high - row.low


@pytest.mark.parametrize("name", VARYING)
def test_the_default_is_in_the_prior(name: str) -> None:
    assert np.isfinite(log_prior(name, rows()[name].value))


@pytest.mark.parametrize("name", VARYING)
def test_the_density_is_that_of_the_quantiles(name: str) -> None:
    p = np.linspace(0.001, 0.999, 999)
    x = prior_quantile(name, p)
    slope = np.gradient(p, x, edge_order=2)
    density = np.exp(log_prior(name, x))
    np.testing.assert_allclose(density[5:-5], slope[5:-5], rtol=0.02)


@pytest.mark.parametrize("name", EACH_FAMILY)
def test_the_density_integrates_to_one_and_vanishes_outside(name: str) -> None:
    low, high = prior_quantile(name, [0, 1])
    total, _ = integrate.quad(lambda x: float(np.exp(log_prior(name, x))), low, high, limit=200)
    assert total == pytest.approx(1, abs=1e-6)
    beyond = [low - 1e-3 * (high - low), high + 1e-3 * (high - low), -1e9]
    assert np.array_equal(log_prior(name, beyond), [-np.inf] * 3)


def test_density_against_scipy() -> None:
    row = rows()["il1_kon"]
    assert row.low is not None
    assert row.high is not None
    sigma = math.log(row.high / row.low) / (2 * stats.norm.ppf(0.95))
    reference = stats.truncnorm(-3, 3, loc=math.log(row.low * row.high) / 2, scale=sigma)
    x = np.array([4.0, 36.0, 300.0])
    np.testing.assert_allclose(log_prior("il1_kon", x), reference.logpdf(np.log(x)) - np.log(x))
    gain = stats.loguniform(1, 100)
    np.testing.assert_allclose(log_prior("il1rap_gain", [1.5, 80]), gain.logpdf([1.5, 80]))


@pytest.mark.parametrize("name", EACH_FAMILY)
def test_draws_follow_the_prior(name: str) -> None:
    drawn = sample_prior(4000, seed=3, names=[name])[name]
    ranks = stats.kstest(drawn, lambda x: np.interp(x, prior_quantile(name, GRID), GRID))
    assert ranks.pvalue > 1e-3
    assert np.isfinite(log_prior(name, drawn)).all()


GRID = np.linspace(0, 1, 20_001)


def test_a_fixed_parameter_is_constant() -> None:
    assert np.array_equal(sample_prior(3, 1, ["cell_floor"])["cell_floor"], [1e-16] * 3)
    assert np.array_equal(log_prior("cell_floor", [1e-16, 1e-15]), [0, -np.inf])


def test_draws_come_from_a_seed_tree() -> None:
    alone = sample_prior(8, seed=5, names=["il1_kon"])
    among = sample_prior(20, seed=5)
    assert np.array_equal(alone["il1_kon"], among["il1_kon"][:8])
    assert not np.array_equal(alone["il1_kon"], sample_prior(8, seed=6, names=["il1_kon"])["il1_kon"])
    scores = {name: stats.rankdata(among[name]).tobytes() for name in VARYING}
    assert len(set(scores.values())) == len(VARYING), "two parameters share a stream"


def test_shapes_are_kept() -> None:
    assert log_prior("il1_kon", 36.0).shape == ()
    assert log_prior("il1_kon", np.ones((2, 3))).shape == (2, 3)
    assert prior_quantile("il1_kon", np.full((2, 3), 0.5)).shape == (2, 3)
    assert sample_prior(0, 1, ["il1_kon"])["il1_kon"].shape == (0,)


def test_misuse_is_refused() -> None:
    with pytest.raises(ValueError, match="did you mean 'il1_kon'"):
        sample_prior(1, 1, ["il1_konn"])
    with pytest.raises(ValueError, match="did you mean 'il1_kon'"):
        log_prior("il1_konn", 1.0)
    with pytest.raises(ValueError, match="between 0 and 1"):
        prior_quantile("il1_kon", [0.5, 1.5])
    with pytest.raises(ValueError, match="cannot be negative"):
        sample_prior(-1, 1)


def test_no_value_of_the_prior_is_absurd() -> None:
    lowest, highest = ({name: prior_quantile(name, p) for name in VARYING} for p in (0, 1))
    assert highest["lower_volume_fraction"] < 1
    assert lowest["il1_proliferation_effect"] > -1
    assert highest["contact_protection"] < 1
    for name in VARYING:
        if name != "il1_proliferation_effect":
            assert lowest[name] >= 0, name


@pytest.mark.parametrize("resistance", EXPLANATIONS)
def test_parameter_sets_keep_the_explanation(resistance: str) -> None:
    sets = sample_parameters(5, seed=1, resistance=resistance)
    assert set(sets) == set(rows())
    changed = EXPLANATIONS[resistance]
    for quantity in HOST_SPECIFIC:
        equal = np.array_equal(sets[f"{quantity}_K562R"], sets[f"{quantity}_K562S"])
        assert equal == (quantity not in changed), quantity
    free = free_parameters(resistance)
    tied = {f"{quantity}_K562R" for quantity in HOST_SPECIFIC if quantity not in changed}
    assert set(VARYING) - set(free) == tied & set(VARYING)


def test_parameter_sets_are_free_of_aliases() -> None:
    sets = sample_parameters(5, seed=1, resistance="none")
    sets["il1r1_copies_K562R"][:] = 0
    assert (sets["il1r1_copies_K562S"] > 0).all()
