"""What the package of engines offers, and that offering it loads nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

from nicheloop import integrate


@pytest.mark.parametrize("name", integrate.__all__)
def test_every_name_is_there(name: str) -> None:
    assert hasattr(integrate, name)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Radau'"):
        integrate.Radau  # noqa: B018


def test_nothing_is_loaded_before_it_is_used() -> None:
    code = "import sys, nicheloop.integrate; print('numpy' in sys.modules, 'scipy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
