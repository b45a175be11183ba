"""Every formula and every rate law is dimensionally consistent, checked by machine.

A walker carries units (dimension *and* scale: 1/min is not 1/h) through the SymPy trees. Cells and copies are
numbers; species and observables are nM; every reaction must come out as nM/h.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pint
import pytest
import sympy

from nicheloop.biology.table import rows

REGISTRY = pint.UnitRegistry(on_redefinition="ignore")
for counted in ("cell", "copies"):
    REGISTRY.define(f"{counted} = []")


class UnitError(Exception):
    """A formula in which units do not agree."""


def unit_of(text: str) -> Any:
    """Read a unit of the table as a quantity in base units."""
    return (1.0 * REGISTRY.parse_expression(text)).to_base_units()


def same(a: Any, b: Any) -> bool:
    return a.dimensionality == b.dimensionality and abs(a.magnitude / b.magnitude - 1) < 1e-9


NUMBER = unit_of("1")


def walk(expression: sympy.Basic, units: Mapping[str, Any]) -> Any:
    """Unit of a formula; None for zero, which fits anything."""
    if isinstance(expression, sympy.Symbol):
        return units[expression.name]
    if expression.is_number:
        return None if expression == 0 else NUMBER
    if isinstance(expression, sympy.Mul):
        product = NUMBER
        for factor in expression.args:
            unit = walk(factor, units)
            product = product * (NUMBER if unit is None else unit)
        return product.to_base_units()
    if isinstance(expression, (sympy.Add, sympy.Max, sympy.Min)):
        return agreed(expression, [walk(part, units) for part in expression.args])
    if isinstance(expression, sympy.Pow):
        return power(expression, units)
    if isinstance(expression, sympy.Piecewise):
        for _, condition in expression.args:
            for relation in condition.atoms(sympy.core.relational.Relational):
                agreed(relation, [walk(relation.lhs, units), walk(relation.rhs, units)])
        return agreed(expression, [walk(value, units) for value, _ in expression.args])
    if isinstance(expression, sympy.Abs):
        return walk(expression.args[0], units)
    if isinstance(expression, sympy.Function):
        for argument in expression.args:
            agreed(expression, [walk(argument, units), NUMBER])
        return NUMBER
    raise UnitError(f"no rule for {type(expression).__name__} in {expression}")


def agreed(expression: sympy.Basic, found: list[Any]) -> Any:
    known = [unit for unit in found if unit is not None]
    for other in known[1:]:
        if not same(known[0], other):
            raise UnitError(f"{known[0]} and {other} meet in {expression}")
    return known[0] if known else None


def power(expression: sympy.Pow, units: Mapping[str, Any]) -> Any:
    base = walk(expression.base, units)
    if expression.exp.is_number:
        return NUMBER if base is None else (base ** float(expression.exp)).to_base_units()
    agreed(expression, [base, walk(expression.exp, units), NUMBER])
    return NUMBER


def given_units(model: Any) -> dict[str, Any]:
    """Units that are given, not derived: parameters by the table, observables and species as nM."""
    units = {name: unit_of(row.unit) for name, row in rows().items()}
    units["nothing"] = unit_of("nM")  # the initial amount of everything a user may add
    amounts = [observable.name for observable in model.observables]
    amounts += [f"__s{i}" for i in range(len(model.species))]
    units.update(dict.fromkeys(amounts, unit_of("nM")))
    return units


def complaints(model: Any, units: dict[str, Any]) -> list[str]:
    """All inconsistencies of a model: in its expressions, its initial amounts and its reactions."""
    found, units = [], dict(units)

    def derive(what: str, formula: Any, expected: str | None) -> Any:
        try:
            unit = walk(sympy.sympify(formula), units)
        except UnitError as error:
            found.append(f"{what}: {error}")
            return None
        if expected is not None and unit is not None and not same(unit, unit_of(expected)):
            found.append(f"{what}: {unit} is not {expected}")
        return unit

    for expression in model.expressions:
        units[expression.name] = derive(f"expression {expression.name}", expression.expr, None)
    for initial in model.initials:
        derive(f"initial amount of {initial.pattern}", initial.value, "nM")
    for i, reaction in enumerate(model.reactions):
        derive(f"reaction {i} ({', '.join(reaction['rule'])})", reaction["rate"], "nM/h")
    return found


def test_every_formula_and_every_rate_is_consistent(model: Any) -> None:
    assert complaints(model, given_units(model)) == []


def test_what_is_read_out_has_the_unit_that_is_promised(model: Any) -> None:
    units = given_units(model)
    for expression in model.expressions:
        units[expression.name] = walk(expression.expr, units)
    for host in ("K562S", "K562R"):
        for name in ("p_bcr_abl", "p_crkl", "p_stat5", "p_erk", "nuclear_nfkb", "il1_signal", "abcb1"):
            assert same(units[f"{name}_{host}"], NUMBER), name
        for name in ("growth_rate", "division_rate", "death_rate", "migration_rate"):
            assert same(units[f"{name}_{host}"], unit_of("1/h")), name
    assert same(units["cxcl11_local_lower"], unit_of("nM"))


@pytest.mark.parametrize(
    ("parameter", "wrong"),
    [
        ("imatinib_kon", "1/h"),
        ("il1b_kd_binary", "pM"),
        ("division_max_K562R", "1/day"),
        ("il1r_turnover", "1"),
        ("cell_volume", "fL"),
        ("nM_per_cell_per_mL", "1"),
        ("il1b_secretion_K562S", "ng/(1e6*cell)/(24*h)"),
        ("capacity", "cell/L"),
        ("bh3_kon", "1/(nM*h)"),
        ("commitment_time", "1/h"),
        ("chemokine_kon", "1/(uM*h)"),
        ("stock_density_K562S", "1"),
        ("gradient_resolution", "nM"),
    ],
)
def test_a_wrong_unit_in_the_table_is_found(expanded: Any, parameter: str, wrong: str) -> None:
    model = expanded("nfkb")
    units = given_units(model) | {parameter: unit_of(wrong)}
    assert complaints(model, units) != []


@pytest.mark.parametrize(
    "formula",
    [
        "k_on*ligand + k_off",  # here k_on is per nM squared
        "ligand/(ligand + k_off)",
        "exp(ligand)",
        "ligand**fraction",
        "Max(ligand, k_off)",
        "Piecewise((2*ligand, ligand > k_off), (ligand, True))",
        "1 + ligand",
    ],
)
def test_the_walker_refuses_a_wrong_formula(formula: str) -> None:
    units = {
        "ligand": unit_of("nM"),
        "k_on": unit_of("1/(nM**2*h)"),
        "k_off": unit_of("1/h"),
        "fraction": unit_of("1"),
    }
    with pytest.raises(UnitError):
        walk(sympy.sympify(formula, locals={name: sympy.Symbol(name) for name in units}), units)


def test_the_walker_accepts_right_formulas() -> None:
    units = {"ligand": unit_of("nM"), "k_on": unit_of("1/(nM*h)"), "k_off": unit_of("1/h")}
    names = {name: sympy.Symbol(name) for name in units}

    def unit(formula: str) -> Any:
        return walk(sympy.sympify(formula, locals=names), units)

    assert same(unit("k_on*ligand + 2*k_off"), unit_of("1/h"))
    assert same(unit("sqrt(ligand**2 + ligand**2/4) - ligand"), unit_of("nM"))
    assert same(unit("ligand**2/(ligand**2 + (k_off/k_on)**2)"), NUMBER)
    assert same(unit("exp(-k_on*ligand/k_off)"), NUMBER)
    assert same(unit("Piecewise((0, ligand < k_off/k_on), (ligand, True))"), unit_of("nM"))
