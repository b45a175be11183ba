"""Nodes and the influences between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nicheloop.equations.influence import Influence

MEDIUM = "medium"
"""Place of what is in no cell."""


@dataclass(frozen=True)
class Node:
    """A node of the diagram.

    Attributes
    ----------
    name, label : str
        Identity, and what is written.
    place : str
        ``medium`` or a host.
    mechanism : str
        Module of the biology that it belongs to; empty for other models.
    at : tuple of float or None
        Where it is drawn (mm), if that was laid out by hand.
    changed : bool
        Whether it is a place where K562R differs from K562S.
    """

    name: str
    label: str
    place: str
    mechanism: str = ""
    at: tuple[float, float] | None = None
    changed: bool = False


@dataclass(frozen=True)
class Wiring:
    """Nodes and the influences between them.

    Attributes
    ----------
    title : str
        What was drawn.
    nodes : tuple of Node
        With the places they are in.
    influences : tuple of Influence
        Between nodes, by name.
    same : tuple of str
        Hosts that are wired like the leukaemic one that is drawn.
    """

    title: str
    nodes: tuple[Node, ...]
    influences: tuple[Influence, ...]
    same: tuple[str, ...] = ()

    @property
    def places(self) -> tuple[str, ...]:
        """Places of the nodes, in their order."""
        return tuple(dict.fromkeys(node.place for node in self.nodes))
