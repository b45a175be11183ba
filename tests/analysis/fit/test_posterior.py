"""Samples against posteriors that are known; a chain that was killed against one that was not."""

from __future__ import annotations

import multiprocessing
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nicheloop.analysis.fit.diagnostics import effective_size, r_hat, sample_verdict
from nicheloop.analysis.fit.evaluation import Evaluation
from nicheloop.analysis.fit.parameters import space_of
from nicheloop.analysis.fit.posterior import covariance_at, laplace, sample
from nicheloop.analysis.fit.pypesto_bridge import pypesto_problem
from nicheloop.analysis.fit.samplers import Sampling
from nicheloop.assays.tables.predictions import BATCH
from nicheloop.execution import Interrupted, StoreError

NAMES = ("death_max", "bim_copies")
INFORMATION = np.array([[60.0, -35.0], [-35.0, 40.0]])
NOTHING = np.zeros(0)


class Known:
    """A problem with a normal likelihood on the search scale: its posterior is known."""

    def __init__(self, stop_after: int = 0, how: str = "") -> None:
        self.free = self.space = space_of(NAMES, {})
        self.names, self.start = self.space.names, self.space.array("centre")
        self.lower, self.upper = self.space.array("lower"), self.space.array("upper")
        self.data_at = self.start + 0.1
        self.tables, self.constraints, self.settings = (), (), BATCH
        self.resistance = self.promoter = None
        self.noise, self.noises, self.base, self.plate_factors = "fixed", {}, {}, True
        self.is_least_squares = False
        self._left, self._how = stop_after or 10**9, how

    def __deepcopy__(self, memo: object) -> Known:
        return self

    def to_pypesto(self) -> Any:
        return pypesto_problem(self)  # type: ignore[arg-type]

    def evaluate(self, x: Any, order: int = 0, prior: bool = True) -> Evaluation:
        self._left -= 1
        if self._left == 0:
            if self._how == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            raise KeyboardInterrupt
        off = np.asarray(x) - self.data_at
        value = 0.5 * off @ INFORMATION @ off - (self.space.log_prior(np.asarray(x)) if prior else 0.0)
        if x[0] > self.data_at[0] + 0.4:  # as a run that fails
            value, failed = np.inf, 1
        else:
            failed = 0
        fisher = INFORMATION + np.diag(self.space.prior_information)
        gradient = INFORMATION @ off - self.space.d_log_prior(np.asarray(x))
        return Evaluation(
            float(value), gradient, fisher, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, failed=failed
        )

    @property
    def covariance(self) -> Any:
        return np.linalg.inv(INFORMATION + np.diag(self.space.prior_information))

    @property
    def mean(self) -> Any:
        pull = INFORMATION @ self.data_at + self.space.prior_information * self.start
        return self.covariance @ pull


def test_the_laplace_approximation_is_exact_for_a_normal_posterior() -> None:
    problem: Any = Known()
    np.testing.assert_allclose(covariance_at(problem, problem.mean), problem.covariance, rtol=1e-10)
    drawn = laplace(problem, problem.mean, draws=4000, seed=1)
    sd = np.sqrt(np.diag(problem.covariance))
    assert (np.abs(drawn.points.mean(axis=0) - problem.mean) < 0.1 * sd).all()
    np.testing.assert_allclose(np.cov(drawn.points.T), problem.covariance, rtol=0.1)
    assert "Laplace" in drawn.verdict


def test_what_the_data_rule_out_is_not_among_the_draws_of_the_approximation() -> None:
    bent: Any = Known()
    flat, at = bent.evaluate, bent.mean

    def valley(x: Any, order: int = 0, prior: bool = True) -> Evaluation:
        found = flat(x, order, prior)
        return replace(found, value=found.value + 4000.0 * float((x[0] - at[0]) ** 2 * (x[1] - at[1]) ** 2))

    bent.evaluate = valley
    drawn = laplace(bent, at, draws=200, seed=1)
    lowest = valley(at).value
    assert len(drawn) == 200
    assert drawn.values.max() <= lowest + 0.5 * 13.82  # 99.9 % quantile of chi-square with 2 degrees
    np.testing.assert_allclose([valley(point).value for point in drawn.points], drawn.values[0])
    np.testing.assert_array_equal(drawn.points[0], at)


@pytest.mark.parametrize(
    ("sampling", "draws"),
    [
        (Sampling("tempering", chains=2, temperatures=2, piece=500, seed=2), 2000),
        (Sampling("ensemble", chains=2, piece=1000, seed=2), 3000),
    ],
)
def test_a_sample_has_the_mean_and_covariance_of_the_posterior(sampling: Sampling, draws: int) -> None:
    problem: Any = Known()
    found = sample(problem, problem.mean, draws, sampling)
    sd = np.sqrt(np.diag(problem.covariance))
    error = sd / np.sqrt(found.effective_size)
    assert (found.effective_size > 50).all()
    assert (np.abs(found.points.mean(axis=0) - problem.mean) < 5 * error).all()
    np.testing.assert_allclose(found.points.std(axis=0), sd, rtol=0.2)
    assert (found.r_hat < 1.05).all()
    assert (found.points[:, 0] <= problem.data_at[0] + 0.4).all()
    values = [problem.evaluate(point).value for point in found.points[:20]]
    np.testing.assert_allclose(found.values.ravel()[:20], values, rtol=1e-12)


SHORT = {
    "tempering": Sampling("tempering", chains=2, temperatures=2, piece=20, seed=5),
    "ensemble": Sampling("ensemble", chains=2, piece=5, seed=5),
}


@pytest.mark.parametrize("method", SHORT)
def test_a_killed_sample_goes_on_with_the_same_bits(method: str, tmp_path: Path) -> None:
    whole: Any = Known()
    at, sampling = whole.mean, SHORT[method]
    undisturbed = sample(whole, at, 60, sampling, store=tmp_path / "whole")

    def doomed() -> None:
        broken: Any = Known(stop_after=150, how="kill")
        sample(broken, at, 60, sampling, store=tmp_path / "killed")

    child = multiprocessing.get_context("fork").Process(target=doomed)
    child.start()
    child.join()
    assert child.exitcode == -signal.SIGKILL
    pieces = sorted((tmp_path / "killed").glob("chain-*/0*.npz"))
    assert 0 < len(pieces) < len(list((tmp_path / "whole").glob("chain-*/0*.npz")))
    pieces[-1].write_bytes(pieces[-1].read_bytes()[:-700])  # as a disk may leave it
    fresh: Any = Known()
    resumed = sample(fresh, at, 60, sampling, store=tmp_path / "killed")
    np.testing.assert_array_equal(resumed.chains, undisturbed.chains)
    np.testing.assert_array_equal(resumed.values, undisturbed.values)


def test_more_draws_make_chains_longer_and_another_fit_is_refused(tmp_path: Path) -> None:
    problem: Any = Known()
    sampling = SHORT["tempering"]
    sample(problem, problem.mean, 40, sampling, store=tmp_path)
    kept = (tmp_path / "chain-0" / "000001.npz").read_bytes()
    longer = sample(problem, problem.mean, 80, sampling, store=tmp_path)
    assert longer.steps == 80
    assert (tmp_path / "chain-0" / "000001.npz").read_bytes() == kept
    with pytest.raises(StoreError, match="another fit"):
        sample(problem, problem.mean + 0.01, 40, sampling, store=tmp_path)


def test_an_interruption_says_what_was_kept(tmp_path: Path) -> None:
    problem: Any = Known(stop_after=150)
    with pytest.raises(Interrupted, match="60 of 120 steps are in"):
        sample(problem, problem.mean, 60, SHORT["tempering"], store=tmp_path)


def test_the_global_generator_is_left_alone() -> None:
    problem: Any = Known()
    np.random.seed(7)  # noqa: NPY002
    expected = np.random.random(3)  # noqa: NPY002
    np.random.seed(7)  # noqa: NPY002
    sample(problem, problem.mean, 20, SHORT["tempering"])
    np.testing.assert_array_equal(np.random.random(3), expected)  # noqa: NPY002


def test_points_that_could_not_be_simulated_are_counted() -> None:
    problem: Any = Known()
    found = sample(problem, problem.mean, 400, Sampling("tempering", chains=2, seed=1))
    assert found.failed > 0
    assert np.isfinite(found.values).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": "gibbs"}, "unknown method"),
        ({"chains": 1}, "chains: got 1"),
        ({"piece": 0}, "piece: got 0"),
        ({"seed": 0.5}, "seed: got 0.5"),
        ({"walkers": 2}, "walkers: got 2"),
    ],
)
def test_misuse_is_told(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Sampling(**changes)


def test_too_few_draws_are_refused() -> None:
    problem: Any = Known()
    with pytest.raises(ValueError, match="draws: got 3"):
        sample(problem, problem.mean, 3)


# -- diagnostics --------------------------------------------------------------------------------------------


def autoregressive(rho: float, chains: int, steps: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = np.zeros((chains, steps, 1))
    x[:, 0, 0] = rng.standard_normal(chains)
    for i in range(1, steps):
        x[:, i, 0] = rho * x[:, i - 1, 0] + np.sqrt(1 - rho**2) * rng.standard_normal(chains)
    return x


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9, -0.4])
def test_the_effective_size_is_that_of_an_autoregressive_chain(rho: float) -> None:
    draws = autoregressive(rho, 4, 8000)
    assert effective_size(draws)[0] == pytest.approx(32000 * (1 - rho) / (1 + rho), rel=0.15)


def test_r_hat_tells_chains_apart_by_place_by_width_and_by_drift() -> None:
    rng = np.random.default_rng(1)
    alike = rng.standard_normal((4, 1000, 1))
    assert r_hat(alike)[0] == pytest.approx(1.0, abs=0.01)
    shifted, wider, drifting = alike.copy(), alike.copy(), alike.copy()
    shifted[0] += 2.0
    wider[0] *= 5.0
    drifting += np.linspace(0, 3, 1000)[:, None]
    for draws in (shifted, wider, drifting):
        assert r_hat(draws)[0] > 1.1


def test_r_hat_does_not_depend_on_the_scale_of_a_parameter() -> None:
    draws = np.random.default_rng(2).standard_normal((3, 200, 1)) + np.arange(3)[:, None, None] * 0.3
    assert r_hat(np.exp(draws))[0] == pytest.approx(r_hat(draws)[0], rel=0.02)


def test_a_verdict_names_the_worst_parameter() -> None:
    good = sample_verdict(NAMES, np.array([1.001, 1.005]), np.array([900.0, 500.0]))
    fair = sample_verdict(NAMES, np.array([1.03, 1.005]), np.array([900.0, 150.0]))
    bad = sample_verdict(NAMES, np.array([1.001, 1.4]), np.array([900.0, 30.0]))
    assert good.startswith("The sample has converged")
    assert "bands" in fair
    assert "has not converged" in bad
    assert "bim_copies" in bad
    assert "has not" in sample_verdict(NAMES, np.array([np.nan, 1.0]), np.array([np.nan, 900.0]))


def test_chains_too_short_to_split_are_refused() -> None:
    with pytest.raises(ValueError, match="4 steps at least"):
        r_hat(np.zeros((2, 3, 1)))
