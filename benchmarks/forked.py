"""Sweeps on several cores for engines that use one: forked copies of an engine that is set up."""

from __future__ import annotations

import multiprocessing
from multiprocessing.connection import Connection
from types import TracebackType

import numpy as np

from benchmarks.cases import Case, Reals
from benchmarks.peers.base import Engine


class Forked:
    """Processes that share an engine's set-up and write their results into shared memory."""

    def __init__(self, engine: Engine, case: Case, most: int, cores: int) -> None:
        context = multiprocessing.get_context("fork")
        self.cores = cores
        shape = (most, len(case.times), len(case.initial))
        self.results = np.frombuffer(context.RawArray("d", int(np.prod(shape)))).reshape(shape)
        self.pipes: list[Connection] = []
        self.processes = []
        for _ in range(cores):
            here, there = context.Pipe()
            process = context.Process(target=_serve, args=(engine, self.results, there), daemon=True)
            process.start()
            self.pipes.append(here)
            self.processes.append(process)

    def __enter__(self) -> Forked:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pipe in self.pipes:  # a closed pipe would not do: later processes hold copies of it
            pipe.send(None)
        for process in self.processes:
            process.join()

    def sweep(self, rows: Reals) -> Reals:
        """One run per row: species[n, t, s]."""
        edges = np.linspace(0, len(rows), self.cores + 1).astype(int)
        for pipe, first, last in zip(self.pipes, edges[:-1], edges[1:], strict=True):
            pipe.send((int(first), rows[first:last]))
        problems = [pipe.recv() for pipe in self.pipes]
        if any(problems):
            raise RuntimeError("; ".join(filter(None, problems)))
        return self.results[: len(rows)]


def _serve(engine: Engine, results: Reals, pipe: Connection) -> None:
    while True:
        task = pipe.recv()
        if task is None:
            return
        first, rows = task
        try:
            results[first : first + len(rows)] = engine.sweep(rows)
            pipe.send("")
        except Exception as error:
            pipe.send(f"{type(error).__name__}: {error}")
