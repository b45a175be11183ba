"""Imatinib, BCR-ABL and what BCR-ABL phosphorylates.

Imatinib enters and leaves by permeation (not through OCT1, which K562 lacks [oct1_k562]) and is pumped out
by ABCB1 [thomas2004]. It binds the unphosphorylated kinase tightly and the phosphorylated one weakly
[davis2011]; ATP competes, as one explicit factor on the on-rate. BCR-ABL phosphorylates its neighbour in
the oligomer, so the rate follows the chance that the neighbour is free of drug.
"""

from __future__ import annotations

from nicheloop.biology.builder import ModelBuilder, saturation
from nicheloop.biology.hosts import LEUKAEMIC

OUTPUTS = ("PCrkL", "PStat5", "PErk")


def state(b: ModelBuilder) -> None:
    """Declare drug, kinase and its substrates; express kinase activity per cell."""
    hosts = list(LEUKAEMIC)
    drug = b.monomer("Imatinib", ["target", "host"], {"host": ["medium", *hosts]})
    kinase = b.monomer("BcrAbl", ["drug", "y", "host"], {"y": ["u", "p"], "host": hosts})
    for name in OUTPUTS:
        b.monomer(name, ["host"], {"host": hosts})
    b.observe("imatinib_medium", drug(target=None, host="medium"))
    for host in hosts:
        b.observe(f"imatinib_free_{host}", drug(target=None, host=host))
        b.observe(f"bcr_abl_{host}", kinase(host=host))
        b.observe(f"bcr_abl_p_{host}", kinase(y="p", host=host))
        b.observe(f"bcr_abl_p_free_{host}", kinase(y="p", drug=None, host=host))
        b.observe(f"bcr_abl_u_free_{host}", kinase(y="u", drug=None, host=host))
        for name in OUTPUTS:
            b.observe(f"{name}_{host}", b[name](host=host))
        _express_activity(b, host)


def _express_activity(b: ModelBuilder, host: str) -> None:
    """Kinase read-outs of one host as fractions, and what drives proliferation."""
    total = b[f"bcr_abl_{host}"] + b.p("bcr_abl_copies_K562S") * b.p("cell_floor")
    b.expression(f"p_bcr_abl_{host}", b[f"bcr_abl_p_{host}"] / total)
    drug_free = b[f"bcr_abl_p_free_{host}"] + b.p("unphosphorylated_activity") * b[f"bcr_abl_u_free_{host}"]
    b.expression(f"drug_free_kinase_{host}", drug_free / total)
    copies = b.per_cell(b[f"bcr_abl_p_free_{host}"], host)
    b.expression(f"kinase_activity_{host}", copies / b.p("bcr_abl_copies_K562S"))
    b.expression(
        f"proliferation_drive_{host}", b[f"kinase_activity_{host}"] + b.host_p("bypass_activity", host)
    )
    for name, readout in zip(OUTPUTS, ("p_crkl", "p_stat5", "p_erk"), strict=True):
        b.expression(f"{readout}_{host}", b.per_cell(b[f"{name}_{host}"], host))


def rules(b: ModelBuilder) -> None:
    """Drug transport, binding, autophosphorylation, turnover, signalling."""
    drug = b["Imatinib"]
    b.rule("imatinib_lost_in_medium", drug(target=None, host="medium") >> None, b.p("imatinib_medium_loss"))
    for host in LEUKAEMIC:
        _transport(b, host)
        _binding(b, host)
        _phosphorylation(b, host)
        _turnover(b, host)
        _signalling(b, host)


def _transport(b: ModelBuilder, host: str) -> None:
    """Permeation both ways, ABCB1 outwards; the pool inside has the volume of the cells."""
    drug = b["Imatinib"]
    volume = b["cells_" + host] * b.p("cell_volume") * b.p("well_fraction_per_nM_pL")
    b.expression(f"cell_volume_fraction_{host}", volume)
    outside, inside = drug(target=None, host="medium"), drug(target=None, host=host)
    entry = b.p("imatinib_permeation") * b[f"cell_volume_fraction_{host}"]
    b.rule(f"imatinib_enters_{host}", outside >> inside, b.rate(f"imatinib_entry_rate_{host}", entry))
    pumped = b.p("imatinib_permeation") + b.p("abcb1_export") * b[f"abcb1_{host}"]
    b.rule(f"imatinib_leaves_{host}", inside >> outside, b.rate(f"imatinib_exit_rate_{host}", pumped))
    # A dying cell spills its free drug back into the medium.
    b.rule(f"imatinib_spills_{host}", inside >> outside, b[f"death_rate_{host}"])


def _binding(b: ModelBuilder, host: str) -> None:
    """Binding to either form of the kinase; ATP competition and loss of affinity slow the on-rate."""
    drug, kinase = b["Imatinib"], b["BcrAbl"]
    floor = b.p("cell_floor") * b.p("cell_volume") * b.p("well_fraction_per_nM_pL")
    volume = b[f"cell_volume_fraction_{host}"] + floor
    k_on = b.p("imatinib_kon") / b.p("atp_competition") / b.host_p("imatinib_affinity_loss", host)
    on = b.rate(f"imatinib_binding_rate_{host}", k_on / volume)
    for form, kd in (("u", "imatinib_kd_unphosphorylated"), ("p", "imatinib_kd_phosphorylated")):
        free = kinase(drug=None, y=form, host=host)
        bound = kinase(drug=1, y=form, host=host) % drug(target=1, host=host)
        b.rule(f"imatinib_binds_{form}_{host}", drug(target=None, host=host) + free >> bound, on)
        off = b.p("imatinib_kon") * b.p(kd)
        b.rule(
            f"imatinib_unbinds_{form}_{host}",
            bound >> drug(target=None, host=host) + free,
            b.rate(f"imatinib_release_rate_{form}_{host}", off),
        )


def _phosphorylation(b: ModelBuilder, host: str) -> None:
    """Autophosphorylation in trans of drug-free kinase, dephosphorylation of all."""
    kinase = b["BcrAbl"]
    trans = b.p("autophosphorylation") * b[f"drug_free_kinase_{host}"]
    b.rule(
        f"autophosphorylation_{host}",
        kinase(drug=None, y="u", host=host) >> kinase(drug=None, y="p", host=host),
        b.rate(f"autophosphorylation_rate_{host}", trans),
    )
    b.rule(
        f"dephosphorylation_{host}",
        kinase(y="p", host=host) >> kinase(y="u", host=host),
        b.p("dephosphorylation"),
    )


def _turnover(b: ModelBuilder, host: str) -> None:
    """BCR-ABL synthesis and loss; drug on a degraded kinase is free again, that of a dying cell spills."""
    drug, kinase = b["Imatinib"], b["BcrAbl"]
    new = kinase(drug=None, y="u", host=host)
    turnover = b.p("bcr_abl_turnover")
    b.made_by_cells("BcrAbl", new, host, b.host_p("bcr_abl_copies", host), turnover)
    b.turns_over("BcrAbl", kinase(drug=None, host=host), host, turnover)
    b.dies_with_cell("BcrAbl", kinase(drug=None, host=host), host)
    for form in ("u", "p"):
        bound = kinase(drug=1, y=form, host=host) % drug(target=1, host=host)
        b.rule(f"BcrAbl_{form}_{host}_degraded_off_drug", bound >> drug(target=None, host=host), turnover)
        spilled = bound >> drug(target=None, host="medium")
        b.rule(f"BcrAbl_{form}_{host}_spills_drug", spilled, b[f"death_rate_{host}"])


def _signalling(b: ModelBuilder, host: str) -> None:
    """CrkL and STAT5 follow the kinase; ERK follows it and the IL-1 branch; LYN-like bypass reaches STAT5."""
    activity, rate = b[f"kinase_activity_{host}"], b.p("substrate_relaxation")
    crkl = saturation(activity, b.p("crkl_half_activity"))
    stat5 = saturation(b[f"proliferation_drive_{host}"], b.p("stat5_half_activity"))
    erk = saturation(activity + b.p("il1_to_erk") * b[f"p38_{host}"], b.p("erk_half_activity"))
    for name, target in zip(OUTPUTS, (crkl, stat5, erk), strict=True):
        b.follows(name, b[name](host=host), host, target, rate)
