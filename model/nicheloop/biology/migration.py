"""CXCL11 receptors of leukaemic cells and migration into the stroma (or through the insert).

CXCR3 binds CXCL11, is internalised and degraded, and comes back by new synthesis [meiser2008]. ACKR3, which
K562 carries [kim2015], takes CXCL11 up and does not drive migration [naumann2010]. A cell feels the
*difference* of CXCR3 occupancy across it: directed migration follows occupancy at the lower minus occupancy
at the upper concentration, times the receptors left on the surface. So uniform CXCL11 directs nothing, and a
dose-response is a bell. Stroma also attracts by other chemokines (CXCL12/CXCR4), which is its own parameter.
"""

from __future__ import annotations

from typing import Any

import sympy

from nicheloop.biology.builder import ModelBuilder
from nicheloop.biology.hosts import LEUKAEMIC
from nicheloop.biology.medium import LAYERS, layer_fraction


def state(b: ModelBuilder) -> None:
    """Declare receptors and antagonist; express the signal a cell sees across itself."""
    hosts = list(LEUKAEMIC)
    b.monomer("CXCR3", ["lig", "host"], {"host": hosts})
    b.monomer("ACKR3", ["lig", "host"], {"host": hosts})
    b.monomer("CXCR3Antagonist", ["r"])
    b.observe("cxcr3_antagonist_medium", b["CXCR3Antagonist"](r=None))
    for layer in LAYERS:
        b.expression(f"cxcr3_occupancy_{layer}", _occupancy(b, layer))
    difference = b["cxcr3_occupancy_lower"] - b["cxcr3_occupancy_upper"]
    # Differences below the resolution of a cell, or against the stroma, do not direct it.
    resolution = b.p("gradient_resolution")
    felt = difference**2 / (difference + resolution)
    b.expression("cxcr3_gradient", sympy.Piecewise((felt, difference > 0), (0, True)))
    for host in hosts:
        surface = b.per_cell(b.observe(f"cxcr3_{host}", b["CXCR3"](host=host)), host)
        b.expression(f"cxcr3_surface_{host}", surface)
        b.observe(f"ackr3_{host}", b["ACKR3"](host=host))


def _occupancy(b: ModelBuilder, layer: str) -> Any:
    """Equilibrium occupancy by intact CXCL11 in a layer, with clipped form and antagonist competing."""
    kd = b.p("cxcl11_cxcr3_kd")
    clipped = b[f"cxcl11_clipped_local_{layer}"] / (kd * b.p("cxcl11_clipped_affinity_loss"))
    antagonist = b["cxcr3_antagonist_medium"] / b.p("cxcr3_antagonist_kd")
    signal = b[f"cxcl11_local_{layer}"] / kd
    return signal / (1 + signal + clipped + antagonist)


def rules(b: ModelBuilder) -> None:
    """Receptor binding and trafficking, movement of cells."""
    for host in LEUKAEMIC:
        _cxcr3(b, host)
        _antagonist(b, host)
        _ackr3(b, host)
        _movement(b, host)


def _cxcr3(b: ModelBuilder, host: str) -> None:
    """Suspension cells bind CXCL11 in the upper layer; the bound receptor is internalised for good."""
    free = b["CXCR3"](lig=None, host=host)
    b.made_by_cells("CXCR3", free, host, b.host_p("cxcr3_copies", host), b.p("cxcr3_turnover"))
    b.turns_over("CXCR3", free, host, b.p("cxcr3_turnover"))
    b.dies_with_cell("CXCR3", free, host)
    on = b.rate(f"cxcr3_binding_rate_{host}", b.p("chemokine_kon") / layer_fraction(b, "upper"))
    for form in ("intact", "clipped"):
        ligand = b["CXCL11"](r=None, layer="upper", form=form)
        bound = b["CXCR3"](lig=1, host=host) % b["CXCL11"](r=1, layer="upper", form=form)
        weaker = b.p("cxcl11_clipped_affinity_loss") if form == "clipped" else 1
        off = b.rate(
            f"cxcr3_release_rate_{form}_{host}", b.p("chemokine_kon") * b.p("cxcl11_cxcr3_kd") * weaker
        )
        b.rule(f"CXCR3_binds_{form}_{host}", free + ligand >> bound, on)
        b.rule(f"CXCR3_releases_{form}_{host}", bound >> free + ligand, off)
        # Only intact CXCL11 makes the receptor go in; the clipped form leaves it to its turnover.
        fate = b.p("cxcr3_internalisation") if form == "intact" else b.p("cxcr3_turnover")
        b.turns_over(f"CXCR3_{form}", bound, host, fate)
        b.dies_with_cell(f"CXCR3_{form}", bound, host)


def _antagonist(b: ModelBuilder, host: str) -> None:
    """A CXCR3 antagonist occupies the receptor and keeps it on the surface."""
    free, drug = b["CXCR3"](lig=None, host=host), b["CXCR3Antagonist"](r=None)
    bound = b["CXCR3"](lig=1, host=host) % b["CXCR3Antagonist"](r=1)
    off = b.rate(f"antagonist_release_rate_{host}", b.p("chemokine_kon") * b.p("cxcr3_antagonist_kd"))
    b.rule(f"antagonist_binds_{host}", free + drug >> bound, b.p("chemokine_kon"))
    b.rule(f"antagonist_leaves_{host}", bound >> free + drug, off)
    # A receptor lost with the drug on it gives the drug back.
    lost = b.rate(f"antagonist_bound_loss_{host}", b.p("cxcr3_turnover") + b[f"death_rate_{host}"])
    b.rule(f"CXCR3_lost_with_antagonist_{host}", bound >> drug, lost)


def _ackr3(b: ModelBuilder, host: str) -> None:
    """ACKR3 takes up CXCL11 of either form, destroys it and recycles."""
    free = b["ACKR3"](lig=None, host=host)
    b.made_by_cells("ACKR3", free, host, b.host_p("ackr3_copies", host), b.p("ackr3_turnover"))
    b.turns_over("ACKR3", free, host, b.p("ackr3_turnover"))
    b.dies_with_cell("ACKR3", free, host)
    on = b.rate(f"ackr3_binding_rate_{host}", b.p("chemokine_kon") / layer_fraction(b, "upper"))
    off = b.rate(f"ackr3_release_rate_{host}", b.p("chemokine_kon") * b.p("cxcl11_ackr3_kd"))
    for form in ("intact", "clipped"):
        ligand = b["CXCL11"](r=None, layer="upper", form=form)
        bound = b["ACKR3"](lig=1, host=host) % b["CXCL11"](r=1, layer="upper", form=form)
        b.rule(f"ACKR3_binds_{form}_{host}", free + ligand >> bound, on)
        b.rule(f"ACKR3_releases_{form}_{host}", bound >> free + ligand, off)
        b.rule(f"ACKR3_scavenges_{form}_{host}", bound >> free, b.p("ackr3_uptake"))
        b.dies_with_cell(f"ACKR3_{form}", bound, host)


def _movement(b: ModelBuilder, host: str) -> None:
    """Undirected motility, directed migration along CXCL11, other stromal attraction, and leaving."""
    cell = b["Cell"]
    sensing = b[f"cxcr3_surface_{host}"] / b.p("cxcr3_copies_K562S")
    directed = b.p("migration_directed") * sensing * b["cxcr3_gradient"]
    other = b.p("migration_other_stroma") * b["stroma_presence"]
    rate = b.rate(f"migration_rate_{host}", b.p("migration_random") + other + directed)
    above, below = cell(host=host, place="suspension"), cell(host=host, place="stroma")
    b.rule(f"{host}_migrates", above >> below, rate)
    b.rule(f"{host}_leaves_stroma", below >> above, b.p("migration_leaving"))
