"""The fit as a pyPESTO problem: what it says is what the fit says, and its tools work."""

from __future__ import annotations

import logging
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize

sys.path.insert(0, str(Path(__file__).parent))
from fit_cases import problem, random_points, series

from nicheloop.analysis.fit.problem import FitProblem

pypesto = pytest.importorskip("pypesto", reason="pypesto is not installed: pip install 'nicheloop[fit]'")


def small(**changes) -> FitProblem:
    """Two parameters, six values."""
    names = ["imatinib_affinity_loss_K562R", "atp_competition"]
    return FitProblem(series("viability", n=4.0), names, **{"noise": "fixed", **changes})


def test_value_gradient_and_fisher_matrix_are_those_of_the_fit() -> None:
    fit = problem("everything")
    bridge = fit.to_pypesto()
    assert bridge.x_names == list(fit.names)
    np.testing.assert_array_equal(bridge.lb, fit.lower)
    np.testing.assert_array_equal(bridge.ub, fit.upper)
    np.testing.assert_array_equal(bridge.x_guesses, [fit.start])
    assert set(bridge.x_scales) == {"log10"}
    for x in random_points(fit, 2):
        value, gradient, fisher = bridge.objective(x, sensi_orders=(0, 1, 2))
        found = fit.evaluate(x, order=2)
        assert value == found.value
        np.testing.assert_array_equal(gradient, found.gradient)
        np.testing.assert_array_equal(fisher, found.fisher)


def test_the_prior_is_told_up_to_a_constant() -> None:
    fit = problem("viability", names=("contact_protection", "death_max", "il1_proliferation_effect"))
    bridge = fit.to_pypesto()
    first, second = random_points(fit, 2)
    for x in (first, second):
        np.testing.assert_allclose(
            bridge.x_priors(x, sensi_orders=(1,)), -fit.space.d_log_prior(x), atol=1e-12
        )
    rise = bridge.x_priors(first) - bridge.x_priors(second)
    assert rise == pytest.approx(fit.space.log_prior(second) - fit.space.log_prior(first))


def test_residuals_are_there_where_the_objective_is_a_sum_of_squares() -> None:
    fit = small()
    assert not fit.to_pypesto().objective.has_res
    own = problem("own sd")
    objective = own.to_pypesto().objective
    assert objective.has_res
    assert objective.has_sres
    x = random_points(own, 1)[0]
    residuals, slopes = objective(x, sensi_orders=(0, 1), mode="mode_res")
    np.testing.assert_allclose(slopes.T @ residuals, own.evaluate(x, 1).gradient, rtol=1e-8, atol=1e-8)


def test_a_point_is_simulated_once_and_a_failure_counted() -> None:
    fit = small(base={"uniform_death": 0.2})
    objective = fit.to_pypesto().objective
    value, gradient = objective(fit.start, sensi_orders=(0, 1))
    assert value == np.inf
    assert not gradient.any()
    assert objective(fit.start) == np.inf
    assert objective.failed_calls == 1


def test_two_starts_end_where_scipy_ends() -> None:
    fit = small()
    best = minimize(
        lambda x: (lambda found: (found.value, found.gradient))(fit.evaluate(x, 1)),
        fit.start,
        jac=True,
        method="L-BFGS-B",
        bounds=list(zip(fit.lower, fit.upper, strict=True)),
        options={"ftol": 1e-14, "gtol": 1e-7},
    )
    bridge = fit.to_pypesto()
    for optimizer in (
        pypesto.optimize.ScipyOptimizer(method="L-BFGS-B", options={"ftol": 1e-14, "gtol": 1e-7}),
        pypesto.optimize.FidesOptimizer(verbose=logging.ERROR, options={"fatol": 1e-12, "frtol": 0}),
    ):
        result = pypesto.optimize.minimize(bridge, optimizer=optimizer, n_starts=2, progress_bar=False)
        found = result.optimize_result[0]
        assert found.fval == pytest.approx(best.fun, abs=1e-7)
        np.testing.assert_allclose(found.x, best.x, atol=1e-4)


def test_profiles_and_samplers_of_pypesto_run() -> None:
    fit = small()
    bridge = fit.to_pypesto()
    optimizer = pypesto.optimize.ScipyOptimizer()
    result = pypesto.optimize.minimize(bridge, optimizer=optimizer, n_starts=1, progress_bar=False)
    result = pypesto.profile.parameter_profile(
        bridge, result, optimizer, profile_index=[0], progress_bar=False
    )
    path = result.profile_result.list[0][0].ratio_path
    assert path.max() == pytest.approx(1.0, abs=1e-3)
    assert path[0] < 0.2
    assert path[-1] < 0.2
    np.random.seed(0)  # noqa: NPY002 - pyPESTO's samplers draw from the global generator
    sampler = pypesto.sample.AdaptiveParallelTemperingSampler(
        internal_sampler=pypesto.sample.AdaptiveMetropolisSampler(),
        n_chains=2,
        options={"show_progress": False},
    )
    result = pypesto.sample.sample(bridge, n_samples=40, sampler=sampler, result=result)
    assert np.isfinite(result.sample_result.trace_neglogpost).all()


def test_a_pypesto_problem_is_pickled() -> None:
    bridge = small().to_pypesto()
    again = pickle.loads(pickle.dumps(bridge.objective))
    assert again(bridge.x_guesses[0]) == bridge.objective(bridge.x_guesses[0])
