"""Expected information: against the products of gradients of simulated data, against least squares."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from fit_cases import NAMES, TIGHT, everything, problem, random_points, series

from nicheloop.analysis.fit.likelihood import Likelihood
from nicheloop.analysis.fit.observations import NONE, Assay, Block, Observations, observations
from nicheloop.analysis.fit.problem import FitProblem
from nicheloop.assays.noise import Normal

DRAWS = 4000


def drawn(block: Block, data: Observations, means: np.ndarray, vehicles: np.ndarray, rng) -> list[Block]:
    """Measure the values of a block anew; what is below its limit is censored there."""
    reference, gain = vehicles[block.rows], block.gain
    said = gain * means[block.rows] if block.kind.moves else means[block.rows]
    value = block.kind.noise.draw(said, rng)
    value = value if block.kind.moves else value / reference
    below = value <= block.low
    parts = []
    for side, chosen in (("", ~below), ("below", below)):
        if chosen.any():
            told = {name: getattr(block, name)[chosen] for name in ("rows", "low", "high", "gain")}
            seen = np.where(below, block.low, value)[chosen]
            parts.append(Block(replace(block.kind, censored=side), value=seen, **told))
    return parts


def linear(kind: str):
    """A likelihood whose model values are linear in three parameters, with its values and slopes."""
    rng = np.random.default_rng(5)
    assay = Assay({"viability": Normal(sd=0.05, cv=0.1)} if kind == "viability" else {}, plates=False)
    row = {"viability": {"detection_limit": 0.3}, "viable_cells": {"relative_to": "vehicle"}}.get(kind, {})
    data = observations([series(kind, **row)], assay, {})
    size = len(data)
    means = {"viability": np.linspace(0.2, 0.9, size), "apoptosis": np.linspace(20.0, 80.0, size)}.get(
        kind, np.linspace(1e5, 5e5, size)
    )
    relative = data.reference != NONE
    vehicles = np.where(relative, 6e5, 1.0)
    slopes = means[:, None] * rng.normal(size=(size, 3))
    shifts = np.where(relative[:, None], rng.normal(size=(size, 3)), 0.0)
    return data, means, vehicles, slopes, shifts


@pytest.mark.parametrize("kind", ["viability", "viable_cells", "apoptosis"])
def test_information_is_the_mean_product_of_gradients(kind: str) -> None:
    data, means, vehicles, slopes, shifts = linear(kind)
    rng, widths = np.random.default_rng(0), np.zeros(len(data.widths))
    products, information = 0.0, None
    for _ in range(DRAWS):
        blocks = [part for block in data.blocks for part in drawn(block, data, means, vehicles, rng)]
        likelihood = Likelihood(replace(data, blocks=tuple(blocks)))
        handles = likelihood.handles(likelihood.judge(means, vehicles, widths), slopes, shifts)
        products = products + np.outer(handles.gradient, handles.gradient) / DRAWS
        information = handles.information
    size = np.sqrt(np.outer(np.diag(information), np.diag(information)))
    assert np.abs((products - information) / size).max() < 0.1  # 4000 draws: about 0.02 each


def test_an_unknown_factor_takes_its_share_of_the_information() -> None:
    """Of log-normal values in arbitrary units only the differences of logarithms tell anything."""
    fit = problem("scale", noise="fixed")
    (x,) = random_points(fit, 1)
    found = fit.evaluate(x, order=2, prior=False)
    absolute = FitProblem(
        series("p_crkl", time=24.0), NAMES, noise="fixed", plate_factors=False, settings=TIGHT
    )
    log_slopes = absolute._asked.plate.run([fit.to_values(x)], TIGHT, by=NAMES)
    relative = (log_slopes.slopes / log_slopes.values[..., None])[0] * fit.free.slopes(x)
    centred = relative - relative.mean(axis=0)
    sd = 0.222
    np.testing.assert_allclose(found.fisher, centred.T @ centred / sd**2, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("kind", ["own sd", "scale", "constraint"])
def test_sums_of_squares_have_the_value_gradient_and_information(kind: str) -> None:
    fit = problem(kind, noise="fixed")
    assert fit.is_least_squares
    points = random_points(fit, 3)
    found = [fit.evaluate(x, order=2) for x in points]
    for one in found:
        squares = one.least_squares
        assert squares is not None
        np.testing.assert_allclose(squares.jacobian.T @ squares.residuals, one.gradient, rtol=1e-8, atol=1e-8)
        np.testing.assert_allclose(squares.jacobian.T @ squares.jacobian, one.fisher, rtol=1e-8, atol=1e-9)
        rest = one.value - 0.5 * np.sum(squares.residuals**2)
        first = found[0].value - 0.5 * np.sum(found[0].least_squares.residuals ** 2)
        assert rest == pytest.approx(first, rel=1e-9)


def test_residuals_exist_only_where_the_width_of_the_noise_is_known() -> None:
    for kind in ("viability", "below", "scale, own sd", "everything"):
        fit = problem(kind, noise="fixed")
        assert not fit.is_least_squares
        assert fit.evaluate(fit.start, order=1).least_squares is None
    assert not problem("scale").is_least_squares


def test_information_is_positive_and_the_prior_adds_its_curvature() -> None:
    fit = FitProblem(everything(), NAMES, settings=TIGHT)
    for x in random_points(fit, 3, seed=9):
        with_prior, without = fit.evaluate(x, 2).fisher, fit.evaluate(x, 2, prior=False).fisher
        np.testing.assert_allclose(without, without.T, rtol=1e-9)
        assert np.linalg.eigvalsh(without).min() >= -1e-9 * np.abs(without).max()
        np.testing.assert_allclose(with_prior - without, np.diag(fit.space.prior_information), atol=1e-6)
