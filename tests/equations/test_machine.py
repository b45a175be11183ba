"""What is known of the processor that code is made for."""

from __future__ import annotations

import pytest

from nicheloop.equations.machine import Host


@pytest.mark.parametrize(
    ("cpu", "features", "doubles"),
    [
        ("sapphirerapids", "+avx2,+avx512f", 8),
        ("znver5", "+avx2,+avx512f", 8),
        ("znver4", "+avx2,+avx512f", 4),  # works wide registers in two halves
        ("haswell", "+avx2,-avx512f", 4),
        ("apple-m1", "+neon", 2),
    ],
)
def test_lanes_fill_what_the_processor_works_at_once(cpu: str, features: str, doubles: int) -> None:
    assert Host("triple", cpu, features, "compiler").vector_doubles == doubles
