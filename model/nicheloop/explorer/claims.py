"""Which effects of the six claims the model shows with the parameters of a view."""

from __future__ import annotations

import math
from dataclasses import dataclass

from nicheloop.analysis.claims import CLAIMS, Claim
from nicheloop.analysis.claims.claim import Measured
from nicheloop.analysis.evidence import Effect
from nicheloop.assays.mapping import FrozenMap
from nicheloop.assays.result import Runs
from nicheloop.assays.runs.study import Study
from nicheloop.assays.scenario import Scenario
from nicheloop.assays.settings import Settings
from nicheloop.explorer.view import View

SETTINGS = Settings(engine="batch", rtol=1e-5)
"""Those of `nicheloop reproduce`."""
DEFAULT = "mixed"
"""Explanation of resistance of an experiment that asks for none; the others are controls."""
OF_K562R = "_K562R"


@dataclass(frozen=True)
class Setting:
    """What decides the claims: parameters that differ from the table, and the explanation of resistance."""

    parameters: FrozenMap[float]
    resistance: str

    @classmethod
    def of(cls, view: View) -> Setting:
        """Return the setting of a view; its doses and densities do not matter, the claims have their own."""
        return cls(view.overrides, view.resistance)


@dataclass(frozen=True)
class Shown:
    """One claimed effect with one parameter set.

    Attributes
    ----------
    text : str
        Experiment and effect.
    value, null : float
        What the model gives, and what would be no effect; NaN for a failed run.
    unit : str
        ``1`` for a ratio.
    sign : int
        +1 or -1 as claimed.
    shown : bool
        Whether it has the claimed sign and is large enough to be seen in the assay.
    """

    text: str
    value: float
    null: float
    unit: str
    sign: int
    shown: bool


@dataclass(frozen=True)
class Judged:
    """One claim with one parameter set."""

    key: str
    statement: str
    effects: tuple[Shown, ...]
    failed: str = ""

    @property
    def word(self) -> str:
        """``shown``, ``shown in part`` or ``not shown``; ``not known`` if a run failed."""
        if self.failed or any(math.isnan(effect.value) for effect in self.effects):
            return "not known"
        count = sum(effect.shown for effect in self.effects)
        return "shown" if count == len(self.effects) else "shown in part" if count else "not shown"


def judge(setting: Setting) -> tuple[Judged, ...]:
    """Run the experiments of all claims for one setting.

    An experiment whose explanation of resistance is its own, such as the one on T315I, keeps it, and then no
    parameter of K562R that was moved holds in it: it is another line.
    """
    moved = Study([setting.parameters], SETTINGS)
    others = {name: value for name, value in setting.parameters.items() if not name.endswith(OF_K562R)}
    control = Study([others], SETTINGS)
    return tuple(_judged(claim, setting, moved, control) for claim in CLAIMS)


def _judged(claim: Claim, setting: Setting, moved: Study, control: Study) -> Judged:
    wanted: dict[int, tuple[Study, dict[str, Scenario]]] = {0: (moved, {}), 1: (control, {})}
    for name, scenario in claim.experiments.items():
        own = scenario.resistance != DEFAULT
        wanted[own][1][name] = scenario if own else explained(scenario, setting.resistance)
    runs: dict[str, Runs] = {}
    for study, scenarios in wanted.values():
        runs.update(zip(scenarios, study.runs_of(list(scenarios.values())), strict=True))
    failed = next((run.messages[0] for run in runs.values() if run.status[0] != "ok"), "")
    effects = claim.effects(Measured({name: runs[name] for name in claim.experiments}, 0))
    told = tuple(_shown(effect) for effect in effects if effect.expected_sign)
    return Judged(claim.key, claim.statement, told, failed)


def explained(scenario: Scenario, resistance: str) -> Scenario:
    """Return an experiment under an explanation of resistance, if it asks for none of its own."""
    if scenario.resistance != DEFAULT or resistance == DEFAULT:
        return scenario
    return scenario.model_copy(update={"resistance": resistance})


def _shown(effect: Effect) -> Shown:
    shown = not math.isnan(effect.default) and bool(effect.shown_by(effect.default))
    text = f"{effect.experiment}: {effect.effect}"
    return Shown(text, effect.default, effect.null, effect.unit, effect.expected_sign, shown)


SCOPE = (
    "For one parameter set, that of the sliders. Each claim has experiments of its own, so doses and "
    "densities do not matter. Ensemble and prior: nicheloop reproduce."
)
