"""One module per tool: how it is set up, run once, run for many parameter sets, and differentiated."""

from __future__ import annotations

from collections.abc import Mapping

ENGINES: Mapping[str, str] = {
    "nicheloop": "benchmarks.peers.ours:Lanes",
    "nicheloop, one lane": "benchmarks.peers.ours:OneLane",
    "nicheloop, SciPy": "benchmarks.peers.ours:SciPy",
    "PySB": "benchmarks.peers.pysb_scipy:ScipyOde",
    "libRoadRunner": "benchmarks.peers.libroadrunner:RoadRunner",
    "bngsim": "benchmarks.peers.bngsim_cvode:Bngsim",
    "CasADi": "benchmarks.peers.casadi_cvodes:Cvodes",
    "pydiffsol": "benchmarks.peers.diffsol_bdf:Diffsol",
    "COPASI": "benchmarks.peers.copasi_lsoda:Copasi",
    "AMICI": "benchmarks.peers.amici_cvodes:Amici",
}
"""Where each engine is; the modules import their tools when they are loaded."""
