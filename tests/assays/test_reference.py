"""Every shipped scenario against a second integrator at tight tolerance.

The reference is Radau, an implicit Runge-Kutta method, at rtol 1e-10 and with a hundredth of the absolute
tolerances; LSODA is a multistep method and the batch engine a Rosenbrock method. An error is measured
relative to the largest amount that the species has in the run; a species that stays below its absolute
tolerance is measured in units of that tolerance.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

import nicheloop as nl
from nicheloop.assays.compiled import ACTIVITIES, load_network
from nicheloop.assays.result import Result
from nicheloop.assays.runs.plan import plan_of
from nicheloop.assays.runs.study import Study
from nicheloop.assays.scenario import Scenario
from nicheloop.assays.settings import Settings
from nicheloop.biology import PROMOTERS


def sampled(name: str) -> Scenario:
    """A shipped scenario at few times: the start, the first hour, events, and the rest in quarters.

    Of one that varies something, the last well: it has the highest doses.
    """
    scenario = nl.load_scenario(name).wells()[-1]
    quarters = (scenario.duration * k / 4 for k in range(5))
    return scenario.with_(times=sorted({1.0, *quarters, *(event.at for event in scenario.events)}))


@cache
def reference(name: str) -> Result:
    return Study([{}], Settings(method="radau", rtol=1e-10, atol_scale=0.01)).result(sampled(name))


def worst(run: Result, name: str) -> tuple[float, str]:
    """Largest error of a run, and where it is."""
    expected = reference(name)
    assert expected.ok, expected.message
    assert run.ok, run.message
    assert run.species_names == expected.species_names
    scale = np.maximum(np.abs(expected.species).max(axis=0), plan_of(run.scenario).compiled.atol)
    error = np.abs(run.species - expected.species) / scale
    time, species = np.unravel_index(np.argmax(error), error.shape)
    return float(error[time, species]), f"{run.species_names[species]} at {run.time[time]:g} h"


@pytest.mark.parametrize("name", nl.scenario_names())
def test_the_default_run_agrees_with_radau(name: str) -> None:
    error, where = worst(nl.simulate(sampled(name)), name)
    assert error < 1e-5, where


@pytest.mark.parametrize("name", nl.scenario_names())
def test_the_batch_engine_agrees_with_radau(name: str) -> None:
    error, where = worst(nl.simulate(sampled(name), engine="batch", rtol=1e-6), name)
    assert error < 1e-4, where


@pytest.mark.parametrize("promoter", PROMOTERS)
def test_tolerances_know_every_activity(promoter: str) -> None:
    """What division copies, and is no cell, is an activity."""
    network = load_network(promoter)
    copied = {
        network.species[species].partition("(")[0]
        for reaction in network.reactions
        for species, change in reaction.change
        if "division_rate" in reaction.rate and f"__s{species}" in reaction.rate and change == 1
    }
    assert copied - {"Cell"} == ACTIVITIES
