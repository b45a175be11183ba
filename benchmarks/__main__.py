"""``python -m benchmarks``; see ``--help``."""

from __future__ import annotations

import os
import sys


def main() -> int:
    """Give every engine one thread per core that it is given, then measure."""
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "RAYON_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    from benchmarks.command import main as measure  # after that: numeric libraries read it when they load

    return measure()


if __name__ == "__main__":
    sys.exit(main())
