"""The same bits from any cut of the rows, any number of processes, from shards, and after being killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nicheloop as nl
from nicheloop.analysis.sweep import Sweep, plan_sweep
from nicheloop.analysis.sweep import task as task_module
from nicheloop.execution import Dask, Processes, merge
from nicheloop.execution.payload import pickled

MATRIX = nl.load_scenario("imatinib_il1ra_matrix").with_(vary={})
SURFACE = {"imatinib": "0,0.1:30:4:log", "il1ra": [0, 50, 5000]}
SWEEPS: dict[str, Sweep] = {
    "surfaces of prior draws": plan_sweep(
        MATRIX,
        SURFACE,
        ["viability", "il1b_mRNA"],
        summaries=["final", "bliss"],
        parameters="prior:13",
        seed=1,
    ),
    "samples of doses, densities and parameters": plan_sweep(
        MATRIX,
        {"imatinib": "0.1:30:log", "il1ra": [0, 50], "K562R": "1e4:1e6:log", "il1_kon": "prior"},
        ["viability"],
        summaries=["final", "auc"],
        design="latin",
        samples=9,
        parameters="ensemble:3",
    ),
    "conditioned medium": plan_sweep(
        "s3_k562r_medium_on_k562s",
        {"imatinib": [0, 0.3, 1], "death_max": [0.03, 0.05]},
        ["viability"],
        summaries=["final", "ic50"],
        parameters="ensemble:9",
    ),
    "times of events": plan_sweep(
        "imatinib_washout_series", {"at": [0, 1, 30, 72]}, ["viability"], parameters="ensemble:3"
    ),
}


def fresh(planned: Sweep) -> Sweep:
    """The same sweep, of which nothing was computed."""
    return Sweep(replace(planned.task))


def assert_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert one.keys() == other.keys()
    for name in one:
        assert one[name].dtype == other[name].dtype
        assert np.asarray(one[name]).tobytes() == np.asarray(other[name]).tobytes(), name


@pytest.mark.parametrize("planned", SWEEPS.values(), ids=list(SWEEPS))
def test_rows_do_not_depend_on_those_beside_them(planned: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = fresh(planned).run()
    assert_same(fresh(planned).task(0, planned.design.rows), whole)
    for size in (1, 5):
        task = fresh(planned).task
        starts = range(0, planned.design.rows, size)
        parts = [task(start, min(start + size, planned.design.rows)) for start in starts]
        assert_same({name: np.concatenate([part[name] for part in parts]) for name in whole}, whole)
    monkeypatch.setattr(task_module, "BLOCK", 7)
    monkeypatch.setattr(task_module, "KEPT_SUBJECTS", 2)
    assert_same(fresh(planned).run(), whole)


def test_two_processes_and_merged_shards_give_the_same(tmp_path: Path) -> None:
    planned = SWEEPS["surfaces of prior draws"]
    whole = fresh(planned).run()
    assert_same(fresh(planned).run(Processes(2)), whole)
    shards = []
    for number in (3, 1, 2):
        shards.append(tmp_path / f"{number}")
        fresh(planned).run(store=shards[-1], shard=(number, 3))
    assert_same(merge(shards, tmp_path / "whole").arrays(), whole)
    opened = nl.open_sweep(tmp_path / "whole")
    expected = planned.dataset(whole)
    del expected.attrs["first_failure"]  # a store does not say why
    assert opened.identical(expected)


def test_a_local_dask_cluster_gives_the_same() -> None:
    planned = SWEEPS["conditioned medium"]
    assert_same(fresh(planned).run(Dask(workers=1)), fresh(planned).run())


def test_what_is_sent_to_a_process_is_small() -> None:
    planned = plan_sweep(
        MATRIX, {"imatinib": "0.1:30:log"}, ["il1b"], design="sobol", samples=10**6, parameters="prior:1000"
    )
    planned.task(0, 1)  # what it then holds stays behind
    assert len(pickled(planned.task)) < 100_000


SCRIPT = """
import sys
import nicheloop as nl
from nicheloop.execution import Processes
results = nl.sweep(
    "imatinib_il1ra_matrix", {"imatinib": nl.log_range("0.1 uM", "30 uM", 6)}, ["viability"],
    summaries=["final"], parameters="ensemble:400", store=sys.argv[1],
    engine=Processes(2) if sys.argv[2] == "2" else None,
    progress=lambda done, total, failed: print(done, total, flush=True),
)
"""


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_killed_sweep_goes_on_and_ends_the_same(processes: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "killed"), processes]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as victim:
        assert victim.stdout is not None
        done = total = 0
        for line in victim.stdout:
            done, total = map(int, line.split())
            if done:
                break
        victim.send_signal(signal.SIGKILL)
    assert 0 < done < total == 12_000
    kept = rows_recorded(tmp_path / "killed")
    assert kept >= done
    finished = subprocess.run(
        command, capture_output=True, text=True, env=environment, check=True, timeout=300
    )
    assert int(finished.stdout.split()[0]) >= done  # where it goes on
    planned = plan_sweep(
        "imatinib_il1ra_matrix",
        {"imatinib": nl.log_range("0.1 uM", "30 uM", 6)},
        ["viability"],
        summaries=["final"],
        parameters="ensemble:400",
    )
    killed, undisturbed = (
        nl.open_sweep(tmp_path / "killed"),
        planned.dataset(planned.run(store=tmp_path / "whole")),
    )
    assert killed.identical(undisturbed)
    for name in ("viability_final", "status"):
        assert (tmp_path / "killed" / f"{name}.npy").read_bytes() == (
            tmp_path / "whole" / f"{name}.npy"
        ).read_bytes()


def rows_recorded(store: Path) -> int:
    """Rows that the journal of a store tells."""
    found = 0
    for line in (store / "journal.jsonl").read_text(encoding="utf-8").splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue  # a torn last line
        if "rows" in entry:
            found += entry["rows"][1] - entry["rows"][0]
    return found


def test_a_finished_sweep_is_only_read(tmp_path: Path) -> None:
    def run() -> Any:
        return nl.sweep(MATRIX, {"imatinib": [0, 1]}, ["viability"], store=tmp_path / "store")

    first = run()
    before = {
        path.name: path.stat().st_mtime_ns for path in (tmp_path / "store").iterdir() if path.suffix == ".npy"
    }
    time.sleep(0.01)
    assert run().identical(first)
    assert before == {
        path.name: path.stat().st_mtime_ns for path in (tmp_path / "store").iterdir() if path.suffix == ".npy"
    }
