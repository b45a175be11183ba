"""The left side of the page: what is done to which cells, and the parameters of the model."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Any

import panel as pn

from nicheloop.assays.library import load_scenario, scenario_names
from nicheloop.assays.scenario import Scenario
from nicheloop.biology import PROMOTERS, RESISTANCES
from nicheloop.biology.hosts import STROMA
from nicheloop.explorer.controls import DOSE, EVENT_DOSE, KNOCKDOWN, PARAMETER, searchable
from nicheloop.explorer.slider import ValueSlider
from nicheloop.explorer.style import SIDEBAR, WIDGET, text_pane
from nicheloop.explorer.turns import in_turn
from nicheloop.explorer.view import View
from nicheloop.explorer.words import EXPLANATIONS, treatment_in_words
from nicheloop.explorer.words import PROMOTERS as PROMOTER_NAMES

if TYPE_CHECKING:
    from nicheloop.explorer.page import Page

CLAIM_WORDS = {
    "s1": "Claim S1: resistance",
    "s2": "Claim S2: IL-1β of either line",
    "s3": "Claim S3: IL-1β and survival",
    "s4": "Claim S4: CXCL11 of stroma",
    "s5": "Claim S5: migration",
    "s6": "Claim S6: both arms",
}
OWN = "Yours"
GIVEN = (DOSE, KNOCKDOWN, EVENT_DOSE)
_CHOOSE = "choose…"


def grouped_scenarios() -> dict[str, dict[str, str]]:
    """Shipped scenarios as the chooser lists them: group to title to name."""
    groups: dict[str, dict[str, str]] = {}
    for name in scenario_names():
        scenario = load_scenario(name)
        groups.setdefault(_group(scenario), {})[scenario.title or name] = name
    order = [
        "Leukaemia alone", "Wash-out, pulses, passages", "Doses and densities in many wells",
        "Conditioned medium", "Leukaemia with stroma", "Migration through an insert", "Stroma alone",
        *CLAIM_WORDS.values(),
    ]  # fmt: skip
    return {group: groups[group] for group in order if group in groups}


def _group(scenario: Scenario) -> str:
    """Return the kind of experiment, told from what the scenario holds."""
    claim = scenario.name.partition("_")[0]
    if claim in CLAIM_WORDS:
        return CLAIM_WORDS[claim]
    if scenario.vary:
        return "Doses and densities in many wells"
    if scenario.vessel.has_insert:
        return "Migration through an insert"
    if not scenario.lines:
        return "Stroma alone"
    if scenario.stroma.present:
        return "Leukaemia with stroma"
    if scenario.conditioned_medium is not None or scenario.name.startswith("donor"):
        return "Conditioned medium"
    return "Wash-out, pulses, passages" if scenario.events else "Leukaemia alone"


class Sidebar:
    """Controls of a view; each tells the page what was moved."""

    def __init__(self, page: Page, view: View) -> None:
        self._page = page
        self._sliders: dict[str, ValueSlider] = {}
        self._follows = False
        self._make_choosers(view)
        column: dict[str, Any] = {"sizing_mode": "stretch_width"}
        self._given, self._seeded, self._numbers = (pn.Column(**column) for _ in range(3))
        self.panel = pn.Column(
            _heading("Experiment"), self.scenario, self.well, self.description,
            _heading("Treatments"), self._given, self.addition,
            _heading("Cells and time"), self._seeded,
            _heading("Parameters of the model"), self.search, self._numbers,
            _heading("Explanation"), self.resistance, self.promoter,
            stylesheets=[SIDEBAR],
            **column,
        )  # fmt: skip
        self.follow(view)
        self._watch()

    def _make_choosers(self, view: View) -> None:
        groups = grouped_scenarios()
        source, own = view.origin.source, view.origin.scenario
        if source not in scenario_names():
            groups = {OWN: {own.title or own.name: source}, **groups}
        wide: dict[str, Any] = {"sizing_mode": "stretch_width", "stylesheets": [WIDGET], "margin": (3, 0)}
        self.scenario = pn.widgets.Select(name="Scenario", groups=groups, value=source, **wide)
        self.well = pn.widgets.Select(name="Well", **wide)
        self.description = text_pane()
        self.addition = pn.widgets.Select(name="Add a treatment or knock-down", **wide)
        self.resistance = pn.widgets.Select(
            name="Why K562R resists", options={EXPLANATIONS.get(r, r): r for r in RESISTANCES}, **wide
        )
        self.promoter = pn.widgets.Select(
            name="Promoter of stromal CXCL11",
            options={PROMOTER_NAMES.get(p, p): p for p in PROMOTERS},
            **wide,
        )
        self.search = pn.widgets.AutocompleteInput(
            name="Add a parameter (type part of its name)",
            min_characters=1,
            case_sensitive=False,
            search_strategy="includes",
            restrict=True,
            placeholder="il1, death, cxcr3...",
            **wide,
        )

    def _watch(self) -> None:
        self._on(self.scenario, self._page.choose_scenario)
        self._on(self.well, lambda number: self._page.choose_well(number))
        self._on(self.addition, lambda key: self._page.add(key) if key else None)
        self._on(self.resistance, lambda name: self._page.explain(resistance=name))
        self._on(self.promoter, lambda name: self._page.explain(promoter=name))
        self._on(self.search, lambda name: self._page.add(f"{PARAMETER}:{name}") if name else None)

    def _on(self, widget: pn.widgets.Widget, tell: Callable[..., object]) -> None:
        """Tell what the user chose; not what the page itself has just put there."""

        def told(event: Any) -> None:
            if not self._follows:
                in_turn(lambda: tell(event.new))

        widget.param.watch(told, "value")

    def follow(self, view: View) -> None:
        """Show the controls of a view, each at its value."""
        self._follows = True
        try:
            self._follow_choices(view)
            self._follow_sliders(view)
        finally:
            self._follows = False

    def _follow_choices(self, view: View) -> None:
        if self.scenario.value != view.origin.source and view.origin.source in self.scenario.values:
            self.scenario.value = view.origin.source
        wells = {name: number for number, name in enumerate(view.origin.wells)}
        if self.well.options != wells:
            self.well.param.update(options=wells, visible=bool(wells))
        if wells and self.well.value != view.origin.well:
            self.well.value = view.origin.well
        text = f"<p>{escape(' '.join(view.base.description.split()))}</p>"
        if self.description.object != text:
            self.description.object = text
        options = {_CHOOSE: ""} | {_addition(key): key for key in view.addable()}
        if self.addition.options != options:
            self.addition.options = options
        for widget, value in (
            (self.addition, ""),
            (self.resistance, view.resistance),
            (self.promoter, view.promoter),
        ):
            if widget.value != value:
                widget.value = value
        self.promoter.visible = STROMA in view.base.hosts or view.base.conditioned_medium is not None
        keys = view.keys()
        names = [name for name in searchable(view.base) if f"{PARAMETER}:{name}" not in keys]
        if self.search.options != names:
            self.search.options = names
        if self.search.value:
            self.search.value = ""

    def _follow_sliders(self, view: View) -> None:
        keys = view.keys()
        for key in keys:
            control = view.control(key)
            remove = self._page.remove if key in view.added else None
            if key in self._sliders:
                self._sliders[key].show(control, remove)
            else:
                self._sliders[key] = ValueSlider(control, self._page.move, self._page.back, remove)
        self._sliders = {key: self._sliders[key] for key in keys}
        parts: dict[str, list[ValueSlider]] = {"given": [], "seeded": [], "numbers": []}
        for key, slider in self._sliders.items():
            kind = key.partition(":")[0]
            parts["given" if kind in GIVEN else "numbers" if kind == PARAMETER else "seeded"].append(slider)
        for column, sliders in zip((self._given, self._seeded, self._numbers), parts.values(), strict=True):
            if list(column.objects) != sliders:
                column.objects = sliders

    def slider(self, key: str) -> ValueSlider:
        """Return the slider of a key."""
        return self._sliders[key]


def _addition(key: str) -> str:
    kind, _, what = key.partition(":")
    return treatment_in_words(what) if kind == DOSE else f"{what.upper()} knock-down"


def _heading(text: str) -> pn.pane.HTML:
    return text_pane(f"<h2>{escape(text)}</h2>")
