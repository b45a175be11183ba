"""The batch kernel of a network: one native function that integrates runs from a queue, several at a time."""

from __future__ import annotations

from dataclasses import dataclass

from nicheloop.equations.lanes import LaneProgram, Module
from nicheloop.equations.lu import LUPlan, plan_lu
from nicheloop.equations.tape import Tape
from nicheloop.integrate.kernel_drive import write_drive
from nicheloop.integrate.kernel_layout import Space
from nicheloop.integrate.kernel_linear import write_factor, write_solve
from nicheloop.integrate.kernel_step import (
    write_attempt,
    write_dense,
    write_first_step,
    write_interpolate,
)

__all__ = ["MOST_LU_OPERATIONS", "KernelSource", "write_kernel"]

# Multiplications of one factorisation and one solve beyond which straight-line code compiles for too long.
MOST_LU_OPERATIONS = 100_000


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

    Raises
    ------
    ValueError
        The factorisation of the network's Jacobian is too long to be unrolled.
    """
    pattern = tape.patterns["jacobian"]
    plan = plan_lu(tape.n_species, zip(pattern.rows, pattern.cols, strict=True))
    operations = plan.factor_operations + plan.solve_operations
    if operations > MOST_LU_OPERATIONS:
        raise ValueError(
            f"the Jacobian of this network ({plan.n} species) takes {operations} multiplications to "
            f"factorise and solve; the batch engine unrolls at most {MOST_LU_OPERATIONS}. Integrate its "
            "runs one by one with integrate_periods(method='lsoda')"
        )
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
    write_factor(module, "factor", plan)
    write_solve(module, "solve", plan)
    write_first_step(module, space)
    write_attempt(module, space)
    write_dense(module, space)
    write_interpolate(module, space)
    write_drive(module, space)
    return KernelSource(module.text(), space, plan, lanes)
