"""Where a view starts: one well of a scenario, and how to find it again."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from nicheloop.assays.axes import label, places
from nicheloop.assays.scenario import Scenario


@dataclass(frozen=True)
class Origin:
    """Where a scenario came from, so that Python lines can name it.

    Attributes
    ----------
    scenario : Scenario
        As it was loaded; may vary something.
    source : str
        Shipped name, or path of a TOML file; empty for a scenario made in Python.
    well : int
        Which of its wells is shown.
    """

    scenario: Scenario
    source: str = ""
    well: int = 0

    @cached_property
    def base(self) -> Scenario:
        """The single well that is the start of a view."""
        return self.scenario.wells()[self.well]

    @property
    def place(self) -> str:
        """Which well it is, in brackets; empty if there is only one."""
        return f"[{self.wells[self.well]}]" if self.wells else ""

    @property
    def wells(self) -> tuple[str, ...]:
        """Names of the wells, such as ``imatinib=1 uM``; empty if there is only one."""
        if not self.scenario.vary:
            return ()
        return tuple(", ".join(label(*item) for item in place.items()) for place in places(self.scenario))
