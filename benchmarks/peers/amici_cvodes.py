"""AMICI: SBML to C++, CVODES with a sparse solver."""

from __future__ import annotations

import logging
import tempfile

import amici
import numpy as np
from amici.importers.sbml import SbmlImporter
from amici.sim import sundials

from benchmarks.cases import Case, Reals
from benchmarks.formats import sbml
from benchmarks.peers.base import Engine


class Amici(Engine):
    distribution = "amici"
    has_gradient = True

    def __init__(self, case: Case) -> None:
        self.case = case
        self.folder = tempfile.TemporaryDirectory()
        name = f"{case.name}_{id(self)}"
        SbmlImporter(sbml(case), from_file=False).sbml2amici(
            name,
            f"{self.folder.name}/{name}",
            verbose=logging.ERROR,
            compute_conservation_laws=False,
        )
        for logger in [name for name in logging.root.manager.loggerDict if name.startswith("amici")]:
            logging.getLogger(logger).setLevel(logging.ERROR)  # each has a level of its own
        module = amici.import_model_module(name, f"{self.folder.name}/{name}")
        self.model = module.get_model()
        self.model.set_timepoints(case.times)
        ids = list(self.model.get_free_parameter_ids())
        self.base = np.array(self.model.get_free_parameters())
        self.positions = [ids.index(parameter) for parameter in case.varied]
        species = list(self.model.get_state_ids())
        self.order = [species.index(f"s{i}") for i in range(len(case.initial))]
        self.solver = self.model.create_solver()
        self.solver.set_relative_tolerance(case.rtol)
        self.solver.set_absolute_tolerance(float(case.atol.min()))
        self.solver.set_max_steps(1_000_000)

    def _run(self, row: Reals) -> sundials.ReturnDataView:
        values = self.base.copy()
        values[self.positions] = row
        self.model.set_free_parameters(values)
        return sundials.run_simulation(self.model, self.solver)

    def single(self, row: Reals) -> Reals:
        return np.array(self._run(row)["x"])[:, self.order]

    def prepare_gradient(self) -> None:
        self.model.set_parameter_list(self.positions)
        self.solver.set_sensitivity_method(sundials.SensitivityMethod.forward)
        self.gradient(self.case.default)

    def gradient(self, row: Reals) -> Reals:
        self.solver.set_sensitivity_order(sundials.SensitivityOrder.first)
        try:
            slopes = np.array(self._run(row)["sx"])  # [t, v, s]
        finally:
            self.solver.set_sensitivity_order(sundials.SensitivityOrder.none)
        return slopes.transpose(0, 2, 1)[:, self.order]
