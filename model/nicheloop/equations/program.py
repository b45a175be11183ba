"""The straight-line program of a network: its right-hand side, outputs, initial amounts and derivatives."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from nicheloop.equations.derive import Gradients, sparse_rows
from nicheloop.equations.formula import compile_formula
from nicheloop.equations.network import Network
from nicheloop.equations.tape import Pattern, Tape, TapeBuilder

DERIVATIVES = ("jacobian", "rhs_p", "outputs_y", "outputs_p", "initials_p")


@dataclass(frozen=True)
class _Values:
    """Value ids of everything a network names."""

    species: tuple[int, ...]
    parameters: tuple[int, ...]
    observables: tuple[int, ...]
    expressions: tuple[int, ...]
    rates: tuple[int, ...]
    initials: tuple[int, ...]
    terms: tuple[tuple[tuple[float, int], ...], ...]  # right-hand side: (coefficient, rate id) per species


def build_tape(network: Network, derivatives: Collection[str] = ("jacobian",)) -> Tape:
    """Put a network on a tape.

    Parameters
    ----------
    network : Network
        Reactions and formulas.
    derivatives : collection of str
        Any of ``jacobian`` (d rhs / d y), ``rhs_p``, ``outputs_y``, ``outputs_p``, ``initials_p`` (by
        parameters); each becomes an output with a sparse pattern of that name.

    Returns
    -------
    Tape
        With outputs ``rhs``, ``rates``, ``outputs``, ``initials`` and the derivatives.

    Raises
    ------
    UnsupportedFormula
        If a formula cannot be computed; the message names it.
    ValueError
        If an unknown derivative is asked for.
    """
    unknown = sorted(set(derivatives) - set(DERIVATIVES))
    if unknown:
        raise ValueError(f"unknown derivatives {unknown}; known: {', '.join(DERIVATIVES)}")
    builder = TapeBuilder(len(network.species), len(network.parameters))
    values = _place(network, builder)
    rhs = [_combine(builder, terms) for terms in values.terms]
    outputs = {
        "rhs": rhs,
        "rates": list(values.rates),
        "outputs": [*values.observables, *values.expressions],
        "initials": list(values.initials),
    }
    patterns: dict[str, Pattern] = {}
    _differentiate(builder, values, derivatives, outputs, patterns)
    return builder.freeze(outputs, patterns)


def _place(network: Network, builder: TapeBuilder) -> _Values:
    species = tuple(builder.y(i) for i in range(len(network.species)))
    parameters = tuple(builder.p(i) for i in range(len(network.parameters)))
    names = {f"__s{i}": value for i, value in enumerate(species)}
    names.update(zip(network.parameters, parameters, strict=True))
    observables = []
    for name, weights in network.observables:
        terms = [(weight, species[i]) for i, weight in weights]
        names[name] = _combine(builder, terms)
        observables.append(names[name])
    expressions = []
    for name, text in network.expressions:
        names[name] = compile_formula(text, names, builder, f"expression '{name}'")
        expressions.append(names[name])
    rates = _rates(network, names, builder)
    initials = [builder.const(0.0)] * len(species)
    for i, text in network.initials:
        initials[i] = compile_formula(text, names, builder, f"initial amount of {network.species[i]}")
    return _Values(
        species,
        parameters,
        tuple(observables),
        tuple(expressions),
        rates,
        tuple(initials),
        _balance(network, rates),
    )


def _rates(network: Network, names: Mapping[str, int], builder: TapeBuilder) -> tuple[int, ...]:
    return tuple(
        compile_formula(reaction.rate, names, builder, f"rate of reaction {i}")
        for i, reaction in enumerate(network.reactions)
    )


def _balance(network: Network, rates: tuple[int, ...]) -> tuple[tuple[tuple[float, int], ...], ...]:
    terms: list[list[tuple[float, int]]] = [[] for _ in network.species]
    for reaction, rate in zip(network.reactions, rates, strict=True):
        for i, change in reaction.change:
            terms[i].append((float(change), rate))
    return tuple(tuple(t) for t in terms)


def _combine(builder: TapeBuilder, terms: Collection[tuple[float, int]]) -> int:
    return builder.total([builder.mul(builder.const(weight), value) for weight, value in terms])


def _differentiate(
    builder: TapeBuilder,
    values: _Values,
    derivatives: Collection[str],
    outputs: dict[str, list[int]],
    patterns: dict[str, Pattern],
) -> None:
    named = [*values.observables, *values.expressions]
    single = {
        "outputs": [((1.0, value),) for value in outputs["outputs"]],
        "initials": [((1.0, value),) for value in values.initials],
    }
    for suffix, inputs in (("y", values.species), ("p", values.parameters)):
        gradients = Gradients(builder, {value: i for i, value in enumerate(inputs)}, named)
        for name in DERIVATIVES:
            source, _, by = ("rhs_y" if name == "jacobian" else name).partition("_")
            if name not in derivatives or by != suffix:
                continue
            rows = [gradients.of(terms) for terms in (values.terms if source == "rhs" else single[source])]
            patterns[name], outputs[name] = sparse_rows(rows, len(inputs))
