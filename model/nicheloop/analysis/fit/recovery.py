"""Recovery study: are intervals what they say, where the truth is known?

Truths are drawn from the prior, virtual assays from the model with them, and every assay is fitted. The truth
should lie inside the 95 % profile interval in about 95 % of the cases that are called identifiable, and a
parameter that acts on nothing that is measured should be called flat.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nicheloop.analysis.fit.problem import FitProblem
from nicheloop.analysis.fit.profile import FLAT, IDENTIFIABLE, VERDICTS, profiles
from nicheloop.analysis.fit.search import NEAR, multistart
from nicheloop.assays.tables.frame import AssayTable
from nicheloop.biology.priors import sample_prior
from nicheloop.execution import Engine, Job, map_tasks
from nicheloop.execution.progress import Progress

if TYPE_CHECKING:
    import pandas as pd

    from nicheloop.assays.scenario import Scenario

INFORMED = (
    "death_max",
    "bim_copies",
    "atp_competition",
    "imatinib_affinity_loss_K562R",
    "il1b_secretion_K562R",
    "il1b_secretion_K562S",
    "irak_half_occupancy",
)
"""Parameters that the design acts on; some of them it can tell."""
SILENT = ("cxcl11_secretion_stroma", "migration_directed")
"""Parameters that nothing in the design depends on."""
DOSES = (0.0, 0.1, 0.3, 1.0, 3.0, 10.0)
"""Of imatinib, uM."""
BLOCKADE = (10.0, 100.0, 1000.0)
"""Of IL-1Ra, ng/mL."""
REPLICATES = 3
REDRAWS = 50
"""Truths with which the wells cannot be simulated are drawn again, at most so often."""


def design() -> tuple[Scenario, ...]:
    """Return the virtual experiment: imatinib on both lines, IL-1Ra on K562R under imatinib, for 72 h."""
    from nicheloop.assays.library import load_scenario

    series = [
        load_scenario(name).with_(times=[72.0], vary={"imatinib": list(DOSES)})
        for name in ("imatinib_k562r", "imatinib_k562s")
    ]
    blocked = load_scenario("imatinib_k562r").with_(times=[72.0], vary={"il1ra": list(BLOCKADE)})
    return (*series, blocked)


def virtual_table(number: int, seed: int, free: Sequence[str]) -> tuple[AssayTable, dict[str, float]]:
    """Draw a truth and its assay: viability and IL-1b ELISA in every well.

    Raises
    ------
    RuntimeError
        If the wells can be simulated with none of many draws.
    """
    from nicheloop.assays.tables.virtual import simulate_assay

    error: RuntimeError | None = None
    for attempt in range(REDRAWS):
        root = int(np.random.SeedSequence([seed, number, attempt]).generate_state(1)[0])
        truth = {name: float(values[0]) for name, values in sample_prior(1, root, free).items()}
        try:
            table = simulate_assay(
                design(), ["viability", "il1b"], replicates=REPLICATES, seed=root, parameters=truth
            )
        except RuntimeError as failed:
            error = failed
            continue
        return table, truth
    raise RuntimeError(f"no truth could be simulated: {error}")


@dataclass(frozen=True)
class RecoveryTask:
    """Fits the virtual assay of one truth; a task."""

    seed: int
    starts: int
    free: tuple[str, ...]

    def __call__(self, number: int) -> dict[str, Any]:
        """Return truth, estimates, intervals and verdicts."""
        table, truth = virtual_table(number, self.seed, self.free)
        problem = FitProblem(table, self.free)
        found = multistart(problem, self.starts, seed=self.seed)
        traced = profiles(problem, found.best)
        best = problem.to_values(traced.optimum.x)
        return {
            "truth": np.array([truth[name] for name in self.free]),
            "estimate": np.array([best[name] for name in self.free]),
            "interval": np.array([traced[name].interval() for name in self.free]),
            "verdict": np.array([VERDICTS.index(traced[name].verdict) for name in self.free]),
            "reached": np.int64(found.reached(NEAR)),
        }


@dataclass(frozen=True, eq=False)
class Recovery:
    """What came of all truths.

    Attributes
    ----------
    table : DataFrame
        One row per truth and parameter: ``number``, ``name``, ``truth``, ``estimate``, ``low``, ``high``,
        ``verdict``, ``inside`` (the interval, open ends included), ``silent``, ``reached`` (starts within 0.1
        of the best value).
    """

    table: pd.DataFrame

    @property
    def identifiable(self) -> int:
        """Cases that were called identifiable."""
        return int((self.table["verdict"] == IDENTIFIABLE).sum())

    @property
    def coverage(self) -> float:
        """Share of the identifiable cases in which the truth lies inside; NaN if there is none."""
        chosen = self.table[self.table["verdict"] == IDENTIFIABLE]
        return float(chosen["inside"].mean()) if len(chosen) else math.nan

    @property
    def silent_flat(self) -> float:
        """Share of the cases that act on nothing measured which were called flat."""
        silent = self.table[self.table["silent"]]
        return float((silent["verdict"] == FLAT).mean()) if len(silent) else math.nan

    def by_parameter(self) -> pd.DataFrame:
        """Count verdicts per parameter, and how often the truth is inside where it is identifiable."""
        import pandas as pd

        rows = []
        for name, cases in self.table.groupby("name", sort=False):
            called = cases["verdict"].value_counts()
            counts = {verdict: int(called.get(verdict, 0)) for verdict in VERDICTS}
            inside = cases[cases["verdict"] == IDENTIFIABLE]["inside"].sum()
            outside = int((~cases["inside"]).sum())
            rows.append({"name": name, **counts, "inside": int(inside), "outside_any": outside})
        return pd.DataFrame(rows)

    @property
    def verdict(self) -> str:
        """The result in a sentence."""
        inside = round(self.coverage * self.identifiable) if self.identifiable else 0
        share = f"{self.coverage:.1%}" if self.identifiable else "none"
        return (
            f"{inside} of {self.identifiable} identifiable cases have the truth inside the 95 % interval "
            f"({share}); {self.silent_flat:.0%} of the cases that act on nothing measured were called flat"
        )


def recover(
    truths: int = 20,
    starts: int = 8,
    seed: int = 1,
    free: Sequence[str] = (*INFORMED, *SILENT),
    engine: Engine | None = None,
    store: str | Path | None = None,
    progress: Progress | None = None,
) -> Recovery:
    """Fit the virtual assays of random truths.

    Parameters
    ----------
    truths : int
        How many.
    starts : int
        Of each search.
    seed : int
        Of truths, noise and starts.
    free : sequence of str
        Parameters that are drawn and fitted; all others are known.
    engine : Engine, optional
        Where truths are fitted, each a task; default: here.
    store : path, optional
        Folder that keeps finished ones.
    progress : callable, optional
        Told ``(done, total, failed)`` truths.
    """
    from nicheloop.report.manifest import model_digests

    task = RecoveryTask(seed, starts, tuple(free))
    settings = {"starts": starts, "free": list(free), "doses": DOSES, "blockade": BLOCKADE}
    job = Job("recovery", {**settings, "replicates": REPLICATES, "model": model_digests()}, seed)
    found = map_tasks(task, range(truths), engine=engine, store=store, job=job, progress=progress)
    return Recovery(_frame(found, task.free))


def _frame(found: Mapping[str, Any], free: Sequence[str]) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for number, truths in enumerate(found["truth"]):
        for k, name in enumerate(free):
            low, high = (float(end) for end in found["interval"][number, k])
            rows.append(
                {
                    "number": number,
                    "name": name,
                    "truth": float(truths[k]),
                    "estimate": float(found["estimate"][number, k]),
                    "low": low,
                    "high": high,
                    "verdict": VERDICTS[int(found["verdict"][number, k])],
                    "inside": low <= truths[k] <= high,
                    "silent": name in SILENT,
                    "reached": int(found["reached"][number]),
                }
            )
    return pd.DataFrame(rows)
