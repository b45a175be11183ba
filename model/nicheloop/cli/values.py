"""What ``--parameters`` takes: ``NAME=VALUE``, or a ``fitted.toml``."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nicheloop.analysis.fit.fitted import Fitted
    from nicheloop.assays.scenario import Scenario

HYPOTHESIS = ("resistance", "promoter")


def numbers(given: Sequence[str], option: str = "--parameters") -> dict[str, float]:
    """Return the parameters that are changed; what comes later counts.

    Parameters
    ----------
    given : sequence of str
        Each ``NAME=VALUE``, or the path of a TOML file as `read_fitted` reads it.
    option : str
        For messages.

    Raises
    ------
    ValueError
        If one is neither, or a file cannot be read.
    """
    found: dict[str, float] = {}
    for text in given:
        if _is_file(text):
            found |= dict(_from_file(text, option))
        else:
            name, value = pair(option, text, "NAME=VALUE or the path of a fitted.toml")
            found[name] = _number(option, name, value)
    return found


def hypothesis(given: Sequence[str], option: str = "--parameters") -> dict[str, str]:
    """Return the resistance and promoter that files were fitted under; what comes later counts.

    Raises
    ------
    ValueError
        If a file cannot be read.
    """
    found: dict[str, str] = {}
    for text in filter(_is_file, given):
        fitted = _from_file(text, option)
        found |= {name: getattr(fitted, name) for name in HYPOTHESIS if getattr(fitted, name)}
    return found


def under(scenario: Scenario, given: Sequence[str]) -> Scenario:
    """Return a scenario under the hypothesis of the files in ``--parameters``, unless it sets another itself.

    Either is told in a line on stderr where it makes a difference.

    Raises
    ------
    ValueError
        If a file cannot be read, or names no hypothesis there is.
    """
    wanted = {name: text for name, text in hypothesis(given).items() if getattr(scenario, name) != text}
    taken = {name: text for name, text in wanted.items() if name not in scenario.model_fields_set}
    for name, text in wanted.items():
        own = getattr(scenario, name)
        what = f"{text} as in the fit, not {own}" if name in taken else f"{own} as set, but fitted for {text}"
        print(f"nicheloop: {scenario.name}: {name} {what}", file=sys.stderr)
    return type(scenario).model_validate({**dict(scenario), **taken}) if taken else scenario


def tell_differing(scenarios: Iterable[Scenario], given: Sequence[str]) -> None:
    """Tell on stderr, a line for each name, if values were fitted under another hypothesis than is used."""
    used = list(scenarios)
    for name, text in hypothesis(given).items():
        others = {getattr(one, name) for one in used} - {text}
        if others:
            print(
                f"nicheloop: {name} {', '.join(sorted(others))} in the wells, but fitted for {text}",
                file=sys.stderr,
            )


def _is_file(text: str) -> bool:
    return text.endswith(".toml") and "=" not in text


def pair(option: str, text: str, expected: str = "NAME=VALUE") -> tuple[str, str]:
    """Split ``NAME=VALUE``.

    Raises
    ------
    ValueError
        If it is none.
    """
    name, equals, value = text.partition("=")
    if not (name.strip() and equals and value.strip()):
        raise ValueError(f"{option}: got {text!r}, expected {expected}")
    return name.strip(), value.strip()


def _number(option: str, name: str, value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise ValueError(f"{option}: {name}={value!r}, expected a number") from None


def _from_file(path: str, option: str) -> Fitted:
    from nicheloop.analysis.fit.fitted import read_fitted

    try:
        return read_fitted(path)
    except ValueError as error:
        raise ValueError("\n".join(f"{option}: {line}" for line in str(error).splitlines())) from None
