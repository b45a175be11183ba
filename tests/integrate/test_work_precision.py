"""Error against tolerance: smaller tolerances give smaller errors, down to the reference."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from batch_cases import robertson

import nicheloop as nl
from nicheloop.assays.runs.plan import plan_of
from nicheloop.assays.runs.specimen import Specimen
from nicheloop.assays.settings import Settings
from nicheloop.equations.system import System, compile_model, compile_network
from nicheloop.integrate import BatchSolver, Period, integrate_periods

RTOLS = 10.0 ** -np.arange(4, 10)


@dataclass(frozen=True)
class Problem:
    """A run, the absolute tolerances that belong to rtol 1e-6, and how much its orbit amplifies an error.

    A local error of rtol may grow along the orbit; the oscillator's phase, for one, keeps every error that is
    made. The factor says what is allowed, as a multiple of rtol, at any tolerance.
    """

    system: System
    parameters: np.ndarray
    initial: np.ndarray
    times: np.ndarray
    atol: np.ndarray
    amplification: float


def own_model() -> Problem:
    """K562R with imatinib for 72 h, from its stock culture."""
    plan = plan_of(nl.load_scenario("imatinib_k562r"))
    start = Specimen({}, Settings()).start(plan)
    assert not start.problem
    return Problem(
        plan.compiled.system, start.vector, start.state, np.linspace(0, 72, 25), plan.compiled.atol, 30
    )


@cache
def problem(name: str) -> Problem:
    """One of the four problems."""
    if name == "own":
        return own_model()
    if name == "robertson":
        system, times, atol, factor = compile_network(robertson()), np.linspace(0, 40, 21), 1e-10, 20
    elif name == "tyson":
        from pysb.examples import tyson_oscillator

        system, times, atol, factor = (
            compile_model(tyson_oscillator.model),
            np.linspace(0, 100, 51),
            1e-9,
            600,
        )
    else:
        from pysb.examples import earm_1_0

        system, times, atol, factor = compile_model(earm_1_0.model), np.linspace(0, 2e4, 51), 1e-3, 100
    p = system.parameter_vector()
    return Problem(system, p, system.initial(), times, np.full(system.n, atol), factor)


@cache
def reference(name: str, method: str = "radau") -> np.ndarray:
    """The SciPy path at its tightest."""
    q = problem(name)
    periods = [Period(q.times[0], q.times[-1], q.parameters)]
    rtol = {"radau": 1e-11, "lsoda": 1e-12}[method]
    run = integrate_periods(
        q.system, periods, q.initial, q.times, method=method, rtol=rtol, atol=q.atol * 1e-6, max_steps=400_000
    )
    assert run.status == "ok", run.message
    return run.y


def error(name: str, rtol: float) -> float:
    """Largest error of the batch engine, relative to the largest amount of a species."""
    q = problem(name)
    result = BatchSolver(q.system, rtol, q.atol * rtol / 1e-6).run(
        q.parameters[None], q.times, q.initial[None]
    )
    assert result.status.tolist() == ["ok"], result.messages
    return deviation(name, result.y[0])


def deviation(name: str, y: np.ndarray) -> float:
    """Of states from the reference; a species that stays below its tolerance is measured in units of that."""
    expected = reference(name)
    scale = np.maximum(np.abs(expected).max(axis=0), problem(name).atol)
    return float((np.abs(y - expected) / scale).max())


@pytest.mark.parametrize("name", ["robertson", "tyson", "earm", "own"])
def test_the_error_falls_with_the_tolerance(name: str) -> None:
    errors = np.array([error(name, rtol) for rtol in RTOLS])
    report = ", ".join(f"{rtol:.0e}: {found:.1e}" for rtol, found in zip(RTOLS, errors, strict=True))
    assert np.all(errors <= problem(name).amplification * RTOLS), report
    assert np.all(errors[1:] < errors[:-1]), report
    # A method of order 5 that keeps rtol per step: the error falls with a power near 1, by 2/3 at the least.
    power = np.polyfit(np.log10(RTOLS), np.log10(errors), 1)[0]
    assert 2 / 3 < power < 4 / 3, report


@pytest.mark.parametrize("name", ["robertson", "tyson", "earm", "own"])
def test_at_its_tightest_the_engine_is_the_reference(name: str) -> None:
    assert error(name, 1e-10) < 1e-7


@pytest.mark.parametrize("name", ["robertson", "tyson", "earm", "own"])
def test_two_integrators_of_scipy_agree_on_the_reference(name: str) -> None:
    assert deviation(name, reference(name, "lsoda")) < 3e-8
