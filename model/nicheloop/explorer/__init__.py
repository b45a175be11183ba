"""The explorer: a page on which a scenario, its doses and any parameter are moved and the curves follow.

What is shown is a value (`nicheloop.explorer.view.View`), from which curves, claims and exports are computed;
the page only turns what a user does into the next one. So several pages at once share nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nicheloop.assays.scenario import Scenario
    from nicheloop.explorer.widget import Explorer

START = "imatinib_k562r"
"""Scenario that is shown if none is named."""
COMMAND = 'pip install ".[explore]"'


def explore(
    scenario: Scenario | str | Path | None = None,
    parameters: Mapping[str, float] | None = None,
    *,
    readouts: Iterable[str] | None = None,
) -> Explorer:
    """Show the explorer in a notebook: move doses, times and parameters, and see the curves follow.

    Parameters
    ----------
    scenario : Scenario, str or Path, optional
        A scenario, or the name or TOML path of one; of one that varies something, its first well. Default:
        imatinib on K562R.
    parameters : mapping, optional
        Parameters that differ from the table; each gets a slider.
    readouts : iterable of str, optional
        Read-outs that are drawn, such as ``["viability", "il1b"]``; default: a few that the scenario allows.

    Returns
    -------
    Explorer
        Shows itself where it is the last line of a cell; ``.view`` and ``.course`` are what is shown now.

    Raises
    ------
    ImportError
        If Panel is not installed; the message names the command that installs it.
    ScenarioError
        If there is no such scenario or file.
    ValueError
        If a parameter or read-out is unknown, or a value is not a finite number.

    Examples
    --------
    >>> nl.explore("coculture_imatinib", {"il1b_secretion_K562R": 20.0})  # doctest: +SKIP
    """
    from nicheloop.explorer.view import View

    view = View.of(scenario or START, parameters, readouts)
    require()
    from nicheloop.explorer.widget import Explorer

    return Explorer(view)


def require() -> None:
    """Refuse to go on without the extra ``explore``.

    Raises
    ------
    ImportError
        With the command that installs it.
    """
    try:
        import panel  # noqa: F401
    except ImportError as error:
        raise ImportError(f"the explorer needs Panel, which is not installed: {COMMAND}") from error
