"""Which species can ever differ from zero, given those that do at the start."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

from nicheloop.equations.interpret import propagate

if TYPE_CHECKING:
    from nicheloop.equations.network import Network
    from nicheloop.equations.tape import Tape


def reachable(network: Network, seeds: Iterable[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Species that can become non-zero and reactions that can run.

    Parameters
    ----------
    network : Network
        The whole network.
    seeds : iterable of int
        Species that are non-zero at the start.

    Returns
    -------
    tuple of int, tuple of int
        Species indices and reaction indices, ascending.
    """
    tape = _program(network)
    rates = tape.outputs["rates"]
    present = set(seeds)
    while True:
        known = propagate(tape, present)
        running = [k for k, rate in enumerate(rates) if known[rate] != 0.0]
        grown = present.union(i for k in running for i, _ in network.reactions[k].change)
        if grown == present:
            return tuple(sorted(present)), tuple(running)
        present = grown


@lru_cache(maxsize=4)
def _program(network: Network) -> Tape:
    """The rates of a network; many cuts are made of the same one."""
    from nicheloop.equations.program import build_tape

    return build_tape(network, derivatives=())
