"""Models, networks and compiled systems that the tests of the biology share."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nicheloop.biology import PROMOTERS, build_model
from nicheloop.biology.priors import sample_parameters
from nicheloop.equations.rules import network_from_model
from nicheloop.equations.system import System, compile_network

DRAWS = 50
SEED = 20160215
FRACTIONS = frozenset(("PCrkL", "PStat5", "PErk", "Irak", "Ikk", "NuclearNFkB", "IkBa", "P38")) | {
    "Stat1",
    "ActiveBax",
    "Commitment",
}
"""Monomers that are activities, counted in cell equivalents: no molecules."""


@cache
def _model(promoter: str) -> Any:
    model = build_model(stroma_promoter=promoter)
    network_from_model(model)  # also expands the rules of the model itself
    return model


@cache
def _system(promoter: str) -> System:
    return compile_network(network_from_model(_model(promoter)))


@pytest.fixture(scope="session", params=PROMOTERS)
def model(request: pytest.FixtureRequest) -> Any:
    """The model with either promoter, its rules expanded into reactions."""
    return _model(request.param)


@pytest.fixture(scope="session")
def expanded() -> Callable[[str], Any]:
    """The model with a given promoter, its rules expanded."""
    return _model


@pytest.fixture(scope="session", params=PROMOTERS)
def system(request: pytest.FixtureRequest) -> System:
    """The compiled model with either promoter, all hosts and drugs in it."""
    return _system(request.param)


@pytest.fixture(scope="session")
def nfkb_system() -> System:
    """The compiled default model, all hosts and drugs in it."""
    return _system("nfkb")


@pytest.fixture(scope="session")
def draws() -> NDArray[np.object_]:
    """Parameter sets from the prior: dictionaries of numbers."""
    sets = sample_parameters(DRAWS, SEED)
    return np.array([{name: float(v[i]) for name, v in sets.items()} for i in range(DRAWS)])


class Well:
    """What the species of a system are, and random states of it.

    Attributes
    ----------
    host : ndarray of str
        Host whose living cells carry each species; empty for the medium and for dead cells.
    counts : dict of str to ndarray
        Copies of each monomer of the model in every species.
    activity : ndarray of bool
        Whether a species is an activity.
    flow : ndarray of shape (species, reactions)
        Stoichiometry.
    """

    def __init__(self, system: System) -> None:
        self.system = system
        names = system.species
        hosts = [re.search(r"host='(K562S|K562R|stroma)'", name) for name in names]
        self.dead = np.array([name.startswith("DeadCell(") for name in names])
        self.host = np.array([m[1] if m else "" for m in hosts])
        self.host[self.dead] = ""
        self.cell = np.array([name.startswith("Cell(") for name in names])
        monomers = [re.findall(r"(\w+)\(", name) for name in names]
        self.counts = {
            m.name: np.array([float(found.count(m.name)) for found in monomers])
            for m in _model("nfkb").monomers
        }
        self.activity = sum(self.counts[m] for m in FRACTIONS) > 0
        self.flow = np.zeros((system.n, len(system.network.reactions)))
        for k, reaction in enumerate(system.network.reactions):
            for i, change in reaction.change:
                self.flow[i, k] = change

    def state(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """1e4 to 1e6 cells/mL of every host, up to 1e5 copies and 0.3 of each activity per cell, up to 100 nM
        in the medium."""
        y = 10 ** rng.uniform(-6, 2, self.system.n)
        y[self.cell] = 10 ** rng.uniform(-8, -6, self.cell.sum())
        for host in ("K562S", "K562R", "stroma"):
            carried = (self.host == host) & ~self.cell
            per_cell = 10 ** rng.uniform(-2, 5, self.system.n)
            per_cell[self.activity] = rng.uniform(0, 0.3, self.activity.sum())
            y[carried] = y[self.cell & (self.host == host)].sum() * per_cell[carried]
        return y

    def parameters(self, values: Mapping[str, float]) -> NDArray[np.float64]:
        """Values by name as the vector of the system (those it has no use for are left out)."""
        known = set(self.system.parameters)
        return self.system.parameter_vector({k: v for k, v in values.items() if k in known})

    def turnover(self, y: NDArray[np.float64], p: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum of all rates that make or remove each species: the scale of rounding errors."""
        return np.abs(self.flow) @ np.abs(self.system.rates(y, p))


@pytest.fixture(scope="session")
def well(system: System) -> Well:
    """Species of the whole model, with either promoter."""
    return Well(system)


@pytest.fixture(scope="session")
def nfkb_well(nfkb_system: System) -> Well:
    """Species of the whole default model."""
    return Well(nfkb_system)


@pytest.fixture(scope="session")
def cells_alone() -> Callable[[str], Well]:
    """The part of the default model that one host in fresh medium reaches."""

    @cache
    def cut(host: str) -> Well:
        network = _system("nfkb").network
        place = "stroma" if host == "stroma" else "suspension"
        seed = network.species.index(f"Cell(host='{host}', place='{place}')")
        return Well(compile_network(network.restrict([seed])))

    return cut


@pytest.fixture(scope="session")
def many_draws() -> list[dict[str, float]]:
    """More parameter sets than needed, where not every draw can be used."""
    sets = sample_parameters(2 * DRAWS, SEED + 1)
    return [{name: float(v[i]) for name, v in sets.items()} for i in range(2 * DRAWS)]
