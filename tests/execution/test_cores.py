"""Granted processors: whatever limits most counts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nicheloop.execution import core_limits, granted_cores

NOWHERE = Path("/nonexistent")


def limits(tmp_path: Path, groups: str, **files: str) -> dict[str, int]:
    """Limits on a machine with these control groups; ``__`` in a name of a file stands for ``/``."""
    (tmp_path / "cgroup").write_text(groups, encoding="ascii")
    for name, content in files.items():
        path = (
            tmp_path
            / "fs"
            / name.replace("__", "/").replace("cpu_max", "cpu.max").replace("cfs_", "cpu.cfs_")
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="ascii")
    return core_limits({}, tmp_path / "cgroup", tmp_path / "fs")


def test_affinity_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 128)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3, 5, 7, 9}, raising=False)
    assert core_limits({}, NOWHERE, NOWHERE) == {"machine": 128, "affinity": 4}


def test_where_there_is_no_affinity_the_machine_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 10)
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)  # as on macOS
    assert core_limits({}, NOWHERE, NOWHERE) == {"machine": 10}


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        (
            {"SLURM_JOB_ID": "1", "SLURM_CPUS_PER_TASK": "4", "SLURM_CPUS_ON_NODE": "64"},
            {"SLURM_CPUS_PER_TASK": 4},
        ),
        ({"SLURM_JOB_ID": "1", "SLURM_CPUS_ON_NODE": "64"}, {"SLURM_CPUS_ON_NODE": 64}),
        ({"SLURM_CPUS_PER_TASK": "4"}, {}),  # left over in a login shell: not a job
        ({"SLURM_JOB_ID": "1", "SLURM_CPUS_PER_TASK": "many"}, {}),
        ({"PBS_JOBID": "1", "NCPUS": "8"}, {"NCPUS": 8}),
        ({"JOB_ID": "1", "NSLOTS": "3"}, {"NSLOTS": 3}),
        ({"LSB_JOBID": "1", "LSB_DJOB_NUMPROC": "5"}, {"LSB_DJOB_NUMPROC": 5}),
    ],
)
def test_batch_systems(environment: dict[str, str], expected: dict[str, int]) -> None:
    found = core_limits(environment, NOWHERE, NOWHERE)
    assert {name: found[name] for name in found if name not in ("machine", "affinity")} == expected


def test_quota_of_version_2_holds_for_groups_inside(tmp_path: Path) -> None:
    found = limits(
        tmp_path,
        "0::/job/step\n",
        job__cpu_max="250000 100000\n",
        job__step__cpu_max="max 100000\n",
    )
    assert found["cgroup"] == 3  # two and a half processors keep three workers busy


def test_quota_of_version_1(tmp_path: Path) -> None:
    found = limits(
        tmp_path,
        "5:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n",
        **{"cpu,cpuacct__cfs_quota_us": "200000", "cpu,cpuacct__cfs_period_us": "100000"},  # seen from inside
    )
    assert found["cgroup"] == 2


def test_no_quota_is_no_limit(tmp_path: Path) -> None:
    groups = "4:cpu,cpuacct:/\n0::/\n"
    files = {
        "cpu,cpuacct__cfs_quota_us": "-1",
        "cpu,cpuacct__cfs_period_us": "100000",
        "cpu_max": "max 100000",
    }
    assert "cgroup" not in limits(tmp_path, groups, **files)


def test_a_small_quota_grants_one(tmp_path: Path) -> None:
    assert limits(tmp_path, "0::/\n", cpu_max="5000 100000")["cgroup"] == 1


def test_the_smallest_limit_is_granted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "1")
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "1")
    assert granted_cores() == 1
