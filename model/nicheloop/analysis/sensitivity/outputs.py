"""What is looked at: a name for every column of values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Output:
    """One number that a run gives.

    Attributes
    ----------
    name : str
        Read-out, or any name.
    scenario, line, unit : str
        Which experiment, measured on which cells, in which unit; empty where there is none.
    summary : str
        What is kept of the time course, such as ``final_72h``; empty for a value at a time.
    time : float or None
        Hours; None for a summary.
    log : bool
        Whether its natural logarithm is analysed.
    """

    name: str
    scenario: str = ""
    line: str = ""
    unit: str = ""
    summary: str = ""
    time: float | None = None
    log: bool = False

    @property
    def label(self) -> str:
        """All of it on one line."""
        what = f"{self.name}:{self.line}" if self.line else self.name
        when = self.summary if self.time is None else f"{self.time:g} h"
        shown = f"ln {what}" if self.log else what
        return ", ".join(part for part in (shown, when, self.scenario) if part)
