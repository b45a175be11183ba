"""Soluble species of the shared medium: what a user can add, measure, or carry over to another well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nicheloop.biology.builder import ModelBuilder

LAYERS = ("upper", "lower")
PROMOTERS = ("nfkb", "ifnb")
"""What may drive CXCL11 in stroma: NF-κB alone, or NF-κB through IFN-β and STAT1 (see :mod:`cxcl11`)."""


@dataclass(frozen=True)
class Solute:
    """A soluble species a user may add.

    Attributes
    ----------
    name : str
        Treatment name a user types.
    observable : str
        Model observable that counts its free form in the medium, nM of well volume. A layered solute has
        one per layer, ``<observable>_upper`` and ``<observable>_lower``.
    unit : str
        Unit of a bare number.
    molar_mass : float or None
        kDa (kg/mol); None for drugs dosed in molar units only.
    sites : int
        Binding sites per molecule: an antibody counts two, since each arm binds by itself.
    layered : bool
        Whether the upper and lower medium are followed separately.
    """

    name: str
    observable: str
    unit: str
    molar_mass: float | None = None
    sites: int = 1
    layered: bool = False


SOLUTES: tuple[Solute, ...] = (
    Solute("imatinib", "imatinib_medium", "uM", 0.4936),
    Solute("il1b", "il1b_medium", "pg/mL", 17.5),
    Solute("il1a", "il1a_medium", "pg/mL", 17.5),
    Solute("il1ra", "il1ra_medium", "ng/mL", 17.3),
    Solute("il1r2", "il1r2_medium", "ng/mL", 45.0),
    Solute("anti_il1b", "anti_il1b_medium", "ug/mL", 150.0, sites=2),
    Solute("anti_il1rap", "anti_il1rap_medium", "ug/mL", 150.0, sites=2),
    Solute("cxcl11", "cxcl11", "ng/mL", 8.3, layered=True),
    Solute("anti_cxcl11", "anti_cxcl11_medium", "ug/mL", 150.0, sites=2),
    Solute("cxcr3_antagonist", "cxcr3_antagonist_medium", "nM"),
    Solute("ifng", "ifng_medium", "ng/mL", 16.9),
    Solute("ifnb", "ifnb_medium", "ng/mL", 20.0),
    Solute("jak_inhibitor", "jak_inhibitor_medium", "nM"),
    Solute("celecoxib", "celecoxib_medium", "uM", 0.38137),
)
"""Molar masses: IL-1β from PNAS 1986 (scilit 189c2522), IL-1Ra and CXCL11 from product and model headers,
imatinib free base; IL-1R2, IgG, the interferons, celecoxib are textbook numbers that only convert doses."""


def layer_fraction(b: ModelBuilder, layer: str) -> object:
    """Volume of a layer as a fraction of the well volume."""
    lower = b.p("lower_volume_fraction")
    return lower if layer == "lower" else 1 - lower
