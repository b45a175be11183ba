"""What all tests share: a cache of compiled code that is not the user's, linear algebra in one thread."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

# OpenBLAS spreads matrices from about 141 x 141 (the whole network has 146 species) over all processors.
# Where another worker uses those, waiting makes LSODA a hundred times slower. NumPy must not be loaded yet.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


@pytest.fixture(scope="session", autouse=True)
def session_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep the user's cache out of the tests, and the tests out of it; the workers of a session share one."""
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent  # each worker has a folder of its own in that of the session
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NICHELOOP_CACHE", str(base / "nicheloop-cache"))
        yield base / "nicheloop-cache"
