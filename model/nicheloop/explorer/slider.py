"""A slider with a number field: linear, or logarithmic with 0 at its left end; names and units are spoken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from importlib.resources import files
from typing import Any

import param
from panel.custom import JSComponent

from nicheloop.explorer.controls import Control
from nicheloop.explorer.turns import in_turn

Told = Callable[[str, float], None]
_FIELDS = ("label", "unit", "value", "default", "low", "high", "log", "zero", "step", "note")


def _text(name: str) -> str:
    return files("nicheloop.explorer").joinpath(name).read_text(encoding="utf-8")


class ValueSlider(JSComponent):  # type: ignore[misc]
    """A control on the page.

    The browser tells each new value and waits for the answer before it tells the next one, so a drag never
    queues up: what a newer position supersedes is not computed.

    Parameters
    ----------
    control : Control
        What it moves.
    on_move : callable
        Called with key and value.
    on_back : callable
        Called with the key to put it back to its default.
    on_remove : callable, optional
        Called with the key to take it away; without it, it cannot be taken away.
    """

    label = param.String()
    unit = param.String()
    value = param.Number()
    default = param.Number()
    low = param.Number()
    high = param.Number(1.0)
    log = param.Boolean(False)
    zero = param.Boolean(False)
    step = param.Number()
    note = param.String()
    removable = param.Boolean(False)

    _esm = _text("slider.js")
    _stylesheets = (_text("slider.css"),)

    def __init__(
        self,
        control: Control,
        on_move: Told,
        on_back: Callable[[str], None],
        on_remove: Callable[[str], None] | None = None,
    ) -> None:
        self.key = control.key
        self._on_move, self._on_back, self._on_remove = on_move, on_back, on_remove
        super().__init__(
            **_fields(control), removable=on_remove is not None, sizing_mode="stretch_width", margin=0
        )

    def show(self, control: Control, on_remove: Callable[[str], None] | None = None) -> None:
        """Follow the view: bounds, default and value, and whether it can be taken away."""
        self._on_remove = on_remove
        fields = {**_fields(control), "removable": on_remove is not None}
        value = fields.pop("value")
        changed = {name: new for name, new in fields.items() if new != getattr(self, name)}
        if changed:
            self.param.update(**changed)
        if value != self.value:
            self._keep(value)
            self._send_msg({"value": value})

    def _keep(self, value: float) -> None:
        # The browser knows it already, or is told by a message, which overtakes no newer position.
        with param.parameterized.discard_events(self):
            self.value = value

    def _handle_msg(self, data: dict[str, Any]) -> None:
        in_turn(lambda: self._take(data))

    def _take(self, data: dict[str, Any]) -> None:
        try:
            if "value" in data:
                self._keep(float(data["value"]))
                self._on_move(self.key, self.value)
            elif "back" in data:
                self._on_back(self.key)
            elif "gone" in data and self._on_remove is not None:
                self._on_remove(self.key)
        finally:
            self._send_msg({"done": True})


def _fields(control: Control) -> dict[str, Any]:
    known = asdict(control)
    return {name: known[name] for name in _FIELDS}
