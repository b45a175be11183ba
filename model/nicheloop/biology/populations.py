"""Populations: division with crowding, death by what survival decides, dead cells that linger.

Leukaemic cells are in suspension or have migrated into the stroma (below the insert, in a transwell).
Contact with stroma protects in a way that needs no IL-1: FGF2 [traer2014] and other soluble factors are
known, so it has its own parameter.
"""

from __future__ import annotations

from nicheloop.biology.builder import ModelBuilder, saturation
from nicheloop.biology.hosts import HOSTS, LEUKAEMIC

PLACES = ("suspension", "stroma")


def places(host: str) -> tuple[str, ...]:
    """Where cells of a host can be."""
    return PLACES if host in LEUKAEMIC else ("stroma",)


def cells(b: ModelBuilder) -> None:
    """Declare cells and their counts; everything else is expressed per cell."""
    cell = b.monomer("Cell", ["host", "place"], {"host": list(HOSTS), "place": list(PLACES)})
    dead = b.monomer("DeadCell", ["host"], {"host": list(HOSTS)})
    for host in HOSTS:
        b.observe(f"cells_{host}", cell(host=host))
        b.observe(f"dead_{host}", dead(host=host))
        if host in LEUKAEMIC:
            for place in PLACES:
                b.observe(f"cells_{host}_{place}", cell(host=host, place=place))
    total = sum((b[f"cells_{host}"] for host in LEUKAEMIC), start=0)
    capacity = b.p("capacity") * b.p("nM_per_cell_per_mL")
    b.expression("leukaemic_crowding", 1 / (1 + (total / capacity) ** 2))
    stroma_capacity = b.p("capacity_stroma") * b.p("nM_per_cell_per_mL")
    b.expression("stroma_crowding", 1 / (1 + (b["cells_stroma"] / stroma_capacity) ** 2))
    contact = b.p("contact_half_density") * b.p("nM_per_cell_per_mL")
    b.expression("stroma_presence", saturation(b["cells_stroma"], contact))


def state(b: ModelBuilder) -> None:
    """Division and death rate of every host, per cell and hour."""
    for host in LEUKAEMIC:
        drive = b[f"proliferation_drive_{host}"]
        il1 = 1 + b.p("il1_proliferation_effect") * b[f"nuclear_nfkb_{host}"]
        b.expression(
            f"division_rate_{host}",
            b.host_p("division_max", host)
            * saturation(drive, b.p("proliferation_half_activity"))
            * il1
            * b["leukaemic_crowding"],
        )
        apoptosis = b.p("death_max") * b[f"commitment_{host}"]
        shelter = 1 - b.p("contact_protection") * b["stroma_presence"]
        background = b.p("death_basal") + b.p("uniform_death")
        b.expression(f"death_rate_{host}_suspension", background + apoptosis)
        b.expression(f"death_rate_{host}_stroma", background + apoptosis * shelter)
        deaths = sum(
            (b[f"death_rate_{host}_{place}"] * b[f"cells_{host}_{place}"] for place in PLACES), start=0
        )
        b.expression(f"death_rate_{host}", b.per_cell(deaths, host))
        b.expression(f"growth_rate_{host}", b[f"division_rate_{host}"] - b[f"death_rate_{host}"])
    b.expression("division_rate_stroma", b.p("division_max_stroma") * b["stroma_crowding"])
    b.expression("death_rate_stroma", b.p("death_basal_stroma") + b.p("uniform_death"))
    b.expression("growth_rate_stroma", b["division_rate_stroma"] - b["death_rate_stroma"])


def rules(b: ModelBuilder) -> None:
    """Cells divide where they are, die by their hazard, and dead cells fall apart."""
    cell, dead = b["Cell"], b["DeadCell"]
    for host in HOSTS:
        for place in places(host):
            here = cell(host=host, place=place)
            name = f"{host}_{place}" if host in LEUKAEMIC else host
            b.rule(f"{name}_divides", here >> here + here, b[f"division_rate_{host}"])
            b.rule(f"{name}_dies", here >> dead(host=host), b[f"death_rate_{name}"])
        b.rule(f"{host}_debris", dead(host=host) >> None, b.p("dead_cell_loss"))
