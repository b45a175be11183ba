"""All claims at once: default, ensemble and bare prior, the table of numbers, the facts against."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from nicheloop.analysis.claims import CLAIMS, Claim
from nicheloop.analysis.claims.claim import Measured
from nicheloop.analysis.ensemble import load_ensemble, prior_sets
from nicheloop.analysis.evidence import Check, Effect, Panel, Progress, Reproduction
from nicheloop.analysis.facts import facts_against
from nicheloop.analysis.targets import GROUPS, checks
from nicheloop.assays.runs.study import Study
from nicheloop.assays.settings import Settings

BATCH = Settings(engine="batch", rtol=1e-5)
REFERENCE = Settings(engine="scipy", rtol=1e-8)


def reproduce(
    draws: int = 200, seed: int = 1, claims: Sequence[Claim] = CLAIMS, progress: Progress | None = None
) -> Reproduction:
    """Run the claims, the table of numbers and the facts against.

    Parameters
    ----------
    draws : int
        Parameter sets of the shipped ensemble, and as many of the unconditioned prior.
    seed : int
        Seed of the choice from the ensemble and of the prior draws.
    claims : sequence of Claim
        Which claims.
    progress : callable, optional
        Told ``(done, total, failed)`` runs.

    Raises
    ------
    ValueError
        If ``draws`` is negative or more than the ensemble holds.
    """
    began = time.perf_counter()
    found = run_claims(claims, draws, seed, progress)
    return replace(
        found, facts=facts_against(), checks=table_of_numbers(), seconds=time.perf_counter() - began
    )


def run_claims(
    claims: Sequence[Claim], draws: int, seed: int, progress: Progress | None = None
) -> Reproduction:
    """Run claims for the default, ``draws`` sets of the ensemble and ``draws`` of the prior.

    Runs that failed are counted for default and ensemble; those of the prior are in the diagnostics, since
    a prior draw whose stock culture cannot grow is no surprise.
    """
    began = time.perf_counter()
    study = Study([{}, *_chosen(draws, seed)], BATCH, drawn=True)
    sets = 1 + 2 * draws
    total = sum(len(claim.experiments) for claim in claims)
    effects: list[Effect] = []
    panels: list[Panel] = []
    done = failed = prior_failed = 0
    for claim in claims:
        runs = {}
        for name, scenario in claim.experiments.items():
            runs[name] = study.runs(scenario)
            done += 1
            failed += runs[name].status[: 1 + draws].count("failed")
            prior_failed += runs[name].status[1 + draws :].count("failed")
            if progress is not None:
                progress(done * sets, total * sets, failed + prior_failed)
        measured = Measured(runs, draws)
        effects += claim.effects(measured)
        panels += claim.draw(measured)
    diagnostics = dict(load_ensemble().diagnostics) if draws else {}
    prior = {"prior_runs": total * draws, "prior_failed_runs": prior_failed}
    return Reproduction(
        effects=tuple(effects),
        panels=tuple(panels),
        facts=(),
        checks=(),
        draws=draws,
        seed=seed,
        failed_runs=failed,
        total_runs=total * (1 + draws),
        seconds=time.perf_counter() - began,
        ensemble_diagnostics={**diagnostics, **prior},
    )


def table_of_numbers() -> tuple[Check, ...]:
    """Measure the numbers that the default must meet, with the reference engine."""
    study = Study([{}], REFERENCE)
    runs = {name: study.runs(scenario) for group in GROUPS for name, scenario in group.experiments.items()}
    return checks(Measured(runs, 0))


def _chosen(draws: int, seed: int) -> list[dict[str, float]]:
    """Sets of the ensemble, chosen without replacement, then as many of the prior."""
    if draws < 0:
        raise ValueError(f"draws={draws}: expected 0 or more")
    if draws == 0:
        return []
    sets = load_ensemble().sets()
    if draws > len(sets):
        raise ValueError(
            f"draws={draws}: the shipped ensemble holds {len(sets)} sets, expected at most that many"
        )
    order = np.random.default_rng([seed, 0]).permutation(len(sets))[:draws]
    return [*(sets[i] for i in order), *prior_sets(draws, seed)]
