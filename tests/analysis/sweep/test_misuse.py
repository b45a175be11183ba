# ruff: noqa: E501 - a misuse and its message stand side by side
"""What cannot be swept is refused before anything runs, in a line that says what was expected."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import nicheloop as nl
from nicheloop.assays.readouts import Readout, ReadoutError

K562R = nl.load_scenario("imatinib_k562r").with_(times=[0, 24])
DOSES = {"imatinib": [0, 1]}


def swept(**arguments: Any) -> Callable[[], Any]:
    return lambda: nl.sweep(
        arguments.pop("scenario", K562R), **{"vary": DOSES, "readouts": ["viability"], **arguments}
    )


MISUSES: dict[str, tuple[Callable[[], Any], str]] = {
    "unknown scenario": (swept(scenario="imatinib_k562"), "did you mean 'imatinib_k562s'"),
    "unknown axis": (swept(vary={"imatinb": [0, 1]}), "vary: unknown axis 'imatinb', did you mean 'imatinib'"),
    "no mapping": (swept(vary=["imatinib"]), "vary: got ['imatinib'], expected a mapping"),
    "bad range": (swept(vary={"imatinib": "1:2:3:4"}), "vary: imatinib: got '1:2:3:4', expected '0.01:10:20:log'"),
    "other dimension": (swept(vary={"imatinib": ["1 h"]}), "imatinib: '1 h': imatinib cannot be given in 'h'"),
    "range of another dimension": (swept(vary={"K562R": "1 h:2 h:3"}), "'1 h' has unit 'h', expected one that"),
    "ends of two dimensions": (swept(vary={"imatinib": "1 uM:2 h:3"}), "'h' does not convert to 'uM'"),
    "empty axis": (swept(vary={"imatinib": []}), "vary: imatinib: got an empty list"),
    "a value twice": (swept(vary={"imatinib": [1, "1000 nM"]}), "1 uM is listed twice"),
    "a number": (swept(vary={"imatinib": 3}), "vary: imatinib: got 3, expected a list of values"),
    "negative dose": (swept(vary={"imatinib": [-1]}), "expected a dose of at least 0"),
    "line that is not there": (swept(vary={"K562S": [1e4]}), "K562S: is not in the vessel"),
    "no stroma": (swept(vary={"stroma": [1e4]}), "stroma: is not in the vessel"),
    "no event": (swept(vary={"at": [1]}), "at: there is no event to move"),
    "event after the end": (
        swept(scenario="imatinib_washout_series", vary={"at": "1:80"}, design="sobol", samples=4),
        "got 80 h, which moves the last event to 80 h",
    ),
    "prior of a dose": (swept(vary={"imatinib": "prior"}), "only parameters have a prior"),
    "prior of what is fixed": (swept(vary={"uniform_death": "prior"}, design="sobol", samples=4), "is fixed in the"),
    "range without a number in a list": (swept(vary={"imatinib": "0,1:10"}), "has no number of values"),
    "range to sample in a grid": (swept(vary={"imatinib": "1:10"}), "imatinib: is to be sampled"),
    "unknown read-out": (swept(readouts=["viabilty"]), "did you mean 'viability'"),
    "read-out of no cell here": (swept(readouts=["viability:K562S"]), "unknown line 'K562S'"),
    "read-out of stroma without it": (swept(readouts=["cxcl11_mRNA"]), "none of its lines here (K562R)"),
    "one text": (swept(readouts="viability"), "readouts: got 'viability', expected a list"),
    "no read-outs": (swept(readouts=[]), "readouts: got an empty list"),
    "read-out twice": (swept(readouts=["viability", "viability"]), "viability: is asked for twice"),
    "unknown summary": (swept(summaries=["ic5"]), "did you mean 'ic50'"),
    "unknown design": (swept(design="gird"), "did you mean 'grid'"),
    "tolerance": (swept(rtol=0), "rtol: got 0"),
    "engine of simulate": (swept(engine="batch"), "engine: got 'batch', expected nicheloop.execution.Serial()"),
    "workers and engine": (swept(workers=2, engine=nl.execution.Serial()), "expected one of them"),
    "no workers": (swept(workers=0), "Processes(n=0): expected 1 or more"),
    "sets": (swept(parameters="ensemble:-1"), "parameters: got 'ensemble:-1'"),
}  # fmt: skip


@pytest.mark.parametrize(("call", "expected"), MISUSES.values(), ids=list(MISUSES))
def test_misuse_says_what_was_expected(call: Callable[[], Any], expected: str) -> None:
    with pytest.raises((ValueError, ReadoutError), match=re.escape(expected)):
        call()


def test_the_store_of_another_sweep_is_refused_with_what_differs(tmp_path: Path) -> None:
    swept(store=tmp_path / "store")()
    for changed, told in (
        ({"vary": {"imatinib": [0, 2]}}, "settings.axes.imatinib.values"),
        ({"rtol": 1e-5}, "settings.rtol: 1e-06 there, 1e-05 now"),
        ({"parameters": {"death_max": 0.1}}, "settings.sets"),
        ({"seed": 5}, "seed: 0 there, 5 now"),
        ({"scenario": K562R.with_(knockdown={"il1b": 0.5})}, "settings.scenario"),
    ):
        with pytest.raises(ValueError, match="this store is of another job") as caught:
            swept(store=tmp_path / "store", **changed)()
        assert told in str(caught.value)
    for _ in range(2):  # the same code is the same read-out
        own = Readout("own", "", "", (), lambda run, host: run.output("cells_K562R") * 2)
        assert swept(readouts=[own], store=tmp_path / "own")().attrs["runs"] == 2
    other = Readout("own", "", "", (), lambda run, host: run.output("cells_K562R") * 4)
    with pytest.raises(ValueError, match=re.escape("settings.readouts.own")):
        swept(readouts=[other], store=tmp_path / "own")()
    retitled = K562R.with_(title="Another title")
    assert swept(scenario=retitled, store=tmp_path / "store")().attrs["failed_runs"] == 0


def test_a_store_of_something_else_is_no_sweep(tmp_path: Path) -> None:
    job = nl.execution.Job("survey", {})
    nl.execution.map_chunks(lambda start, stop: {"x": range(start, stop)}, 3, store=tmp_path / "s", job=job)
    with pytest.raises(ValueError, match="is the store of a survey, expected that of a sweep"):
        nl.open_sweep(tmp_path / "s")
    with pytest.raises(nl.execution.StoreError, match="is not a store"):
        nl.open_sweep(tmp_path)
