"""Local sensitivities: exact derivatives of one run, as elasticities and per SD of the prior."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from nicheloop.analysis.sensitivity.convergence import EXACT, Verdict
from nicheloop.analysis.sensitivity.estimate import Estimate, Floats
from nicheloop.analysis.sensitivity.model import ScenarioModel
from nicheloop.analysis.sensitivity.result import Sensitivity
from nicheloop.biology import parameter_values
from nicheloop.biology.priors import prior_quantile

ELASTICITY, PER_SD = "elasticity", "per_sd"
STEP = 1e-6
"""Relative step along a derivative at which a summary is differentiated; it takes no run."""
ONE_SIGMA = (0.15865525393145707, 0.8413447460685429)


def local_sensitivity(model: ScenarioModel) -> Sensitivity:
    """Differentiate a model at its base.

    ``elasticity`` is d ln(output) / d ln(parameter): per cent of change for one per cent (0 for a parameter
    that is 0); ``per_sd`` the change of ln(output) per standard deviation of the prior.

    Parameters
    ----------
    model : ScenarioModel
        What is looked at, and parameters of the table to differentiate by.

    Raises
    ------
    RuntimeError
        The run failed.
    """
    began = time.perf_counter()
    answers = model.plate.run([dict(model.base)], model.settings, by=model.names)
    problems = list(filter(None, answers.problems[0]))
    if problems:
        raise RuntimeError(f"the run to differentiate failed: {problems[0]}")
    value = model.kept(answers.values)[0]
    slopes = _slopes(model, answers.values[0], answers.slopes[0])
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = slopes / value
    at = np.array([_at(model, name) for name in model.names])[:, None]
    width = np.array([_width(name) for name in model.names])[:, None]
    return Sensitivity(
        method="local",
        members={name: (name,) for name in model.names},
        outputs=model.outputs,
        indices={ELASTICITY: _exact(relative * at), PER_SD: _exact(relative * width)},
        main=ELASTICITY,
        verdicts=tuple(Verdict(EXACT) for _ in model.outputs),
        samples=1,
        dropped=np.zeros(len(model.outputs), dtype=int),
        seconds=time.perf_counter() - began,
    )


def _slopes(model: ScenarioModel, values: Floats, slopes: Floats) -> Floats:
    """Derivatives of what is kept, shape (parameters, outputs), from those of the values.

    A summary is a function of the values of one run; it is differentiated along each of them by a step that
    is small beside the values.
    """
    size = np.abs(slopes).max(axis=0)
    change = np.abs(slopes) / np.maximum(np.abs(values), np.finfo(float).tiny)[:, None]
    largest = np.where(values[:, None] != 0, change, 0.0).max(axis=0)
    step = STEP / np.where(largest > 0, largest, np.where(size > 0, size, 1.0))
    up, down = (model.kept(values + sign * (step * slopes).T) for sign in (1, -1))
    found: Floats = (up - down) / (2 * step[:, None])
    return found


def _at(model: ScenarioModel, name: str) -> float:
    """Value of a parameter that is differentiated by."""
    resistance = model.quantities[0].scenario.resistance
    return parameter_values(resistance, model.base)[name]


def _width(name: str) -> float:
    """Standard deviation of a prior: half of what lies within one sigma."""
    low, high = prior_quantile(name, np.array(ONE_SIGMA))
    return float(high - low) / 2


def _exact(values: Sequence[float] | Floats) -> Estimate:
    found = np.asarray(values, dtype=float)
    return Estimate(found, found, found)
