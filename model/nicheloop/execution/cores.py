"""How many processors this process may use: what the scheduler, the system and the container grant."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

_GRANTS = (
    ("SLURM_CPUS_PER_TASK", "SLURM_JOB_ID"),
    ("SLURM_CPUS_ON_NODE", "SLURM_JOB_ID"),
    ("PBS_NCPUS", "PBS_JOBID"),
    ("NCPUS", "PBS_JOBID"),
    ("NSLOTS", "JOB_ID"),
    ("LSB_DJOB_NUMPROC", "LSB_JOBID"),
)
"""Variables of batch systems, and the variable that shows that this is a job of theirs."""


def granted_cores() -> int:
    """Return how many processors this process may keep busy, at least 1.

    The smallest of `core_limits`: a workstation of 128 processors may grant 4 of them to a job.
    """
    return max(1, min(core_limits().values()))


def core_limits(
    environment: Mapping[str, str] | None = None,
    cgroups: Path = Path("/proc/self/cgroup"),
    mount: Path = Path("/sys/fs/cgroup"),
) -> dict[str, int]:
    """Return every limit that applies, by the name of what sets it.

    Parameters
    ----------
    environment : mapping, optional
        Default: that of this process.
    cgroups, mount : Path
        Where Linux tells the control groups of this process, and where it keeps them.

    Returns
    -------
    dict of str to int
        ``machine`` always; ``affinity``, ``cgroup`` and a variable of a batch system where there is one.
    """
    limits = {"machine": os.cpu_count() or 1}
    if hasattr(os, "sched_getaffinity"):
        limits["affinity"] = len(os.sched_getaffinity(0))
    granted = _batch_grant(os.environ if environment is None else environment)
    if granted is not None:
        limits[granted[0]] = granted[1]
    quotas = list(_quotas(cgroups, mount))
    if quotas:
        limits["cgroup"] = max(1, math.ceil(min(quotas)))
    return limits


def _batch_grant(environment: Mapping[str, str]) -> tuple[str, int] | None:
    """Return the first variable of a batch system that holds a number."""
    for name, job in _GRANTS:
        value = environment.get(name, "").strip()
        if job in environment and value.isdigit() and int(value) > 0:
            return name, int(value)
    return None


def _quotas(cgroups: Path, mount: Path) -> Iterator[float]:
    """Yield processor quotas, in processors, of all control groups that this process is in."""
    try:
        lines = cgroups.read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if not controllers:
            for folder in _upwards(mount, path):
                yield from _quota((folder / "cpu.max",))
        elif "cpu" in controllers.split(","):
            for folder in _upwards(mount / controllers, path):
                yield from _quota((folder / "cpu.cfs_quota_us", folder / "cpu.cfs_period_us"))


def _upwards(mount: Path, path: str) -> Iterator[Path]:
    """Yield the folders of a group and of those around it: limits of all of them hold."""
    parts = [part for part in PurePosixPath(path).parts if part not in ("/", "..")]
    for depth in range(len(parts), -1, -1):
        yield mount.joinpath(*parts[:depth])


def _quota(files: tuple[Path, ...]) -> Iterator[float]:
    """Yield quota / period unless there is none ("max", or -1 in version 1)."""
    try:
        quota, period = " ".join(file.read_text(encoding="ascii") for file in files).split()
        limit = float(quota) / float(period)
    except (OSError, ValueError, ZeroDivisionError):
        return
    if limit > 0:
        yield limit
