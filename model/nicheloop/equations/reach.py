"""Which species can ever differ from zero, given those that do at the start."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from nicheloop.equations.interpret import propagate

if TYPE_CHECKING:
    from nicheloop.equations.network import Network


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
    from nicheloop.equations.program import build_tape

    tape = build_tape(network, derivatives=())
    rates = tape.outputs["rates"]
    present = set(seeds)
    while True:
        known = propagate(tape, present)
        running = [k for k, rate in enumerate(rates) if known[rate] != 0.0]
        grown = present.union(i for k in running for i, _ in network.reactions[k].change)
        if grown == present:
            return tuple(sorted(present)), tuple(running)
        present = grown
