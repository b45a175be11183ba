"""Mechanistic model of the IL-1β, stroma and CXCL11 loops in imatinib-resistant chronic myeloid leukaemia.

Everything is imported when it is first used, so ``import nicheloop`` costs next to nothing.

Examples
--------
>>> import nicheloop as nl
>>> run = nl.simulate("imatinib_k562s")  # doctest: +SKIP
>>> run["viability"]  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nicheloop import equations, execution, integrate
    from nicheloop.analysis.fit.fit import Fit, fit
    from nicheloop.analysis.fit.fitted import Fitted, read_fitted
    from nicheloop.analysis.fit.informed import rank_parameters
    from nicheloop.analysis.fit.problem import FitProblem
    from nicheloop.analysis.fit.summaries import Ic50Term, ic50_terms
    from nicheloop.analysis.sensitivity import Sensitivity, sensitivity
    from nicheloop.analysis.sweep.ranges import linear_range, log_range
    from nicheloop.analysis.sweep.run import open_sweep, sweep
    from nicheloop.assays.fields import ScenarioError
    from nicheloop.assays.library import load_scenario, save_scenario, scenario_names, scenarios, to_toml
    from nicheloop.assays.noise import LogNormal, Noise, Normal, StudentT
    from nicheloop.assays.noise_counts import Binomial
    from nicheloop.assays.noise_table import assay_noise
    from nicheloop.assays.readouts import READOUTS, Readout, ReadoutError, gr_value, readout_names
    from nicheloop.assays.result import Result, Runs
    from nicheloop.assays.scenario import ConditionedMedium, Event, Scenario, Stroma, Vessel
    from nicheloop.assays.simulate import simulate, simulate_many, simulate_wells
    from nicheloop.assays.tables.predictions import Predictions, Predictor, predict
    from nicheloop.assays.tables.read import AssayError, AssayTable, Measurement, Measurements, read_assay
    from nicheloop.assays.tables.templates import template_names, write_template
    from nicheloop.assays.tables.virtual import simulate_assay
    from nicheloop.assays.wells import Wells
    from nicheloop.biology import build_model, parameter_values, parameters, references
    from nicheloop.data.published import Constraint, constraint_names, load_constraints
    from nicheloop.data.shipped import data_names, load_data
    from nicheloop.explorer import explore
    from nicheloop.interchange.petab import write_petab

__version__ = "0.1.0"

_HOMES = {
    "Sensitivity": "analysis.sensitivity",
    "sensitivity": "analysis.sensitivity",
    "Fit": "analysis.fit.fit",
    "FitProblem": "analysis.fit.problem",
    "Fitted": "analysis.fit.fitted",
    "fit": "analysis.fit.fit",
    "read_fitted": "analysis.fit.fitted",
    "build_model": "biology",
    "parameter_values": "biology",
    "parameters": "biology",
    "references": "biology",
    "load_scenario": "assays.library",
    "save_scenario": "assays.library",
    "scenario_names": "assays.library",
    "scenarios": "assays.library",
    "to_toml": "assays.library",
    "ScenarioError": "assays.fields",
    "ConditionedMedium": "assays.scenario",
    "Event": "assays.scenario",
    "Scenario": "assays.scenario",
    "Stroma": "assays.scenario",
    "Vessel": "assays.scenario",
    "Binomial": "assays.noise_counts",
    "LogNormal": "assays.noise",
    "Noise": "assays.noise",
    "Normal": "assays.noise",
    "StudentT": "assays.noise",
    "assay_noise": "assays.noise_table",
    "Predictions": "assays.tables.predictions",
    "Predictor": "assays.tables.predictions",
    "predict": "assays.tables.predictions",
    "READOUTS": "assays.readouts",
    "Readout": "assays.readouts",
    "ReadoutError": "assays.readouts",
    "gr_value": "assays.readouts",
    "readout_names": "assays.readouts",
    "Result": "assays.result",
    "Runs": "assays.result",
    "simulate": "assays.simulate",
    "simulate_many": "assays.simulate",
    "simulate_wells": "assays.simulate",
    "AssayError": "assays.tables.read",
    "AssayTable": "assays.tables.read",
    "Measurement": "assays.tables.read",
    "Measurements": "assays.tables.read",
    "read_assay": "assays.tables.read",
    "template_names": "assays.tables.templates",
    "write_template": "assays.tables.templates",
    "simulate_assay": "assays.tables.virtual",
    "Wells": "assays.wells",
    "rank_parameters": "analysis.fit.informed",
    "Ic50Term": "analysis.fit.summaries",
    "ic50_terms": "analysis.fit.summaries",
    "Constraint": "data.published",
    "constraint_names": "data.published",
    "load_constraints": "data.published",
    "linear_range": "analysis.sweep",
    "log_range": "analysis.sweep",
    "open_sweep": "analysis.sweep",
    "sweep": "analysis.sweep",
    "data_names": "data.shipped",
    "explore": "explorer",
    "load_data": "data.shipped",
    "write_petab": "interchange.petab",
}
_MODULES = ("assays", "biology", "equations", "execution", "figures", "integrate")

__all__ = [
    "READOUTS",
    "AssayError",
    "AssayTable",
    "Binomial",
    "ConditionedMedium",
    "Constraint",
    "Event",
    "Fit",
    "FitProblem",
    "Fitted",
    "Ic50Term",
    "LogNormal",
    "Measurement",
    "Measurements",
    "Noise",
    "Normal",
    "Predictions",
    "Predictor",
    "Readout",
    "ReadoutError",
    "Result",
    "Runs",
    "Scenario",
    "ScenarioError",
    "Sensitivity",
    "Stroma",
    "StudentT",
    "Vessel",
    "Wells",
    "assay_noise",
    "build_model",
    "constraint_names",
    "data_names",
    "equations",
    "execution",
    "explore",
    "fit",
    "gr_value",
    "ic50_terms",
    "integrate",
    "linear_range",
    "load_constraints",
    "load_data",
    "load_scenario",
    "log_range",
    "open_sweep",
    "parameter_values",
    "parameters",
    "predict",
    "rank_parameters",
    "read_assay",
    "read_fitted",
    "readout_names",
    "references",
    "save_scenario",
    "scenario_names",
    "scenarios",
    "sensitivity",
    "simulate",
    "simulate_assay",
    "simulate_many",
    "simulate_wells",
    "sweep",
    "template_names",
    "to_toml",
    "write_petab",
    "write_template",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"nicheloop.{_HOMES[name]}"), name)
    if name in _MODULES:
        return import_module(f"nicheloop.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES, *_MODULES})
