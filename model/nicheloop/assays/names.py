"""Messages about names that are not known."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def unknown(kind: str, name: object, known: Iterable[str]) -> str:
    """Say that ``name`` is not a known ``kind``, which ones are, and the nearest.

    Examples
    --------
    >>> unknown("line", "K562", ["K562S", "K562R"])
    "unknown line 'K562', did you mean 'K562S'? Expected one of: K562S, K562R"
    """
    choices = list(known)
    listed = ", ".join(choices[:20]) + (f" and {len(choices) - 20} more" if len(choices) > 20 else "")
    lowered = {choice.lower(): choice for choice in reversed(choices)}
    near = get_close_matches(str(name).lower(), lowered, n=1, cutoff=0.5)
    hint = f"did you mean {lowered[near[0]]!r}? " if near else ""
    joint = ", " if hint else "; "
    return f"unknown {kind} {name!r}{joint}{hint}{'E' if hint else 'e'}xpected one of: {listed or 'none'}"
