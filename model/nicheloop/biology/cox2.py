"""COX-2, PGE2 and cAMP; ABCB1 follows cAMP.

NF-κB and p38 induce COX-2, COX-2 makes PGE2 (blocked by celecoxib), PGE2 in the shared medium raises cAMP,
and cAMP raises ABCB1 and supports survival. A resistant line may carry more basal COX-2 (the `efflux`
explanation).
"""

from __future__ import annotations

from nicheloop.biology.builder import ModelBuilder, saturation
from nicheloop.biology.hosts import HOSTS, LEUKAEMIC


def state(b: ModelBuilder) -> None:
    """Declare COX-2, PGE2, ABCB1 and the drug; express cAMP."""
    b.monomer("Cox2", ["host"], {"host": list(HOSTS)})
    b.monomer("Abcb1", ["host"], {"host": list(LEUKAEMIC)})
    b.monomer("PGE2", [])
    b.monomer("Celecoxib", [])
    b.observe("pge2_medium", b["PGE2"]())
    b.observe("celecoxib_medium", b["Celecoxib"]())
    b.expression("camp", saturation(b["pge2_medium"], b.p("pge2_half_camp")))
    inhibited = 1 + b["celecoxib_medium"] / b.p("celecoxib_ic50")
    b.expression("cox2_free_of_drug", 1 / inhibited)
    for host in HOSTS:
        b.expression(f"cox2_{host}", b.per_cell(b.observe(f"cox2_count_{host}", b["Cox2"](host=host)), host))
    for host in LEUKAEMIC:
        count = b.observe(f"abcb1_count_{host}", b["Abcb1"](host=host))
        b.expression(f"abcb1_{host}", b.per_cell(count, host))


def rules(b: ModelBuilder) -> None:
    """Induction, PGE2 output, ABCB1."""
    b.rule("pge2_lost", b["PGE2"]() >> None, b.p("pge2_loss"))
    for host in HOSTS:
        induced = b.p("cox2_induction") * b[f"nuclear_nfkb_{host}"] * b[f"p38_{host}"]
        cox2 = b["Cox2"](host=host)
        turnover = b.p("cox2_turnover")
        b.made_by_cells("Cox2", cox2, host, b.host_p("cox2_basal", host) + induced, turnover)
        b.turns_over("Cox2", cox2, host, turnover)
        b.dies_with_cell("Cox2", cox2, host)
        output = b.rate(f"pge2_output_rate_{host}", b.p("pge2_output") * b["cox2_free_of_drug"])
        b.rule(f"pge2_made_{host}", cox2 >> cox2 + b["PGE2"](), output)
    for host in LEUKAEMIC:
        pump = b["Abcb1"](host=host)
        level = b.p("abcb1_basal") + b.p("abcb1_induction") * b["camp"]
        b.made_by_cells("Abcb1", pump, host, level, b.p("abcb1_turnover"))
        b.turns_over("Abcb1", pump, host, b.p("abcb1_turnover"))
        b.dies_with_cell("Abcb1", pump, host)
