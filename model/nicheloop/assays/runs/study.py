"""Scenarios run for a list of parameter sets, one by one with SciPy or together with the batch engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nicheloop.assays.compiled import Floats, stock_system
from nicheloop.assays.readouts import outputs_needed
from nicheloop.assays.result import Result, Runs
from nicheloop.assays.runs.batches import Batch, outputs_of, run_one_by_one, run_plans
from nicheloop.assays.runs.plan import Plan, plan_of
from nicheloop.assays.runs.specimen import Course, CultureKey, Specimen, Stock
from nicheloop.assays.runs.stocks import StockKey, grow_stocks
from nicheloop.assays.scenario import Scenario
from nicheloop.assays.settings import Settings


class Study:
    """Scenarios run for a list of parameter sets; whatever they share is computed once.

    Parameters
    ----------
    parameter_sets : sequence of mapping
        Each holds the parameters that differ from the table.
    settings : Settings
        How runs are integrated.
    drawn : bool
        Whether the sets are draws that stand in for the table, see `Specimen`.
    grown : dict, optional
        Stock cultures of earlier studies, which the same cells of this one need not grow anew; those of this
        one are added.

    Raises
    ------
    ValueError
        If a parameter is unknown (with the nearest name) or not a finite number.
    """

    def __init__(
        self,
        parameter_sets: Sequence[Mapping[str, float]],
        settings: Settings,
        drawn: bool = False,
        grown: dict[CultureKey, Stock] | None = None,
    ) -> None:
        self.settings = settings
        self.specimens = tuple(Specimen(values, settings, drawn, grown) for values in parameter_sets)
        self._runs: dict[Scenario, Runs] = {}
        self._extra: set[str] = set()
        self._made_of = (tuple(dict(values) for values in parameter_sets), settings, drawn)

    def __reduce__(self) -> tuple[Any, ...]:
        # What was computed stays behind: it is large, and quickly found again where it is needed.
        return type(self), self._made_of

    def result(self, scenario: Scenario, index: int = 0) -> Result:
        """Run a scenario with one of the parameter sets and return all of it."""
        plan, specimen = plan_of(scenario), self.specimens[index]
        course = specimen.run(plan) if self.settings.engine == "scipy" else self._in_batch(plan, specimen)
        return Result(
            scenario=scenario,
            parameters=specimen.values(scenario.resistance, plan.stock_parameters),
            time=plan.times,
            status="failed" if course.problem else "ok",
            message=course.problem,
            time_reached=course.time_reached,
            species_names=plan.compiled.system.species,
            species=course.states,
            output_names=plan.compiled.system.output_names,
            outputs=outputs_of(plan, course),
            study=self,
            index=index,
        )

    def _in_batch(self, plan: Plan, specimen: Specimen) -> Course:
        (done,) = run_plans([plan], [specimen], self.settings, "species")
        vector = specimen.start(plan).vector
        return Course(done.values[0], vector, done.problems[0], float(done.time_reached[0]))

    def runs(self, scenario: Scenario, *outputs: str) -> Runs:
        """Run a scenario with every parameter set; done once per scenario.

        Of the few hundred outputs of the model, those are kept that the read-outs need. Others can be named,
        or asked of the runs: then the scenario is run again, and later ones keep them from the start.
        """
        return self.runs_of([scenario], *outputs)[0]

    def runs_of(self, scenarios: Sequence[Scenario], *outputs: str) -> list[Runs]:
        """Run several scenarios, as `runs` does one; those that can be are integrated together."""
        missing: dict[tuple[str, ...], list[Scenario]] = {}
        for scenario in dict.fromkeys(scenarios):
            known = self._runs.get(scenario)
            if known is None or any(name not in known.columns for name in outputs):
                missing.setdefault(scenario.hosts, []).append(scenario)
        self._extra.update(outputs)
        for alike in missing.values():
            self._run_all(alike)
        return [self._runs[scenario] for scenario in scenarios]

    def _run_all(self, scenarios: Sequence[Scenario]) -> None:
        """Run scenarios with the same hosts, so that the same outputs are kept of all."""
        plans = [plan_of(scenario) for scenario in scenarios]
        wanted = outputs_needed(scenarios[0].hosts) | self._extra
        names = tuple(name for name in plans[0].compiled.outputs if name in wanted)
        if self.settings.engine == "scipy":
            done = [run_one_by_one(plan, self.specimens, names) for plan in plans]
        else:
            done = run_plans(plans, self.specimens, self.settings, names)
        for scenario, plan, batch in zip(scenarios, plans, done, strict=True):
            self._runs[scenario] = self._kept(scenario, plan, batch, names)

    def _kept(self, scenario: Scenario, plan: Plan, done: Batch, names: tuple[str, ...]) -> Runs:
        return Runs(
            scenario=scenario,
            time=plan.times,
            status=tuple("failed" if problem else "ok" for problem in done.problems),
            messages=done.problems,
            time_reached=done.time_reached,
            output_names=names,
            outputs=done.values,
            columns={name: i for i, name in enumerate(names)},
            study=self,
        )

    def stock_output(self, scenario: Scenario, host: str, name: str) -> Floats:
        """Observable or expression in the stock culture of ``host``, shape (sets, 1).

        The culture is the one the scenario would seed, except that nothing is silenced in it.
        """
        column = stock_system(scenario.promoter, host).outputs[name]
        key = StockKey(host, scenario.promoter, scenario.resistance, scenario.parameters)
        if self.settings.engine == "batch":
            grow_stocks([key], self.specimens, self.settings)
        return np.array([[specimen.stock(*key).outputs[column]] for specimen in self.specimens])
