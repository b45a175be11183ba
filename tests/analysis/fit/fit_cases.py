"""Small assay tables that the tests of the fit share: values near those of the model, with noise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

from nicheloop.analysis.fit.problem import FitProblem
from nicheloop.assays.noise import LogNormal, Normal, StudentT
from nicheloop.assays.scenario import Scenario
from nicheloop.assays.settings import Settings
from nicheloop.assays.tables.build import table_of_wells
from nicheloop.assays.tables.frame import AssayTable
from nicheloop.assays.tables.predictions import predict
from nicheloop.assays.tables.wells import Design, base_well
from nicheloop.biology.table import rows

TIGHT = Settings("batch", rtol=1e-9)
NAMES = ("imatinib_affinity_loss_K562R", "atp_competition", "division_max_K562S", "death_max")
LINES = ("K562S", "K562R")
DOSES = (0.1, 0.4, 2.0)
LEFT_OUT = {"sd": np.nan, "n": np.nan, "detection_limit": np.nan, "censored": "", "relative_to": ""}

Row = dict[str, Any]


def well(line: str, dose: float, **changes: Any) -> Scenario:
    """A line alone with imatinib, watched for three days."""
    return base_well(Design(line=line), {}).with_(treatments={"imatinib": dose}, **changes)


def table(wells: Sequence[Scenario], told: Sequence[Row], seed: int = 0, spread: float = 0.1) -> AssayTable:
    """Make a table; values are those of the model times what a row says, scattered."""
    rng = np.random.default_rng(seed)
    given = [{**LEFT_OUT, "plate": "", "experiment": "", "value": 1.0, **row} for row in told]
    columns: dict[str, Any] = {name: [row[name] for row in given] for name in given[0]}
    plain = {**columns, "relative_to": ["vehicle" if r == "vehicle" else "" for r in columns["relative_to"]]}
    plain = {**plain, "censored": [""] * len(given), "sd": [np.nan] * len(given), "value": [0.5] * len(given)}
    model = predict(table_of_wells(wells, plain)).values[0]
    scattered = model * rng.lognormal(0.0, spread, len(given))
    columns["value"] = np.array(columns["value"], dtype=float) * scattered
    columns["sd"] = np.array(columns["sd"], dtype=float) * model
    limits = np.array(columns["detection_limit"], dtype=float)
    below = columns["value"] <= limits
    columns["value"] = np.where(below, limits, columns["value"])
    sides = np.array(columns["censored"], dtype=object)
    sides[below] = "below"
    return table_of_wells(wells, {**columns, "censored": sides}, source="test.csv")


def series(readout: str, lines: Sequence[str] = LINES, time: float = 72.0, **row: Any) -> AssayTable:
    """One value of a read-out for each line and dose."""
    wells = [well(line, dose) for line in lines for dose in DOSES]
    hosts = [line for line in lines for _ in DOSES]
    medium = readout in ("il1b", "cxcl11")
    told = [
        {"well": i, "readout": readout, "host": "" if medium else host, "time_h": time, **row}
        for i, host in enumerate(hosts)
    ]
    return table(wells, told)


def everything() -> tuple[AssayTable, AssayTable]:
    """Two tables that hold every kind of value."""
    wells = [well(line, dose) for line in LINES for dose in (0.0, *DOSES)]
    told: list[Row] = []
    for i, (line, dose) in enumerate((line, dose) for line in LINES for dose in (0.0, *DOSES)):
        for plate in ("1", "2"):
            here = {"well": i, "plate": plate, "host": line, "experiment": "first"}
            if dose:
                told.append({**here, "readout": "viability", "time_h": 72.0, "detection_limit": 0.2})
            told.append({**here, "readout": "il1b", "host": "", "time_h": 48.0, "detection_limit": 4.0})
            told.append({**here, "readout": "p_crkl", "time_h": 24.0, "relative_to": "scale", "value": 30.0})
            told.append({**here, "readout": "viable_cells", "time_h": 72.0, "n": 2.0})
        told.append({**here, "readout": "apoptosis", "time_h": 48.0})
        told.append(
            {**here, "readout": "p_bcr_abl", "time_h": 4.0, "sd": 0.1, "n": 3.0, "relative_to": "scale"}
        )
        if dose:
            told.append({**here, "readout": "il1b", "host": "", "time_h": 72.0, "relative_to": "vehicle"})
            told.append({**here, "readout": "p_erk", "time_h": 4.0, "sd": 0.2, "relative_to": "vehicle"})
    told.append(
        {
            "well": 0,
            "readout": "il1b",
            "host": "",
            "time_h": 24.0,
            "censored": "above",
            "plate": "1",
            "experiment": "first",
        }
    )
    second = series("viability", ("K562R",), 48.0, experiment="second", plate="1")
    return table(wells, told, seed=1), second


@cache
def problem(kind: str, **changes: Any) -> FitProblem:
    """A fit of one kind of table, simulated with tight tolerances."""
    from nicheloop.analysis.fit.summaries import Ic50Term

    known: dict[str, Callable[[], dict[str, Any]]] = {
        "viability": lambda: {"tables": series("viability")},
        "fixed noise": lambda: {"tables": series("viability"), "noise": "fixed"},
        "two-part noise": lambda: {
            "tables": series("il1b", ("K562R",)), "plate_factors": False,
            "noises": {"il1b": Normal(sd=3.0, cv=0.1)}, "names": ("il1b_secretion_K562R", "death_max"),
        },
        "student": lambda: {
            "tables": series("viability"), "noises": {"viability": StudentT(sd=0.05, cv=0.1)}
        },
        "log-normal": lambda: {"tables": series("viability"), "noises": {"viability": LogNormal(sd=0.15)}},
        "counted": lambda: {"tables": series("apoptosis")},
        "own sd": lambda: {"tables": series("viability", sd=0.1, n=3.0)},
        "mean of n": lambda: {"tables": series("viability", n=4.0)},
        "below": lambda: {"tables": series("viability", detection_limit=0.35)},
        "above": lambda: {"tables": series("viability", censored="above")},
        "scale": lambda: {"tables": series("p_crkl", time=24.0, relative_to="scale", value=40.0)},
        "scale, two-part": lambda: {
            "tables": series("p_crkl", time=24.0, relative_to="scale", value=40.0, detection_limit=8.0),
            "noises": {"p_crkl": Normal(sd=0.02, cv=0.1)},
        },
        "scale, counted": lambda: {"tables": series("apoptosis", relative_to="scale", value=0.2)},
        "scale, own sd": lambda: {
            "tables": series("p_crkl", time=24.0, relative_to="scale", value=40.0, sd=4.0)
        },
        "vehicle": lambda: {"tables": series("viable_cells", relative_to="vehicle")},
        "vehicle, counted": lambda: {"tables": series("apoptosis", relative_to="vehicle")},
        "plate": lambda: {"tables": series("viable_cells", plate="1")},
        "constraint": lambda: {"tables": (), "constraints": (Ic50Term("K562S", 0.2, 0.25),)},
        "open constraint": lambda: {
            "tables": (),
            "constraints": (Ic50Term("K562S", None, 0.15, sd=0.1), Ic50Term("K562R", 4.0, None, sd=0.1)),
        },
        "everything": lambda: {"tables": everything(), "constraints": (Ic50Term("K562R", 1.5, 4.0),)},
    }  # fmt: skip
    arguments = {"settings": TIGHT, **known[kind](), **changes}
    return FitProblem(parameters=arguments.pop("names", NAMES), **arguments)


def random_points(fit: FitProblem, count: int, seed: int = 0, reach: float = 0.3) -> np.ndarray:
    """Points around the values of the table of parameters, some SDs of the prior away."""
    rng = np.random.default_rng(seed)
    middle = fit.to_point({name: rows()[name].value for name in fit.free.names})
    steps = rng.normal(size=(count, len(middle))) * reach * fit.space.array("prior_sd")
    return np.clip(middle + steps, fit.lower, fit.upper)
