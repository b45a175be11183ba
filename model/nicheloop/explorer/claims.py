"""Which effects of the six claims the model shows with the parameters of a view."""

from __future__ import annotations

import math
from dataclasses import dataclass

from nicheloop.analysis.claims import CLAIMS, Claim
from nicheloop.analysis.claims.claim import Measured
from nicheloop.analysis.evidence import Effect
from nicheloop.analysis.reproduction import BATCH
from nicheloop.assays.mapping import FrozenMap
from nicheloop.assays.result import Runs
from nicheloop.assays.runs.study import Study
from nicheloop.assays.scenario import Scenario
from nicheloop.explorer.view import View

DEFAULT = "mixed"
"""Explanation of resistance of an experiment that asks for none; the others are controls."""
PROMOTER = "nfkb"
"""Promoter of CXCL11 of an experiment that asks for none."""
OF_K562R = "_K562R"
NOT_KNOWN = "not known"


@dataclass(frozen=True)
class Setting:
    """What decides the claims: parameters that were moved, explanation of resistance, promoter of CXCL11."""

    parameters: FrozenMap[float]
    resistance: str = DEFAULT
    promoter: str = PROMOTER

    @classmethod
    def of(cls, view: View) -> Setting:
        """Return the setting of a view; its doses and densities do not matter, the claims have their own."""
        return cls(view.parameters, view.resistance, view.promoter)


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
        Whether it has the claimed sign and is large enough to be seen in the assay; False if not known.
    """

    text: str
    value: float
    null: float
    unit: str
    sign: int
    shown: bool

    @property
    def word(self) -> str:
        """``shown`` or ``not shown``; ``not known`` if a run failed."""
        return NOT_KNOWN if math.isnan(self.value) else "shown" if self.shown else "not shown"


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
        if self.failed or any(effect.word == NOT_KNOWN for effect in self.effects):
            return NOT_KNOWN
        count = sum(effect.shown for effect in self.effects)
        return "shown" if count == len(self.effects) else "shown in part" if count else "not shown"


def judge(setting: Setting) -> tuple[Judged, ...]:
    """Run the experiments of all claims for one setting.

    An experiment whose explanation of resistance is its own, such as the one on T315I, keeps it, and then no
    parameter of K562R that was moved holds in it: it is another line.
    """
    moved = Study([setting.parameters], BATCH)
    others = {name: value for name, value in setting.parameters.items() if not name.endswith(OF_K562R)}
    control = Study([others], BATCH)
    return tuple(_judged(claim, setting, moved, control) for claim in CLAIMS)


def _judged(claim: Claim, setting: Setting, moved: Study, control: Study) -> Judged:
    wanted: dict[int, tuple[Study, dict[str, Scenario]]] = {0: (moved, {}), 1: (control, {})}
    for name, scenario in claim.experiments.items():
        own = scenario.resistance != DEFAULT
        wanted[own][1][name] = explained(scenario, setting)
    runs: dict[str, Runs] = {}
    for study, scenarios in wanted.values():
        runs.update(zip(scenarios, study.runs_of(list(scenarios.values())), strict=True))
    failed = next((run.messages[0] for run in runs.values() if run.status[0] != "ok"), "")
    effects = claim.effects(Measured({name: runs[name] for name in claim.experiments}, 0))
    told = tuple(_shown(effect) for effect in effects if effect.expected_sign)
    return Judged(claim.key, claim.statement, told, failed)


def explained(scenario: Scenario, setting: Setting) -> Scenario:
    """Return an experiment under the explanation and the promoter of a setting, where it asks for none."""
    found = {}
    if scenario.resistance == DEFAULT != setting.resistance:
        found["resistance"] = setting.resistance
    if "promoter" not in scenario.model_fields_set and setting.promoter != PROMOTER:
        found["promoter"] = setting.promoter
    return scenario.model_copy(update=found) if found else scenario


def _shown(effect: Effect) -> Shown:
    shown = not math.isnan(effect.default) and bool(effect.shown_by(effect.default))
    text = f"{effect.experiment}: {effect.effect}"
    return Shown(text, effect.default, effect.null, effect.unit, effect.expected_sign, shown)


SCOPE = (
    "For one parameter set, that of the sliders. Each claim has experiments of its own, so doses and "
    "densities do not matter; S4 tries both promoters, the others take the one chosen here. "
    "Ensemble and prior: nicheloop reproduce."
)
