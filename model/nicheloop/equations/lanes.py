"""LLVM IR over lanes: a small structured writer, and tapes turned into code for many parameter sets at
once.

A value is a vector ``<lanes x double>``; lane i of every value belongs to the same run and no operation
mixes lanes, so what a run computes does not depend on its neighbours. :class:`Function` writes IR as text,
which is several times faster than building an object for each instruction and keeps a kernel readable:
loops and conditions are ``with`` blocks. Needs LLVM 15 or later (opaque pointers).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from nicheloop.equations.codegen import double_text
from nicheloop.equations.tape import LOGICAL_OPERATIONS, Op, Tape

__all__ = ["Function", "Gathering", "LaneProgram", "Module"]

_BINARY = {"add": "fadd", "sub": "fsub", "mul": "fmul", "div": "fdiv"}
_COMPARE = {"lt": "olt", "le": "ole", "gt": "ogt", "ge": "oge", "eq": "oeq"}
_LIBM = ("tanh", "sin", "cos")


@dataclass
class Gathering:
    """A loop's counter and the vector it carries: assign `value`; after the loop it is the last one."""

    index: str
    value: str


class Module:
    """Functions and declarations of one compilation unit for a given number of lanes."""

    def __init__(self, lanes: int) -> None:
        if lanes < 1:
            raise ValueError(f"a vector needs at least one lane, not {lanes}")
        self.lanes = lanes
        self.reals = f"<{lanes} x double>"
        self.ints = f"<{lanes} x i64>"
        self.bools = f"<{lanes} x i1>"
        self._declared: dict[str, str] = {}
        self._functions: dict[str, Function] = {}
        self._tables: dict[str, str] = {}

    def declare(self, name: str, result: str, *arguments: str) -> str:
        """Make an external function known; returns its name."""
        self._declared[name] = f"declare {result} @{name}({', '.join(arguments)})"
        return name

    def function(
        self, name: str, arguments: Sequence[tuple[str, str]], result: str = "void", *, exported: bool = False
    ) -> Function:
        """A new function, never inlined; `arguments` are (type with attributes, name) pairs."""
        if name in self._functions:
            raise ValueError(f"function {name} exists")
        function = self._functions[name] = Function(self, name, arguments, result, exported)
        return function

    def table(self, name: str, values: Sequence[int]) -> str:
        """A constant array of 32-bit whole numbers; returns its address."""
        if name in self._tables:
            raise ValueError(f"table {name} exists")
        entries = ", ".join(f"i32 {value}" for value in values) or "i32 0"
        self._tables[name] = f"@{name} = internal constant [{max(1, len(values))} x i32] [{entries}]"
        return f"@{name}"

    def has(self, name: str) -> bool:
        """Whether a function of this name was begun."""
        return name in self._functions

    def real(self, value: float) -> str:
        """The constant vector with `value` in every lane."""
        return "<" + ", ".join([f"double {double_text(value)}"] * self.lanes) + ">"

    def whole(self, value: int) -> str:
        """The constant vector of 64-bit integers with `value` in every lane."""
        return "<" + ", ".join([f"i64 {value}"] * self.lanes) + ">"

    def text(self) -> str:
        """The module as LLVM assembly."""
        parts = [
            *self._tables.values(),
            *self._declared.values(),
            *(f.text() for f in self._functions.values()),
        ]
        return "\n".join(parts) + "\n"


class Function:
    """Writer of one function. Methods named after an operation append it and return the name of its value."""

    def __init__(
        self, module: Module, name: str, arguments: Sequence[tuple[str, str]], result: str, exported: bool
    ) -> None:
        self.module = module
        self.name = name
        linkage = "" if exported else "internal "
        signature = ", ".join(f"{kind} %{argument}" for kind, argument in arguments)
        self._head = f"define {linkage}{result} @{name}({signature}) nounwind noinline {{\nentry:"
        self._lines: list[str] = []
        self._count = 0
        self._block = "entry"

    # -- text ----------------------------------------------------------------------------------------------
    def text(self) -> str:
        """The finished function."""
        return "\n".join([self._head, *self._lines, "}"])

    def emit(self, instruction: str) -> str:
        """Append an instruction with a result."""
        self._count += 1
        name = f"%v{self._count}"
        self._lines.append(f"  {name} = {instruction}")
        return name

    def do(self, instruction: str) -> None:
        """Append an instruction without a result."""
        self._lines.append(f"  {instruction}")

    def label(self, stem: str) -> str:
        """A fresh name for a basic block."""
        self._count += 1
        return f"{stem}{self._count}"

    def begin(self, label: str) -> None:
        """Start the basic block `label`."""
        self._lines.append(f"{label}:")
        self._block = label

    # -- control flow --------------------------------------------------------------------------------------
    @contextmanager
    def count(self, stop: str | int, start: str | int = 0) -> Iterator[str]:
        """Loop with a 64-bit counter from `start` up to, not including, `stop`."""
        before, head, body, latch, after = self._block, *map(self.label, ("head", "body", "latch", "after"))
        self.do(f"br label %{head}")
        self.begin(head)
        counter, following = f"%{head}.i", f"%{head}.n"
        self.do(f"{counter} = phi i64 [ {start}, %{before} ], [ {following}, %{latch} ]")
        more = self.emit(f"icmp slt i64 {counter}, {stop}")
        self.do(f"br i1 {more}, label %{body}, label %{after}")
        self.begin(body)
        yield counter
        self.do(f"br label %{latch}")
        self.begin(latch)
        self.do(f"{following} = add nsw i64 {counter}, 1")
        self.do(f"br label %{head}")
        self.begin(after)

    @contextmanager
    def gather(self, stop: str | int, start: str | int, initial: str) -> Iterator[Gathering]:
        """Loop like `count` that carries a vector from round to round in a register (see `Gathering`)."""
        before, head, body, latch, after = self._block, *map(self.label, ("head", "body", "latch", "after"))
        self.do(f"br label %{head}")
        self.begin(head)
        carried = Gathering(f"%{head}.i", f"%{head}.v")
        self.do(f"{carried.index} = phi i64 [ {start}, %{before} ], [ {carried.index}.n, %{latch} ]")
        self.do("")
        phi = len(self._lines) - 1
        more = self.emit(f"icmp slt i64 {carried.index}, {stop}")
        self.do(f"br i1 {more}, label %{body}, label %{after}")
        self.begin(body)
        first = carried.value
        yield carried
        kind = self.module.reals
        self._lines[phi] = f"  {first} = phi {kind} [ {initial}, %{before} ], [ {carried.value}, %{latch} ]"
        carried.value = first
        self.do(f"br label %{latch}")
        self.begin(latch)
        self.do(f"{carried.index}.n = add nsw i64 {carried.index}, 1")
        self.do(f"br label %{head}")
        self.begin(after)

    @contextmanager
    def when(self, condition: str) -> Iterator[None]:
        """Code that runs only if the scalar `condition` (i1) holds."""
        then, after = self.label("then"), self.label("after")
        self.do(f"br i1 {condition}, label %{then}, label %{after}")
        self.begin(then)
        yield
        self.do(f"br label %{after}")
        self.begin(after)

    @contextmanager
    def forever(self) -> Iterator[tuple[str, str]]:
        """Endless loop; yields the labels to branch to (see `leave`) for the next round and for the end."""
        head, after = self.label("loop"), self.label("after")
        self.do(f"br label %{head}")
        self.begin(head)
        yield head, after
        self.do(f"br label %{head}")
        self.begin(after)

    def leave(self, condition: str, target: str) -> None:
        """Branch to the block `target` if the scalar `condition` holds, go on otherwise."""
        onward = self.label("on")
        self.do(f"br i1 {condition}, label %{target}, label %{onward}")
        self.begin(onward)

    # -- memory --------------------------------------------------------------------------------------------
    def place(self, base: str, index: str | int, kind: str | None = None) -> str:
        """Address of element `index` of an array of vectors (or of `kind`)."""
        return self.emit(f"getelementptr inbounds {kind or self.module.reals}, ptr {base}, i64 {index}")

    def load(self, base: str, index: str | int = 0, kind: str | None = None) -> str:
        """Element `index` of an array of vectors (or of `kind`)."""
        kind = kind or self.module.reals
        return self.emit(f"load {kind}, ptr {self.place(base, index, kind)}, align 8")

    def store(self, value: str, base: str, index: str | int = 0, kind: str | None = None) -> None:
        """Write element `index` of an array of vectors (or of `kind`)."""
        kind = kind or self.module.reals
        self.do(f"store {kind} {value}, ptr {self.place(base, index, kind)}, align 8")

    def entry(self, table: str, index: str) -> str:
        """Entry of a table of the module, as i64."""
        return self.emit(f"sext i32 {self.load(table, index, 'i32')} to i64")

    # -- arithmetic on vectors -----------------------------------------------------------------------------
    def add(self, a: str, b: str) -> str:
        """a + b."""
        return self.emit(f"fadd {self.module.reals} {a}, {b}")

    def sub(self, a: str, b: str) -> str:
        """a - b."""
        return self.emit(f"fsub {self.module.reals} {a}, {b}")

    def mul(self, a: str, b: str) -> str:
        """a * b."""
        return self.emit(f"fmul {self.module.reals} {a}, {b}")

    def div(self, a: str, b: str) -> str:
        """a / b."""
        return self.emit(f"fdiv {self.module.reals} {a}, {b}")

    def neg(self, a: str) -> str:
        """-a."""
        return self.emit(f"fneg {self.module.reals} {a}")

    def fma(self, a: str, b: str, c: str) -> str:
        """a * b + c, rounded once."""
        return self.intrinsic("fma", a, b, c)

    def intrinsic(self, name: str, *values: str) -> str:
        """An LLVM intrinsic on vectors: fma, sqrt, fabs, ..."""
        kind = self.module.reals
        full = f"llvm.{name}.v{self.module.lanes}f64"
        self.module.declare(full, kind, *[kind] * len(values))
        return self.emit(f"call {kind} @{full}({', '.join(f'{kind} {v}' for v in values)})")

    def call(self, name: str, *values: str) -> str:
        """A function of this module from vectors to a vector."""
        kind = self.module.reals
        return self.emit(f"call {kind} @{name}({', '.join(f'{kind} {v}' for v in values)})")

    def compare(self, how: str, a: str, b: str) -> str:
        """Lane mask of an ordered (``olt``...) or unordered (``uno``...) comparison."""
        return self.emit(f"fcmp {how} {self.module.reals} {a}, {b}")

    def select(self, mask: str, a: str, b: str, kind: str | None = None) -> str:
        """Lanes of `a` where the mask holds, of `b` elsewhere."""
        kind = kind or self.module.reals
        return self.emit(f"select {self.module.bools} {mask}, {kind} {a}, {kind} {b}")

    def smaller(self, a: str, b: str) -> str:
        """b < a ? b : a, so a NaN in `a` stays and a NaN in `b` is passed over."""
        return self.select(self.compare("olt", b, a), b, a)

    def larger(self, a: str, b: str) -> str:
        """b > a ? b : a, so a NaN in `a` stays and a NaN in `b` is passed over."""
        return self.select(self.compare("ogt", b, a), b, a)

    def power(self, a: str, b: str) -> str:
        """a to the power b (see `nicheloop.equations.lanemath`)."""
        from nicheloop.equations import lanemath

        return self.call(lanemath.require(self.module, "pow"), a, b)

    def bits(self, mask: str) -> str:
        """The mask as a 64-bit integer, lane 0 in the lowest bit."""
        width = self.module.lanes
        packed = self.emit(f"bitcast {self.module.bools} {mask} to i{width}")
        return self.emit(f"zext i{width} {packed} to i64")

    def any(self, mask: str) -> str:
        """Scalar i1: whether any lane of the mask is set."""
        return self.emit(f"icmp ne i64 {self.bits(mask)}, 0")

    def negate(self, mask: str) -> str:
        """Lane mask of the other lanes."""
        ones = "<" + ", ".join(["i1 true"] * self.module.lanes) + ">"
        return self.emit(f"xor {self.module.bools} {mask}, {ones}")

    def both(self, a: str, b: str) -> str:
        """Lane mask a and b."""
        return self.emit(f"and {self.module.bools} {a}, {b}")

    @contextmanager
    def each_lane(self, mask: str) -> Iterator[str]:
        """Scalar loop over the lanes that are set in the mask; yields the lane's number (i64)."""
        bits = self.bits(mask)
        with self.count(self.module.lanes) as lane:
            bit = self.emit(f"and i64 1, {self.emit(f'lshr i64 {bits}, {lane}')}")
            with self.when(self.emit(f"icmp ne i64 {bit}, 0")):
                yield lane

    def spread(self, scalar: str) -> str:
        """A scalar double copied to every lane."""
        m = self.module
        first = self.emit(f"insertelement {m.reals} poison, double {scalar}, i32 0")
        zeros = f"<{m.lanes} x i32> zeroinitializer"
        return self.emit(f"shufflevector {m.reals} {first}, {m.reals} poison, {zeros}")


class LaneProgram:
    """Writes the named outputs of a tape as functions over lanes.

    What depends on parameters alone is computed by one function, ``prepare``, once whenever a lane gets new
    parameters, and kept in an array `q` of `n_prepared` vectors.

    Parameters
    ----------
    tape : Tape
        The program; matrices are written as the values of their sparse pattern.
    names : sequence of str
        Outputs any function will need.
    """

    def __init__(self, tape: Tape, names: Sequence[str]) -> None:
        self.tape = tape
        needed = tape.needed(names)
        fixed: set[int] = set()
        for i in needed:
            op = tape.ops[i]
            if op.code != "y" and all(a in fixed for a in op.args):
                fixed.add(i)
        self._fixed = fixed
        wanted = {a for i in needed if i not in fixed for a in self._fixed_leaves(tape.ops[i].args)}
        wanted |= {a for name in names for a in self._fixed_leaves(tape.outputs[name])}
        self.prepared = {value: slot for slot, value in enumerate(sorted(wanted))}

    @property
    def n_prepared(self) -> int:
        """Length of the array of prepared values."""
        return len(self.prepared)

    def _fixed_leaves(self, values: Sequence[int]) -> Iterator[int]:
        """Real values worth keeping; a truth value of parameters is computed afresh from what it compares."""
        for i in values:
            op = self.tape.ops[i]
            if i not in self._fixed or op.code in ("const", "p"):
                continue
            if op.code in LOGICAL_OPERATIONS:
                yield from self._fixed_leaves(op.args)
            else:
                yield i

    def write_prepare(self, module: Module, name: str) -> None:
        """Function ``name(p, q)`` that fills the array of prepared values."""
        function = module.function(name, [("ptr noalias", "p"), ("ptr noalias", "q")])
        emitter = _Emitter(self, function, use_prepared=False)
        for value, slot in self.prepared.items():
            function.store(emitter.value(value), "%q", slot)
        function.do("ret void")

    def write(self, module: Module, name: str, outputs: Sequence[str]) -> None:
        """Function ``name(y, p, q, out0, out1, ...)`` that fills one array per named output."""
        arguments = [("ptr noalias", a) for a in ("y", "p", "q")]
        arguments += [("ptr noalias", f"out{k}") for k in range(len(outputs))]
        function = module.function(name, arguments)
        emitter = _Emitter(self, function, use_prepared=True)
        for k, output in enumerate(outputs):
            for position, value in enumerate(self.tape.outputs[output]):
                function.store(emitter.value(value), f"%out{k}", position)
        function.do("ret void")


class _Emitter:
    """Writes operations on demand, each once, right before its first use: that keeps live ranges short."""

    def __init__(self, program: LaneProgram, function: Function, *, use_prepared: bool) -> None:
        self.ops = program.tape.ops
        self.function = function
        self.module = function.module
        self.prepared = program.prepared if use_prepared else {}
        self.done: dict[int, str] = {}

    def value(self, wanted: int) -> str:
        """Name of a value, written first (with all it needs) if it is not there yet."""
        stack = [wanted]
        while stack:
            i = stack[-1]
            missing = [] if i in self.prepared else [a for a in self.ops[i].args if a not in self.done]
            if i in self.done or not missing:
                stack.pop()
                if i not in self.done:
                    self.done[i] = self._write(i)
            else:
                stack.extend(reversed(missing))
        return self.done[wanted]

    def _write(self, i: int) -> str:
        function, op = self.function, self.ops[i]
        if i in self.prepared:
            return function.load("%q", self.prepared[i])
        if op.code == "const":
            return self.module.real(op.literal)
        if op.code in ("y", "p"):
            return function.load(f"%{op.code}", int(op.literal))
        return self._operation(op, [self.done[a] for a in op.args])

    def _operation(self, op: Op, args: list[str]) -> str:
        function, module, code = self.function, self.module, op.code
        if code in _BINARY:
            return function.emit(f"{_BINARY[code]} contract {module.reals} {args[0]}, {args[1]}")
        if code == "neg":
            return function.neg(args[0])
        if code in _COMPARE:
            return function.compare(_COMPARE[code], *args)
        if code in ("and", "or"):
            return function.emit(f"{code} {module.bools} {args[0]}, {args[1]}")
        if code == "not":
            return function.negate(args[0])
        if code == "select":
            return function.select(*args)
        if code in ("min", "max"):
            return (function.smaller if code == "min" else function.larger)(*args)
        if code in ("sqrt", "abs"):
            return function.intrinsic({"sqrt": "sqrt", "abs": "fabs"}[code], *args)
        return self._transcendental(code, args)

    def _transcendental(self, code: str, args: list[str]) -> str:
        from nicheloop.equations import lanemath

        if code in lanemath.WRITERS:
            return self.function.call(lanemath.require(self.module, code), *args)
        if code in _LIBM:
            return self._one_by_one(code, args[0])
        raise NotImplementedError(f"operation {code!r} has no form over lanes")

    def _one_by_one(self, code: str, argument: str) -> str:
        function, module = self.function, self.module
        module.declare(code, "double", "double")
        result = "poison"
        for lane in range(module.lanes):
            element = function.emit(f"extractelement {module.reals} {argument}, i32 {lane}")
            image = function.emit(f"call double @{code}(double {element})")
            result = function.emit(f"insertelement {module.reals} {result}, double {image}, i32 {lane}")
        return result
