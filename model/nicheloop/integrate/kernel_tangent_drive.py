"""Sensitivities between the steps: where a run starts, where a period starts, and at requested times."""

from __future__ import annotations

from nicheloop.equations.codegen import double_text
from nicheloop.equations.lanes import Function, Module
from nicheloop.integrate import rodas
from nicheloop.integrate.kernel_layout import (
    Field,
    Kind,
    TangentSpace,
    job_address,
    job_integer,
    lane_position,
)

__all__ = ["write_tangent_drive"]

_WORK = (("ptr", "job"), ("ptr", "ws"))
_LANE = (*_WORK, ("i64", "lane"))


def write_tangent_drive(module: Module, space: TangentSpace) -> None:
    """Functions ``slope_take``, ``slope_enter`` and ``slope_rows``, called by those of the state."""
    _write_take(module, space)
    _write_enter(module, space)
    _write_record(module, space)
    _write_rows(module, space)


def _column(f: Function, space: TangentSpace, slot: str) -> tuple[str, str]:
    """The column that a slot of the lane carries, and whether there is one."""
    column = f.emit(f"add i64 {space.get(f, 'first_column', '%lane')}, {slot}")
    return column, f.emit(f"icmp slt i64 {column}, {job_integer(f, Field.COLUMNS)}")


def _element(f: Function, row: str, column: str) -> str:
    """Position in an array[n, COLUMNS]."""
    return f.emit(f"add i64 {f.emit(f'mul i64 {row}, {job_integer(f, Field.COLUMNS)}')}, {column}")


def _write_take(module: Module, space: TangentSpace) -> None:
    """``slope_take(job, ws, lane, derived)``: the start of a run; `derived`: its y follows from parameters.

    Sensitivities start from what the job says, else from the derivatives of the initial amounts.
    """
    f = module.function("slope_take", (*_LANE, ("i1", "derived")))
    run = space.get(f, "run", "%lane")
    period = f.load(job_address(f, Field.FIRST_PERIOD), run, "i64")
    space.put(f, "first_column", "%lane", f.load(job_address(f, Field.FIRST_COLUMN), run, "i64"))
    space.put(f, "seeds", "%lane", f.load(job_address(f, Field.SEED_TABLE), period, "i64"))
    given = f.load(job_address(f, Field.INITIAL_SLOPES), run, "ptr")
    missing = f.emit(f"icmp eq ptr {given}, null")
    parameters = f.load(job_address(f, Field.PARAMETERS), period, "ptr")
    slots = job_integer(f, Field.SLOTS)
    with f.count(slots) as slot:
        _clear_slot(f, space, slot)
        column, there = _column(f, space, slot)
        with f.when(there):
            _start_slot(f, space, slot, column, missing)
            _weigh_slot(f, space, slot, column, parameters)
            with f.when(f.emit(f"xor i1 {missing}, true")):
                _copy_slopes(f, space, slot, column, given)
    with f.when(f.emit(f"and i1 %derived, {missing}")):
        y, p, q, slopes = space.arrays(f, ["y", "p", "q", "initials_p"])
        f.do(f"call void @initial_slopes(ptr {y}, ptr {p}, ptr {q}, ptr {slopes})")
        with f.count(slots) as slot:
            _call_scatter(f, "%lane", slot, Kind.INITIALS, slopes, space.slot_part(f, slot, "before"))
    f.do("ret void")


def _call_scatter(f: Function, lane: str, slot: str, kind: Kind, source: str, target: str) -> None:
    f.do(
        f"call void @scatter(ptr %job, ptr %ws, i64 {lane}, i64 {slot}, i64 {int(kind)}, "
        f"ptr {source}, ptr {target})"
    )


def _clear_slot(f: Function, space: TangentSpace, slot: str) -> None:
    before = space.slot_part(f, slot, "before")
    with f.count(space.n) as i:
        f.store(double_text(0.0), before, lane_position(f, "%lane", i), "double")
    f.store(double_text(1.0), space.slot_part(f, slot, "weight"), "%lane", "double")


def _start_slot(f: Function, space: TangentSpace, slot: str, column: str, missing: str) -> None:
    """A column that is an initial amount starts at 1 there."""
    species = f.load(job_address(f, Field.COLUMN_SPECIES), column, "i64")
    is_species = f.emit(f"icmp sge i64 {species}, 0")
    with f.when(f.emit(f"and i1 {missing}, {is_species}")):
        before = space.slot_part(f, slot, "before")
        f.store(double_text(1.0), before, lane_position(f, "%lane", species), "double")


def _weigh_slot(f: Function, space: TangentSpace, slot: str, column: str, parameters: str) -> None:
    """Errors count in units of the state: times the size of the parameter, unless that is 0."""
    parameter = f.load(job_address(f, Field.COLUMN_PARAMETER), column, "i64")
    with f.when(f.emit(f"icmp sge i64 {parameter}, 0")):
        value = f.load(parameters, parameter, "double")
        f.module.declare("llvm.fabs.f64", "double", "double")
        size = f.emit(f"call double @llvm.fabs.f64(double {value})")
        with f.when(f.emit(f"fcmp ogt double {size}, {double_text(0.0)}")):
            f.store(size, space.slot_part(f, slot, "weight"), "%lane", "double")


def _copy_slopes(f: Function, space: TangentSpace, slot: str, column: str, source: str) -> None:
    before = space.slot_part(f, slot, "before")
    with f.count(space.n) as i:
        value = f.load(source, _element(f, i, column), "double")
        f.store(value, before, lane_position(f, "%lane", i), "double")


def _write_enter(module: Module, space: TangentSpace) -> None:
    """``slope_enter(job, ws, lane)``: the edit of the current period, differentiated."""
    f = module.function("slope_enter", _LANE)
    period = space.get(f, "period", "%lane")
    space.put(f, "seeds", "%lane", f.load(job_address(f, Field.SEED_TABLE), period, "i64"))
    scales = f.load(job_address(f, Field.SCALES), period, "ptr")
    shifts = f.load(job_address(f, Field.SHIFT_SLOPES), period, "ptr")
    with f.count(job_integer(f, Field.SLOTS)) as slot:
        before = space.slot_part(f, slot, "before")
        with f.when(f.emit(f"icmp ne ptr {scales}, null")), f.count(space.n) as i:
            place = lane_position(f, "%lane", i)
            scale = f.load(scales, i, "double")
            f.store(
                f.emit(f"fmul double {f.load(before, place, 'double')}, {scale}"), before, place, "double"
            )
        column, there = _column(f, space, slot)
        moved = f.emit(f"icmp ne ptr {shifts}, null")
        with f.when(f.emit(f"and i1 {there}, {moved}")), f.count(space.n) as i:
            place = lane_position(f, "%lane", i)
            shift = f.load(shifts, _element(f, i, column), "double")
            f.store(
                f.emit(f"fadd double {f.load(before, place, 'double')}, {shift}"), before, place, "double"
            )
    f.do("ret void")


def _write_record(module: Module, space: TangentSpace) -> None:
    """``slope_record(job, ws, lane, slot)``: write a slot's ``slope`` and ``slope_out`` to the lane's row."""
    f = module.function("slope_record", (*_LANE, ("i64", "slot")))
    _, there = _column(f, space, "%slot")
    with f.when(there):
        run, width = space.get(f, "run", "%lane"), job_integer(f, Field.WIDTH)
        first = f.load(job_address(f, Field.FIRST_TIME), run, "i64")
        row = f.emit(f"sub i64 {space.get(f, 'row', '%lane')}, {first}")
        start = f.emit(f"add i64 {f.load(job_address(f, Field.SLOPE_START), run, 'i64')}, %slot")
        offset = f.emit(f"add i64 {start}, {_element(f, f.emit(f'mul i64 {row}, {width}'), '0')}")
        target = f.place(job_address(f, Field.SLOPES), offset, "double")
        selection, slope = job_address(f, Field.SELECTION), space.array(f, "slope")
        with f.count(width) as j:
            place = lane_position(f, "%lane", f.load(selection, j, "i64"))
            f.store(f.load(slope, place, "double"), target, _element(f, j, "0"), "double")
    f.do("ret void")


def _write_rows(module: Module, space: TangentSpace) -> None:
    """``slope_rows(job, ws, until, inside)``: sensitivities of one row, for each lane that has one due.

    Called when ``arg`` holds the state there; the meaning of the arguments is that of ``rows``.
    """
    f = module.function("slope_rows", (*_WORK, (module.reals, "until"), ("i1", "inside")))
    arg, p, q, slope, out = space.arrays(f, ["arg", "p", "q", "slope", "slope_out"])
    by_y, by_p = space.arrays(f, ["outputs_y", "outputs_p"])
    wants = f.emit(f"icmp ne i64 {job_integer(f, Field.WANTS_OUTPUTS)}, 0")
    outside = f.emit("xor i1 %inside, true")
    due = f.compare("ole", space.reals(f, "next"), "%until")
    with f.when(wants):
        f.do(f"call void @output_slopes(ptr {arg}, ptr {p}, ptr {q}, ptr {by_y}, ptr {by_p})")
    with f.count(job_integer(f, Field.SLOTS)) as slot:
        with f.when("%inside"):
            _interpolate(f, space, slot, slope)
        before = space.slot_part(f, slot, "before")
        with f.when(outside), f.count(space.n) as i:
            f.store(f.load(before, i), slope, i)
        with f.when(wants):
            with f.count(space.n_outputs) as i:
                f.store(module.real(0.0), out, i)
            with f.each_lane(due) as lane:
                _call_scatter(f, lane, slot, Kind.OUTPUTS, by_p, out)
            f.do(f"call void @multiply_outputs(ptr {by_y}, ptr {slope}, ptr {out})")
        with f.each_lane(due) as lane:
            f.do(f"call void @slope_record(ptr %job, ptr %ws, i64 {lane}, i64 {slot})")
    f.do("ret void")


def _interpolate(f: Function, space: TangentSpace, slot: str, target: str) -> None:
    """The continuous extension of the step at each lane's next requested time."""
    real = f.module.real
    theta = f.div(f.sub(space.reals(f, "next"), space.reals(f, "s")), space.reals(f, "used"))
    rest = f.sub(real(1.0), theta)
    bend = f.mul(theta, rest)
    weights = [
        f.mul(bend, f.fma(theta, f.fma(theta, real(h3), real(h2)), real(h1)))
        for h1, h2, h3 in zip(*rodas.H, strict=True)
    ]
    before, after = (space.slot_part(f, slot, part) for part in ("before", "after"))
    stages = [space.slot_part(f, slot, "stages", j) for j in range(rodas.STAGES)]
    with f.count(space.n) as i:
        total = f.fma(theta, f.load(after, i), f.mul(rest, f.load(before, i)))
        for weight, stage in zip(weights, stages, strict=True):
            total = f.fma(weight, f.load(stage, i), total)
        f.store(total, target, i)
