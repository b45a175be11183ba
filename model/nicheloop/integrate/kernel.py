"""The batch kernel of a network: one native function that integrates runs from a queue, several at a time."""

from __future__ import annotations

from dataclasses import dataclass

from nicheloop.equations.lanes import LaneProgram, Module
from nicheloop.equations.lu import LUPlan, plan_lu
from nicheloop.equations.tape import Tape
from nicheloop.integrate.kernel_drive import write_drive
from nicheloop.integrate.kernel_indexed import write_indexed_factor, write_indexed_solve
from nicheloop.integrate.kernel_layout import Space
from nicheloop.integrate.kernel_linear import write_factor, write_solve
from nicheloop.integrate.kernel_step import (
    write_attempt,
    write_dense,
    write_first_step,
    write_interpolate,
)

__all__ = ["MOST_UNROLLED", "KernelSource", "write_kernel"]

# Multiplications of one factorisation and one solve up to which they are unrolled. 20,000 compile in about
# 3 s and the time grows with their square; beyond, loops over tables take over: a step then costs 1.6 times
# as much, measured on a network of 145 species.
MOST_UNROLLED = 15_000


@dataclass(frozen=True)
class KernelSource:
    """LLVM assembly of a kernel, and what its caller has to know.

    Attributes
    ----------
    text : str
        The module; it exports ``void integrate(int64_t *job, double *workspace)``.
    space : Space
        Layout of the workspace: ``space.total * lanes`` doubles per thread, aligned to 64 bytes.
    plan : LUPlan
        The factorisation it contains.
    lanes : int
        Runs per vector.
    """

    text: str
    space: Space
    plan: LUPlan
    lanes: int


def write_kernel(tape: Tape, lanes: int) -> KernelSource:
    """Write the kernel of a network.

    Parameters
    ----------
    tape : Tape
        With outputs ``rhs``, ``jacobian`` (and its pattern), ``outputs`` and ``initials``.
    lanes : int
        Runs per vector, best the number of doubles in a register of the processor.
    """
    pattern = tape.patterns["jacobian"]
    plan = plan_lu(tape.n_species, zip(pattern.rows, pattern.cols, strict=True))
    program = LaneProgram(tape, ["rhs", "jacobian", "outputs", "initials"])
    space = Space(
        n=tape.n_species,
        n_parameters=tape.n_parameters,
        n_prepared=program.n_prepared,
        n_jacobian=len(pattern),
        n_factors=plan.size,
        n_outputs=len(tape.outputs["outputs"]),
    )
    module = Module(lanes)
    program.write_prepare(module, "prepare")
    program.write(module, "rhs_jacobian", ["rhs", "jacobian"])
    program.write(module, "rhs", ["rhs"])
    program.write(module, "outputs", ["outputs"])
    program.write(module, "initials", ["initials"])
    if plan.factor_operations + plan.solve_operations <= MOST_UNROLLED:
        write_factor(module, "factor", plan)
        write_solve(module, "solve", plan)
    else:
        write_indexed_factor(module, "factor", plan)
        write_indexed_solve(module, "solve", plan)
    write_first_step(module, space)
    write_attempt(module, space)
    write_dense(module, space)
    write_interpolate(module, space)
    write_drive(module, space)
    return KernelSource(module.text(), space, plan, lanes)
