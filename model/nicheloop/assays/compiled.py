"""The shipped reaction network, cut to what one vessel can contain, and compiled.

Generating the network takes BioNetGen, so it ships with the package. It is used as long as the source of the
biology is the one it was generated from; after a change that matters it is generated anew and kept in the
user's cache.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nicheloop.assays.units import NANOMOLAR_PER_CELL_PER_ML, solute
from nicheloop.biology import PROMOTERS
from nicheloop.biology.hosts import HOSTS, LEUKAEMIC

if TYPE_CHECKING:
    from nicheloop.equations.network import Network
    from nicheloop.equations.system import System

Floats = NDArray[np.float64]

_HOST = re.compile(r"\bhost='(\w+)'")
_LAYER = re.compile(r"\blayer='(\w+)'")
_PLACE = re.compile(r"\bplace='(\w+)'")
_MONOMER = re.compile(r"\b([A-Za-z]\w*)\(")

ATOL_PER_CELL = 1e-6
"""Absolute tolerance of a cell-borne species: copies per cell ..."""
ATOL_ACTIVITY = 1e-8
"""... or cell equivalents per cell: activities lie between 0 and 1 and matter from about 1e-4 ..."""
ATOL_CELLS = 1e4 * NANOMOLAR_PER_CELL_PER_ML
"""... of a thin culture, 1e4 cells/mL. Cells themselves: 0.01 cells/mL."""
ATOL_MEDIUM = 1e-9
"""Absolute tolerance of a soluble species, nM; 1e-9 nM of IL-1β is 0.02 fg/mL."""
ACTIVITIES = frozenset(
    {
        "ActiveBax",
        "Commitment",
        "IkBa",
        "Ikk",
        "Irak",
        "NuclearNFkB",
        "P38",
        "PCrkL",
        "PErk",
        "PStat5",
        "Stat1",
    }
)
"""Monomers that are fractions, counted in cell equivalents: no molecules."""


# -- the shipped network ------------------------------------------------------------------------------------


@lru_cache(maxsize=4)
def load_network(promoter: str) -> Network:
    """Return the reaction network of the model with one stromal promoter.

    Raises
    ------
    NetworkGenerationError
        If the shipped network does not fit the biology any more and BioNetGen is not there to make a new one.
    """
    from nicheloop.equations.network import Network

    folder = shipped_folder()
    manifest = folder / "manifest.json"
    known = json.loads(manifest.read_text(encoding="utf-8")) if manifest.is_file() else {}
    if known.get("sources") == sources_digest():
        return Network.load(folder / f"{promoter}.json.gz")
    from nicheloop.biology import build_model
    from nicheloop.equations.rules import model_digest

    # A change of the source that leaves the rules as they are (a comment, say) needs no new network.
    model = build_model(stroma_promoter=promoter)
    digest = model_digest(model)
    if known.get("models", {}).get(promoter) == digest:
        return Network.load(folder / f"{promoter}.json.gz")
    return _generated(model, _cache_folder() / f"{promoter}-{digest[:32]}.json.gz")


def _generated(model: Any, cached: Path) -> Network:
    """Read a network from the user's cache, or generate it and keep it there."""
    from nicheloop.equations.network import Network
    from nicheloop.equations.rules import network_from_model

    with contextlib.suppress(OSError, ValueError):  # absent or damaged: made anew
        return Network.load(cached)
    network = network_from_model(model)
    with contextlib.suppress(OSError):  # a cache that cannot be written costs time only
        cached.parent.mkdir(parents=True, exist_ok=True)
        partial = cached.with_suffix(f".{os.getpid()}")
        network.save(partial)
        partial.replace(cached)
    return network


def shipped_folder() -> Path:
    """Where the networks are that ship with the package."""
    return Path(str(resources.files("nicheloop.biology"))) / "networks"


def sources_digest() -> str:
    """SHA-256 of the Python source of the biology (line ends do not count)."""
    folder = resources.files("nicheloop.biology")
    sources = sorted((entry.name, entry) for entry in folder.iterdir() if entry.name.endswith(".py"))
    digest = hashlib.sha256()
    for name, entry in sources:
        digest.update(name.encode() + b"\0" + entry.read_bytes().replace(b"\r\n", b"\n") + b"\0")
    return digest.hexdigest()


def write_networks(folder: Path | None = None) -> None:
    """Generate the networks that ship with the package, with what they were made from; needs BioNetGen.

    After a change of the biology: ``python -m nicheloop.assays.compiled``.
    """
    from nicheloop.biology import build_model
    from nicheloop.equations.rules import model_digest, network_from_model

    folder = folder or shipped_folder()
    folder.mkdir(parents=True, exist_ok=True)
    models = {}
    for promoter in PROMOTERS:
        model = build_model(stroma_promoter=promoter)
        models[promoter] = model_digest(model)
        network_from_model(model).save(folder / f"{promoter}.json.gz")
    manifest = {"sources": sources_digest(), "models": models}
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


def _cache_folder() -> Path:
    from nicheloop.equations.machine import cache_directory

    return cache_directory() / "networks"


# -- what a species is --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Layout:
    """Where every species of a network is: in which cells, or in which layer of the medium.

    Attributes
    ----------
    host : tuple of str
        Host of each species; empty for the medium.
    layer : tuple of str
        ``upper`` or ``lower`` for layered species of the medium; else empty.
    place : tuple of str
        Where a cell is; empty for all other species.
    monomers : tuple of frozenset of str
        What each species is made of.
    """

    host: tuple[str, ...]
    layer: tuple[str, ...]
    place: tuple[str, ...]
    monomers: tuple[frozenset[str], ...]

    @classmethod
    def of(cls, species: Iterable[str]) -> Layout:
        """Read the layout from the names of the species."""
        names = tuple(species)
        host = tuple(next((h for h in _HOST.findall(name) if h in HOSTS), "") for name in names)
        layers = (_LAYER.search(name) for name in names)
        places = (_PLACE.search(name) for name in names)
        return cls(
            host=host,
            layer=tuple(m[1] if m and not h else "" for m, h in zip(layers, host, strict=True)),
            place=tuple(m[1] if m else "" for m in places),
            monomers=tuple(frozenset(_MONOMER.findall(name)) for name in names),
        )

    @cached_property
    def medium(self) -> NDArray[np.bool_]:
        """Whether each species is dissolved in the medium."""
        return np.array([not host for host in self.host])

    def of_host(self, host: str) -> NDArray[np.intp]:
        """Indices of all species that belong to the cells of ``host``."""
        return np.flatnonzero([h == host for h in self.host])

    def cells(self, host: str, place: str | None = None) -> NDArray[np.intp]:
        """Indices of the living cells of ``host``, everywhere or in one place."""
        found = [
            h == host and monomers == {"Cell"} and place in (None, p)
            for h, monomers, p in zip(self.host, self.monomers, self.place, strict=True)
        ]
        return np.flatnonzero(found)

    def atol(self) -> Floats:
        """Absolute tolerance of every species, nM, from the scale of its kind."""
        active = [monomers <= ACTIVITIES for monomers in self.monomers]
        per_cell = np.where(active, ATOL_ACTIVITY, ATOL_PER_CELL)
        return np.where(self.medium, ATOL_MEDIUM, per_cell * ATOL_CELLS)


def home(host: str) -> str:
    """Where cells of a host are when they are seeded."""
    return "suspension" if host in LEUKAEMIC else "stroma"


# -- the compiled system ------------------------------------------------------------------------------------


class Compiled:
    """A system for one set of seeds, with what the assays need to know about its species.

    Attributes
    ----------
    system : System
        Compiled equations.
    layout : Layout
        What its species are.
    kept : tuple of int
        Index of each of its species in the whole network.
    parameters, outputs : dict
        Index of every parameter and of every output, by name.
    anchors : dict
        For every host: one for its living cells, zero for all other species.
    used : ndarray of int
        Parameters on which any rate depends.
    """

    def __init__(self, promoter: str, network: Network) -> None:
        from nicheloop.equations.system import compile_network

        self.promoter = promoter
        self.system: System = compile_network(network)
        self.layout = Layout.of(network.species)
        self.kept = network.kept
        self.position = {full: here for here, full in enumerate(network.kept)}
        self.parameters = {name: i for i, name in enumerate(network.parameters)}
        self._defaults = dict(zip(network.parameters, network.values, strict=True))
        self.outputs = {name: i for i, name in enumerate(self.system.output_names)}
        self.atol = self.layout.atol()
        self.anchors = {host: _ones_at(self.layout.cells(host), self.system.n) for host in HOSTS}
        self.used = _parameters_in(network, [reaction.rate for reaction in network.reactions])
        self._observables = dict(network.observables)

    def vector(self, values: Mapping[str, float]) -> Floats:
        """Return parameters by name as a vector in the order of the system."""
        known = {**self._defaults, **values}
        return np.array([known[name] for name in self.parameters], dtype=float)

    def used_by(self, outputs: Iterable[str]) -> NDArray[np.intp]:
        """Return the indices of the parameters that the formulas of some outputs name."""
        return _parameters_in(self.system.network, outputs)

    def free(self, name: str) -> dict[str, int]:
        """Species of a solute in its free form, by layer (``""`` if it is not layered)."""
        known = solute(name)
        suffixes = {f"_{layer}": layer for layer in ("upper", "lower")} if known.layered else {"": ""}
        return {
            layer: species
            for suffix, layer in suffixes.items()
            for species, _ in self._observables[known.observable + suffix]
        }


def _ones_at(indices: NDArray[np.intp], size: int) -> Floats:
    ones = np.zeros(size)
    ones[indices] = 1.0
    return ones


def _parameters_in(network: Network, texts: Iterable[str]) -> NDArray[np.intp]:
    """Indices of the parameters that occur in formulas, also by way of expressions."""
    formulas = dict(network.expressions)
    words = re.compile(r"[A-Za-z]\w*")
    seen: set[str] = set()
    todo = [word for text in texts for word in words.findall(text)]
    while todo:
        word = todo.pop()
        if word not in seen:
            seen.add(word)
            todo += words.findall(formulas.get(word, ""))
    return np.array([i for i, name in enumerate(network.parameters) if name in seen], dtype=np.intp)


@lru_cache(maxsize=4)
def _whole(promoter: str) -> tuple[Layout, dict[str, tuple[tuple[int, float], ...]]]:
    network = load_network(promoter)
    return Layout.of(network.species), dict(network.observables)


def seeds_of(promoter: str, hosts: Iterable[str], solutes: Iterable[str]) -> frozenset[int]:
    """Species (in the whole network) that a vessel with these cells and treatments starts with."""
    layout, observables = _whole(promoter)
    seeds = {int(i) for host in hosts for i in layout.cells(host, home(host))}
    for name in solutes:
        known = solute(name)
        suffixes = ("_upper", "_lower") if known.layered else ("",)
        seeds |= {i for suffix in suffixes for i, _ in observables[known.observable + suffix]}
    return frozenset(seeds)


@lru_cache(maxsize=64)
def compiled(promoter: str, seeds: frozenset[int]) -> Compiled:
    """Return the compiled system of all that can ever be in a vessel that starts with ``seeds``."""
    return Compiled(promoter, load_network(promoter).restrict(seeds))


@lru_cache(maxsize=16)  # asked for by every parameter set of every run
def stock_system(promoter: str, host: str) -> Compiled:
    """Return the compiled system of a stock culture: one host in drug-free medium."""
    return compiled(promoter, seeds_of(promoter, [host], []))


if __name__ == "__main__":
    write_networks()
