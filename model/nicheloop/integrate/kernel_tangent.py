"""Sensitivities of one step: the exact derivative of every Rodas5P stage, on the factors of the step itself.

For ``S' = J(y) S + d f / d p`` the method is applied to the system of y and S together, whose Jacobian is
lower block triangular. The diagonal block is J again, so the stages v_k of a column solve with the factors
that the stages u_k of the state have used::

    (I / (h GAMMA) - J) v_k = J(Y_k) (S + sum_j A[k][j] v_j) + df/dp(Y_k) + sum_j C[k][j] / h v_j
                              + J'(y)[u_k] S + (df/dp)'(y)[u_k]                            (j < k)

The last two terms, derivatives along the stage, are what keeps the order of the method.
"""

from __future__ import annotations

import math

from nicheloop.equations.lanes import Function, Module
from nicheloop.equations.tape import Pattern
from nicheloop.integrate import rodas
from nicheloop.integrate.kernel_layout import (
    Code,
    Field,
    Kind,
    TangentSpace,
    job_address,
    job_integer,
    job_real,
    lane_position,
)
from nicheloop.integrate.kernel_step import combination

__all__ = ["write_multiply", "write_tangents"]

_WORK = (("ptr", "job"), ("ptr", "ws"))
_MOST_UNROLLED = 6_000  # entries of a matrix up to which a product with it is written out


def write_tangents(module: Module, space: TangentSpace, bend_slots: list[int]) -> None:
    """Functions ``tangents``, ``follow``, ``settle``; `bend_slots`: entries of rhs_p that bend_p changes."""
    _write_scatter(module, space)
    _write_tangents(module, space, bend_slots)
    _write_follow(module, space)
    _write_settle(module, space)


def write_multiply(module: Module, name: str, pattern: Pattern) -> None:
    """Function ``name(values, x, out)``: add a sparse matrix times x to out."""
    f = module.function(name, [("ptr noalias", a) for a in ("values", "x", "out")])
    if len(pattern) > _MOST_UNROLLED:
        _multiply_by_tables(f, name, pattern)
    else:
        _multiply_unrolled(f, pattern)
    f.do("ret void")


def _multiply_unrolled(f: Function, pattern: Pattern) -> None:
    total = ""
    for k, (row, column) in enumerate(zip(pattern.rows, pattern.cols, strict=True)):
        if k == 0 or row != pattern.rows[k - 1]:
            total = f.load("%out", row)
        total = f.fma(f.load("%values", k), f.load("%x", column), total)
        if k + 1 == len(pattern) or row != pattern.rows[k + 1]:
            f.store(total, "%out", row)


def _multiply_by_tables(f: Function, name: str, pattern: Pattern) -> None:
    filled = sorted(set(pattern.rows))
    first = [pattern.rows.index(row) for row in filled]
    rows = f.module.table(f"{name}.row", filled)
    firsts = f.module.table(f"{name}.first", [*first, len(pattern)])
    columns = f.module.table(f"{name}.column", pattern.cols)
    with f.count(len(filled)) as r:
        row = f.entry(rows, r)
        stop = f.entry(firsts, f.emit(f"add i64 {r}, 1"))
        with f.gather(stop, f.entry(firsts, r), f.load("%out", row)) as total:
            x = f.load("%x", f.entry(columns, total.index))
            total.value = f.fma(f.load("%values", total.index), x, total.value)
        f.store(total.value, "%out", row)


def _write_scatter(module: Module, space: TangentSpace) -> None:
    """``scatter(job, ws, lane, slot, kind, source, target)``: add what the column of a slot picks."""
    f = module.function(
        "scatter",
        (*_WORK, ("i64", "lane"), ("i64", "slot"), ("i64", "kind"), ("ptr", "source"), ("ptr", "target")),
    )
    columns = job_integer(f, Field.COLUMNS)
    column = f.emit(f"add i64 {space.get(f, 'first_column', '%lane')}, %slot")
    with f.when(f.emit(f"icmp slt i64 {column}, {columns}")):
        table = f.emit(f"mul i64 {space.get(f, 'seeds', '%lane')}, {len(Kind)}")
        block = f.emit(f"mul i64 {f.emit(f'add i64 {table}, %kind')}, {columns}")
        index = f.emit(f"add i64 {block}, {column}")
        first = job_address(f, Field.SEED_FIRST)
        sources, rows = job_address(f, Field.SEED_SOURCE), job_address(f, Field.SEED_ROW)
        weights = job_address(f, Field.SEED_WEIGHT)
        stop = f.load(first, f.emit(f"add i64 {index}, 1"), "i64")
        with f.count(stop, f.load(first, index, "i64")) as entry:
            value = f.load("%source", lane_position(f, "%lane", f.load(sources, entry, "i64")), "double")
            weighted = f.emit(f"fmul double {value}, {f.load(weights, entry, 'double')}")
            place = lane_position(f, "%lane", f.load(rows, entry, "i64"))
            known = f.load("%target", place, "double")
            f.store(f.emit(f"fadd double {known}, {weighted}"), "%target", place, "double")
    f.do("ret void")


def _write_tangents(module: Module, space: TangentSpace, bend_slots: list[int]) -> None:
    """``tangents``: stages and new values of all slots; their largest error into ``slope_error``."""
    f = module.function("tangents", _WORK)
    real = module.real
    p, bend_q = space.arrays(f, ["p", "bend_q"])
    f.do(f"call void @bend_prepare(ptr {p}, ptr {bend_q})")
    per_h = f.div(real(1.0), space.reals(f, "used"))
    slots = job_integer(f, Field.SLOTS)
    table = module.table("tangents.bend_slots", bend_slots)
    for k in range(rodas.STAGES):
        _linearise(f, space, k, table)
        with f.count(slots) as slot:
            _slot_stage(f, space, k, slot, per_h)
    space.set_reals(f, "slope_error", real(0.0))
    with f.count(slots) as slot:
        _slot_end(f, space, slot)
    f.do("ret void")


def _linearise(f: Function, space: TangentSpace, k: int, bend_slots: str) -> None:
    """Matrices that all columns share in stage k: J and df/dp at its argument, and J'[u_k], (df/dp)'[u_k]."""
    y, arg, p, q = space.arrays(f, ["y", "arg", "p", "q"])
    stages = [space.array(f, "u", j) for j in range(k + 1)]
    with f.count(space.n) as i:
        values = [f.load(stage, i) for stage in stages[:k]]
        f.store(combination(f, rodas.A[k], values, f.load(y, i)), arg, i)
    matrix, slopes, bend, bend_p, bend_q = space.arrays(
        f, ["stage_jacobian", "stage_p", "bend", "bend_p", "bend_q"]
    )
    f.do(f"call void @stage_slopes(ptr {arg}, ptr {p}, ptr {q}, ptr {matrix}, ptr {slopes})")
    f.do(f"call void @bend(ptr {stages[k]}, ptr {p}, ptr {bend_q}, ptr {bend}, ptr {bend_p})")
    with f.count(space.n_bend) as i:
        f.store(_finite(f, f.load(bend, i)), bend, i)
    with f.count(space.n_bend_p) as i:
        place = f.entry(bend_slots, i)
        f.store(f.add(f.load(slopes, place), _finite(f, f.load(bend_p, i))), slopes, place)


def _finite(f: Function, value: str) -> str:
    """Zero for a second derivative that is infinite though the first is not, as that of x**1.5 at 0."""
    size = f.intrinsic("fabs", value)
    return f.select(f.compare("olt", size, f.module.real(math.inf)), value, f.module.real(0.0))


def _slot_stage(f: Function, space: TangentSpace, k: int, slot: str, per_h: str) -> None:
    zero = f.module.real(0.0)
    before = space.slot_part(f, slot, "before")
    stages = [space.slot_part(f, slot, "stages", j) for j in range(k + 1)]
    slope, right, coupled, factors = space.arrays(f, ["slope", "slope_right", "coupled", "factors"])
    with f.count(space.n) as i:
        values = [f.load(stage, i) for stage in stages[:k]]
        f.store(f.mul(per_h, combination(f, rodas.C[k], values, "")) if k else zero, coupled, i)
        f.store(combination(f, rodas.A[k], values, f.load(before, i)), slope, i)
        f.store(zero, right, i)
    matrix, slopes, bend = space.arrays(f, ["stage_jacobian", "stage_p", "bend"])
    with f.count(f.module.lanes) as lane:
        f.do(
            f"call void @scatter(ptr %job, ptr %ws, i64 {lane}, i64 {slot}, i64 {int(Kind.RHS)}, "
            f"ptr {slopes}, ptr {right})"
        )
    f.do(f"call void @multiply_jacobian(ptr {matrix}, ptr {slope}, ptr {right})")
    f.do(f"call void @multiply_bend(ptr {bend}, ptr {before}, ptr {right})")
    f.do(f"call void @solve(ptr {factors}, ptr {right}, ptr {coupled}, ptr {stages[k]})")


def _slot_end(f: Function, space: TangentSpace, slot: str) -> None:
    """New sensitivities of a slot, and the norm of their error in the units of the state."""
    real = f.module.real
    rtol, atol = f.spread(job_real(f, Field.RTOL)), space.array(f, "atol")
    before, after = (space.slot_part(f, slot, part) for part in ("before", "after"))
    weight = f.load(space.slot_part(f, slot, "weight"))
    stages = [space.slot_part(f, slot, "stages", j) for j in range(rodas.STAGES)]
    last = rodas.STAGES - 1
    with f.gather(space.n, 0, real(0.0)) as total:
        i = total.index
        values = [f.load(stage, i) for stage in stages]
        known = f.load(before, i)
        new = f.add(combination(f, rodas.A[last], values[:last], known), values[last])
        f.store(new, after, i)
        size = f.mul(weight, f.larger(f.intrinsic("fabs", new), f.intrinsic("fabs", known)))
        ratio = f.div(f.mul(weight, values[last]), f.fma(rtol, size, f.load(atol, i)))
        ratio = f.fma(new, real(0.0), ratio)  # not a number if the new value is infinite
        total.value = f.fma(ratio, ratio, total.value)
    norm = f.intrinsic("sqrt", f.mul(total.value, real(1.0 / space.n)))
    norm = f.select(f.compare("olt", norm, real(math.inf)), norm, real(math.inf))
    space.set_reals(f, "slope_error", f.larger(space.reals(f, "slope_error"), norm))


def _write_follow(module: Module, space: TangentSpace) -> None:
    """``follow``: sensitivities of the steps just accepted, unless the attempt has made them already.

    A lane whose sensitivities stop being finite does not take the step, and is in trouble.
    """
    f = module.function("follow", _WORK)
    free = f.emit(f"icmp eq i64 {job_integer(f, Field.CONTROLS)}, 0")
    accepted = space.flag(f, "accepted")
    with f.when(f.emit(f"and i1 {free}, {f.any(accepted)}")):
        f.do("call void @tangents(ptr %job, ptr %ws)")
        finite = f.compare("olt", space.reals(f, "slope_error"), module.real(math.inf))
        lost = f.both(accepted, f.negate(finite))
        known = space.wholes(f, "trouble")
        space.set_wholes(f, "trouble", f.select(lost, module.whole(Code.NOT_FINITE), known, module.ints))
        space.set_flag(f, "accepted", f.both(accepted, finite))
        space.set_reals(f, "slope_error", module.real(0.0))  # it does not count in the next attempt
    f.do("ret void")


def _write_settle(module: Module, space: TangentSpace) -> None:
    """``settle``: lanes that accepted the step move on to its new sensitivities."""
    f = module.function("settle", _WORK)
    accepted = space.flag(f, "accepted")
    with f.count(job_integer(f, Field.SLOTS)) as slot:
        before, after = (space.slot_part(f, slot, part) for part in ("before", "after"))
        with f.count(space.n) as i:
            f.store(f.select(accepted, f.load(after, i), f.load(before, i)), before, i)
    f.do("ret void")
