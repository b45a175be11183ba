"""The fixed LU plan as loops over tables of positions: slower, but compiled at once however large."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from nicheloop.equations.lanes import Function, Module
from nicheloop.equations.lu import LUPlan

__all__ = ["write_indexed_factor", "write_indexed_solve"]


def _offsets(lengths: Sequence[int]) -> list[int]:
    return [0, *accumulate(lengths)]


def write_indexed_factor(module: Module, name: str, plan: LUPlan) -> None:
    """As `kernel_linear.write_factor`, with loops."""
    reals = module.reals
    f = module.function(
        name, [("ptr noalias", "jacobian"), (reals, "shift"), ("ptr noalias", "factors")], reals
    )
    with f.count(plan.size) as slot:
        f.store(module.real(0.0), "%factors", slot)
    filled = [(slot, source) for slot, source in enumerate(plan.sources) if source >= 0]
    slots = module.table(f"{name}.slots", [slot for slot, _ in filled])
    sources = module.table(f"{name}.sources", [source for _, source in filled])
    with f.count(len(filled)) as m:
        value = f.neg(f.load("%jacobian", f.entry(sources, m)))
        f.store(value, "%factors", f.entry(slots, m))
    diagonal = module.table(f"{name}.diagonal", [plan.slot(i, i) for i in range(plan.n)])
    updates = [plan.updates(row) for row in range(plan.n)]
    first = module.table(f"{name}.first", _offsets([len(row) for row in updates]))
    with f.gather(plan.n, 0, module.real(float("inf"))) as smallest:
        row = smallest.index
        place = f.entry(diagonal, row)
        f.store(f.add(f.load("%factors", place), "%shift"), "%factors", place)
        stop = f.entry(first, f.emit(f"add i64 {row}, 1"))
        with f.count(stop, f.entry(first, row)) as update:
            _eliminate(f, name, plan, updates, update)
        pivot = f.load("%factors", place)
        smallest.value = f.smaller(smallest.value, f.intrinsic("fabs", pivot))
        f.store(f.div(module.real(1.0), pivot), "%factors", place)
    f.do(f"ret {reals} {smallest.value}")


def _eliminate(
    f: Function,
    name: str,
    plan: LUPlan,
    updates: Sequence[Sequence[tuple[int, int, tuple[tuple[int, int], ...]]]],
    update: str,
) -> None:
    """Subtract a multiple of an earlier row."""
    module = f.module
    every = [one for row in updates for one in row]
    lowers = module.table(f"{name}.lower", [lower for _, lower, _ in every])
    pivots = module.table(f"{name}.pivot", [plan.slot(k, k) for k, _, _ in every])
    begins = module.table(f"{name}.begin", _offsets([len(targets) for _, _, targets in every]))
    changed = module.table(f"{name}.changed", [t for _, _, targets in every for t, _ in targets])
    uppers = module.table(f"{name}.upper", [u for _, _, targets in every for _, u in targets])
    lower = f.entry(lowers, update)
    factor = f.mul(f.load("%factors", lower), f.load("%factors", f.entry(pivots, update)))
    f.store(factor, "%factors", lower)
    minus = f.neg(factor)
    stop = f.entry(begins, f.emit(f"add i64 {update}, 1"))
    with f.count(stop, f.entry(begins, update)) as m:
        target = f.entry(changed, m)
        known = f.load("%factors", target)
        f.store(f.fma(minus, f.load("%factors", f.entry(uppers, m)), known), "%factors", target)


def write_indexed_solve(module: Module, name: str, plan: LUPlan) -> None:
    """As `kernel_linear.write_solve`, with loops."""
    f = module.function(name, [("ptr noalias", a) for a in ("factors", "right", "more", "x")])
    order = module.table(f"{name}.order", plan.order)
    unknowns = module.table(f"{name}.unknown", [plan.order[j] for row in plan.columns for j in row])
    starts = module.table(f"{name}.start", _offsets([len(row) for row in plan.columns]))
    diagonal = module.table(f"{name}.diagonal", [plan.slot(i, i) for i in range(plan.n)])

    def substitute(start: str, stop: str, value: str) -> str:
        with f.gather(stop, start, value) as rest:
            slot = rest.index
            known = f.load("%x", f.entry(unknowns, slot))
            rest.value = f.fma(f.neg(f.load("%factors", slot)), known, rest.value)
        return rest.value

    with f.count(plan.n) as row:
        place = f.entry(order, row)
        value = f.add(f.load("%right", place), f.load("%more", place))
        f.store(substitute(f.entry(starts, row), f.entry(diagonal, row), value), "%x", place)
    with f.count(plan.n) as done:
        row = f.emit(f"sub i64 {plan.n - 1}, {done}")
        place, pivot = f.entry(order, row), f.entry(diagonal, row)
        following = f.emit(f"add i64 {pivot}, 1")
        stop = f.entry(starts, f.emit(f"add i64 {row}, 1"))
        value = substitute(following, stop, f.load("%x", place))
        f.store(f.mul(value, f.load("%factors", pivot)), "%x", place)
    f.do("ret void")
