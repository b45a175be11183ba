"""The claims: what they hold, and that their verdicts can fail."""

import numpy as np
import pytest

from nicheloop.analysis.claims import CLAIMS
from nicheloop.analysis.evidence import Reproduction
from nicheloop.analysis.facts import facts_against, switches
from nicheloop.analysis.reproduction import run_claims
from nicheloop.analysis.studies import STUDIES, TITLES
from nicheloop.biology.table import check_names


@pytest.fixture(scope="module")
def found() -> Reproduction:
    return run_claims(CLAIMS, draws=4, seed=2)


def value(found: Reproduction, claim: str, effect: str) -> float:
    return next(e.default for e in found.effects if e.claim == claim and effect in e.effect)


def test_every_claim_has_effects_and_panels(found: Reproduction) -> None:
    assert {effect.claim for effect in found.effects} == {f"S{i}" for i in range(1, 7)}
    assert {panel.claim for panel in found.panels} == {f"S{i}" for i in range(1, 7)}
    assert len(found.effects) >= 25
    assert found.failed_runs == 0
    for effect in found.effects:
        assert effect.ensemble.shape == effect.prior.shape == (4,)


def test_names_of_panels_and_effects_are_unique(found: Reproduction) -> None:
    assert len({panel.name for panel in found.panels}) == len(found.panels)
    assert len({(e.claim, e.experiment, e.effect) for e in found.effects}) == len(found.effects)


def test_default_shows_the_claimed_signs_where_the_mechanism_is_strong(found: Reproduction) -> None:
    assert value(found, "S1", "IC50 K562R / K562S") > 6
    assert value(found, "S1", "T315I control / K562S") > 50
    assert (
        value(found, "S1", "loss of p-BCR-ABL, T315I") < 10 < value(found, "S1", "loss of p-BCR-ABL in K562R")
    )
    assert value(found, "S2", "IL-1β in medium: K562R / K562S") > 3
    assert value(found, "S3", "IL1B knock-down / without") < 1
    assert value(found, "S4", "CXCL11 with K562R / with K562S") > 1
    assert value(found, "S5", "best dose / highest dose") > 1.05


def test_uniform_cxcl11_directs_nothing(found: Reproduction) -> None:
    assert value(found, "S5", "uniform 10 ng/mL CXCL11 / none") == pytest.approx(1.0, abs=0.01)


def test_jak_inhibitor_tells_the_promoters_apart(found: Reproduction) -> None:
    rows = [e for e in found.effects if "JAK inhibitor" in e.effect]
    alone = next(e.default for e in rows if "alone" in e.experiment)
    relay = next(e.default for e in rows if "IFN-β" in e.experiment)
    assert alone == pytest.approx(1.0, abs=0.01)
    assert relay < 0.2


def test_more_draws_change_no_draw() -> None:
    few, more = (run_claims((CLAIMS[5],), draws=n, seed=2) for n in (2, 3))
    for a, b in zip(few.effects, more.effects, strict=True):
        assert np.array_equal(a.ensemble, b.ensemble[:2])
        assert np.array_equal(a.prior, b.prior[:2])


def test_facts_change_what_they_should() -> None:
    for switch in switches():
        check_names(switch.parameters)
    found = {fact.switch: fact.effects for fact in facts_against()}
    no_rise = {
        effect: switched for _, effect, _, _, switched in found["K562R secretes as little IL-1β as K562S"]
    }
    assert no_rise["vehicle, 48 h: IL1B mRNA: K562R / K562S"] == pytest.approx(1.0, abs=0.05)
    no_receptor = {effect: switched for _, effect, _, _, switched in found["K562R carries no CXCR3"]}
    assert no_receptor["transwell 4 h: migrated to 10 ng/mL CXCL11 / none"] == pytest.approx(1.0, abs=0.01)
    needed = {e: s for _, e, _, _, s in found["translation of CXCL11 needs IFN-γ"]}
    assert needed["stroma 48 h, promoter NF-κB alone: CXCL11 with K562R - alone"] == 0.0


def test_every_study_has_a_title() -> None:
    assert set(STUDIES) == set(TITLES)
    assert all(TITLES.values())


def test_too_many_draws_are_refused() -> None:
    with pytest.raises(ValueError, match="the shipped ensemble holds"):
        run_claims(CLAIMS[:1], draws=10**6, seed=1)


def test_effects_as_a_table(found: Reproduction) -> None:
    table = found.to_dataframe()
    assert len(table) == len(found.effects)
    for row, effect in zip(table.itertuples(), found.effects, strict=True):
        assert (row.claim, row.effect, row.default) == (effect.claim, effect.effect, effect.default)
        assert row.sign == effect.expected_sign
        assert row.holds == (effect.expected_sign != 0 and effect.holds)
