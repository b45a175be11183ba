"""libRoadRunner: SBML compiled by LLVM, CVODE."""

from __future__ import annotations

import numpy as np
import roadrunner

from benchmarks.cases import Case, Reals
from benchmarks.formats import sbml
from benchmarks.peers.base import Engine


class RoadRunner(Engine):
    distribution = "libroadrunner"

    def __init__(self, case: Case) -> None:
        self.case = case
        self.runner = roadrunner.RoadRunner(sbml(case))
        self.runner.setIntegrator("cvode")
        integrator = self.runner.getIntegrator()
        integrator.setValue("relative_tolerance", case.rtol)
        integrator.setValue("absolute_tolerance", float(case.atol.min()))
        integrator.setValue("maximum_num_steps", 100_000)
        ids = list(self.runner.model.getGlobalParameterIds())
        self.positions = [ids.index(name) for name in case.varied]
        self.runner.timeCourseSelections = [f"s{i}" for i in range(len(case.initial))]

    def single(self, row: Reals) -> Reals:
        times = self.case.times
        self.runner.reset()
        self.runner.model.setGlobalParameterValues(self.positions, row.tolist())
        return np.array(self.runner.simulate(times[0], times[-1], len(times)))
