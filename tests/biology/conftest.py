"""Models, networks and compiled systems that the tests of the biology share."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nicheloop.biology import PROMOTERS, build_model
from nicheloop.biology.priors import sample_parameters
from nicheloop.equations.rules import network_from_model
from nicheloop.equations.system import System, compile_network

DRAWS = 50
SEED = 20160215


@cache
def _model(promoter: str) -> Any:
    model = build_model(stroma_promoter=promoter)
    network_from_model(model)  # also expands the rules of the model itself
    return model


@cache
def _system(promoter: str) -> System:
    return compile_network(network_from_model(_model(promoter)))


@pytest.fixture(scope="session", params=PROMOTERS)
def model(request: pytest.FixtureRequest) -> Any:
    """The model with either promoter, its rules expanded into reactions."""
    return _model(request.param)


@pytest.fixture(scope="session")
def expanded() -> Callable[[str], Any]:
    """The model with a given promoter, its rules expanded."""
    return _model


@pytest.fixture(scope="session", params=PROMOTERS)
def system(request: pytest.FixtureRequest) -> System:
    """The compiled model with either promoter, all hosts and drugs in it."""
    return _system(request.param)


@pytest.fixture(scope="session")
def nfkb_system() -> System:
    """The compiled default model, all hosts and drugs in it."""
    return _system("nfkb")


@pytest.fixture(scope="session")
def draws() -> NDArray[np.object_]:
    """Parameter sets from the prior: dictionaries of numbers."""
    sets = sample_parameters(DRAWS, SEED)
    return np.array([{name: float(v[i]) for name, v in sets.items()} for i in range(DRAWS)])
