"""The batch kernel of a network: one native function that integrates runs from a queue, several at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from nicheloop.equations.lanes import LaneProgram, Module
from nicheloop.equations.lu import LUPlan, plan_lu
from nicheloop.equations.tangent import along
from nicheloop.equations.tape import Pattern, Tape
from nicheloop.integrate.kernel_drive import write_drive
from nicheloop.integrate.kernel_indexed import write_indexed_factor, write_indexed_solve
from nicheloop.integrate.kernel_layout import Space, TangentSpace
from nicheloop.integrate.kernel_linear import write_factor, write_solve
from nicheloop.integrate.kernel_step import (
    write_attempt,
    write_dense,
    write_first_step,
    write_interpolate,
)
from nicheloop.integrate.kernel_tangent import write_multiply, write_tangents
from nicheloop.integrate.kernel_tangent_drive import write_tangent_drive

__all__ = ["MOST_UNROLLED", "KernelSource", "write_kernel", "write_tangent_kernel"]

SpaceKind = TypeVar("SpaceKind", bound=Space, covariant=True)

_NAMES = ("rhs", "jacobian", "outputs", "initials")

# Multiplications of one factorisation and one solve up to which they are unrolled. 20,000 compile in about
# 3 s and the time grows with their square; beyond, loops over tables take over: a step then costs 1.6 times
# as much, measured on a network of 145 species.
MOST_UNROLLED = 15_000


@dataclass(frozen=True)
class KernelSource(Generic[SpaceKind]):
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
    space: SpaceKind
    plan: LUPlan
    lanes: int


def write_kernel(tape: Tape, lanes: int) -> KernelSource[Space]:
    """Write the kernel of a network.

    Parameters
    ----------
    tape : Tape
        With outputs ``rhs``, ``jacobian`` (and its pattern), ``outputs`` and ``initials``.
    lanes : int
        Runs per vector, best the number of doubles in a register of the processor.
    """
    module = Module(lanes)
    program = LaneProgram(tape, _NAMES)
    plan = _plan(tape)
    space = Space(**_sizes(tape, program, plan))
    _write_equations(module, program, plan)
    _write_engine(module, space)
    return KernelSource(module.text(), space, plan, lanes)


def write_tangent_kernel(tape: Tape, lanes: int) -> KernelSource[TangentSpace]:
    """Write the kernel of a network that carries sensitivities along.

    Parameters
    ----------
    tape : Tape
        As for `write_kernel`, and with ``rhs_p``, ``outputs_y``, ``outputs_p`` and ``initials_p``.
    lanes : int
        Runs (or parts of the columns of a run) per vector.
    """
    module = Module(lanes)
    names = ("rhs_p", "outputs_y", "outputs_p", "initials_p")
    program = LaneProgram(tape, [*_NAMES, *names])
    bent = along(tape, ["jacobian", "rhs_p"])
    bend = LaneProgram(bent, ["jacobian", "rhs_p"])
    plan = _plan(tape)
    lengths = {f"n_{name}": len(tape.patterns[name]) for name in names}
    space = TangentSpace(
        **_sizes(tape, program, plan),
        **lengths,
        n_bend=len(bent.patterns["jacobian"]),
        n_bend_p=len(bent.patterns["rhs_p"]),
        n_bend_prepared=bend.n_prepared,
    )
    _write_equations(module, program, plan)
    program.write(module, "stage_slopes", ["jacobian", "rhs_p"])
    program.write(module, "output_slopes", ["outputs_y", "outputs_p"])
    program.write(module, "initial_slopes", ["initials_p"])
    bend.write_prepare(module, "bend_prepare")
    bend.write(module, "bend", ["jacobian", "rhs_p"])
    write_multiply(module, "multiply_jacobian", tape.patterns["jacobian"])
    write_multiply(module, "multiply_bend", bent.patterns["jacobian"])
    write_multiply(module, "multiply_outputs", tape.patterns["outputs_y"])
    write_tangents(module, space, _places(bent.patterns["rhs_p"], tape.patterns["rhs_p"]))
    write_tangent_drive(module, space)
    _write_engine(module, space)
    return KernelSource(module.text(), space, plan, lanes)


def _plan(tape: Tape) -> LUPlan:
    pattern = tape.patterns["jacobian"]
    return plan_lu(tape.n_species, zip(pattern.rows, pattern.cols, strict=True))


def _sizes(tape: Tape, program: LaneProgram, plan: LUPlan) -> dict[str, int]:
    return {
        "n": tape.n_species,
        "n_parameters": tape.n_parameters,
        "n_prepared": program.n_prepared,
        "n_jacobian": len(tape.patterns["jacobian"]),
        "n_factors": plan.size,
        "n_outputs": len(tape.outputs["outputs"]),
    }


def _places(part: Pattern, whole: Pattern) -> list[int]:
    """Where the entries of a part of a sparse matrix stand among those of the whole."""
    places = {place: k for k, place in enumerate(zip(whole.rows, whole.cols, strict=True))}
    return [places[place] for place in zip(part.rows, part.cols, strict=True)]


def _write_equations(module: Module, program: LaneProgram, plan: LUPlan) -> None:
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


def _write_engine(module: Module, space: Space) -> None:
    write_first_step(module, space)
    write_attempt(module, space)
    write_dense(module, space)
    write_interpolate(module, space)
    write_drive(module, space)
