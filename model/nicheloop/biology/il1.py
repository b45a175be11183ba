"""IL-1β: made, secreted, caught.

Leukaemic cells transcribe IL1B at a host-specific basal rate (near zero in K562S [jicr1998]), more with
NF-κB, less with a knock-down. Pro-IL-1β matures into a secretory pool, which gives the lag of about 2 h
[hazuda1988]. In the medium IL-1β meets IL1R1, soluble and surface IL1R2 (decoys) and a neutralising
antibody. Only IL1R1 with IL1RAP signals; the accessory protein slows the release of ligand by a free
factor. IL-1α is a second ligand, which IL-1Ra blocks and an IL-1β antibody does not; IL-1Ra occupies IL1R1
and recruits nothing.
"""

from __future__ import annotations

import pysb

from nicheloop.biology.builder import ModelBuilder
from nicheloop.biology.hosts import HOSTS, LEUKAEMIC, STROMA

AGONISTS = ("IL1B", "IL1A")


def state(b: ModelBuilder) -> None:
    """Declare ligands, receptors, decoys and antibodies; count signalling receptors per cell."""
    hosts = list(HOSTS)
    for ligand in (*AGONISTS, "IL1Ra"):
        b.monomer(ligand, ["r"])
    b.monomer("IL1R1", ["lig", "rap", "host"], {"host": hosts})
    b.monomer("IL1RAP", ["r1", "drug", "host"], {"host": hosts})
    b.monomer("IL1R2", ["lig", "host"], {"host": hosts})
    b.monomer("SolubleIL1R2", ["lig"])
    b.monomer("AntiIL1B", ["ag"])
    b.monomer("AntiIL1RAP", ["ag"])
    b.monomer("IL1BmRNA", ["host"], {"host": list(LEUKAEMIC)})
    b.monomer("ProIL1B", ["stage", "host"], {"stage": ["pro", "secretory"], "host": list(LEUKAEMIC)})
    for observable, free in (
        ("il1b_medium", b["IL1B"](r=None)),
        ("il1a_medium", b["IL1A"](r=None)),
        ("il1ra_medium", b["IL1Ra"](r=None)),
        ("il1r2_medium", b["SolubleIL1R2"](lig=None)),
        ("anti_il1b_medium", b["AntiIL1B"](ag=None)),
        ("anti_il1rap_medium", b["AntiIL1RAP"](ag=None)),
    ):
        b.observe(observable, free)
    for host in hosts:
        b.observe(f"il1_complexes_{host}", b["IL1R1"](rap=1, host=host) % b["IL1RAP"](r1=1, host=host))
        b.observe(f"il1r1_bound_{host}", b["IL1R1"](lig=pysb.ANY, host=host))
        b.observe(f"il1r1_{host}", b["IL1R1"](host=host))
    for host in LEUKAEMIC:
        b.observe(f"il1b_mRNA_{host}", b["IL1BmRNA"](host=host))
        b.observe(f"il1b_intracellular_{host}", b["ProIL1B"](host=host))


def rules(b: ModelBuilder) -> None:
    """Production, binding, trafficking and loss."""
    for host in LEUKAEMIC:
        _production(b, host)
        _constitutive(b, "IL1A", host)
        _constitutive(b, "IL1Ra", host)
    _constitutive(b, "IL1Ra", STROMA)
    _loss_in_medium(b)
    _antibodies(b)
    for host in HOSTS:
        _ligand_binding(b, host)
        _accessory_protein(b, host)
        _decoy(b, host)
        _receptor_turnover(b, host)


def _production(b: ModelBuilder, host: str) -> None:
    """IL1B mRNA -> pro-IL-1β -> secretory pool -> medium.

    ``il1b_secretion_<host>`` is what a user can measure: the basal secretion per 1e6 cells and 24 h. The
    mRNA level that sustains it follows from translation and the share of pro-IL-1β that matures before it
    is lost.
    """
    mRNA = b["IL1BmRNA"](host=host)
    pro, secretory = (b["ProIL1B"](stage=stage, host=host) for stage in ("pro", "secretory"))
    mature, lost = b.p("il1b_maturation"), b.p("il1b_intracellular_loss")
    copies_per_hour = b.host_p("il1b_secretion", host) * b.p("il1b_copies_per_pg")
    basal = copies_per_hour * (mature + lost) / (mature * b.p("il1b_translation"))
    induced = 1 + b.p("il1b_nfkb_gain") * b[f"nuclear_nfkb_{host}"]
    level = basal * induced * (1 - b.p("il1b_knockdown"))
    b.made_by_cells("IL1BmRNA", mRNA, host, level, b.p("il1b_mRNA_decay"))
    b.turns_over("IL1BmRNA", mRNA, host, b.p("il1b_mRNA_decay"))
    b.dies_with_cell("IL1BmRNA", mRNA, host)
    b.rule(f"IL1B_translated_{host}", mRNA >> mRNA + pro, b.p("il1b_translation"))
    b.rule(f"IL1B_matures_{host}", pro >> secretory, mature)
    b.turns_over("ProIL1B", pro, host, lost)
    b.rule(f"IL1B_secreted_{host}", secretory >> b["IL1B"](r=None), b.p("il1b_release"))
    b.dies_with_cell("ProIL1B_pro", pro, host)
    b.dies_with_cell("ProIL1B_secretory", secretory, host)


def _constitutive(b: ModelBuilder, ligand: str, host: str) -> None:
    """Steady secretion of IL-1α or IL-1Ra."""
    name = ligand.lower()
    output = b.host_p(f"{name}_secretion", host) * b.p("il1b_copies_per_pg") * b["cells_" + host]
    b.rule(
        f"{ligand}_secreted_{host}",
        None >> b[ligand](r=None),
        b.rate(f"{name}_secretion_rate_{host}", output),
    )


def _loss_in_medium(b: ModelBuilder) -> None:
    """Slow loss of soluble ligands at 37 °C; loss by binding and uptake is explicit elsewhere."""
    for ligand in (*AGONISTS, "IL1Ra"):
        b.rule(f"{ligand}_medium_loss", b[ligand](r=None) >> None, b.p("il1_medium_loss"))
    decoy = b["SolubleIL1R2"]
    b.rule("IL1R2_medium_loss", decoy(lig=None) >> None, b.p("il1_medium_loss"))
    b.rule("IL1R2_bound_medium_loss", decoy(lig=1) % b["IL1B"](r=1) >> None, b.p("il1_medium_loss"))


def _antibodies(b: ModelBuilder) -> None:
    """Neutralising anti-IL-1β, and the soluble decoy."""
    for catcher, site, kon, kd in (
        ("AntiIL1B", "ag", "antibody_kon", "anti_il1b_kd"),
        ("SolubleIL1R2", "lig", "il1r2_kon", "il1r2_kd"),
    ):
        free, bound = b[catcher](**{site: None}), b[catcher](**{site: 1}) % b["IL1B"](r=1)
        off = b.rate(f"{catcher}_release_rate", b.p(kon) * b.p(kd))
        b.rule(f"{catcher}_binds", free + b["IL1B"](r=None) >> bound, b.p(kon))
        b.rule(f"{catcher}_releases", bound >> free + b["IL1B"](r=None), off)


def _ligand_binding(b: ModelBuilder, host: str) -> None:
    """IL-1β, IL-1α and IL-1Ra compete for IL1R1."""
    for ligand, kon, kd in (
        ("IL1B", "il1_kon", "il1b_kd_binary"),
        ("IL1A", "il1_kon", "il1a_kd_binary"),
        ("IL1Ra", "il1ra_kon", "il1ra_kd"),
    ):
        free = b["IL1R1"](lig=None, rap=None, host=host)
        bound = b["IL1R1"](lig=1, rap=None, host=host) % b[ligand](r=1)
        off = b.rate(f"{ligand}_release_rate_{host}", b.p(kon) * b.p(kd))
        b.rule(f"{ligand}_binds_IL1R1_{host}", free + b[ligand](r=None) >> bound, b.p(kon))
        b.rule(f"{ligand}_leaves_IL1R1_{host}", bound >> free + b[ligand](r=None), off)
        # The bound receptor is lost by the same turnover as the free one.
        b.turns_over(f"IL1R1_{ligand}", bound, host, b.p("il1r_turnover"))
        b.dies_with_cell(f"IL1R1_{ligand}", bound, host)


def _accessory_protein(b: ModelBuilder, host: str) -> None:
    """Agonist-bound IL1R1 recruits IL1RAP: it signals, holds its ligand tighter, and is internalised."""
    recruit = b.rate(f"il1rap_recruitment_rate_{host}", b.meets(b.p("il1rap_recruitment"), host))
    rap = b["IL1RAP"](r1=None, drug=None, host=host)
    for ligand, kd in (("IL1B", "il1b_kd_binary"), ("IL1A", "il1a_kd_binary")):
        binary = b["IL1R1"](lig=1, rap=None, host=host) % b[ligand](r=1)
        ternary = (
            b["IL1R1"](lig=1, rap=2, host=host) % b[ligand](r=1) % b["IL1RAP"](r1=2, drug=None, host=host)
        )
        receptor = b["IL1R1"](lig=None, rap=None, host=host)
        held = b.rate(f"{ligand}_ternary_release_rate_{host}", b.p("il1_kon") * b.p(kd) / b.p("il1rap_gain"))
        b.rule(f"IL1RAP_joins_{ligand}_{host}", binary + rap >> ternary, recruit)
        b.rule(f"IL1RAP_leaves_{ligand}_{host}", ternary >> binary + rap, b.p("il1rap_release"))
        b.rule(f"{ligand}_leaves_ternary_{host}", ternary >> receptor + rap + b[ligand](r=None), held)
        b.turns_over(f"IL1_complex_{ligand}", ternary, host, b.p("il1_internalisation"))
        b.dies_with_cell(f"IL1_complex_{ligand}", ternary, host)
    # The antibody keeps IL1RAP from being recruited.
    blocked = b["IL1RAP"](r1=None, drug=1, host=host) % b["AntiIL1RAP"](ag=1)
    off = b.rate(f"anti_il1rap_release_rate_{host}", b.p("antibody_kon") * b.p("anti_il1rap_kd"))
    b.rule(f"anti_il1rap_binds_{host}", rap + b["AntiIL1RAP"](ag=None) >> blocked, b.p("antibody_kon"))
    b.rule(f"anti_il1rap_leaves_{host}", blocked >> rap + b["AntiIL1RAP"](ag=None), off)
    b.turns_over("IL1RAP_blocked", blocked, host, b.p("il1r_turnover"))
    b.dies_with_cell("IL1RAP_blocked", blocked, host)


def _decoy(b: ModelBuilder, host: str) -> None:
    """Surface IL1R2 holds IL-1β without signalling and is shed into the medium."""
    free = b["IL1R2"](lig=None, host=host)
    bound = b["IL1R2"](lig=1, host=host) % b["IL1B"](r=1)
    off = b.rate(f"il1r2_release_rate_{host}", b.p("il1r2_kon") * b.p("il1r2_kd"))
    b.rule(f"IL1B_binds_IL1R2_{host}", free + b["IL1B"](r=None) >> bound, b.p("il1r2_kon"))
    b.rule(f"IL1B_leaves_IL1R2_{host}", bound >> free + b["IL1B"](r=None), off)
    b.rule(f"IL1R2_shed_{host}", free >> b["SolubleIL1R2"](lig=None), b.p("il1r2_shedding"))
    b.turns_over("IL1R2_bound", bound, host, b.p("il1r_turnover"))
    b.dies_with_cell("IL1R2_bound", bound, host)


def _receptor_turnover(b: ModelBuilder, host: str) -> None:
    """Synthesis and loss of free receptors."""
    turnover = b.p("il1r_turnover")
    for name, free in (
        ("il1r1", b["IL1R1"](lig=None, rap=None, host=host)),
        ("il1rap", b["IL1RAP"](r1=None, drug=None, host=host)),
        ("il1r2", b["IL1R2"](lig=None, host=host)),
    ):
        supply = turnover + b.p("il1r2_shedding") if name == "il1r2" else turnover
        b.made_by_cells(name, free, host, b.host_p(f"{name}_copies", host), supply)
        b.turns_over(name, free, host, turnover)
        b.dies_with_cell(name, free, host)
