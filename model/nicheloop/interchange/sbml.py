"""A reaction network as SBML, level 3 version 1, for simulators that know nothing of rules.

Amounts are nM of well volume in a compartment of size 1, times are hours. Unit definitions and annotations
are left out: what is written is the mathematics. Species are called ``s0``, ``s1``... with their pattern as
name.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from typing import Any

from nicheloop.equations.network import Network

_WORD = re.compile(r"[A-Za-z_]\w*")


class Inexpressible(ValueError):
    """The model holds something that cannot be said in the format."""


def sbml(
    network: Network,
    initial: Iterable[float],
    values: Mapping[str, float] | None = None,
    outputs: Iterable[str] = (),
    also: Iterable[str] = (),
) -> str:
    """Write a network.

    Parameters
    ----------
    network : Network
        What reacts.
    initial : iterable of float
        Amount of each species at the start, nM.
    values : mapping, optional
        Values of parameters, where they differ from those of the network.
    outputs : iterable of str
        Observables and expressions that are written, beside those that rates need.
    also : iterable of str
        Parameters that are written even if nothing needs them.

    Returns
    -------
    str
        XML.

    Raises
    ------
    Inexpressible
        If a formula has no counterpart.
    ModuleNotFoundError
        If libSBML is not installed; says how to install it.
    """
    try:
        import libsbml
    except ModuleNotFoundError:
        raise ModuleNotFoundError("libSBML is not installed: pip install 'nicheloop[fit]'") from None
    document = libsbml.SBMLDocument(3, 1)
    model = document.createModel()
    model.setId(re.sub(r"\W", "_", network.name))
    compartment = model.createCompartment()
    compartment.setId("well")
    compartment.setSize(1.0)
    compartment.setSpatialDimensions(3)
    compartment.setConstant(True)
    rules = _needed_rules(network, outputs)
    _add_species(model, network, initial)
    used = {word for text in rules.values() for word in _WORD.findall(text)} | set(also)
    used |= {word for reaction in network.reactions for word in _WORD.findall(reaction.rate)}
    given = dict(zip(network.parameters, network.values, strict=True)) | dict(values or {})
    for name in network.parameters:
        if name in used:
            _add_parameter(model, name, given[name], constant=True)
    for name, text in rules.items():
        _add_parameter(model, name, 0.0, constant=False)
        rule = model.createAssignmentRule()
        rule.setVariable(name)
        rule.setMath(_math(text))
    for k, reaction in enumerate(network.reactions):
        _add_reaction(model, k, reaction.rate, reaction.change)
    return str(libsbml.writeSBMLToString(document))


def _needed_rules(network: Network, outputs: Iterable[str]) -> dict[str, str]:
    """Formulas of the observables and expressions that are needed, by name, in the network's order."""
    formulas = {name: _sum(weights) for name, weights in network.observables} | dict(network.expressions)
    needed: set[str] = set()
    todo = [word for reaction in network.reactions for word in _WORD.findall(reaction.rate)]
    todo += outputs
    while todo:
        word = todo.pop()
        if word in formulas and word not in needed:
            needed.add(word)
            todo += _WORD.findall(formulas[word])
    return {name: text for name, text in formulas.items() if name in needed}


def _sum(weights: tuple[tuple[int, float], ...]) -> str:
    return " + ".join(f"{weight!r}*__s{i}" for i, weight in weights) or "0"


def _add_species(model: Any, network: Network, initial: Iterable[float]) -> None:
    for i, (name, amount) in enumerate(zip(network.species, initial, strict=True)):
        species = model.createSpecies()
        species.setId(f"s{i}")
        species.setName(name)
        species.setCompartment("well")
        species.setInitialAmount(float(amount))
        species.setHasOnlySubstanceUnits(True)
        species.setBoundaryCondition(False)
        species.setConstant(False)


def _add_parameter(model: Any, name: str, value: float, *, constant: bool) -> None:
    parameter = model.createParameter()
    parameter.setId(name)
    parameter.setValue(float(value))
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
