"""MyD88/IRAK - IKK - NF-κB, with tolerance and IκBα feedback; p38. The same wiring in every cell.

The IL-1 signal is the number of ternary receptor complexes per cell relative to the number that
half-activates IRAK, which is a fraction of the receptors the cell type normally has: 10-15 % occupancy
gives a half-maximal response [chin1987]. Active IRAK is spent and recovers slowly [wang2022], so a constant
signal adapts (tolerance). IKK is activated, inactivated and recycled [caldwell2014]; nuclear NF-κB makes
its own inhibitor IκBα [hoffmann2002]. Active forms are fractions, counted in cell equivalents.
"""

from __future__ import annotations

from nicheloop.biology.builder import ModelBuilder, saturation
from nicheloop.biology.hosts import HOSTS, LEUKAEMIC


def state(b: ModelBuilder) -> None:
    """Declare the cascade and express each member as a fraction per cell."""
    hosts = list(HOSTS)
    b.monomer("Irak", ["form", "host"], {"form": ["active", "spent"], "host": hosts})
    b.monomer("Ikk", ["form", "host"], {"form": ["active", "refractory"], "host": hosts})
    for name in ("NuclearNFkB", "IkBa", "P38"):
        b.monomer(name, ["host"], {"host": hosts})
    for host in hosts:
        for name, label in (("Irak", "irak"), ("Ikk", "ikk")):
            for form in b[name].site_states["form"]:
                count = b.observe(f"{label}_{form}_count_{host}", b[name](form=form, host=host))
                b.expression(f"{label}_{form}_{host}", b.per_cell(count, host))
        for name, label in (("NuclearNFkB", "nuclear_nfkb"), ("IkBa", "ikba"), ("P38", "p38")):
            count = b.observe(f"{label}_count_{host}", b[name](host=host))
            b.expression(f"{label}_{host}", b.per_cell(count, host))
        _express_signal(b, host)


def _express_signal(b: ModelBuilder, host: str) -> None:
    """IL-1 signal (0..1) from signalling complexes per cell.

    The half-activating number of complexes belongs to the cell type, so a resistant line that loses receptors
    loses signal.
    """
    normal = b.p("il1r1_copies_K562S") if host in LEUKAEMIC else b.p("il1r1_copies_stroma")
    half = b.p("irak_half_occupancy") * normal
    b.expression(f"il1_signal_{host}", saturation(b.per_cell(b[f"il1_complexes_{host}"], host), half))


def rules(b: ModelBuilder) -> None:
    """Activation, inactivation, feedback."""
    for host in HOSTS:
        _irak(b, host)
        _ikk(b, host)
        _nfkb(b, host)
        target = saturation(b[f"irak_active_{host}"], b.p("p38_half_irak"))
        b.follows("P38", b["P38"](host=host), host, target, b.p("p38_relaxation"))


def _irak(b: ModelBuilder, host: str) -> None:
    """Fresh IRAK is activated and deactivated within minutes; some is spent and recovers slowly."""
    active, spent = b["Irak"](form="active", host=host), b["Irak"](form="spent", host=host)
    fresh = 1 - b[f"irak_active_{host}"] - b[f"irak_spent_{host}"]
    gain = b.p("irak_activation") * b[f"il1_signal_{host}"] * fresh * b["cells_" + host]
    b.rule(f"irak_activated_{host}", None >> active, b.rate(f"irak_activation_rate_{host}", gain))
    b.rule(f"irak_deactivated_{host}", active >> None, b.p("irak_deactivation"))
    b.rule(f"irak_spent_by_use_{host}", active >> spent, b.p("irak_spending"))
    b.rule(f"irak_recovers_{host}", spent >> None, b.p("irak_recovery"))
    b.inherited("irak_active", active, host)
    b.inherited("irak_spent", spent, host)


def _ikk(b: ModelBuilder, host: str) -> None:
    """Neutral IKK is activated by IRAK (and a basal input), becomes refractory, is recycled."""
    active, refractory = b["Ikk"](form="active", host=host), b["Ikk"](form="refractory", host=host)
    neutral = 1 - b[f"ikk_active_{host}"] - b[f"ikk_refractory_{host}"]
    drive = b.p("ikk_basal") + saturation(b[f"irak_active_{host}"], b.p("ikk_half_irak"))
    gain = b.p("ikk_activation") * drive * neutral * b["cells_" + host]
    b.rule(f"ikk_activated_{host}", None >> active, b.rate(f"ikk_activation_rate_{host}", gain))
    b.rule(f"ikk_inactivated_{host}", active >> refractory, b.p("ikk_inactivation"))
    b.rule(f"ikk_recycled_{host}", refractory >> None, b.p("ikk_recycling"))
    b.inherited("ikk_active", active, host)
    b.inherited("ikk_refractory", refractory, host)


def _nfkb(b: ModelBuilder, host: str) -> None:
    """IκBα keeps NF-κB out of the nucleus; IKK destroys IκBα; nuclear NF-κB makes it anew."""
    nuclear, inhibitor = b["NuclearNFkB"](host=host), b["IkBa"](host=host)
    level, bound = b[f"ikba_{host}"], b.p("ikba_half_retention")
    entry = b.p("nfkb_import") * (1 - b[f"nuclear_nfkb_{host}"]) * bound**2 / (bound**2 + level**2)
    b.rule(
        f"nfkb_enters_{host}",
        None >> nuclear,
        b.rate(f"nfkb_entry_rate_{host}", entry * b["cells_" + host]),
    )
    leaves = b.rate(f"nfkb_exit_rate_{host}", b.p("nfkb_export") * level)
    b.rule(f"nfkb_leaves_{host}", nuclear >> None, leaves)
    b.inherited("NuclearNFkB", nuclear, host)

    made = b.p("ikba_loss") * (1 + b.p("ikba_nfkb_gain") * b[f"nuclear_nfkb_{host}"]) * b["cells_" + host]
    b.rule(f"ikba_synthesis_{host}", None >> inhibitor, b.rate(f"ikba_synthesis_rate_{host}", made))
    lost = b.p("ikba_loss") + b.p("ikba_ikk_loss") * b[f"ikk_active_{host}"]
    b.rule(f"ikba_lost_{host}", inhibitor >> None, b.rate(f"ikba_loss_rate_{host}", lost))
    b.inherited("IkBa", inhibitor, host)
