"""A network in the languages that other tools read: SBML, DiffSL, CasADi expressions."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from nicheloop.equations import Network, Tape

if TYPE_CHECKING:
    from benchmarks.cases import Case

_WORD = re.compile(r"[A-Za-z_]\w*")


class Inexpressible(ValueError):
    """The model holds something that cannot be said in the format."""


# -- SBML ---------------------------------------------------------------------------------------------------


def sbml(case: Case) -> str:
    """SBML, level 3 version 1: species ``s0``, ``s1``...; only what the rates need.

    Initial amounts are numbers, since no parameter that varies acts on them.
    """
    import libsbml

    network = case.network
    document = libsbml.SBMLDocument(3, 1)
    model = document.createModel()
    model.setId(_identifier(network.name))
    compartment = model.createCompartment()
    compartment.setId("well")
    compartment.setSize(1.0)
    compartment.setSpatialDimensions(3)
    compartment.setConstant(True)
    rules = _needed_rules(network)
    _add_species(model, case)
    used = {word for text in rules.values() for word in _WORD.findall(text)}
    used |= {word for reaction in network.reactions for word in _WORD.findall(reaction.rate)}
    for name, value in zip(network.parameters, network.values, strict=True):
        if name in used:
            _add_parameter(model, name, value, constant=True)
    for name, text in rules.items():
        _add_parameter(model, name, 0.0, constant=False)
        rule = model.createAssignmentRule()
        rule.setVariable(name)
        rule.setMath(_math(text))
    for k, reaction in enumerate(network.reactions):
        _add_reaction(model, k, reaction.rate, reaction.change)
    return str(libsbml.writeSBMLToString(document))


def _identifier(name: str) -> str:
    return re.sub(r"\W", "_", name)


def _needed_rules(network: Network) -> dict[str, str]:
    """Formulas of the observables and expressions that rates depend on, by name, in the network's order."""
    formulas = {name: _sum(weights) for name, weights in network.observables} | dict(network.expressions)
    needed: set[str] = set()
    todo = [word for reaction in network.reactions for word in _WORD.findall(reaction.rate)]
    while todo:
        word = todo.pop()
        if word in formulas and word not in needed:
            needed.add(word)
            todo += _WORD.findall(formulas[word])
    return {name: text for name, text in formulas.items() if name in needed}


def _sum(weights: tuple[tuple[int, float], ...]) -> str:
    return " + ".join(f"{weight!r}*__s{i}" for i, weight in weights) or "0"


def _add_species(model: Any, case: Case) -> None:
    for i, amount in enumerate(case.initial):
        species = model.createSpecies()
        species.setId(f"s{i}")
        species.setCompartment("well")
        species.setInitialAmount(float(amount))
        species.setHasOnlySubstanceUnits(True)
        species.setBoundaryCondition(False)
        species.setConstant(False)


def _add_parameter(model: Any, name: str, value: float, *, constant: bool) -> None:
    parameter = model.createParameter()
    parameter.setId(name)
    parameter.setValue(value)
    parameter.setConstant(constant)


def _add_reaction(model: Any, number: int, rate: str, change: tuple[tuple[int, int], ...]) -> None:
    reaction = model.createReaction()
    reaction.setId(f"r{number}")
    reaction.setReversible(False)
    reaction.setFast(False)
    for i, amount in change:
        side = reaction.createReactant() if amount < 0 else reaction.createProduct()
        side.setSpecies(f"s{i}")
        side.setStoichiometry(float(abs(amount)))
        side.setConstant(True)
    for i in sorted({int(i) for i in re.findall(r"__s(\d+)", rate)} - {i for i, _ in change}):
        reaction.createModifier().setSpecies(f"s{i}")
    reaction.createKineticLaw().setMath(_math(rate))


def _math(text: str) -> Any:
    import libsbml

    tree = _Choices().visit(ast.parse(text.replace("__s", "s"), mode="eval"))
    formula = ast.unparse(tree).replace("**", "^")
    settings = libsbml.L3ParserSettings()
    settings.setParseLog(libsbml.L3P_PARSE_LOG_AS_LN)
    found = libsbml.parseL3FormulaWithSettings(formula, settings)
    if found is None:
        raise Inexpressible(f"{formula!r} is no SBML formula: {libsbml.getLastParseL3Error()}")
    return found


class _Choices(ast.NodeTransformer):
    """``Piecewise((a, condition), (b, True))`` becomes ``piecewise(a, condition, b)``."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if not (isinstance(node.func, ast.Name) and node.func.id == "Piecewise"):
            return node
        flat: list[ast.expr] = []
        for pair in node.args:
            if not isinstance(pair, ast.Tuple):
                raise Inexpressible(f"'{ast.unparse(node)}' is not a list of choices")
            value, condition = pair.elts
            always = isinstance(condition, ast.Constant) and condition.value is True
            flat += [value] if always else [value, condition]
        return ast.copy_location(ast.Call(ast.Name("piecewise", ast.Load()), flat, []), node)


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
