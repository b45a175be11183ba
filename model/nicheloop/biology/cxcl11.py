"""Stromal CXCL11: transcription by one of two rival promoters, secretion, clipping, two layers of medium.

`nfkb`: NF-κB alone drives a weak promoter (lag of about 2 h); IFN-γ, through STAT1, is a synergist
[tensen1999]. `ifnb`: NF-κB makes IFN-β first, and STAT1 with NF-κB drives the promoter (about 6 h; blocked
by a JAK inhibitor), as in astrocytes [astrocyte_irf3]. In some cells CXCL11 protein appears only with IFN-γ
[keratinocyte_cxcl11]: the fraction of translation that needs it is a parameter.

CXCL11 is secreted into the lower layer (the well below an insert, or the layer at the stroma) and exchanges
with the upper one. DPP4 clips it [proost2001]: the clipped form binds CXCR3, does not signal, and an ELISA
still sees it.
"""

from __future__ import annotations

from nicheloop.biology.builder import ModelBuilder, saturation
from nicheloop.biology.hosts import STROMA
from nicheloop.biology.medium import LAYERS, layer_fraction

FORMS = ("intact", "clipped")
INTERFERONS = ("ifng", "ifnb")


def state(b: ModelBuilder) -> None:
    """Declare chemokine, interferons, STAT1 and drugs; express local concentrations (nM)."""
    b.monomer("CXCL11", ["r", "layer", "form"], {"layer": list(LAYERS), "form": list(FORMS)})
    b.monomer("CXCL11mRNA", ["host"], {"host": [STROMA]})
    b.monomer("StoredCXCL11", ["host"], {"host": [STROMA]})
    b.monomer("Stat1", ["by", "host"], {"by": list(INTERFERONS), "host": [STROMA]})
    b.monomer("IFNBmRNA", ["host"], {"host": [STROMA]})
    b.monomer("AntiCXCL11", ["ag"])
    for name, label in (("IFNB", "ifnb"), ("IFNG", "ifng"), ("JakInhibitor", "jak_inhibitor")):
        b.monomer(name, [])
        b.observe(f"{label}_medium", b[name]())
    b.observe("anti_cxcl11_medium", b["AntiCXCL11"](ag=None))
    b.observe("cxcl11_medium", b["CXCL11"](r=None))
    b.observe("cxcl11_mRNA_stroma", b["CXCL11mRNA"](host=STROMA))
    b.observe("stored_cxcl11_stroma", b["StoredCXCL11"](host=STROMA))
    for interferon in INTERFERONS:
        count = b.observe(f"stat1_{interferon}_count_stroma", b["Stat1"](by=interferon, host=STROMA))
        b.expression(f"stat1_{interferon}_stroma", b.per_cell(count, STROMA))
    b.observe("ifnb_mRNA_stroma", b["IFNBmRNA"](host=STROMA))
    for layer in LAYERS:
        intact = b.observe(f"cxcl11_{layer}", b["CXCL11"](r=None, layer=layer, form="intact"))
        clipped = b.observe(f"cxcl11_clipped_{layer}", b["CXCL11"](r=None, layer=layer, form="clipped"))
        volume = layer_fraction(b, layer)
        b.expression(f"cxcl11_local_{layer}", intact / volume)
        b.expression(f"cxcl11_clipped_local_{layer}", clipped / volume)


def rules(b: ModelBuilder, promoter: str) -> None:
    """Interferon signalling, transcription, secretion, fate in the medium."""
    _interferon(b, promoter)
    _production(b, promoter)
    _medium(b)


def _interferon(b: ModelBuilder, promoter: str) -> None:
    """IFN-γ and IFN-β activate STAT1 through JAK; with promoter `ifnb` the stroma makes IFN-β itself.

    IFN-β is induced cooperatively, so that the NF-κB of resting stroma makes next to none.
    """
    jak = 1 / (1 + b["jak_inhibitor_medium"] / b.p("jak_inhibitor_ic50"))
    for interferon in INTERFERONS:
        bound = saturation(b[f"{interferon}_medium"], b.p(f"{interferon}_half_stat1"))
        stat1 = b["Stat1"](by=interferon, host=STROMA)
        b.follows(f"Stat1_{interferon}", stat1, STROMA, bound * jak, b.p("stat1_relaxation"))
    b.rule("ifnb_lost", b["IFNB"]() >> None, b.p("interferon_loss"))
    b.rule("ifng_lost", b["IFNG"]() >> None, b.p("interferon_loss"))
    mRNA = b["IFNBmRNA"](host=STROMA)
    if promoter == "ifnb":
        level = saturation(b["nuclear_nfkb_stroma"], b.p("ifnb_half_nfkb"), 3)
        b.made_by_cells("IFNBmRNA", mRNA, STROMA, level, b.p("ifnb_mRNA_decay"))
    b.turns_over("IFNBmRNA", mRNA, STROMA, b.p("ifnb_mRNA_decay"))
    b.dies_with_cell("IFNBmRNA", mRNA, STROMA)
    b.rule("ifnb_made", mRNA >> mRNA + b["IFNB"](), b.p("ifnb_output"))


def _production(b: ModelBuilder, promoter: str) -> None:
    """CXCL11 mRNA (1 = fully induced, no IFN-γ), protein in the cell, secretion into the lower layer.

    ``cxcl11_secretion_stroma`` is the output per 1e6 cells and 24 h of a cell whose mRNA is at 1.
    """
    mRNA, stored = b["CXCL11mRNA"](host=STROMA), b["StoredCXCL11"](host=STROMA)
    by_ifng = b["stat1_ifng_stroma"]
    driven = saturation(b["nuclear_nfkb_stroma"], b.p("cxcl11_half_nfkb"), 3)
    if promoter == "ifnb":
        driven *= saturation(by_ifng + b["stat1_ifnb_stroma"], b.p("cxcl11_half_stat1"), 2)
    level = b.p("cxcl11_basal") + driven * (1 + b.p("cxcl11_ifng_synergy") * by_ifng)
    decay = b.p("cxcl11_mRNA_decay")
    b.made_by_cells("CXCL11mRNA", mRNA, STROMA, level, decay)
    b.turns_over("CXCL11mRNA", mRNA, STROMA, decay)
    b.dies_with_cell("CXCL11mRNA", mRNA, STROMA)
    needs = b.p("cxcl11_ifng_requirement")
    allowed = 1 - needs + needs * saturation(b["ifng_medium"], b.p("ifng_half_stat1"))
    copies = b.p("cxcl11_secretion_stroma") * b.p("cxcl11_copies_per_pg")
    b.rule("cxcl11_translated", mRNA >> mRNA + stored, b.rate("cxcl11_translation_rate", copies * allowed))
    secreted = b["CXCL11"](r=None, layer="lower", form="intact")
    b.rule("cxcl11_secreted", stored >> secreted, b.p("cxcl11_release"))
    b.dies_with_cell("StoredCXCL11", stored, STROMA)


def _medium(b: ModelBuilder) -> None:
    """Exchange between layers, DPP4, slow loss, neutralising antibody."""
    cxcl11 = b["CXCL11"]
    for source, target in (("upper", "lower"), ("lower", "upper")):
        rate = b.p("insert_exchange") * layer_fraction(b, target)
        b.rule(
            f"cxcl11_exchange_{source}_{target}",
            cxcl11(r=None, layer=source) >> cxcl11(r=None, layer=target),
            b.rate(f"cxcl11_exchange_rate_{source}_{target}", rate),
        )
    clipped = cxcl11(r=None, form="intact") >> cxcl11(r=None, form="clipped")
    b.rule("cxcl11_clipped_by_dpp4", clipped, b.p("cxcl11_clipping"))
    b.rule("cxcl11_lost", cxcl11(r=None) >> None, b.p("cxcl11_medium_loss"))
    antibody = b["AntiCXCL11"]
    bound = antibody(ag=1) % cxcl11(r=1)
    b.rule("anti_cxcl11_binds", antibody(ag=None) + cxcl11(r=None) >> bound, b.p("antibody_kon"))
    off = b.rate("anti_cxcl11_release_rate", b.p("antibody_kon") * b.p("anti_cxcl11_kd"))
    b.rule("anti_cxcl11_releases", bound >> antibody(ag=None) + cxcl11(r=None), off)
