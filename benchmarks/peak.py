"""Peak of resident memory."""

from __future__ import annotations

import resource
import sys
from pathlib import Path


def peak() -> float:
    """Peak of this program's resident memory, MiB."""
    status = Path("/proc/self/status")
    if status.exists():  # the peak in rusage is inherited from the process that started this one
        line = next(line for line in status.read_text(encoding="utf-8").splitlines() if "VmHWM" in line)
        return int(line.split()[1]) / 1024
    unit = 1024 if sys.platform != "darwin" else 1024**2  # macOS counts bytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
