"""The value of the objective: log densities by hand, with SciPy, from what the model says."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import minimize_scalar

sys.path.insert(0, str(Path(__file__).parent))
from fit_cases import NAMES, TIGHT, problem, random_points, series

from nicheloop.analysis.fit.problem import FitProblem
from nicheloop.assays.noise import Normal
from nicheloop.assays.readouts import find
from nicheloop.assays.tables.predictions import predict


def shipped(readout: str, host: str = "K562S"):
    return find(readout if readout in ("il1b", "cxcl11") else f"{readout}:{host}", (host,))[0]


def at_random(kind: str, **changes):
    """A problem, a point, what the model says to its only table there, and the negative log likelihood."""
    fit = problem(kind, **changes)
    (x,) = random_points(fit, 1, seed=3)
    found = fit.evaluate(x, prior=False)
    (table,) = fit.tables
    said = predict(table, [fit.to_values(x)], TIGHT).values[0]
    return fit, x, table.measurements, said, found


def test_two_part_noise_is_widened_by_its_factor() -> None:
    fit, x, told, said, found = at_random("viability")
    noise = shipped("viability").noise
    factor = fit.noise_of(x)["noise:viability"]
    assert factor != 1.0
    width = factor * np.hypot(noise.sd, noise.cv * said)
    np.testing.assert_allclose(found.log_densities, stats.norm.logpdf(told.value, said, width), rtol=1e-9)
    np.testing.assert_allclose(found.predictions, said, rtol=1e-12)
    np.testing.assert_allclose(found.residuals, (told.value - said) / width, rtol=1e-9)
    assert found.value == pytest.approx(-stats.norm.logpdf(told.value, said, width).sum(), rel=1e-12)


def test_fixed_noise_is_that_of_the_read_out() -> None:
    _, _, told, said, found = at_random("fixed noise")
    noise = shipped("viability").noise
    expected = stats.norm.logpdf(told.value, said, np.hypot(noise.sd, noise.cv * said))
    np.testing.assert_allclose(found.log_densities, expected, rtol=1e-9)


def test_other_kinds_of_noise() -> None:
    fit, x, told, said, found = at_random("student")
    width = fit.noise_of(x)["noise:viability"] * np.hypot(0.05, 0.1 * said)
    np.testing.assert_allclose(found.log_densities, stats.t.logpdf(told.value, 4.0, said, width), rtol=1e-9)
    fit, x, told, said, found = at_random("log-normal")
    sd = fit.noise_of(x)["noise:viability"] * 0.15
    np.testing.assert_allclose(found.log_densities, stats.lognorm.logpdf(told.value, sd, 0, said), rtol=1e-9)
    np.testing.assert_allclose(found.residuals, np.log(told.value / said) / sd, rtol=1e-9)
    fit, x, told, said, found = at_random("counted", noise="fixed")
    number = shipped("apoptosis").noise.counted
    for share, mean, density in zip(told.value / 100, said / 100, found.log_densities, strict=True):
        near = np.array([np.floor(share * number), np.ceil(share * number)])
        ends = stats.binom.logpmf(near, number, mean) + np.log(number / 100)
        assert ends.min() - 1e-3 <= density <= ends.max() + 0.05


def test_an_sd_of_the_table_is_that_of_wells_and_the_value_their_mean() -> None:
    _, _, told, said, found = at_random("own sd")
    assert np.all(told.n == 3)
    expected = stats.norm.logpdf(told.value, said, told.sd / np.sqrt(3))
    np.testing.assert_allclose(found.log_densities, expected, rtol=1e-9)
    _, _, told, said, found = at_random("mean of n", noise="fixed")
    noise = shipped("viability").noise
    width = np.hypot(noise.sd, noise.cv * said) / 2.0  # of four wells
    np.testing.assert_allclose(found.log_densities, stats.norm.logpdf(told.value, said, width), rtol=1e-9)


def test_censored_values_are_probabilities_of_being_beyond() -> None:
    noise = shipped("viability").noise
    _, _, told, said, found = at_random("below", noise="fixed")
    width = np.hypot(noise.sd, noise.cv * said)
    below = told.censored == "below"
    assert 0 < below.sum() < below.size
    expected = np.where(
        below, stats.norm.logcdf(told.value, said, width), stats.norm.logpdf(told.value, said, width)
    )
    np.testing.assert_allclose(found.log_densities, expected, rtol=1e-8)
    assert np.array_equal(np.isnan(found.residuals), below)
    _, _, told, said, found = at_random("above", noise="fixed")
    width = np.hypot(noise.sd, noise.cv * said)
    np.testing.assert_allclose(found.log_densities, stats.norm.logsf(told.value, said, width), rtol=1e-8)


def test_the_factor_of_arbitrary_units_is_the_most_probable_one() -> None:
    fit, x, told, _, found = at_random("scale")
    (table,) = fit.tables
    said = predict(series("p_crkl", time=24.0), [fit.to_values(x)], TIGHT).values[0]
    sd = fit.noise_of(x)["noise:p_crkl"] * shipped("p_crkl").noise.sd
    unit = np.exp(np.log(told.value).mean())  # densities are per this unit

    def total(log_factor: float) -> float:
        scale = said * np.exp(log_factor)
        return -float(np.sum(stats.lognorm.logpdf(told.value, sd, 0, scale) + np.log(unit)))

    best = minimize_scalar(total, bracket=(0.0, 4.0), tol=1e-12)
    assert found.value == pytest.approx(best.fun, rel=1e-10)
    assert found.factors[0] == pytest.approx(np.exp(best.x), rel=1e-6)
    np.testing.assert_allclose(found.predictions, np.exp(best.x) * said, rtol=1e-6)
    assert fit.data.factors[0].readout == "p_crkl"
    assert len(table) == len(found.log_densities)


def test_the_factor_of_two_part_noise_is_the_most_probable_one() -> None:
    fit, x, told, _, found = at_random("scale, two-part", noise="fixed")
    said = predict(series("p_crkl", time=24.0), [fit.to_values(x)], TIGHT).values[0]
    unit = fit.data.factors[0].unit
    below = told.censored == "below"
    assert below.any()

    def total(log_factor: float) -> float:
        factor = np.exp(log_factor)
        mean, width = factor * said, factor * np.hypot(0.02, 0.1 * said)
        density = stats.norm.logpdf(told.value, mean, width) + np.log(unit)
        return -float(np.where(below, stats.norm.logcdf(told.value, mean, width), density).sum())

    best = minimize_scalar(total, bracket=(3.0, 4.0), tol=1e-12)
    assert found.value == pytest.approx(best.fun, rel=1e-10)
    assert found.factors[0] == pytest.approx(np.exp(best.x), rel=1e-6)


def test_absolute_values_of_a_plate_share_a_factor_near_one() -> None:
    _, x, told, said, found = at_random("plate", noise="fixed")
    readout = shipped("viable_cells")

    def total(log_factor: float) -> float:
        mean = said * np.exp(log_factor)
        width = np.hypot(readout.noise.sd, readout.noise.cv * mean)
        prior = stats.norm.logpdf(log_factor, 0.0, readout.plate_sd)
        return -float(stats.norm.logpdf(told.value, mean, width).sum() + prior)

    best = minimize_scalar(total, bracket=(-0.1, 0.1), tol=1e-12)
    assert found.value == pytest.approx(best.fun, rel=1e-10)
    assert np.log(found.factors[0]) == pytest.approx(best.x, abs=1e-7)
    without = problem("plate", noise="fixed", plate_factors=False)
    width = np.hypot(readout.noise.sd, readout.noise.cv * said)
    expected = -stats.norm.logpdf(told.value, said, width).sum()
    assert without.evaluate(x, prior=False).value == pytest.approx(expected, rel=1e-10)


def test_noise_of_a_value_relative_to_the_vehicle_is_that_of_the_absolute_value() -> None:
    _, _, told, said, found = at_random("vehicle", noise="fixed")
    noise = shipped("viable_cells").noise
    fit = problem("vehicle", noise="fixed")
    (x,) = random_points(fit, 1, seed=3)
    vehicle = predict(series("viable_cells"), [fit.to_values(x)], TIGHT).values[0] / said
    width = np.hypot(noise.sd, noise.cv * said * vehicle) / vehicle
    np.testing.assert_allclose(found.log_densities, stats.norm.logpdf(told.value, said, width), rtol=1e-8)
    np.testing.assert_allclose(found.predictions, said, rtol=1e-9)


def test_the_prior_and_the_constraint_add_their_densities() -> None:
    fit = problem("constraint")
    (x,) = random_points(fit, 1)
    posterior, likelihood = fit.evaluate(x), fit.evaluate(x, prior=False)
    assert posterior.value - likelihood.value == pytest.approx(-fit.space.log_prior(x))
    centre, sd = np.log10(0.2 * 0.25) / 2, np.log10(0.25 / 0.2) / (2 * stats.norm.ppf(0.95))
    expected = -stats.norm.logpdf(np.log10(likelihood.summaries[0]), centre, sd)
    assert likelihood.value == pytest.approx(expected, rel=1e-10)


def test_noise_of_another_size_changes_nothing_but_the_factor() -> None:
    narrow = FitProblem(series("viability"), NAMES, noises={"viability": Normal(sd=0.1)}, settings=TIGHT)
    wide = FitProblem(series("viability"), NAMES, noises={"viability": Normal(sd=0.2)}, settings=TIGHT)
    x = random_points(narrow, 1)[0]
    half = x.copy()
    half[-1] -= np.log10(2.0)
    assert wide.evaluate(half, prior=False).value == pytest.approx(
        narrow.evaluate(x, prior=False).value, rel=1e-12
    )
