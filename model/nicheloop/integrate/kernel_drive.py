"""What surrounds the steps: taking runs from the queue, period edges, writing requested rows, giving up."""

from __future__ import annotations

import math

from nicheloop.equations.codegen import double_text
from nicheloop.equations.lanes import Function, Module
from nicheloop.integrate.kernel_layout import (
    Code,
    Field,
    Space,
    TangentSpace,
    job_address,
    job_integer,
    job_real,
    lane_position,
)

__all__ = ["write_drive"]

_WORK = (("ptr", "job"), ("ptr", "ws"))
_LANE = (*_WORK, ("i64", "lane"))


def write_drive(module: Module, space: Space) -> None:
    """The functions of this file; ``integrate(job, ws)`` is the one to call, once per thread."""
    _write_schedule(module, space)
    _write_record(module, space)
    _write_close(module, space)
    _write_take(module, space)
    _write_enter(module, space)
    _write_serve(module, space)
    _write_rows(module, space)
    _write_watch(module, space)
    _write_main(module, space)


def _next(f: Function, value: str) -> str:
    return f.emit(f"add i64 {value}, 1")


def _write_schedule(module: Module, space: Space) -> None:
    """``schedule(job, ws, lane)``: the next requested time in the current period, counted from its start.

    A time on the period's end belongs to the period after it, except in the last one. Times are
    differences of the same two numbers as the period's length, so a time on the end is exactly the length.
    """
    f = module.function("schedule", _LANE)
    infinity = double_text(math.inf)
    space.put(f, "next", "%lane", infinity)
    row = space.get(f, "row", "%lane")
    with f.when(f.emit(f"icmp slt i64 {row}, {space.get(f, 'row_end', '%lane')}")):
        time = f.load(job_address(f, Field.TIMES), row, "double")
        start, length = space.get(f, "start", "%lane"), space.get(f, "length", "%lane")
        end = f.load(job_address(f, Field.ENDS), space.get(f, "period", "%lane"), "double")
        inside = f.emit(f"fcmp olt double {time}, {end}")
        final = f.emit(f"icmp ne i64 {space.get(f, 'final', '%lane')}, 0")
        since = f.emit(f"fsub double {time}, {start}")
        at_end = f.emit(f"select i1 {final}, double {length}, double {infinity}")
        space.put(f, "next", "%lane", f.emit(f"select i1 {inside}, double {since}, double {at_end}"))
    f.do("ret void")


def _write_record(module: Module, space: Space) -> None:
    """``record(job, ws, lane)``: write the selected columns of ``arg`` and ``out`` to the lane's next row."""
    f = module.function("record", _LANE)
    row = space.get(f, "row", "%lane")
    width = job_integer(f, Field.WIDTH)
    target = f.place(job_address(f, Field.RESULT), f.emit(f"mul i64 {row}, {width}"), "double")
    selection, arg = job_address(f, Field.SELECTION), space.array(f, "arg")
    with f.count(width) as j:
        position = lane_position(f, "%lane", f.load(selection, j, "i64"))
        f.store(f.load(arg, position, "double"), target, j, "double")
    space.put(f, "row", "%lane", _next(f, row))
    f.do("call void @schedule(ptr %job, ptr %ws, i64 %lane)")
    f.do("ret void")


def _write_close(module: Module, space: Space) -> None:
    """``close(job, ws, lane, code)``: note how the run ended, NaN in rows not reached, free the lane."""
    f = module.function("close", (*_LANE, ("i64", "code")))
    run = space.get(f, "run", "%lane")
    s, start = space.get(f, "s", "%lane"), space.get(f, "start", "%lane")
    end = f.load(job_address(f, Field.ENDS), space.get(f, "period", "%lane"), "double")
    fine = f.emit(f"icmp eq i64 %code, {int(Code.OK)}")
    reached = f.emit(f"select i1 {fine}, double {end}, double {f.emit(f'fadd double {start}, {s}')}")
    f.store("%code", job_address(f, Field.STATUS), run, "i64")
    f.store(reached, job_address(f, Field.REACHED), run, "double")
    f.store(space.get(f, "steps", "%lane"), job_address(f, Field.STEPS), run, "i64")
    f.store(space.get(f, "lowest", "%lane"), job_address(f, Field.LOWEST), run, "double")
    width = job_integer(f, Field.WIDTH)
    first = f.emit(f"mul i64 {space.get(f, 'row', '%lane')}, {width}")
    last = f.emit(f"mul i64 {space.get(f, 'row_end', '%lane')}, {width}")
    result = job_address(f, Field.RESULT)
    with f.count(last, first) as k:
        f.store(double_text(math.nan), result, k, "double")
    space.put(f, "run", "%lane", "-1")
    space.put(f, "length", "%lane", double_text(0.0))
    space.put(f, "s", "%lane", double_text(0.0))
    space.put(f, "next", "%lane", double_text(math.inf))
    f.do("ret void")


def _write_take(module: Module, space: Space) -> None:
    """``take(job, ws, lane)``: a new run for a free lane; the lane becomes inactive if there is none."""
    f = module.function("take", _LANE)
    counter = job_address(f, Field.COUNTER)
    run = f.emit(f"atomicrmw add ptr {counter}, i64 1 monotonic, align 8")
    there = f.emit(f"icmp slt i64 {run}, {job_integer(f, Field.RUNS)}")
    space.put(f, "active", "%lane", f.emit(f"zext i1 {there} to i64"))
    with f.when(there):
        space.put(f, "run", "%lane", run)
        space.put(f, "steps", "%lane", "0")
        space.put(f, "lowest", "%lane", double_text(0.0))
        first = f.load(job_address(f, Field.FIRST_PERIOD), run, "i64")
        space.put(f, "period", "%lane", f.emit(f"sub i64 {first}, 1"))
        times = job_address(f, Field.FIRST_TIME)
        space.put(f, "row", "%lane", f.load(times, run, "i64"))
        space.put(f, "row_end", "%lane", f.load(times, _next(f, run), "i64"))
        _begin_state(f, space, f.load(job_address(f, Field.INITIALS), run, "ptr"), first)
    f.do("ret void")


def _begin_state(f: Function, space: Space, given: str, first_period: str) -> None:
    """Initial amounts of a lane: those given, or what the parameters of its first period say."""
    from_parameters = f.emit(f"icmp eq ptr {given}, null")
    with f.when(from_parameters):
        parameters = f.load(job_address(f, Field.PARAMETERS), first_period, "ptr")
        _copy_row(f, space, parameters, "p", space.n_parameters)
        y, p, q, arg = space.arrays(f, ["y", "p", "q", "arg"])
        f.do(f"call void @prepare(ptr {p}, ptr {q})")
        f.do(f"call void @initials(ptr {y}, ptr {p}, ptr {q}, ptr {arg})")
        with f.count(space.n) as i:
            position = lane_position(f, "%lane", i)
            f.store(f.load(arg, position, "double"), y, position, "double")
    with f.when(f.emit(f"xor i1 {from_parameters}, true")):
        _copy_row(f, space, given, "y", space.n)
    if isinstance(space, TangentSpace):
        f.do(f"call void @slope_take(ptr %job, ptr %ws, i64 %lane, i1 {from_parameters})")


def _copy_row(f: Function, space: Space, source: str, target: str, size: int) -> None:
    array = space.array(f, target)
    with f.count(size) as i:
        f.store(f.load(source, i, "double"), array, lane_position(f, "%lane", i), "double")


def _write_enter(module: Module, space: Space) -> None:
    """``enter(job, ws, lane)``: start the current period: edit y, load parameters, reset the control."""
    f = module.function("enter", _LANE)
    period = space.get(f, "period", "%lane")
    for field, operation in ((Field.SCALES, "fmul"), (Field.SHIFTS, "fadd")):
        row = f.load(job_address(f, field), period, "ptr")
        with f.when(f.emit(f"icmp ne ptr {row}, null")):
            y = space.array(f, "y")
            with f.count(space.n) as i:
                position = lane_position(f, "%lane", i)
                known, edit = f.load(y, position, "double"), f.load(row, i, "double")
                f.store(f.emit(f"{operation} double {known}, {edit}"), y, position, "double")
    if isinstance(space, TangentSpace):
        f.do("call void @slope_enter(ptr %job, ptr %ws, i64 %lane)")
    _copy_row(f, space, f.load(job_address(f, Field.PARAMETERS), period, "ptr"), "p", space.n_parameters)
    start = f.load(job_address(f, Field.STARTS), period, "double")
    end = f.load(job_address(f, Field.ENDS), period, "double")
    space.put(f, "start", "%lane", start)
    space.put(f, "length", "%lane", f.emit(f"fsub double {end}, {start}"))
    space.put(f, "s", "%lane", double_text(0.0))
    following = f.load(job_address(f, Field.FIRST_PERIOD), _next(f, space.get(f, "run", "%lane")), "i64")
    final = f.emit(f"icmp sge i64 {_next(f, period)}, {following}")
    space.put(f, "final", "%lane", f.emit(f"zext i1 {final} to i64"))
    for name, value in (("fresh", "1"), ("accepts", "0"), ("rejected", "0")):
        space.put(f, name, "%lane", value)
    for name in ("h_accepted", "error_accepted"):
        space.put(f, name, "%lane", double_text(1.0))
    f.do("call void @schedule(ptr %job, ptr %ws, i64 %lane)")
    f.do("ret void")


def _write_serve(module: Module, space: Space) -> None:
    """``serve(job, ws, lane)``: a lane without time left to integrate gets some, or becomes inactive."""
    f = module.function("serve", _LANE)
    with f.forever() as (again, done):
        free = f.emit(f"icmp slt i64 {space.get(f, 'run', '%lane')}, 0")
        with f.when(free):
            f.do("call void @take(ptr %job, ptr %ws, i64 %lane)")
        idle = f.emit(f"icmp eq i64 {space.get(f, 'active', '%lane')}, 0")
        f.leave(idle, done)
        period = _next(f, space.get(f, "period", "%lane"))
        run = space.get(f, "run", "%lane")
        last = f.load(job_address(f, Field.FIRST_PERIOD), _next(f, run), "i64")
        over = f.emit(f"icmp sge i64 {period}, {last}")
        with f.when(over):
            f.do(f"call void @close(ptr %job, ptr %ws, i64 %lane, i64 {int(Code.OK)})")
        f.leave(over, again)
        space.put(f, "period", "%lane", period)
        f.do("call void @enter(ptr %job, ptr %ws, i64 %lane)")
        # Of several periods at one instant only the last edit is seen by rows requested there.
        lasting = f.emit(f"fcmp ogt double {space.get(f, 'length', '%lane')}, {double_text(0.0)}")
        final = f.emit(f"icmp ne i64 {space.get(f, 'final', '%lane')}, 0")
        f.leave(f.emit(f"or i1 {lasting}, {final}"), done)
    f.do("ret void")


def _write_rows(module: Module, space: Space) -> None:
    """``rows(job, ws, until, inside)``: write every requested row whose time is at most `until`.

    With `inside` the state comes from the continuous extension of the last step (and `until` is the time it
    reached, minus infinity for lanes that rejected it), otherwise it is y itself.
    """
    reals = module.reals
    f = module.function("rows", (*_WORK, (reals, "until"), ("i1", "inside")))
    y, arg, p, q, out = space.arrays(f, ["y", "arg", "p", "q", "out"])
    wants = f.emit(f"icmp ne i64 {job_integer(f, Field.WANTS_OUTPUTS)}, 0")
    outside = f.emit("xor i1 %inside, true")
    with f.forever() as (_, done):
        due = f.compare("ole", space.reals(f, "next"), "%until")
        f.leave(f.emit(f"xor i1 {f.any(due)}, true"), done)
        with f.when("%inside"):
            f.do("call void @interpolate(ptr %job, ptr %ws)")
        with f.when(outside), f.count(space.n) as i:
            f.store(f.load(y, i), arg, i)
        with f.when(wants):
            f.do(f"call void @outputs(ptr {arg}, ptr {p}, ptr {q}, ptr {out})")
        if isinstance(space, TangentSpace):
            f.do(f"call void @slope_rows(ptr %job, ptr %ws, {reals} %until, i1 %inside)")
        with f.each_lane(due) as lane:
            f.do(f"call void @record(ptr %job, ptr %ws, i64 {lane})")
    f.do("ret void")


def _write_main(module: Module, space: Space) -> None:
    """``integrate(job, ws)``: work until the queue is empty and every lane has finished."""
    f = module.function("integrate", _WORK, exported=True)
    _prepare_lanes(f, space)
    with f.forever() as (again, done):
        waiting = _waiting(f, space)
        with f.when(f.any(waiting)):
            with f.each_lane(waiting) as lane:
                f.do(f"call void @serve(ptr %job, ptr %ws, i64 {lane})")
            p, q = space.arrays(f, ["p", "q"])
            f.do(f"call void @prepare(ptr {p}, ptr {q})")
        active = space.flag(f, "active")
        f.leave(f.emit(f"xor i1 {f.any(active)}, true"), done)
        # Rows on the very start of a period; also all there is to do in a last period without length.
        until = f.select(active, space.reals(f, "s"), module.real(-math.inf))
        f.do(f"call void @rows(ptr %job, ptr %ws, {module.reals} {until}, i1 false)")
        f.leave(f.any(_waiting(f, space)), again)
        f.do("call void @attempt(ptr %job, ptr %ws)")
        _advance(f, space)
        _give_up(f, space)
    f.do("ret void")


def _prepare_lanes(f: Function, space: Space) -> None:
    """All lanes free but active, everything else zero; tolerances in every lane."""
    real, whole = f.module.real, f.module.whole
    total = str(space.total)
    if isinstance(space, TangentSpace):
        total = f.emit(f"add i64 {total}, {f.emit(f'mul i64 {job_integer(f, Field.SLOTS)}, {space.slot}')}")
    with f.count(total) as i:
        f.store(real(0.0), "%ws", i)
    source, target = job_address(f, Field.ATOL), space.array(f, "atol")
    with f.gather(space.n, 0, real(math.inf)) as least:
        tolerance = f.spread(f.load(source, least.index, "double"))
        f.store(tolerance, target, least.index)
        least.value = f.smaller(least.value, tolerance)
    space.set_reals(f, "floor", f.neg(least.value))
    space.set_reals(f, "next", real(math.inf))
    space.set_wholes(f, "run", whole(-1))
    space.set_wholes(f, "active", whole(1))


def _waiting(f: Function, space: Space) -> str:
    """Mask of active lanes that have reached the end of their period."""
    return f.both(space.flag(f, "active"), f.compare("oge", space.reals(f, "s"), space.reals(f, "length")))


def _advance(f: Function, space: Space) -> None:
    """Rows inside the step, then y and s of the lanes that accepted it, then the count of steps."""
    m = f.module
    if isinstance(space, TangentSpace):
        f.do("call void @follow(ptr %job, ptr %ws)")
    accepted, advanced = space.flag(f, "accepted"), space.reals(f, "advanced")
    until = f.select(accepted, advanced, m.real(-math.inf))
    with f.when(f.any(f.compare("ole", space.reals(f, "next"), until))):
        f.do("call void @dense(ptr %job, ptr %ws)")
        f.do(f"call void @rows(ptr %job, ptr %ws, {m.reals} {until}, i1 true)")
    _move(f, space, accepted)
    if isinstance(space, TangentSpace):
        f.do("call void @settle(ptr %job, ptr %ws)")
    space.set_reals(f, "s", f.select(accepted, advanced, space.reals(f, "s")))
    more = f.emit(f"add {m.ints} {space.wholes(f, 'steps')}, {space.wholes(f, 'active')}")
    space.set_wholes(f, "steps", more)


def _move(f: Function, space: Space, accepted: str) -> None:
    """New y where the step was accepted; amounts below every absolute tolerance are looked at closely."""
    y, new = space.arrays(f, ["y", "new"])
    with f.gather(space.n, 0, f.module.real(0.0)) as least:
        value = f.select(accepted, f.load(new, least.index), f.load(y, least.index))
        f.store(value, y, least.index)
        least.value = f.smaller(least.value, value)
    with f.when(f.any(f.compare("olt", least.value, space.reals(f, "floor")))):
        f.do("call void @watch(ptr %job, ptr %ws)")


def _write_watch(module: Module, space: Space) -> None:
    """``watch(job, ws)``: keep the most negative amount of each lane, in absolute tolerances, and judge it.

    Amounts above ``floor`` do not count, in whatever company the lane is.
    """
    f = module.function("watch", _WORK)
    y, atol = space.arrays(f, ["y", "atol"])
    floor = space.reals(f, "floor")
    with f.gather(space.n, 0, space.reals(f, "lowest")) as lowest:
        value = f.load(y, lowest.index)
        below = f.compare("olt", value, floor)
        deep = f.select(below, f.div(value, f.load(atol, lowest.index)), module.real(0.0))
        lowest.value = f.smaller(lowest.value, deep)
    space.set_reals(f, "lowest", lowest.value)
    allowed = f.spread(job_real(f, Field.LOWEST_ALLOWED))
    deep = f.compare("olt", lowest.value, allowed)
    trouble = space.wholes(f, "trouble")
    space.set_wholes(f, "trouble", f.select(deep, module.whole(Code.NEGATIVE), trouble, module.ints))
    f.do("ret void")


def _give_up(f: Function, space: Space) -> None:
    """Close the runs that are in trouble or have used up their steps before the end of their period."""
    m = f.module
    limit = job_integer(f, Field.MAX_STEPS)
    first = f.emit(f"insertelement {m.ints} poison, i64 {limit}, i32 0")
    limits = f.emit(f"shufflevector {m.ints} {first}, {m.ints} poison, <{m.lanes} x i32> zeroinitializer")
    spent = f.emit(f"icmp sge {m.ints} {space.wholes(f, 'steps')}, {limits}")
    unfinished = f.compare("olt", space.reals(f, "s"), space.reals(f, "length"))
    trouble = space.wholes(f, "trouble")
    quiet = f.emit(f"icmp eq {m.ints} {trouble}, {m.whole(0)}")
    step_limit = f.both(f.both(quiet, spent), unfinished)
    trouble = f.select(step_limit, m.whole(Code.STEP_LIMIT), trouble, m.ints)
    space.set_wholes(f, "trouble", trouble)
    failed = f.both(space.flag(f, "trouble"), space.flag(f, "active"))
    with f.each_lane(failed) as lane:
        code = space.get(f, "trouble", lane)
        f.do(f"call void @close(ptr %job, ptr %ws, i64 {lane}, i64 {code})")
