"""The whole model: sections in order, one module each."""

from __future__ import annotations

import pysb

from nicheloop.biology import (
    cox2,
    cxcl11,
    il1,
    imatinib,
    migration,
    nfkb,
    populations,
    survival,
)
from nicheloop.biology.annotations import annotate
from nicheloop.biology.builder import ModelBuilder
from nicheloop.biology.hosts import HOSTS
from nicheloop.biology.medium import LAYERS, PROMOTERS
from nicheloop.biology.resistance import changed_by
from nicheloop.biology.table import parameter_values

SOLUBLE = (
    "IL1B",
    "IL1A",
    "IL1Ra",
    "SolubleIL1R2",
    "AntiIL1B",
    "AntiIL1RAP",
    "AntiCXCL11",
    "CXCR3Antagonist",
    "IFNG",
    "IFNB",
    "JakInhibitor",
    "Celecoxib",
)
"""Monomers of the medium that a user can add, besides imatinib and CXCL11."""


def build_model(resistance: str = "mixed", stroma_promoter: str = "nfkb") -> pysb.Model:
    """Build the model as a plain PySB model.

    Parameters
    ----------
    resistance : str
        Why K562R is resistant; one of :data:`nicheloop.biology.resistance.RESISTANCES`. It changes values of
        parameters only, never rules.
    stroma_promoter : str
        What drives CXCL11 in stroma: ``"nfkb"`` or ``"ifnb"``.

    Returns
    -------
    pysb.Model
        A new model each time; amounts in nM of well volume, time in hours. Its initial state is the cells
        alone, at the stock density; :func:`nicheloop.simulate` starts from the steady state of the stock
        culture instead.

    Raises
    ------
    ValueError
        If an argument is unknown.
    """
    changed_by(resistance)
    if stroma_promoter not in PROMOTERS:
        raise ValueError(
            f"stroma_promoter={stroma_promoter!r} is unknown; expected one of {', '.join(PROMOTERS)}"
        )
    b = ModelBuilder(f"nicheloop_{stroma_promoter}", parameter_values(resistance))
    _declare(b)
    _act(b, stroma_promoter)
    _seed(b)
    annotate(b.model)
    return b.model


def _declare(b: ModelBuilder) -> None:
    """All that exists: upstream first, since expressions read what stands above them."""
    populations.cells(b)
    for mechanism in (il1, nfkb, cox2, imatinib, survival, cxcl11, migration):
        mechanism.state(b)
    populations.state(b)


def _act(b: ModelBuilder, stroma_promoter: str) -> None:
    """All that happens."""
    for mechanism in (imatinib, il1, nfkb, cox2, survival, populations):
        mechanism.rules(b)
    cxcl11.rules(b, stroma_promoter)
    migration.rules(b)


def _seed(b: ModelBuilder) -> None:
    """Name what can be put into the well, so that network generation reaches every species."""
    cell = b["Cell"]
    for host in HOSTS:
        place = "stroma" if host == "stroma" else "suspension"
        density = b.p(f"stock_density_{host}") * b.p("nM_per_cell_per_mL")
        b.initial(cell(host=host, place=place), b.expression(f"stock_cells_{host}", density))
    nothing = b.parameter("nothing", 0.0)
    for name in SOLUBLE:
        b.initial(_free(b, name), nothing)
    b.initial(b["Imatinib"](target=None, host="medium"), nothing)
    for layer in LAYERS:
        for form in cxcl11.FORMS:
            b.initial(b["CXCL11"](r=None, layer=layer, form=form), nothing)


def _free(b: ModelBuilder, name: str) -> object:
    """The unbound form of a soluble monomer."""
    monomer = b[name]
    return monomer(dict.fromkeys(monomer.sites))
