"""PySB's simulator on SciPy's LSODA, right-hand side by Cython where it is installed."""

from __future__ import annotations

import importlib.util

import numpy as np
from pysb.bng import generate_equations
from pysb.simulator import ScipyOdeSimulator

from benchmarks.cases import Case, Reals
from benchmarks.peers.base import Engine


class ScipyOde(Engine):
    """It simulates whole models: of ours all species, not only those that can occur."""

    distribution = "pysb"

    def __init__(self, case: Case) -> None:
        model = case.make_model()
        self.kept = list(case.network.kept)
        generate_equations(model)
        atol = np.full(len(model.species), case.atol.min())
        atol[self.kept] = case.atol
        self.simulator = ScipyOdeSimulator(
            model,
            tspan=case.times,
            integrator="lsoda",
            compiler="cython" if importlib.util.find_spec("Cython") else "python",
            integrator_options={"rtol": case.rtol, "atol": atol, "mxstep": 50_000},
        )
        self.initials = np.zeros(len(model.species))
        self.initials[self.kept] = case.initial
        values = dict(zip(case.network.parameters, case.network.values, strict=True))
        names = [parameter.name for parameter in model.parameters]
        self.base = np.array([values[name] for name in names])
        self.positions = [names.index(name) for name in case.varied]
        self.single(case.default)  # compiles

    def single(self, row: Reals) -> Reals:
        return np.asarray(self.sweep(row[None])[0])

    def sweep(self, rows: Reals, cores: int = 1) -> Reals:
        values = np.tile(self.base, (len(rows), 1))
        values[:, self.positions] = rows
        done = self.simulator.run(param_values=values, initials=np.tile(self.initials, (len(rows), 1)))
        species = [done.species] if len(rows) == 1 else done.species
        return np.stack([np.asarray(one)[:, self.kept] for one in species])
