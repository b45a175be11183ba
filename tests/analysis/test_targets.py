"""The default meets every number of the table; each line names its source."""

import numpy as np
import pytest

from nicheloop.analysis.evidence import Check
from nicheloop.analysis.reproduction import table_of_numbers
from nicheloop.analysis.targets import GROUPS, Target

TARGETS = [target for group in GROUPS for target in group.targets]


@pytest.fixture(scope="module")
def found() -> dict[str, Check]:
    return {check.quantity: check for check in table_of_numbers()}


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: f"{target.quantity} [{target.source}]")
def test_default_meets(target: Target, found: dict[str, Check]) -> None:
    check = found[target.quantity]
    assert target.source
    assert target.low <= check.value <= target.high, f"{check.value:g} {target.unit}, source {target.source}"
    assert check.met


def test_distance_is_zero_within_and_grows_outside() -> None:
    target = next(target for target in TARGETS if target.log)
    values = np.array(
        [target.low, np.sqrt(target.low * target.high), target.high, target.high * np.e, np.nan, 0.0]
    )
    distance = target.distance(values)
    assert distance[:3] == pytest.approx(0.0, abs=1e-12)
    assert distance[3] == pytest.approx(1.0)
    assert distance[4] == np.inf
    assert distance[5] == 10.0
