from __future__ import annotations

import numpy as np
import pytest
import sympy

from nicheloop.equations import Network, Reaction, build_tape, compile_network
from nicheloop.equations.interpret import evaluate
from nicheloop.equations.program import DERIVATIVES
from nicheloop.equations.tape import Tape


def dense(tape: Tape, name: str, y: np.ndarray, p: np.ndarray) -> np.ndarray:
    pattern = tape.patterns[name]
    matrix = np.zeros(pattern.shape)
    matrix[list(pattern.rows), list(pattern.cols)] = evaluate(tape, name, list(y), list(p))
    return matrix


def symbolic_rhs(network: Network) -> tuple[list[sympy.Expr], list[sympy.Symbol], list[sympy.Symbol]]:
    """The right-hand side by SymPy alone, all names inlined."""
    species = [sympy.Symbol(f"__s{i}", positive=True) for i in range(len(network.species))]
    parameters = [sympy.Symbol(p, positive=True) for p in network.parameters]
    names = {s.name: s for s in [*species, *parameters]}
    for name, weights in network.observables:
        names[name] = sum(w * species[i] for i, w in weights)
    for name, text in network.expressions:
        names[name] = sympy.sympify(text, locals=names)
    rhs = [sympy.Integer(0)] * len(species)
    for reaction in network.reactions:
        rate = sympy.sympify(reaction.rate, locals=names)
        for i, change in reaction.change:
            rhs[i] += change * rate
    return rhs, species, parameters


@pytest.mark.parametrize("state", [(0.3, 0.5, 0.2, 0.7), (0.05, 0.1, 0.2, 0.01), (2.0, 3.0, 1.0, 0.5)])
def test_rhs_and_jacobians_equal_those_of_sympy(rich: Network, state: tuple[float, ...]) -> None:
    rhs, species, parameters = symbolic_rhs(rich)
    values = dict(zip([*species, *parameters], [*state, *rich.values], strict=True))
    system = compile_network(rich)
    expected = [float(f.subs(values)) for f in rhs]
    np.testing.assert_allclose(system.rhs(state), expected, rtol=1e-12, atol=1e-14)
    tape = build_tape(rich, ("jacobian", "rhs_p"))
    for name, by in (("jacobian", species), ("rhs_p", parameters)):
        matrix = [[float(sympy.diff(f, v).subs(values)) for v in by] for f in rhs]
        found = dense(tape, name, np.array(state), np.array(rich.values))
        np.testing.assert_allclose(found, matrix, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(
        system.jacobian(state), dense(tape, "jacobian", np.array(state), np.array(rich.values)), rtol=1e-14
    )


def random_network(seed: int, n: int = 40, reactions: int = 110, expressions: int = 40) -> Network:
    """Mass action, Hill terms, quotients and choices at random; expressions build on one another."""
    r = np.random.default_rng(seed)
    parameters = [f"k{i}" for i in range(reactions)]
    observables = tuple(
        (f"o{i}", tuple((int(j), float(r.integers(1, 3))) for j in np.sort(r.choice(n, 4, replace=False))))
        for i in range(25)
    )
    formulas = []
    for i in range(expressions):
        o, other = (f"o{k}" for k in r.choice(25, 2, replace=False))
        before = formulas[int(r.integers(i))][0] if i else "k0"
        kinds = (
            f"{o}/(k{i} + {o} + {before})",
            f"{o}**k{i}/(k{i}**k{i} + {o}**k{i})",
            f"Piecewise(({o}/{other}, {other} > 1e-3), (0, True))*{before}",
            f"Min({before}, {o})*k{i} - exp(-{other})",
        )
        formulas.append((f"e{i}", kinds[int(r.integers(4))]))
    lines = []
    for i in range(reactions):
        a, b, c = (int(j) for j in r.choice(n, 3, replace=False))
        factor = f"k{i}" if r.random() < 0.5 else f"e{int(r.integers(expressions))}"
        change = {a: -1, b: -1, c: 1 + int(r.integers(2))}
        lines.append(Reaction(f"{factor}*__s{a}*__s{b}", tuple(sorted(change.items()))))
    values = tuple(float(v) for v in r.uniform(0.5, 2.0, reactions))
    species = tuple(f"s{i}" for i in range(n))
    initials = ((0, "k0*k1"), (3, "k2**2"))
    return Network(
        f"random{seed}",
        species,
        tuple(parameters),
        values,
        tuple(formulas),
        observables,
        tuple(lines),
        initials,
    )


@pytest.mark.parametrize("seed", range(4))
def test_all_derivatives_equal_central_differences(seed: int) -> None:
    network = random_network(seed)
    r = np.random.default_rng(100 + seed)
    y, p = r.uniform(0.2, 2.0, len(network.species)), np.array(network.values)
    system, tape = compile_network(network), build_tape(network, DERIVATIVES)
    functions = {
        "jacobian": lambda v: system.rhs(v, p),
        "outputs_y": lambda v: system.outputs(v, p),
        "rhs_p": lambda v: system.rhs(y, v),
        "outputs_p": lambda v: system.outputs(y, v),
        "initials_p": system.initial,
    }
    for name, function in functions.items():
        at = y if name in ("jacobian", "outputs_y") else p
        steps = 1e-5 * np.eye(at.size)
        difference = np.array([(function(at + e) - function(at - e)) / 2e-5 for e in steps]).T
        np.testing.assert_allclose(dense(tape, name, y, p), difference, rtol=2e-6, atol=2e-6, err_msg=name)
    np.testing.assert_allclose(system.jacobian(y, p), dense(tape, "jacobian", y, p), rtol=1e-11, atol=1e-12)


def test_long_programs_equal_the_interpreter() -> None:
    network = random_network(9, n=60, reactions=300, expressions=60)
    system = compile_network(network)
    assert len(system.tape.needed(["jacobian"])) > 1000  # cut into several pieces by the compiler
    y, p = np.random.default_rng(1).uniform(0, 2, 60), np.array(network.values)
    for name, found in (("rhs", system.rhs(y)), ("rates", system.rates(y)), ("outputs", system.outputs(y))):
        np.testing.assert_allclose(found, evaluate(system.tape, name, list(y), list(p)), rtol=1e-13)


def test_the_branch_not_taken_leaves_no_nan() -> None:
    network = Network(
        name="guard",
        species=("cells", "x"),
        parameters=("k", "h"),
        values=(2.0, 1.5),
        observables=(("c", ((0, 1.0),)), ("free", ((1, 1.0),))),
        expressions=(
            ("per_cell", "free/c"),  # 0/0 without cells
            ("guarded", "Piecewise((per_cell, c > 0), (0, True))"),
            ("hill", "free**h/(k**h + free**h)"),
        ),
        reactions=(Reaction("k*guarded*__s1", ((1, -1),)), Reaction("hill*__s0", ((1, 1),))),
        initials=(),
    )
    system, tape = compile_network(network), build_tape(network, ("jacobian", "rhs_p"))
    y, p = np.zeros(2), np.array(network.values)
    assert np.isnan(system.outputs(y)[2])  # the unguarded expression itself says so
    np.testing.assert_array_equal(system.rhs(y), 0.0)
    np.testing.assert_array_equal(system.jacobian(y), 0.0)
    np.testing.assert_array_equal(dense(tape, "rhs_p", y, p), 0.0)


def test_wide_expressions_are_shared_and_not_inlined() -> None:
    n = 100
    names = tuple(f"s{i}" for i in range(n))
    chain = tuple((f"e{i}", f"{'total' if i == 0 else f'e{i - 1}'}/(1 + total)") for i in range(30))
    reactions = tuple(Reaction(f"e29*__s{i}", ((i, -1),)) for i in range(n))
    network = Network(
        "wide", names, (), (), chain, (("total", tuple((i, 1.0) for i in range(n))),), reactions, ()
    )
    tape = build_tape(network)
    assert len(tape.patterns["jacobian"]) == n * n
    assert (
        len(tape.needed(["jacobian"])) < 2.5 * n * n
    )  # one product per entry; the chain costs once per column


def test_a_negative_amount_under_a_real_power_is_zero_not_nan() -> None:
    network = Network("power", ("x",), ("h",), (1.5,), (), (), (Reaction("__s0**h", ((0, 1),)),), ())
    system = compile_network(network)
    assert system.rhs([-1e-20])[0] == 0.0
    assert system.jacobian([-1e-20])[0, 0] == 0.0
    assert system.rhs([4.0])[0] == pytest.approx(8.0)
    assert system.rhs([-2.0], [3.0])[0] == -8.0
    assert np.isnan(system.rhs([np.nan])[0])


def test_unknown_derivatives_are_refused(rich: Network) -> None:
    with pytest.raises(ValueError, match="hessian"):
        build_tape(rich, ("hessian",))
