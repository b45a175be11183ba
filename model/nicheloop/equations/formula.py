"""Reading formula strings without evaluating them.

A network stores its formulas as text. This reader turns one into operations on a tape. It walks Python's own
syntax tree over a short list of allowed nodes and refuses the rest by name; nothing is ever executed.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nicheloop.equations.tape import TapeBuilder


class UnsupportedFormula(ValueError):
    """A formula holds something that the engines cannot compute; the message names it."""


@dataclass(frozen=True)
class _Truth:
    """Id of a truth value, or a condition that is always (or never) met."""

    id: int | None
    known: bool = False


FUNCTIONS = frozenset(  # case is ignored: SymPy writes Abs, Min, Max, Piecewise
    {"exp", "log", "log10", "log2", "sqrt", "abs", "sign", "sin", "cos", "tan", "sinh", "cosh", "tanh"}
    | {"min", "max", "piecewise"}
)
_COMPARISONS: Mapping[type[ast.cmpop], str] = {
    ast.Lt: "lt",
    ast.LtE: "le",
    ast.Gt: "gt",
    ast.GtE: "ge",
    ast.Eq: "eq",
}


def compile_formula(text: str, names: Mapping[str, int], builder: TapeBuilder, where: str) -> int:
    """Put a formula on the tape.

    Parameters
    ----------
    text : str
        For example ``"k*A/(K + A)"``, ``"Piecewise((a, x > 1), (b, True))"``.
    names : mapping of str to int
        The value id of every symbol that may occur.
    builder : TapeBuilder
        Tape that grows.
    where : str
        What the formula belongs to, for error messages.

    Returns
    -------
    int
        Id of the value.

    Raises
    ------
    UnsupportedFormula
        If the text is no formula or holds an unknown symbol or an unsupported function or operator.
    """
    reader = _Reader(names, builder, f"{where}: {text if len(text) < 200 else text[:197] + '...'}")
    try:
        tree = ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, RecursionError) as error:
        raise UnsupportedFormula(f"{reader.where}: this is not a formula ({error})") from None
    return reader.real(tree.body)


class _Reader:
    def __init__(self, names: Mapping[str, int], builder: TapeBuilder, where: str) -> None:
        self.names = names
        self.tape = builder
        self.where = where

    def refuse(self, what: str) -> UnsupportedFormula:
        return UnsupportedFormula(f"{self.where}: {what}")

    def real(self, node: ast.expr) -> int:
        if isinstance(node, ast.Constant):
            return self._number(node)
        if isinstance(node, ast.Name):
            return self._symbol(node.id)
        if isinstance(node, ast.BinOp):
            return self._operation(node)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return self.tape.neg(self.real(node.operand))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.UAdd):
            return self.real(node.operand)
        if isinstance(node, ast.Call):
            return self._call(node)
        raise self.refuse(f"'{ast.unparse(node)}' is not a number")

    def _number(self, node: ast.Constant) -> int:
        if isinstance(node.value, bool) or not isinstance(node.value, (int, float)):
            raise self.refuse(f"{node.value!r} is not a number")
        value = float(node.value)
        if not math.isfinite(value):
            raise self.refuse(f"the number '{ast.unparse(node)}' is not finite")
        return self.tape.const(value)

    def _symbol(self, name: str) -> int:
        try:
            return self.names[name]
        except KeyError:
            raise self.refuse(f"unknown symbol '{name}'") from None

    def _operation(self, node: ast.BinOp) -> int:
        build: Callable[[int, int], int]
        if isinstance(node.op, ast.Add):
            build = self.tape.add
        elif isinstance(node.op, ast.Sub):
            build = self.tape.sub
        elif isinstance(node.op, ast.Mult):
            build = self.tape.mul
        elif isinstance(node.op, ast.Div):
            build = self.tape.div
        elif isinstance(node.op, ast.Pow):
            build = self.tape.pow
        else:
            raise self.refuse(f"the operator in '{ast.unparse(node)}' is not supported")
        return build(self.real(node.left), self.real(node.right))

    def _call(self, node: ast.Call) -> int:
        if not isinstance(node.func, ast.Name) or node.keywords:
            raise self.refuse(f"'{ast.unparse(node)}' is not supported")
        name = node.func.id.lower()
        if name == "piecewise":
            return self._piecewise(node.args)
        if name not in FUNCTIONS:
            known = ", ".join(sorted(FUNCTIONS))
            raise self.refuse(f"the function '{node.func.id}' is not supported (supported: {known})")
        args = [self.real(a) for a in node.args]
        if name in ("min", "max"):
            return self._extreme(name, args)
        if len(args) != 1:
            raise self.refuse(f"the function '{node.func.id}' takes one argument, not {len(args)}")
        return self._function(name, args[0])

    def _extreme(self, name: str, args: list[int]) -> int:
        if not args:
            raise self.refuse(f"the function '{name}' needs an argument")
        result = args[0]
        for other in args[1:]:
            result = self.tape.minimum(result, other) if name == "min" else self.tape.maximum(result, other)
        return result

    def _function(self, name: str, a: int) -> int:
        t = self.tape
        if name in ("log10", "log2"):
            return t.div(t.call("log", a), t.const(math.log(10.0 if name == "log10" else 2.0)))
        if name == "tan":
            return t.div(t.call("sin", a), t.call("cos", a))
        if name in ("sinh", "cosh"):
            up, down = t.call("exp", a), t.call("exp", t.neg(a))
            both = t.add(up, down) if name == "cosh" else t.sub(up, down)
            return t.mul(t.const(0.5), both)
        if name == "sign":
            zero = t.const(0.0)
            below = t.select(t.compare("lt", a, zero), t.const(-1.0), zero)
            return t.select(t.compare("gt", a, zero), t.const(1.0), below)
        return t.call(name, a)

    def _piecewise(self, branches: list[ast.expr]) -> int:
        result = self.tape.const(math.nan)  # where no condition holds a piecewise has no value
        for branch in reversed(branches):
            if not isinstance(branch, ast.Tuple) or len(branch.elts) != 2:
                raise self.refuse(f"'{ast.unparse(branch)}' is not a (value, condition) pair")
            condition = self.truth(branch.elts[1])
            if condition.id is not None:
                result = self.tape.select(condition.id, self.real(branch.elts[0]), result)
            elif condition.known:
                result = self.real(branch.elts[0])
        return result

    def truth(self, node: ast.expr) -> _Truth:
        if isinstance(node, ast.Constant) and isinstance(node.value, bool):
            return _Truth(None, node.value)
        if isinstance(node, ast.Name) and node.id in ("true", "false"):
            return _Truth(None, node.id == "true")
        if isinstance(node, ast.Compare):
            return self._comparison(node)
        if isinstance(node, ast.BoolOp):
            code = "and" if isinstance(node.op, ast.And) else "or"
            return self._joined(code, [self.truth(value) for value in node.values])
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.BitAnd, ast.BitOr)):
            code = "and" if isinstance(node.op, ast.BitAnd) else "or"
            return self._joined(code, [self.truth(node.left), self.truth(node.right)])
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.Invert)):
            return self._opposite(self.truth(node.operand))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("Eq", "Ne"):
            if len(node.args) != 2:
                raise self.refuse(f"'{ast.unparse(node)}' needs two arguments")
            equal = _Truth(self.tape.compare("eq", self.real(node.args[0]), self.real(node.args[1])))
            return equal if node.func.id == "Eq" else self._opposite(equal)
        raise self.refuse(f"the condition '{ast.unparse(node)}' is not supported")

    def _comparison(self, node: ast.Compare) -> _Truth:
        values = [self.real(a) for a in [node.left, *node.comparators]]
        found = []
        for op, a, b in zip(node.ops, values, values[1:], strict=False):
            if isinstance(op, ast.NotEq):
                found.append(self._opposite(_Truth(self.tape.compare("eq", a, b))))
            elif type(op) in _COMPARISONS:
                found.append(_Truth(self.tape.compare(_COMPARISONS[type(op)], a, b)))
            else:
                raise self.refuse(f"the comparison '{ast.unparse(node)}' is not supported")
        return self._joined("and", found)

    def _opposite(self, truth: _Truth) -> _Truth:
        if truth.id is None:
            return _Truth(None, not truth.known)
        return _Truth(self.tape.logic("not", truth.id))

    def _joined(self, code: str, parts: list[_Truth]) -> _Truth:
        deciding = code == "or"
        result: int | None = None
        for part in parts:
            if part.id is None:
                if part.known is deciding:
                    return part
                continue
            result = part.id if result is None else self.tape.logic(code, result, part.id)
        return _Truth(result, not deciding) if result is None else _Truth(result)
