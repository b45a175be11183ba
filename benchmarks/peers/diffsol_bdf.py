"""pydiffsol: diffsol's BDF in Rust, equations in DiffSL compiled by LLVM."""

from __future__ import annotations

import numpy as np
import pydiffsol

from benchmarks.cases import Case, Reals
from benchmarks.formats import diffsl
from benchmarks.peers.base import Engine


class Diffsol(Engine):
    distribution = "pydiffsol"
    has_gradient = True

    def __init__(self, case: Case) -> None:
        self.case = case
        self.ode = pydiffsol.Ode(
            diffsl(case),
            matrix_type=pydiffsol.faer_sparse,
            ode_solver=pydiffsol.bdf,
            linear_solver=pydiffsol.lu,
        )
        self.ode.rtol = case.rtol
        self.ode.atol = float(case.atol.min())

    def single(self, row: Reals) -> Reals:
        return np.array(self.ode.solve_dense(row, self.case.times).ys).T

    def prepare_gradient(self) -> None:
        self.ode.sens_rtol = self.case.rtol
        self.gradient(self.case.default)

    def gradient(self, row: Reals) -> Reals:
        slopes = self.ode.solve_fwd_sens(row, self.case.times).sens
        return np.stack([np.array(one).T for one in slopes], axis=2)
