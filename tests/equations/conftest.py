from __future__ import annotations

import pytest

from nicheloop.equations import Network, Reaction


@pytest.fixture(scope="session")
def rich() -> Network:
    """A small network with every kind of formula: Hill terms, quotients, choices, nested expressions."""
    return Network(
        name="rich",
        species=("A", "B", "C", "D"),
        parameters=("k", "K", "h", "s", "unused"),
        values=(0.7, 1.3, 2.5, 0.4, 9.0),
        observables=(("ab", ((0, 1.0), (1, 2.0))), ("all", ((0, 1.0), (1, 1.0), (2, 1.0), (3, 1.0)))),
        expressions=(
            ("hill", "ab**h/(K**h + ab**h)"),
            ("ratio", "Piecewise((ab/all, all > 0.5), (0, True))"),
            ("nested", "hill*ratio + exp(-s*ab) + log(1 + all) + sqrt(ab + 1)"),
            ("bounded", "Min(nested, 3.0) + Max(0.1, hill) + Abs(ratio - 0.5) + tanh(hill)"),
            ("whole", "(ab**3 - ab**2)/(1 + ab)**4 + sin(hill) - cos(ratio)"),
        ),
        reactions=(
            Reaction("k*nested*__s0*__s1", ((0, -1), (1, -1), (2, 1))),
            Reaction("bounded*__s2", ((0, 1), (2, -1))),
            Reaction("s*whole*__s3", ((1, 2), (3, -1))),
            Reaction("s*hill/(K + __s3)", ((3, 1),)),
            Reaction("k*__s0**2*ratio", ((0, -2), (3, 1))),
        ),
        initials=((0, "2*s"), (3, "K/(1 + k)")),
    )


@pytest.fixture(scope="session")
def two_hosts() -> Network:
    """Two kinds of cells with contents; what one secretes the other binds. Species 6 is never made."""
    return Network(
        name="two_hosts",
        species=("X", "Y", "mX", "mY", "L", "LY", "dead_end"),
        parameters=("g", "a", "d", "on", "off", "K"),
        values=(0.03, 5.0, 0.2, 3.0, 0.4, 1.0),
        observables=(("cells_X", ((0, 1.0),)), ("cells_Y", ((1, 1.0),)), ("bound", ((5, 1.0), (6, 1.0)))),
        expressions=(
            ("per_X", "Piecewise((__s2/cells_X, cells_X > 0), (0, True))"),
            ("per_Y", "Piecewise((bound/cells_Y, cells_Y > 0), (0, True))"),
            ("response", "a*(1 + per_Y/(K + per_Y))"),
        ),
        reactions=(
            Reaction("g*__s0", ((0, 1),)),
            Reaction("g*__s1", ((1, 1),)),
            Reaction("a*cells_X", ((2, 1),)),
            Reaction("response*cells_Y", ((3, 1),)),
            Reaction("d*__s2", ((2, -1), (4, 1))),
            Reaction("d*__s3", ((3, -1),)),
            Reaction("on*__s4*__s1", ((4, -1), (5, 1))),
            Reaction("off*__s5", ((4, 1), (5, -1))),
            Reaction("off*__s6*__s0", ((6, -1),)),
        ),
        initials=((0, "1"), (1, "2")),
    )
