"""Every molecule of the model can be looked up."""

from __future__ import annotations

import re
from typing import Any

import pysb
import pytest

from nicheloop.biology.annotations import ANNOTATIONS, annotate

PATTERNS = {
    # UniProt's own pattern of accession numbers
    "uniprot": r"[OPQ][0-9][A-Z0-9]{3}[0-9]|[A-NR-Z][0-9]([A-Z][A-Z0-9]{2}[0-9]){1,2}",
    "CHEBI": r"\d+",
    "GO": r"\d{7}",
    "CL": r"\d{7}",
    "cellosaurus": r"CVCL_[A-Z0-9]{4}",
}


def test_every_monomer_is_annotated_and_nothing_else_is(model: Any) -> None:
    assert {monomer.name for monomer in model.monomers} == set(ANNOTATIONS)
    for monomer in model.monomers:
        objects = {annotation.object for annotation in model.get_annotations(monomer)}
        assert objects == {f"https://identifiers.org/{i}" for i in ANNOTATIONS[monomer.name]}
        assert objects


@pytest.mark.parametrize("monomer", ANNOTATIONS)
def test_identifiers_are_well_formed(monomer: str) -> None:
    assert len(set(ANNOTATIONS[monomer])) == len(ANNOTATIONS[monomer])
    for identifier in ANNOTATIONS[monomer]:
        collection, _, accession = identifier.partition(":")
        assert collection in PATTERNS
        assert re.fullmatch(PATTERNS[collection], accession), identifier


def test_an_unidentified_monomer_is_refused() -> None:
    model = pysb.Model("stranger", _export=False)
    model.add_component(pysb.Monomer("Stranger", _export=False))
    with pytest.raises(KeyError, match="Stranger"):
        annotate(model)
