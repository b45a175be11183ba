"""What every engine can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from benchmarks.cases import Case, Reals


class Engine(ABC):
    """An engine, set up for one case: making it is what the set-up time measures.

    Rows hold the parameters that vary; results hold all species at all times of the case.
    """

    distribution: ClassVar[str]
    """Name of the package, for its version."""
    has_gradient: ClassVar[bool] = False
    has_threads: ClassVar[bool] = False
    """Whether `sweep` itself takes several cores; else it is run in forked processes."""

    @abstractmethod
    def __init__(self, case: Case) -> None: ...

    @abstractmethod
    def single(self, row: Reals) -> Reals:
        """One run: species[t, s]."""

    def sweep(self, rows: Reals, cores: int = 1) -> Reals:
        """One run per row: species[n, t, s]."""
        return np.stack([self.single(row) for row in rows])

    def prepare_gradient(self) -> None:
        """Do whatever is done once before gradients."""
        raise NotImplementedError

    def gradient(self, row: Reals) -> Reals:
        """Derivatives[t, s, v] of the species by the parameters that vary."""
        raise NotImplementedError
