"""Survival: guardians against BIM, BAX, and the long way to commitment.

STAT5 and NF-κB make BCL-XL and MCL-1 [fang2000; nfkb_bclx2014]; ERK marks BIM for loss [luciano_ley2003],
so imatinib lets BIM rise, and BIM is needed for killing [kuroda2006]. BIM that no guardian holds activates
BAX. Commitment to death takes at least 16 h of 1 µM imatinib [snead2009]: slow loss of BCL-XL, then a chain
of stages whose last one sets the hazard of death.
"""

from __future__ import annotations

from nicheloop.biology.builder import ModelBuilder, saturation
from nicheloop.biology.hosts import LEUKAEMIC

GUARDIANS = (("BclXL", "bclxl"), ("Mcl1", "mcl1"))
STAGES = ("early", "middle", "late")


def state(b: ModelBuilder) -> None:
    """Declare the BCL-2 family and the commitment chain."""
    hosts = list(LEUKAEMIC)
    for name in ("BclXL", "Mcl1", "Bim"):
        b.monomer(name, ["bh3", "host"], {"host": hosts})
    b.monomer("ActiveBax", ["host"], {"host": hosts})
    b.monomer("Commitment", ["stage", "host"], {"stage": list(STAGES), "host": hosts})
    for host in hosts:
        for name, label in (*GUARDIANS, ("Bim", "bim")):
            b.observe(f"{label}_{host}", b[name](host=host))
        b.observe(f"bim_free_{host}", b["Bim"](bh3=None, host=host))
        b.expression(f"bim_unheld_{host}", b.per_cell(b[f"bim_free_{host}"], host))
        count = b.observe(f"active_bax_count_{host}", b["ActiveBax"](host=host))
        b.expression(f"active_bax_{host}", b.per_cell(count, host))
        for stage in STAGES:
            count = b.observe(f"{stage}_commitment_count_{host}", b["Commitment"](stage=stage, host=host))
            b.expression(f"{stage}_commitment_{host}", b.per_cell(count, host))
        # ERK marks BIM for loss.
        marked = 1 + b.p("bim_erk_gain") * b[f"p_erk_{host}"]
        b.expression(f"bim_loss_rate_{host}", b.p("bim_loss") * marked)
        late = b[f"late_commitment_{host}"]
        b.expression(f"commitment_{host}", saturation(late, b.p("commitment_half"), 2))


def rules(b: ModelBuilder) -> None:
    """Synthesis and loss of the family, holding of BIM, BAX, commitment."""
    for host in LEUKAEMIC:
        _guardians(b, host)
        _bim(b, host)
        target = saturation(b[f"bim_unheld_{host}"], b.p("bax_half_bim"))
        b.follows("ActiveBax", b["ActiveBax"](host=host), host, target, b.p("bax_relaxation"))
        signal = b[f"active_bax_{host}"]
        for stage in STAGES:
            here = b["Commitment"](stage=stage, host=host)
            b.follows(f"{stage}_commitment", here, host, signal, len(STAGES) / b.p("commitment_time"))
            signal = b[f"{stage}_commitment_{host}"]


def _guardians(b: ModelBuilder, host: str) -> None:
    """BCL-XL (slow) and MCL-1 (fast) follow STAT5, NF-κB and cAMP, and hold BIM."""
    bim = b["Bim"](bh3=None, host=host)
    for name, label in GUARDIANS:
        support = (
            b.p(f"{label}_basal")
            + b.p(f"{label}_stat5") * b[f"p_stat5_{host}"]
            + b.p(f"{label}_nfkb") * b[f"nuclear_nfkb_{host}"]
            + b.p(f"{label}_camp") * b["camp"]
        )
        free, turnover = b[name](bh3=None, host=host), b.p(f"{label}_turnover")
        b.made_by_cells(name, free, host, b.p(f"{label}_copies") * support, turnover)
        b.turns_over(name, free, host, turnover)
        b.dies_with_cell(name, free, host)
        held = b[name](bh3=1, host=host) % b["Bim"](bh3=1, host=host)
        on = b.rate(f"{label}_bim_rate_{host}", b.meets(b.p("bh3_kon"), host))
        b.rule(f"{name}_holds_Bim_{host}", free + bim >> held, on)
        off = b.rate(f"{label}_bim_release_rate_{host}", b.p("bh3_kon") * b.p("bh3_kd"))
        b.rule(f"{name}_frees_Bim_{host}", held >> free + bim, off)
        # Either partner can be degraded out of the complex; the other one is then free.
        b.rule(f"{name}_lost_from_complex_{host}", held >> bim, turnover)
        b.rule(f"Bim_lost_from_{name}_{host}", held >> free, b[f"bim_loss_rate_{host}"])
        b.dies_with_cell(f"{name}_Bim", held, host)


def _bim(b: ModelBuilder, host: str) -> None:
    """BIM is made steadily; its level is set by how fast ERK has it removed."""
    bim, loss = b["Bim"](bh3=None, host=host), b.p("bim_loss")
    b.made_by_cells("Bim", bim, host, b.p("bim_copies"), loss)
    b.turns_over("Bim", bim, host, b[f"bim_loss_rate_{host}"])
    b.dies_with_cell("Bim", bim, host)
