"""CasADi: symbolic expressions, compiled by a C compiler where there is one, CVODES."""

from __future__ import annotations

import shutil
from typing import Any

import casadi
import numpy as np

from benchmarks.cases import Case, Reals
from benchmarks.formats import ARITHMETIC, right_hand_side
from benchmarks.peers.base import Engine

_OPERATIONS = {
    **ARITHMETIC,
    "pow": lambda a, b: a**b,
    "exp": casadi.exp,
    "log": casadi.log,
    "sqrt": casadi.sqrt,
    "gt": lambda a, b: a > b,
    "select": casadi.if_else,
}


class Cvodes(Engine):
    distribution = "casadi"
    has_gradient = True

    def __init__(self, case: Case) -> None:
        self.case = case
        y = casadi.SX.sym("y", len(case.initial))
        p = casadi.SX.sym("p", len(case.varied))
        varied = {int(i): k for k, i in enumerate(case.positions)}

        def parameter(i: int) -> Any:
            return p[varied[i]] if i in varied else float(case.network.values[i])

        rhs = right_hand_side(case.system.tape, lambda i: y[i], parameter, _OPERATIONS)
        options: dict[str, Any] = {
            "reltol": case.rtol,
            "abstol": float(case.atol.min()),
            "max_num_steps": 100_000,
            "linear_solver": "csparse",  # the built-in QR overflows on the cascade
        }
        problem = {"x": y, "p": p, "ode": casadi.vertcat(*rhs)}
        span = float(case.times[0]), case.times[1:].tolist()
        plain = casadi.integrator("plain", "cvodes", problem, *span, dict(options))
        if shutil.which("gcc"):
            options |= {"jit": True, "compiler": "shell", "jit_options": {"flags": ["-O2"]}}
        self.integrate = casadi.integrator("run", "cvodes", problem, *span, options)
        self.plain = plain

    def single(self, row: Reals) -> Reals:
        done = self.integrate(x0=self.case.initial, p=row)["xf"]
        return np.vstack([self.case.initial, np.array(done).T])

    def prepare_gradient(self) -> None:
        count = len(self.case.varied)
        # Compiling the derivatives for 70 directions takes a C compiler minutes: they are interpreted.
        self.forward = self.plain.forward(count)
        self.gradient(self.case.default)

    def gradient(self, row: Reals) -> Reals:
        case, count = self.case, len(row)
        done = self.forward(
            x0=case.initial, p=row, fwd_p=np.eye(count), fwd_x0=np.zeros((len(case.initial), count))
        )
        # fwd_xf: [s, v * (t - 1)], the times of each parameter side by side
        slopes = np.array(done["fwd_xf"]).reshape(len(case.initial), count, len(case.times) - 1)
        start = np.zeros((1, len(case.initial), count))
        return np.concatenate([start, slopes.transpose(2, 0, 1)])
