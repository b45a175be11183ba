"""Studies a user can run by name: one per claim, density dependence, and the facts against."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from nicheloop.analysis.claims import CLAIMS, Claim
from nicheloop.analysis.density import DENSITY
from nicheloop.analysis.evidence import Progress, Reproduction
from nicheloop.analysis.facts import facts_against
from nicheloop.analysis.reproduction import run_claims

StudyFunction = Callable[..., Reproduction]


def claim_study(
    claim: Claim, draws: int = 200, seed: int = 1, progress: Progress | None = None
) -> Reproduction:
    """Run one claim for the default, the ensemble and the prior."""
    return run_claims((claim,), draws, seed, progress)


def facts_study(draws: int = 0, seed: int = 1, progress: Progress | None = None) -> Reproduction:
    """Run all claims for the default with each fact that argues against the mechanism switched on."""
    found = run_claims(CLAIMS, draws, seed, progress)
    return replace(found, facts=facts_against())


TITLES: Mapping[str, str] = {
    **{f"{claim.key.lower()}_{claim.name}": claim.statement for claim in CLAIMS},
    "density_dependence": DENSITY.statement,
    "facts_against": "What is left of the claims with each fact against the mechanism switched on.",
}
"""One line about each study."""

STUDIES: Mapping[str, StudyFunction] = {
    **{f"{claim.key.lower()}_{claim.name}": partial(claim_study, claim) for claim in CLAIMS},
    "density_dependence": partial(claim_study, DENSITY),
    "facts_against": facts_study,
}
"""Study by name; each takes ``draws``, ``seed`` and ``progress``."""
