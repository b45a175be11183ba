from __future__ import annotations

import importlib

import numpy as np
import pysb
import pytest
import sympy
from pysb import ANY, Expression, Initial, Model, Monomer, Observable, Parameter, Rule

from nicheloop.equations import (
    NetworkGenerationError,
    UnsupportedFormula,
    compile_model,
    model_digest,
    network_from_model,
)


def small_model(*, k: float = 0.5, extra: bool = False, name: str = "small") -> Model:
    """A + B <-> AB with a Hill-type loss that reads an observable."""
    model = Model(name, _export=False)
    a, b = Monomer("A", ["b"], _export=False), Monomer("B", ["a"], _export=False)
    parameters = [Parameter(n, v, _export=False) for n, v in (("k", k), ("r", 0.2), ("E", 3.0), ("a0", 10.0))]
    on, off, loss, start = parameters
    bound = Observable("bound", a(b=ANY), _export=False)
    hill = Expression("hill", loss * bound**2 / (1 + bound**2) / 3, _export=False)
    components = [a, b, *parameters, bound, hill]
    components.append(Rule("bind", a(b=None) + b(a=None) | a(b=1) % b(a=1), on, off, _export=False))
    components.append(Rule("loss", b(a=None) >> None, hill, _export=False))
    if extra:
        components.append(Rule("make", b(a=None) >> b(a=None) + b(a=None), off, _export=False))
    for component in components:
        model.add_component(component)
    model.add_initial(Initial(a(b=None), start, _export=False))
    model.add_initial(Initial(b(a=None), start, fixed=False, _export=False))
    return model


@pytest.mark.parametrize("name", ["tyson_oscillator", "robertson", "earm_1_0", "fixed_initial"])
def test_networks_have_the_right_hand_side_of_pysb(name: str) -> None:
    model = importlib.import_module(f"pysb.examples.{name}").model
    system = compile_model(model)
    y = np.random.default_rng(5).uniform(0.1, 3.0, system.n)
    values = {**{p.name: p.value for p in model.parameters}, **{f"__s{i}": float(v) for i, v in enumerate(y)}}
    fixed = [system.species.index(str(i.pattern)) for i in model.initials if i.fixed]
    expected = np.zeros(system.n)
    for reaction in model.reactions:
        rate = reaction["rate"]
        rate = rate.xreplace({e: e.expand_expr(expand_observables=True) for e in model.expressions})
        rate = rate.xreplace({symbol: values[symbol.name] for symbol in rate.free_symbols})
        for sign, side in ((-1, "reactants"), (1, "products")):
            for i in reaction[side]:
                expected[i] += sign * float(rate)
    expected[fixed] = 0.0
    np.testing.assert_allclose(system.rhs(y), expected, rtol=1e-12, atol=1e-12 * np.abs(expected).max())
    for initial in model.initials:
        index = model.get_species_index(initial.pattern)
        assert system.initial()[index] == initial.value.value
    assert system.parameters == tuple(p.name for p in model.parameters)


def test_names_that_sympy_uses_itself_stay_parameters() -> None:
    system = compile_model(small_model())
    y = [1.0, 2.0, 3.0]
    assert system.outputs(y)[1] == pytest.approx(3.0 * 9 / 10 / 3)
    assert system.outputs(y, system.parameter_vector({"E": 6.0}))[1] == pytest.approx(6.0 * 9 / 10 / 3)
    assert system.species == ("A(b=None)", "B(a=None)", "A(b=1) % B(a=1)")


def test_model_digest_knows_structure_without_the_network() -> None:
    model = small_model()
    digest = model_digest(model)
    assert not model.species
    other = small_model()
    for parameter in other.parameters:  # one rate constant, one inside of a formula, one initial amount
        parameter.value *= 3
    assert model_digest(other) == digest
    assert model_digest(small_model(extra=True)) != digest
    assert network_from_model(model).digest == network_from_model(small_model(k=7.0)).digest
    assert model_digest(model) == digest  # expanding the rules changes nothing


def test_formulas_keep_all_digits_of_a_number() -> None:
    model = small_model()
    precise = 0.12345678901234567
    model.add_component(Expression("c", sympy.Float(precise) * model.parameters["k"], _export=False))
    system = compile_model(model)
    assert system.outputs(np.ones(3))[system.output_index("c")] == precise * 0.5


@pytest.mark.parametrize(
    ("formula", "named"),
    [
        (lambda m: pysb.core.time * m.parameters["k"], "expression 'odd'.*depends on time"),
        (lambda m: sympy.gamma(m.parameters["k"]), "expression 'odd'.*'gamma' is not supported"),
        (lambda m: sympy.floor(m.parameters["k"]), "expression 'odd'.*'floor' is not supported"),
        (lambda m: m.parameters["k"] + sympy.oo * sympy.I, "expression 'odd'.*not a finite real number"),
    ],
)
def test_what_engines_cannot_compute_is_refused_by_name(formula, named: str) -> None:
    model = small_model()
    model.add_component(Expression("odd", formula(model), _export=False))
    with pytest.raises(UnsupportedFormula, match=named):
        compile_model(model)


def test_reserved_words_are_refused_as_names() -> None:
    model = small_model()
    model.add_component(Parameter("lambda", 1.0, _export=False))
    with pytest.raises(UnsupportedFormula, match="'lambda' is reserved"):
        compile_model(model)


def test_missing_perl_and_missing_bionetgen_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    import pysb.pathfinder

    def nowhere(program: str) -> str:
        raise Exception(f"The program {program} was not found")

    monkeypatch.setattr(pysb.pathfinder, "get_path", nowhere)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(NetworkGenerationError, match=r"pip install \"nicheloop\[rules\]\""):
        network_from_model(small_model())
    monkeypatch.setenv("PATH", "")
    with pytest.raises(NetworkGenerationError, match="needs Perl"):
        network_from_model(small_model())


def test_expanding_rules_leaves_the_environment_alone() -> None:
    import os

    before = dict(os.environ)
    network_from_model(small_model())
    assert dict(os.environ) == before
