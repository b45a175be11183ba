"""What ``--parameters`` takes: ``NAME=VALUE``, or a ``fitted.toml``."""

from __future__ import annotations

from collections.abc import Sequence


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
        if text.endswith(".toml") and "=" not in text:
            found |= _from_file(text, option)
        else:
            name, value = pair(option, text, "NAME=VALUE or the path of a fitted.toml")
            found[name] = _number(option, name, value)
    return found


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


def _from_file(path: str, option: str) -> dict[str, float]:
    from nicheloop.analysis.fit.fitted import read_fitted

    try:
        return dict(read_fitted(path))
    except ValueError as error:
        raise ValueError("\n".join(f"{option}: {line}" for line in str(error).splitlines())) from None
