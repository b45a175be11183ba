"""The section on claims: which effects the model shows with the parameters of the sliders."""

from __future__ import annotations

import asyncio
from functools import partial
from html import escape
from typing import Any

import panel as pn

from nicheloop.explorer.claims import NOT_KNOWN, SCOPE, Judged, Setting, Shown, judge
from nicheloop.explorer.live import LiveText, notice, reason
from nicheloop.explorer.style import BESIDE, text_pane
from nicheloop.explorer.turns import in_turn
from nicheloop.explorer.view import View

ASK, RUNNING = "Which claims hold with these parameters?", "Running the experiments of the claims…"
STALE = "Parameters have been moved since: these verdicts are for an earlier setting."
COLOURS = {"shown": "#00664b", "shown in part": "#8a5a00", "not shown": "#a33c00", "not known": "#555555"}


_HEAD = '<tr><th>effect</th><th class="number">model</th><th>claimed</th><th></th></tr>'


class ClaimsSection:
    """Verdicts on request, for the setting at hand; marked when that is another one."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._setting: Setting | None = None
        self._problem = ""
        self.judged: tuple[Judged, ...] = ()
        self.button = pn.widgets.Button(name=ASK, button_type="primary", **BESIDE)
        self.button.on_click(self._asked)
        self.state = LiveText(f"<p>{escape(SCOPE)}</p>")
        self.table = text_pane()
        wide: dict[str, Any] = {"sizing_mode": "stretch_width"}
        self.panel = pn.Column(self.button, self.state, self.table, visible=False, **wide)

    @property
    def stale(self) -> bool:
        """Whether the verdicts are for another setting than that of the sliders."""
        return self._setting is not None and self._setting != Setting.of(self._view)

    def follow(self, view: View) -> None:
        """Note where the sliders are now."""
        self._view = view
        self._tell()

    async def _asked(self, _: object) -> None:
        await self.run()

    async def run(self) -> None:
        """Judge the claims for the setting at hand, in a thread: sliders go on working."""
        setting = Setting.of(self._view)
        in_turn(lambda: self.button.param.update(disabled=True, name=RUNNING))
        try:
            judged = await asyncio.to_thread(judge, setting)
        except Exception as error:
            in_turn(partial(self._refuse, f"The claims could not be judged: {reason(error)}"))
        else:
            in_turn(lambda: self._show(setting, judged))
        finally:
            in_turn(lambda: self.button.param.update(disabled=False, name=ASK))

    def _show(self, setting: Setting, judged: tuple[Judged, ...]) -> None:
        self._setting, self.judged, self._problem = setting, judged, ""
        self.table.object = table_of(judged)
        self._tell()

    def _refuse(self, problem: str) -> None:
        self._setting, self.judged, self._problem = None, (), problem
        self.table.object = ""
        self._tell()

    def _tell(self) -> None:
        stale = notice(STALE, "status") if self.stale else ""
        self.state.write(f"<p>{escape(SCOPE)}</p>{notice(self._problem)}{stale}")


def table_of(judged: tuple[Judged, ...]) -> str:
    """Return the verdicts as a table: a row per claim, and below it its effects, folded."""
    rows = []
    for one in judged:
        shown = sum(effect.shown for effect in one.effects)
        count = f"{shown} of {len(one.effects)} effects"
        failed = f'<div class="notice">{escape(one.failed)}</div>' if one.failed else ""
        effects = "".join(_row(effect) for effect in one.effects)
        rows.append(
            f"<details><summary><b>{one.key}</b> "
            f'<b style="color:{COLOURS[one.word]}">{one.word}</b>'
            f" ({count}). {escape(one.statement)}</summary>{failed}"
            f"<table><thead>{_HEAD}</thead><tbody>{effects}</tbody></table></details>"
        )
    return "".join(rows)


def _row(effect: Shown) -> str:
    unit = "" if effect.unit == "1" else f" {effect.unit}"
    value = "failed" if effect.word == NOT_KNOWN else f"{effect.value:.3g}{unit}"
    side = "above" if effect.sign > 0 else "below"
    text = escape(effect.text.replace(" uM", " µM"))
    return (
        f'<tr><td>{text}</td><td class="number">{value}</td><td>{side} {effect.null:g}</td>'
        f'<td style="color:{COLOURS[effect.word]}">{effect.word}</td></tr>'
    )
