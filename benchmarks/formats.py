"""A network in the languages that other tools read: SBML, DiffSL, CasADi expressions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from nicheloop.equations import Tape
from nicheloop.interchange.sbml import Inexpressible
from nicheloop.interchange.sbml import sbml as network_as_sbml

if TYPE_CHECKING:
    from benchmarks.cases import Case


def sbml(case: Case) -> str:
    """SBML, level 3 version 1: species ``s0``, ``s1``...; only what the rates need.

    Initial amounts are numbers, since no parameter that varies acts on them.
    """
    return network_as_sbml(case.network, case.initial)


# -- straight-line programs ---------------------------------------------------------------------------------


def right_hand_side(
    tape: Tape, y: Callable[[int], Any], p: Callable[[int], Any], operations: Mapping[str, Callable[..., Any]]
) -> list[Any]:
    """Evaluate a network's right-hand side with the operations of another tool.

    Raises
    ------
    Inexpressible
        An operation is not among those given.
    """
    values: dict[int, Any] = {}
    for i in tape.needed(["rhs"]):
        op = tape.ops[i]
        if op.code == "const":
            values[i] = op.literal
        elif op.code in ("y", "p"):
            values[i] = (y if op.code == "y" else p)(int(op.literal))
        elif op.code in operations:
            values[i] = operations[op.code](*(values[a] for a in op.args))
        else:
            raise Inexpressible(f"the right-hand side holds the operation '{op.code}'")
    return [values[i] for i in tape.outputs["rhs"]]


ARITHMETIC: Mapping[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "neg": lambda a: -a,
}


def diffsl(case: Case) -> str:
    """DiffSL, the language of pydiffsol: parameters that vary are inputs, each operation is one scalar."""
    network, varied = case.network, {int(i): k for k, i in enumerate(case.positions)}
    lines: list[str] = []

    def number(value: Any) -> str:
        return f"{value:.17g}" if isinstance(value, float) else str(value)

    def scalar(text: str) -> str:
        lines.append(f"v{len(lines)} {{ {text} }}")
        return f"v{len(lines) - 1}"

    def parameter(i: int) -> Any:
        return f"q{varied[i]}" if i in varied else float(network.values[i])

    infix = {"add": "+", "sub": "-", "mul": "*", "div": "/"}
    operations: dict[str, Callable[..., Any]] = {
        code: lambda a, b, sign=sign: scalar(f"({number(a)}) {sign} ({number(b)})")
        for code, sign in infix.items()
    }
    operations["neg"] = lambda a: scalar(f"-({number(a)})")
    operations["pow"] = lambda a, b: scalar(f"pow({number(a)}, {number(b)})")
    operations["gt"] = lambda a, b: scalar(f"heaviside(({number(a)}) - ({number(b)}))")
    operations["select"] = lambda c, a, b: scalar(f"{c}*({number(a)}) + (1 - {c})*({number(b)})")
    for name in ("exp", "log", "sqrt"):
        operations[name] = lambda a, name=name: scalar(f"{name}({number(a)})")
    rhs = right_hand_side(case.system.tape, lambda i: f"y{i}", parameter, operations)
    inputs = ", ".join(f"q{k} = {value:.17g}" for k, value in enumerate(case.default))
    states = ", ".join(f"y{i} = {value:.17g}" for i, value in enumerate(case.initial))
    equations = ", ".join(number(value) for value in rhs)
    return "\n".join([f"in_i {{ {inputs} }}", f"u_i {{ {states} }}", *lines, f"F_i {{ {equations} }}"])
