"""From effects to a verdict per claim, in words a reader can check."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from nicheloop.analysis.evidence import NEEDED_FRACTION, Effect

Which = Literal["ensemble", "prior"]


@dataclass(frozen=True)
class Verdict:
    """What the model says about one claim.

    Attributes
    ----------
    claim, statement : str
        ``S1`` to ``S6`` and its text.
    effects : tuple of Effect
        All of them, those without a claimed sign included.
    claimed, holding : int
        Effects with a claimed sign, and how many of these hold.
    ensemble_share, prior_share : float
        Share of the parameter sets in which **all** claimed effects have their sign at once; sets with a
        failed run are left out.
    """

    claim: str
    statement: str
    effects: tuple[Effect, ...]
    claimed: int
    holding: int
    ensemble_share: float
    prior_share: float

    @property
    def word(self) -> str:
        """``holds``, ``holds in part``, ``does not hold``, or ``not tested``."""
        if not self.claimed:
            return "not tested"
        if self.holding == self.claimed:
            return "holds"
        return "holds in part" if self.holding else "does not hold"


def verdict(claim: str, statement: str, effects: Iterable[Effect]) -> Verdict:
    """Judge one claim by its effects."""
    own = tuple(effect for effect in effects if effect.claim == claim)
    claimed = [effect for effect in own if effect.expected_sign]
    return Verdict(
        claim,
        statement,
        own,
        len(claimed),
        sum(effect.holds for effect in claimed),
        joint_share(claimed, "ensemble"),
        joint_share(claimed, "prior"),
    )


def joint_share(effects: Sequence[Effect], which: Which) -> float:
    """Return the share of parameter sets in which every effect has its claimed sign; NaN without any."""
    if not effects:
        return math.nan
    values = np.array([getattr(effect, which) for effect in effects], dtype=float)
    complete = ~np.isnan(values).any(axis=0)
    if not complete.any():
        return math.nan
    shown = [effect.shown_by(row[complete]) for effect, row in zip(effects, values, strict=True)]
    return float(np.mean(np.all(shown, axis=0)))


def sign_kept(effects: Iterable[Effect], claim: str, name: str, value: float) -> str:
    """Say whether an effect, called ``experiment: effect``, has its claimed sign at another value."""
    for effect in effects:
        if effect.claim == claim and name in (effect.effect, f"{effect.experiment}: {effect.effect}"):
            if not effect.expected_sign or math.isnan(value):
                return ""
            return "kept" if effect.shown_by(value) else "lost"
    return ""


def explanation(effect: Effect) -> str:
    """Say in a few neutral words why an effect does not hold; empty if it does, or claims nothing."""
    if not effect.expected_sign or effect.holds:
        return ""
    if math.isnan(effect.default):
        return "the default run failed"
    if math.isnan(effect.fraction_with_claimed_sign):
        return "no run of the ensemble gave a value"
    difference = (effect.default - effect.null) * effect.expected_sign
    reasons = []
    if abs(difference) <= effect.resolution:
        reasons.append("the default shows no effect that an assay would see")
    elif difference < 0:
        reasons.append("the default has the opposite sign")
    if effect.fraction_with_claimed_sign < NEEDED_FRACTION:
        share = f"{100 * effect.fraction_with_claimed_sign:.0f} %"
        reasons.append(
            f"{share} of the ensemble have the claimed sign, {100 * NEEDED_FRACTION:.0f} % are needed"
        )
    return "; ".join(reasons)


def weakest_effects(effects: Iterable[Effect]) -> list[Effect]:
    """Return, for every claim, the effect that the fewest parameter sets of the ensemble show as claimed."""
    weakest: dict[str, Effect] = {}
    for effect in effects:
        share = effect.fraction_with_claimed_sign
        if math.isnan(share):
            continue
        known = weakest.get(effect.claim)
        if known is None or share < known.fraction_with_claimed_sign:
            weakest[effect.claim] = effect
    return list(weakest.values())
