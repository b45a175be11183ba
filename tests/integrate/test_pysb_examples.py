"""Every model that PySB ships as an example matches SciPy or is refused for a reason that is named."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import numpy as np
import pysb.core
import pysb.examples
import pytest

from nicheloop.equations import System, UnsupportedFormula, compile_network, network_from_model
from nicheloop.integrate import BatchSolver, Period, integrate_periods

HORIZONS = {  # in the units of each model; long enough that something has happened
    "bax_pore": 100.0,
    "bax_pore_sequential": 10.0,
    "bngwiki_egfr_simple": 120.0,
    "bngwiki_simple": 20.0,
    "earm_1_0": 20_000.0,
    "earm_1_3": 20_000.0,
    "explicit": 1e4,
    "fricker_2010_apoptosis": 0.1,
    "kinase_cascade": 1000.0,
    "robertson": 1e4,
    "tyson_oscillator": 100.0,
}
DEFAULT_HORIZON = 10.0
TOLERANCE = 1e-5
# What was reached once must not be lost, whatever PySB adds.
LEAST_MATCHED = 21
LEAST_REFUSED = 1


def example_models(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Models by name; scripts that run a model, and models without rules, have no rates."""
    found = {}
    for module in pkgutil.iter_modules(pysb.examples.__path__):
        if module.name.startswith("run_"):
            continue
        monkeypatch.setattr(pysb.core.SelfExporter, "do_export", True)  # one of the examples turns it off
        model = getattr(importlib.import_module(f"pysb.examples.{module.name}"), "model", None)
        if model is not None and model.rules:
            found[module.name] = model
    return found


def deviation(system: System, horizon: float) -> float:
    """Largest difference between the batch engine and SciPy, relative to the largest amount of a species.

    A species that stays below a billionth of the largest amount is measured in units of that.
    """
    p, y0 = system.parameter_vector(), system.initial()
    times = np.linspace(0.0, horizon, 9)
    size = max(float(np.abs(y0).max()), 1.0)
    batch = BatchSolver(system, 1e-9, 1e-14 * size).run(p[None], times)
    scipy = integrate_periods(system, [Period(0.0, horizon, p)], y0, times, rtol=1e-10, atol=1e-15 * size)
    assert scipy.status == "ok", scipy.message
    assert batch.status.tolist() == ["ok"], batch.messages
    scale = np.maximum(np.abs(scipy.y).max(axis=0), 1e-9 * size)
    return float((np.abs(batch.y[0] - scipy.y) / scale).max())


def test_every_example_of_pysb_matches_scipy_or_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    matched: dict[str, float] = {}
    refused: dict[str, str] = {}
    for name, model in example_models(monkeypatch).items():
        try:
            system = compile_network(network_from_model(model))
        except UnsupportedFormula as reason:
            refused[name] = str(reason)
            continue
        matched[name] = deviation(system, HORIZONS.get(name, DEFAULT_HORIZON))
    print(f"{len(matched)} examples of PySB match SciPy, {len(refused)} are refused:")
    for name, error in matched.items():
        print(f"  {name}: {error:.1e}")
    for name, reason in refused.items():
        print(f"  {name}: refused, {reason}")
    assert {name: error for name, error in matched.items() if not error < TOLERANCE} == {}
    assert len(matched) >= LEAST_MATCHED
    assert len(refused) >= LEAST_REFUSED
    assert "depends on time" in refused["time"]
