"""Scalar machine code for a tape, written as LLVM assembly.

The exported functions take raw pointers to doubles:

==========================  ==========================================================================
``rhs(y, p, out)``          d y / d t, out[n]
``rates(y, p, out)``        reaction rates, out[reactions]
``initials(p, out)``        initial amounts, out[n]
``jacobian_sparse(...)``    (y, p, out): values in the order of the tape's pattern ``jacobian``
``jacobian_dense(...)``     (y, p, out): out[n, n] by rows; writes non-zeros only, the caller clears once
``jacobian_columns(...)``   the same by columns, out[j, i] = d f_i / d y_j (the layout LSODA wants)
``outputs(y, p, out, m)``   observables and expressions for m states: y[m, n] to out[m, k]
``rhs_object(...)``         (y, t, p, out, matrix): as ``rhs``, but on NumPy arrays given as Python objects;
                            returns a new reference to out
``jacobian_object(...)``    the same for ``jacobian_columns``; fills and returns matrix
``growth_object(...)``      (y, t, p, out, matrix, anchor): rhs - mu y, mu = anchor . rhs / anchor . y
``growth_jacobian_object``  the same for its Jacobian by columns
==========================  ==========================================================================

Code over lanes, for many parameter sets at once, is another module's; both read the same tape.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

from nicheloop.equations.tape import LOGICAL_OPERATIONS, Op, Tape

_BINARY = {"add": "fadd", "sub": "fsub", "mul": "fmul", "div": "fdiv"}
_COMPARE = {"lt": "olt", "le": "ole", "gt": "ogt", "ge": "oge", "eq": "oeq"}
_LOGIC = {"and": "and", "or": "or"}
_CALLS = {
    "exp": "exp",
    "log": "log",
    "sqrt": "llvm.sqrt.f64",
    "abs": "llvm.fabs.f64",
    "tanh": "tanh",
    "sin": "sin",
    "cos": "cos",
    "pow": "real_power",
}
_FREE = frozenset(["const", "y", "p"])  # as cheap to load again as to hand on
_PIECE = 150  # operations per compiled piece; measured
_POINTERS = "ptr noalias %y, ptr noalias %p, ptr noalias %out"

_PRELUDE = """
declare double @exp(double)
declare double @log(double)
declare double @tanh(double)
declare double @sin(double)
declare double @cos(double)
declare double @pow(double, double)
declare double @llvm.sqrt.f64(double)
declare double @llvm.fabs.f64(double)
declare void @Py_IncRef(ptr)
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)

; round-off may leave a concentration at -1e-20: where the real power does not exist it is 0
define internal double @real_power(double %a, double %b) {
  %r = call double @pow(double %a, double %b)
  %below = fcmp olt double %a, 0.0
  %undefined = fcmp uno double %r, %r
  %number = fcmp ord double %b, %b
  %one = and i1 %below, %undefined
  %both = and i1 %one, %number
  %result = select i1 %both, double 0.0, double %r
  ret double %result
}
"""

_OUTPUTS = """
define void @outputs(ptr %y, ptr %p, ptr %out, i64 %m) {{
entry:
  %any = icmp sgt i64 %m, 0
  br i1 %any, label %body, label %done
body:
  %i = phi i64 [ 0, %entry ], [ %next, %body ]
  %from = mul i64 %i, {n}
  %to = mul i64 %i, {k}
  %state = getelementptr double, ptr %y, i64 %from
  %row = getelementptr double, ptr %out, i64 %to
  call void @outputs_row(ptr %state, ptr %p, ptr %row)
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %m
  br i1 %more, label %body, label %done
done:
  ret void
}}
"""

_OBJECT_CALLBACK = """
define ptr @{name}_object(ptr %y, double %t, ptr %p, ptr %rates, ptr %matrix) {{
  %yf = getelementptr i8, ptr %y, i64 {offset}
  %pf = getelementptr i8, ptr %p, i64 {offset}
  %of = getelementptr i8, ptr %{out}, i64 {offset}
  %yd = load ptr, ptr %yf
  %pd = load ptr, ptr %pf
  %od = load ptr, ptr %of
  call void @{function}(ptr %yd, ptr %pd, ptr %od)
  call void @Py_IncRef(ptr %{out})
  ret ptr %{out}
}}
"""

_GROWTH = """
define internal double @weighted_sum(ptr %x, ptr %anchor) {{
entry:
  br label %body
body:
  %i = phi i64 [ 0, %entry ], [ %next, %body ]
  %sum = phi double [ 0.0, %entry ], [ %grown, %body ]
  %xa = getelementptr double, ptr %x, i64 %i
  %wa = getelementptr double, ptr %anchor, i64 %i
  %x_i = load double, ptr %xa
  %w = load double, ptr %wa
  %part = fmul double %x_i, %w
  %grown = fadd double %sum, %part
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, {n}
  br i1 %more, label %body, label %done
done:
  ret double %grown
}}

; leaves the right-hand side in out
define internal double @growth_rate(ptr %y, ptr %p, ptr %out, ptr %anchor) {{
  call void @rhs(ptr %y, ptr %p, ptr %out)
  %gain = call double @weighted_sum(ptr %out, ptr %anchor)
  %amount = call double @weighted_sum(ptr %y, ptr %anchor)
  %none = fcmp oeq double %gain, 0.0
  %quotient = fdiv double %gain, %amount
  %mu = select i1 %none, double 0.0, double %quotient
  ret double %mu
}}

; target -= factor * y
define internal void @take_multiple(ptr %target, ptr %y, double %factor) {{
entry:
  br label %body
body:
  %i = phi i64 [ 0, %entry ], [ %next, %body ]
  %ta = getelementptr double, ptr %target, i64 %i
  %ya = getelementptr double, ptr %y, i64 %i
  %t = load double, ptr %ta
  %v = load double, ptr %ya
  %part = fmul double %factor, %v
  %less = fsub double %t, %part
  store double %less, ptr %ta
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, {n}
  br i1 %more, label %body, label %done
done:
  ret void
}}

define void @growth(ptr %y, ptr %p, ptr %out, ptr %anchor) {{
  %mu = call double @growth_rate(ptr %y, ptr %p, ptr %out, ptr %anchor)
  call void @take_multiple(ptr %out, ptr %y, double %mu)
  ret void
}}

define void @growth_jacobian(ptr %y, ptr %p, ptr %out, ptr %matrix, ptr %anchor) {{
entry:
  %mu = call double @growth_rate(ptr %y, ptr %p, ptr %out, ptr %anchor)
  call void @llvm.memset.p0.i64(ptr %matrix, i8 0, i64 {bytes}, i1 false)
  call void @jacobian_columns(ptr %y, ptr %p, ptr %matrix)
  %amount = call double @weighted_sum(ptr %y, ptr %anchor)
  br label %body
body:
  %j = phi i64 [ 0, %entry ], [ %next, %body ]
  %from = mul i64 %j, {n}
  %column = getelementptr double, ptr %matrix, i64 %from
  %gain = call double @weighted_sum(ptr %column, ptr %anchor)
  %wa = getelementptr double, ptr %anchor, i64 %j
  %w = load double, ptr %wa
  %own = fmul double %mu, %w
  %net = fsub double %gain, %own
  %quotient = fdiv double %net, %amount
  %none = fcmp oeq double %net, 0.0
  %weight = select i1 %none, double 0.0, double %quotient
  call void @take_multiple(ptr %column, ptr %y, double %weight)
  %da = getelementptr double, ptr %column, i64 %j
  %d = load double, ptr %da
  %less = fsub double %d, %mu
  store double %less, ptr %da
  %next = add i64 %j, 1
  %more = icmp slt i64 %next, {n}
  br i1 %more, label %body, label %done
done:
  ret void
}}

define ptr @growth_object(ptr %y, double %t, ptr %p, ptr %out, ptr %matrix, ptr %anchor) {{
  %yf = getelementptr i8, ptr %y, i64 {offset}
  %pf = getelementptr i8, ptr %p, i64 {offset}
  %of = getelementptr i8, ptr %out, i64 {offset}
  %af = getelementptr i8, ptr %anchor, i64 {offset}
  %yd = load ptr, ptr %yf
  %pd = load ptr, ptr %pf
  %od = load ptr, ptr %of
  %ad = load ptr, ptr %af
  call void @growth(ptr %yd, ptr %pd, ptr %od, ptr %ad)
  call void @Py_IncRef(ptr %out)
  ret ptr %out
}}

define ptr @growth_jacobian_object(ptr %y, double %t, ptr %p, ptr %out, ptr %matrix, ptr %anchor) {{
  %yf = getelementptr i8, ptr %y, i64 {offset}
  %pf = getelementptr i8, ptr %p, i64 {offset}
  %of = getelementptr i8, ptr %out, i64 {offset}
  %mf = getelementptr i8, ptr %matrix, i64 {offset}
  %af = getelementptr i8, ptr %anchor, i64 {offset}
  %yd = load ptr, ptr %yf
  %pd = load ptr, ptr %pf
  %od = load ptr, ptr %of
  %md = load ptr, ptr %mf
  %ad = load ptr, ptr %af
  call void @growth_jacobian(ptr %yd, ptr %pd, ptr %od, ptr %md, ptr %ad)
  call void @Py_IncRef(ptr %matrix)
  ret ptr %matrix
}}
"""

_SCATTER = """
@{name}_places = internal constant [{count} x i32] [{places}]
define void @{name}(ptr noalias %y, ptr noalias %p, ptr noalias %out) {{
entry:
  %values = alloca [{count} x double], align 16
  call void @jacobian_sparse(ptr %y, ptr %p, ptr %values)
  br label %body
body:
  %k = phi i64 [ 0, %entry ], [ %next, %body ]
  %from = getelementptr double, ptr %values, i64 %k
  %value = load double, ptr %from
  %entry_of = getelementptr i32, ptr @{name}_places, i64 %k
  %place = load i32, ptr %entry_of
  %to = getelementptr double, ptr %out, i32 %place
  store double %value, ptr %to
  %next = add i64 %k, 1
  %more = icmp slt i64 %next, {count}
  br i1 %more, label %body, label %done
done:
  ret void
}}
"""


def double_text(value: float) -> str:
    """A double as LLVM writes it: its bits, in hexadecimal."""
    return f"0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}"


def scalar_module(tape: Tape, array_data_offset: int) -> str:
    """LLVM assembly of all scalar functions of a network.

    Parameters
    ----------
    tape : Tape
        With a Jacobian.
    array_data_offset : int
        Where a NumPy array object keeps its data pointer, in bytes.

    Returns
    -------
    str
        A module; equal tapes give equal text.
    """
    n, k = tape.n_species, len(tape.outputs["outputs"])
    parts = [
        _PRELUDE,
        straight_line(tape, "rhs", "rhs"),
        straight_line(tape, "rates", "rates"),
        straight_line(tape, "jacobian", "jacobian_sparse"),
        straight_line(tape, "outputs", "outputs_row", linkage="internal "),
        straight_line(tape, "initials", "initials_row", linkage="internal "),
        "\ndefine void @initials(ptr noalias %p, ptr noalias %out) {\n"
        "  call void @initials_row(ptr %p, ptr %p, ptr %out)\n  ret void\n}\n",
        _OUTPUTS.format(n=n, k=k),
    ]
    pattern = tape.patterns["jacobian"]
    rows, cols = pattern.rows, pattern.cols
    parts.append(_scatter("jacobian_dense", [r * n + c for r, c in zip(rows, cols, strict=True)]))
    parts.append(_scatter("jacobian_columns", [c * n + r for r, c in zip(rows, cols, strict=True)]))
    for name, function, out in (("rhs", "rhs", "rates"), ("jacobian", "jacobian_columns", "matrix")):
        callback = {"name": name, "function": function, "out": out, "offset": array_data_offset}
        parts.append(_OBJECT_CALLBACK.format_map(callback))
    parts.append(_GROWTH.format(n=n, bytes=8 * n * n, offset=array_data_offset))
    return "".join(parts)


def straight_line(tape: Tape, output: str, name: str, linkage: str = "") -> str:
    """One function ``name(y, p, out)`` that stores a named output of the tape.

    The time LLVM takes grows much faster than the length of a function. Long programs are therefore cut into
    pieces that hand values on in memory.
    """
    needed = tape.needed([output])
    pieces = [needed[i : i + _PIECE] for i in range(0, len(needed), _PIECE)] or [[]]
    piece_of = {i: k for k, piece in enumerate(pieces) for i in piece}
    later = {a for i in needed for a in tape.ops[i].args if piece_of[a] < piece_of[i]}
    handed = [i for i in needed if i in later and tape.ops[i].code not in _FREE]
    slot = {i: position for position, i in enumerate(handed)}
    stores: dict[int, list[int]] = {}
    for position, i in enumerate(tape.outputs[output]):
        stores.setdefault(i, []).append(position)
    parts = [_piece(tape, piece, f"{name}_{k}", slot, stores) for k, piece in enumerate(pieces)]
    lines = [f"\ndefine {linkage}void @{name}({_POINTERS}) {{"]
    lines.append(f"  %s = alloca [{max(1, len(handed))} x double], align 16")
    lines += [f"  call void @{name}_{k}(ptr %y, ptr %p, ptr %out, ptr %s)" for k in range(len(pieces))]
    return "".join(parts) + "\n".join([*lines, "  ret void\n}\n"])


def _piece(
    tape: Tape, piece: Sequence[int], name: str, slot: Mapping[int, int], stores: Mapping[int, Sequence[int]]
) -> str:
    lines = [f"\ndefine internal void @{name}({_POINTERS}, ptr noalias %s) noinline {{"]
    values: dict[int, str] = {}
    for i in piece:
        for a in tape.ops[i].args:
            if a not in values:  # made by an earlier piece
                values[a] = f"%v{a}"
                lines += _fetched(a, tape.ops[a], slot, values)
        op = tape.ops[i]
        values[i] = double_text(op.literal) if op.code == "const" else f"%v{i}"
        lines += _operation(i, op, values)
        if i in slot:
            lines += _handed_on(i, op, slot[i], values[i])
        for position in stores.get(i, ()):
            lines += _stored("out", position, values[i], f"o{position}")
    return "\n".join([*lines, "  ret void\n}\n"])


def _fetched(i: int, op: Op, slot: Mapping[int, int], values: dict[int, str]) -> list[str]:
    if op.code == "const":
        values[i] = double_text(op.literal)
    if op.code in _FREE:
        return _operation(i, op, values)
    lines = [f"  %a{i} = getelementptr double, ptr %s, i64 {slot[i]}"]
    if op.code in LOGICAL_OPERATIONS:
        return [*lines, f"  %d{i} = load double, ptr %a{i}", f"  %v{i} = fcmp une double %d{i}, 0.0"]
    return [*lines, f"  %v{i} = load double, ptr %a{i}"]


def _handed_on(i: int, op: Op, position: int, value: str) -> list[str]:
    if op.code in LOGICAL_OPERATIONS:
        truth = f"  %d{i} = select i1 {value}, double 1.0, double 0.0"
        return [truth, *_stored("s", position, f"%d{i}", f"s{i}")]
    return _stored("s", position, value, f"s{i}")


def _stored(array: str, position: int, value: str, name: str) -> list[str]:
    return [
        f"  %{name} = getelementptr double, ptr %{array}, i64 {position}",
        f"  store double {value}, ptr %{name}",
    ]


def _operation(i: int, op: Op, values: Mapping[int, str]) -> list[str]:
    if op.code == "const":
        return []
    target = f"  %v{i} = "
    args = [values[a] for a in op.args]
    if op.code in ("y", "p"):
        return [
            f"  %a{i} = getelementptr double, ptr %{op.code}, i64 {int(op.literal)}",
            f"{target}load double, ptr %a{i}",
        ]
    if op.code in _BINARY:
        return [f"{target}{_BINARY[op.code]} double {args[0]}, {args[1]}"]
    if op.code == "neg":
        return [f"{target}fneg double {args[0]}"]
    if op.code in LOGICAL_OPERATIONS:
        return [target + _logical(op.code, args)]
    if op.code == "select":
        return [f"{target}select i1 {args[0]}, double {args[1]}, double {args[2]}"]
    if op.code in ("min", "max"):
        first = "ole" if op.code == "min" else "oge"
        return [
            f"  %c{i} = fcmp {first} double {args[0]}, {args[1]}",
            f"{target}select i1 %c{i}, double {args[0]}, double {args[1]}",
        ]
    typed = ", ".join(f"double {a}" for a in args)
    return [f"{target}call double @{_CALLS[op.code]}({typed})"]


def _logical(code: str, args: Sequence[str]) -> str:
    if code in _COMPARE:
        return f"fcmp {_COMPARE[code]} double {args[0]}, {args[1]}"
    if code == "not":
        return f"xor i1 {args[0]}, true"
    return f"{_LOGIC[code]} i1 {args[0]}, {args[1]}"


def _scatter(name: str, places: Sequence[int]) -> str:
    if not places:
        return f"\ndefine void @{name}({_POINTERS}) {{\n  ret void\n}}\n"
    return _SCATTER.format(name=name, count=len(places), places=", ".join(f"i32 {p}" for p in places))
