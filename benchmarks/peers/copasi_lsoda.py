"""COPASI through its own interface; LSODA."""

from __future__ import annotations

import basico
import COPASI
import numpy as np

from benchmarks.cases import Case, Reals
from benchmarks.formats import sbml
from benchmarks.peers.base import Engine


class Copasi(Engine):
    distribution = "python-copasi"

    def __init__(self, case: Case) -> None:
        self.case = case
        self.data = basico.load_model_from_string(sbml(case))
        self.model = self.data.getModel()
        known = {value.getObjectName(): value for value in self.model.getModelValues()}
        self.values = [known[name] for name in case.varied]
        self.task = self.data.getTask("Time-Course")
        basico.set_task_settings(
            "Time-Course",
            {
                "scheduled": True,
                "problem": {"StepNumber": len(case.times) - 1, "Duration": float(case.times[-1])},
                "method": {
                    "Relative Tolerance": case.rtol,
                    "Absolute Tolerance": float(case.atol.min()),
                    "Max Internal Steps": 1_000_000,
                },
            },
            model=self.data,
        )
        self.task.getProblem().setTimeSeriesRequested(True)
        self.columns: list[int] = []

    def single(self, row: Reals) -> Reals:
        changed = COPASI.ObjectStdVector()
        for value, number in zip(self.values, row.tolist(), strict=True):
            value.setInitialValue(number)
            changed.append(value.getInitialValueReference())
        self.model.updateInitialValues(changed)
        if not self.task.process(True):
            raise RuntimeError(f"COPASI failed: {self.task.getProcessError()}")
        series = self.task.getTimeSeries()
        if not self.columns:
            titles = [series.getTitle(k) for k in range(series.getNumVariables())]
            names = {species.getSBMLId(): species.getObjectName() for species in self.model.getMetabolites()}
            self.columns = [titles.index(names[f"s{i}"]) for i in range(len(self.case.initial))]
        steps = range(series.getRecordedSteps())
        return np.array([[series.getConcentrationData(t, k) for k in self.columns] for t in steps])
