"""What each monomer is, in the field's identifiers (UniProt, ChEBI, GO, Cellosaurus, Cell Ontology)."""

from __future__ import annotations

import pysb

ANNOTATIONS: dict[str, tuple[str, ...]] = {
    "Cell": ("cellosaurus:CVCL_0004", "CL:0000499"),
    "DeadCell": ("GO:0006915",),
    "Imatinib": ("CHEBI:45783",),
    "BcrAbl": ("uniprot:P00519", "uniprot:P11274"),
    "PCrkL": ("uniprot:P46109",),
    "PStat5": ("uniprot:P42229",),
    "PErk": ("uniprot:P28482", "uniprot:P27361"),
    "IL1B": ("uniprot:P01584",),
    "IL1A": ("uniprot:P01583",),
    "IL1Ra": ("uniprot:P18510",),
    "IL1R1": ("uniprot:P14778",),
    "IL1RAP": ("uniprot:Q9NPH3",),
    "IL1R2": ("uniprot:P27930",),
    "SolubleIL1R2": ("uniprot:P27930",),
    "AntiIL1B": ("GO:0071735",),
    "AntiIL1RAP": ("GO:0071735",),
    "IL1BmRNA": ("uniprot:P01584", "CHEBI:33699"),
    "ProIL1B": ("uniprot:P01584",),
    "Irak": ("uniprot:P51617",),
    "Ikk": ("uniprot:O14920",),
    "NuclearNFkB": ("uniprot:Q04206",),
    "IkBa": ("uniprot:P25963",),
    "P38": ("uniprot:Q16539",),
    "Cox2": ("uniprot:P35354",),
    "PGE2": ("CHEBI:15551",),
    "Abcb1": ("uniprot:P08183",),
    "Celecoxib": ("CHEBI:41423",),
    "BclXL": ("uniprot:Q07817",),
    "Mcl1": ("uniprot:Q07820",),
    "Bim": ("uniprot:O43521",),
    "ActiveBax": ("uniprot:Q07812",),
    "Commitment": ("GO:0097193",),
    "CXCL11": ("uniprot:O14625",),
    "CXCL11mRNA": ("uniprot:O14625", "CHEBI:33699"),
    "StoredCXCL11": ("uniprot:O14625",),
    "AntiCXCL11": ("GO:0071735",),
    "Stat1": ("uniprot:P42224",),
    "IFNB": ("uniprot:P01574",),
    "IFNBmRNA": ("uniprot:P01574", "CHEBI:33699"),
    "IFNG": ("uniprot:P01579",),
    "JakInhibitor": ("CHEBI:66919",),
    "CXCR3": ("uniprot:P49682",),
    "ACKR3": ("uniprot:P25106",),
    "CXCR3Antagonist": ("CHEBI:48706",),
}
"""Antibodies carry the GO term of IgG complexes, messengers ChEBI's messenger RNA; drugs without an entry
of their own (the CXCR3 antagonist) carry the ChEBI role 'antagonist'. The JAK inhibitor is parameterised as
ruxolitinib."""


def annotate(model: pysb.Model) -> None:
    """Attach the identifiers to every monomer of the model.

    Raises
    ------
    KeyError
        If a monomer has no entry: an unidentified molecule is a mistake in this table.
    """
    for monomer in model.monomers:
        for identifier in ANNOTATIONS[monomer.name]:
            resource = f"https://identifiers.org/{identifier}"
            model.add_annotation(pysb.Annotation(monomer, resource, _export=False))
