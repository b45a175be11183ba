"""bngsim: the BioNetGen team's simulator, CVODE(S) with an analytic Jacobian."""

from __future__ import annotations

import bngsim
import numpy as np

from benchmarks.cases import Case, Reals
from benchmarks.formats import sbml
from benchmarks.peers.base import Engine


class Bngsim(Engine):
    distribution = "bngsim"
    has_gradient = True

    def __init__(self, case: Case) -> None:
        self.case = case
        self.model = bngsim.Model.from_sbml_string(sbml(case))
        self.order = [self.model.species_names.index(f"s{i}") for i in range(len(case.initial))]
        self.atol = case.atol[np.argsort(self.order)]
        self.span = (float(case.times[0]), float(case.times[-1]))
        self.simulator = bngsim.Simulator(self.model, method="ode")
        self.simulator.set_max_steps(100_000)

    def single(self, row: Reals) -> Reals:
        return np.asarray(self._run(self.simulator, row).species)[:, self.order]

    def _run(self, simulator: bngsim.Simulator, row: Reals) -> bngsim.Result:
        self.model.reset()
        self.model.set_params(dict(zip(self.case.varied, row.tolist(), strict=True)))
        return simulator.run(self.span, len(self.case.times), rtol=self.case.rtol, atol=self.atol)

    def prepare_gradient(self) -> None:
        names = list(self.case.varied)
        self.slopes = bngsim.Simulator(self.model, method="ode", sensitivity_params=names)
        self.slopes.set_max_steps(100_000)
        self.gradient(self.case.default)

    def gradient(self, row: Reals) -> Reals:
        return np.asarray(self._run(self.slopes, row).sensitivities)[:, self.order]
