"""SBML of a network: an independent simulator runs it to the same end."""

from __future__ import annotations

import numpy as np
import pytest

from nicheloop.assays.library import load_scenario
from nicheloop.assays.runs.plan import plan_of
from nicheloop.assays.runs.specimen import Specimen
from nicheloop.assays.settings import Settings
from nicheloop.interchange.sbml import Inexpressible, _math, sbml

roadrunner = pytest.importorskip(
    "roadrunner", reason="libroadrunner is not installed: pip install libroadrunner"
)


def test_roadrunner_ends_where_our_engine_ends() -> None:
    """A co-culture with a drug: all reactions of the model, and expressions that choose between cases."""
    plan = plan_of(
        load_scenario("coculture_imatinib").with_(duration=24.0, times=[0.0, 6.0, 24.0], events=[])
    )
    specimen = Specimen({}, Settings(rtol=1e-10))
    run, start = specimen.run(plan), specimen.start(plan)
    network = plan.compiled.system.network
    names = plan.compiled.parameters
    values = {name: float(start.vector[i]) for name, i in names.items()}
    outputs = ["cells_K562R", "p_bcr_abl_K562R", "cxcl11_medium"]
    there = roadrunner.RoadRunner(sbml(network, start.state, values, outputs))
    there.getIntegrator().setValue("relative_tolerance", 1e-10)
    there.getIntegrator().setValue("absolute_tolerance", 1e-20)
    species = [f"s{i}" for i in range(len(network.species))]
    found = np.asarray(there.simulate(times=[0.0, 6.0, 24.0], selections=[*species, *outputs]))
    size = np.abs(run.states).max(axis=0)
    np.testing.assert_allclose(found[:, : len(species)], run.states, rtol=1e-6, atol=1e-8 * size.max())
    expected = plan.compiled.system.outputs(run.states, start.vector)
    columns = [plan.compiled.outputs[name] for name in outputs]
    np.testing.assert_allclose(found[:, len(species) :], expected[:, columns], rtol=1e-6)


def test_species_keep_their_patterns_as_names() -> None:
    import libsbml

    plan = plan_of(load_scenario("k562s_growth"))
    network = plan.compiled.system.network
    text = sbml(network, np.zeros(len(network.species)))
    document = libsbml.readSBMLFromString(text)
    assert document.getNumErrors(libsbml.LIBSBML_SEV_ERROR) == 0
    assert document.checkConsistency() >= 0
    assert document.getNumErrors(libsbml.LIBSBML_SEV_ERROR) == 0
    model = document.getModel()
    assert [model.getSpecies(f"s{i}").getName() for i in range(3)] == list(network.species[:3])
    assert model.getNumReactions() == len(network.reactions)


def test_what_is_no_formula_is_refused() -> None:
    with pytest.raises(Inexpressible, match="is not a list of choices"):
        _math("Piecewise(a, b)")
