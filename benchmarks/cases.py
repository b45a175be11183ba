"""The models that are measured, each with its time points, tolerances and the parameters that vary."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nicheloop.equations import Network, System, compile_network, network_from_model

Reals = NDArray[np.float64]

GRADIENT_COLUMNS = 70
SPREAD = 0.25


@dataclass(frozen=True)
class Case:
    """One model, one experiment.

    Attributes
    ----------
    name, title : str
        Short name, and what is run.
    network : Network
        The equations; its values and initial amounts are those of the default run.
    times : float[t]
        Equally spaced time points, all of which are asked for.
    rtol : float
        Relative tolerance asked of every engine.
    atol : float[s]
        Absolute tolerance per species; engines that take one number get the smallest.
    make_model : callable
        The PySB model, for PySB's own simulator.
    """

    name: str
    title: str
    network: Network
    times: Reals
    rtol: float
    atol: Reals
    make_model: Callable[[], Any]

    @cached_property
    def system(self) -> System:
        """The compiled equations."""
        return compile_network(self.network)

    @cached_property
    def initial(self) -> Reals:
        """Initial amounts[s]; they do not depend on the parameters that vary."""
        return self.system.initial()

    @cached_property
    def varied(self) -> tuple[str, ...]:
        """Names of the first 70 parameters that the right-hand side depends on and that are not zero."""
        tape = self.system.tape
        used = sorted(int(tape.ops[i].literal) for i in tape.needed(["rhs"]) if tape.ops[i].code == "p")
        of_initials = {int(tape.ops[i].literal) for i in tape.needed(["initials"]) if tape.ops[i].code == "p"}
        free = [i for i in used if self.network.values[i] != 0 and i not in of_initials]
        return tuple(self.network.parameters[i] for i in free[:GRADIENT_COLUMNS])

    @cached_property
    def positions(self) -> NDArray[np.intp]:
        """Index of every parameter that varies."""
        return np.array([self.system.parameter_index(name) for name in self.varied], dtype=np.intp)

    @property
    def default(self) -> Reals:
        """Default values[v] of the parameters that vary."""
        return np.array(self.network.values)[self.positions]

    def draws(self, count: int, seed: int = 1) -> Reals:
        """Values[count, v]: each parameter log-normal about its default; the first row is the default."""
        noise = np.random.default_rng(seed).normal(0.0, SPREAD, (count, len(self.varied)))
        noise[0] = 0.0
        return self.default * np.exp(noise)

    def vectors(self, rows: Reals) -> Reals:
        """All parameters[n, p] for values[n, v] of those that vary."""
        full = np.tile(np.array(self.network.values), (len(rows), 1))
        full[:, self.positions] = rows
        return full


def _pysb_case(name: str, title: str, model: Any, times: Reals, atol: float) -> Case:
    network = network_from_model(model)
    return Case(name, title, network, times, 1e-6, np.full(len(network.species), atol), lambda: model)


def earm() -> Case:
    """EARM 1.0, extrinsic apoptosis: 58 species."""
    from pysb.examples import earm_1_0

    return _pysb_case(
        "earm", "EARM 1.0, 20,000 s, 100 time points", earm_1_0.model, np.linspace(0, 2e4, 100), 1e-3
    )


def tyson() -> Case:
    """Tyson's cell cycle oscillator: 5 species."""
    from pysb.examples import tyson_oscillator

    return _pysb_case(
        "tyson",
        "Tyson's oscillator, 100 min, 100 time points",
        tyson_oscillator.model,
        np.linspace(0, 100, 100),
        1e-6,
    )


def cascade() -> Case:
    """A generated cascade of covalent modification cycles: 300 species, see `cascade_model`."""
    return _pysb_case(
        "cascade",
        "generated cascade of 50 modification cycles, 500 s, 50 time points",
        cascade_model(50),
        np.linspace(0, 500, 50),
        1e-6,
    )


def cascade_model(stages: int, seed: int = 1) -> Any:
    """Stages of phosphorylation with explicit enzyme complexes, wired at random.

    Stage m has a substrate S (100), its active form P (0), a phosphatase F (10) and three complexes. Two
    kinases turn S into P: those of the stage before and of one drawn from the five stages around; the first
    stage takes a constant input instead. Each of the three cycles has binding (log-normal about 0.01, spread
    0.5), dissociation (about 0.1) and catalysis (about 1). All from mass action: 6 species and 9 reactions
    per stage, and one input.
    """
    from pysb import Initial, Model, Monomer, Parameter, Rule

    rng = np.random.default_rng(seed)
    model = Model("cascade", _export=False)

    def add(component: Any) -> Any:
        model.add_component(component)
        return component

    def constant(name: str, typical: float) -> Any:
        return add(Parameter(name, typical * float(np.exp(rng.normal(0, 0.5))), _export=False))

    totals = {
        n: add(Parameter(f"{n}_0", v, _export=False)) for n, v in (("S", 100.0), ("F", 10.0), ("I", 5.0))
    }
    species = {"I": add(Monomer("I", _export=False))}
    for m in range(stages):
        for kind in "SPF":
            species[f"{kind}{m}"] = add(Monomer(f"{kind}{m}", _export=False))
    for m in range(stages):
        near = [j for j in range(m - 3, m + 3) if 0 <= j < stages and j not in (m, m - 1)]
        second = f"P{rng.choice(near)}"
        first = f"P{m - 1}" if m else "I"
        reactions = ((first, f"S{m}", f"P{m}"), (second, f"S{m}", f"P{m}"), (f"F{m}", f"P{m}", f"S{m}"))
        for k, (enzyme, substrate, product) in enumerate(reactions):
            label = f"{m}_{k}"
            bound = add(Monomer(f"C{label}", _export=False))()
            on, off, cat = (constant(f"{r}{label}", v) for r, v in (("kf", 0.01), ("kr", 0.1), ("kc", 1.0)))
            e, s, p = species[enzyme](), species[substrate](), species[product]()
            add(Rule(f"bind{label}", e + s | bound, on, off, _export=False))
            add(Rule(f"turn{label}", bound >> e + p, cat, _export=False))
    model.add_initial(Initial(species["I"](), totals["I"], _export=False))
    for m in range(stages):
        for kind in "SF":
            model.add_initial(Initial(species[f"{kind}{m}"](), totals[kind], _export=False))
    return model


def own() -> Case:
    """Our model: K562R from the stock culture, 1 µM imatinib, 72 h; the stock is that of default values."""
    from dataclasses import replace

    from nicheloop.assays.library import load_scenario
    from nicheloop.assays.runs.plan import plan_of
    from nicheloop.assays.runs.specimen import Specimen
    from nicheloop.assays.settings import Settings
    from nicheloop.biology import build_model

    plan = plan_of(load_scenario("imatinib_k562r"))
    start = Specimen({}, Settings()).start(plan)
    network = replace(
        plan.compiled.system.network,
        values=tuple(start.vector.tolist()),
        initials=tuple((i, repr(float(y))) for i, y in enumerate(start.state) if y != 0),
    )
    atol = plan.compiled.atol
    times = np.linspace(0, 72, 73)
    return Case(
        "own", "nicheloop: K562R with imatinib, 72 h, hourly", network, times, 1e-6, atol, build_model
    )


CASES: Mapping[str, Callable[[], Case]] = {"earm": earm, "tyson": tyson, "cascade": cascade, "own": own}
