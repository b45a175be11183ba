"""The fixed LU plan as straight-line code over lanes."""

from __future__ import annotations

from nicheloop.equations.lanes import Function, Module
from nicheloop.equations.lu import LUPlan

__all__ = ["write_factor", "write_solve"]


def write_factor(module: Module, name: str, plan: LUPlan) -> None:
    """Function ``name(jacobian, shift, factors)``: factors of ``shift * I - J``; returns the smallest
    |pivot|.

    Written row by row: the entries of a row stay in registers until it is finished, so every factor is
    stored once.
    """
    reals = module.reals
    f = module.function(
        name, [("ptr noalias", "jacobian"), (reals, "shift"), ("ptr noalias", "factors")], reals
    )
    smallest = ""
    for row in range(plan.n):
        entries = _entries(f, plan, row)
        for k, lower, targets in plan.updates(row):
            entries[lower] = f.mul(entries[lower], f.load("%factors", plan.slot(k, k)))
            minus = f.neg(entries[lower])
            for target, upper in targets:
                factor = f.load("%factors", upper)
                known = entries[target]
                entries[target] = f.fma(minus, factor, known) if known else f.mul(minus, factor)
        diagonal = plan.slot(row, row)
        size = f.intrinsic("fabs", entries[diagonal])
        smallest = f.smaller(smallest, size) if smallest else size
        entries[diagonal] = f.div(module.real(1.0), entries[diagonal])
        for slot, value in entries.items():
            f.store(value, "%factors", slot)
    f.do(f"ret {reals} {smallest}")


def _entries(f: Function, plan: LUPlan, row: int) -> dict[int, str]:
    """Starting values of a row by slot; an empty name is a zero that fill-in will replace."""
    entries: dict[int, str] = {}
    for m, column in enumerate(plan.columns[row]):
        slot = plan.starts[row] + m
        source = plan.sources[slot]
        value = f.load("%jacobian", source) if source >= 0 else ""
        if column == row:
            entries[slot] = f.sub("%shift", value) if value else "%shift"
        else:
            entries[slot] = f.neg(value) if value else ""
    return entries


def write_solve(module: Module, name: str, plan: LUPlan) -> None:
    """Function ``name(factors, right, more, x)``: x for ``right + more``, in the caller's numbering."""
    f = module.function(name, [("ptr noalias", a) for a in ("factors", "right", "more", "x")])
    x: list[str] = []
    for row in range(plan.n):
        value = f.add(f.load("%right", plan.order[row]), f.load("%more", plan.order[row]))
        for m, column in enumerate(plan.columns[row]):
            if column < row:
                value = f.fma(f.neg(f.load("%factors", plan.starts[row] + m)), x[column], value)
        x.append(value)
    for row in reversed(range(plan.n)):
        value = x[row]
        for m, column in enumerate(plan.columns[row]):
            if column > row:
                value = f.fma(f.neg(f.load("%factors", plan.starts[row] + m)), x[column], value)
        x[row] = f.mul(value, f.load("%factors", plan.slot(row, row)))
        f.store(x[row], "%x", plan.order[row])
    f.do("ret void")
