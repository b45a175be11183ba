"""Curves that are kept to compare with."""

from __future__ import annotations

from dataclasses import dataclass

from nicheloop.explorer.courses import Course
from nicheloop.explorer.view import View

DASHES: tuple[tuple[int, ...], ...] = ((7, 4), (2, 3), (9, 3, 2, 3), (14, 4))
"""How the pins are told apart; colour tells the kind of cell."""


@dataclass(frozen=True, eq=False)
class Pin:
    """One set of curves that stays while the view moves on.

    Attributes
    ----------
    number : int
        Which dashes it has, from 0.
    view, course : View and Course
        What was shown, and what came of it.
    """

    number: int
    view: View
    course: Course

    @property
    def label(self) -> str:
        """What sets it apart."""
        return self.course.label

    @property
    def name(self) -> str:
        """Which one it is, and what sets it apart: two that differ little have the same label."""
        return f"pinned {self.number + 1}: {self.label}"

    @property
    def dashes(self) -> tuple[int, ...]:
        """Lengths of strokes and gaps."""
        return DASHES[self.number]


def pinned(pins: tuple[Pin, ...], view: View, course: Course) -> tuple[Pin, ...]:
    """Keep what is shown.

    Raises
    ------
    ValueError
        If the run failed, the same is pinned already, or there are no dashes left.
    """
    if not course.ok:
        raise ValueError("this run failed: there are no curves to pin")
    if any(
        pin.course.scenario == course.scenario and pin.course.parameters == course.parameters for pin in pins
    ):
        raise ValueError("these curves are pinned already")
    free = [number for number in range(len(DASHES)) if number not in {pin.number for pin in pins}]
    if not free:
        raise ValueError(f"{len(DASHES)} sets of curves are pinned: remove one first")
    return (*pins, Pin(free[0], view, course))


def unpinned(pins: tuple[Pin, ...], number: int) -> tuple[Pin, ...]:
    """Let go of the pin with this number."""
    return tuple(pin for pin in pins if pin.number != number)
