from __future__ import annotations

import dataclasses
import gzip
import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nicheloop.equations import Network, Reaction, compile_network
from nicheloop.integrate import Period, integrate_periods


def test_saving_and_loading_is_exact_and_deterministic(rich: Network, tmp_path: Path) -> None:
    one, two = tmp_path / "one.json.gz", tmp_path / "two.json.gz"
    rich.save(one)
    again = Network.load(one)
    again.save(two)
    assert again == rich
    assert again.digest == rich.digest
    assert one.read_bytes() == two.read_bytes()


def test_digest_changes_with_structure_and_not_with_values(rich: Network) -> None:
    values = dataclasses.replace(rich, values=tuple(v * 2 for v in rich.values), name="other")
    assert values.digest == rich.digest
    changes = {
        "species": ("A", "B", "C", "E"),
        "parameters": ("k2", *rich.parameters[1:]),
        "expressions": (*rich.expressions[:-1], ("whole", "ab")),
        "observables": (("ab", ((0, 2.0), (1, 2.0))), rich.observables[1]),
        "reactions": (*rich.reactions[:-1], Reaction(rich.reactions[-1].rate, ((0, -1), (3, 1)))),
        "initials": rich.initials[:1],
    }
    digests = {dataclasses.replace(rich, **{field: value}).digest for field, value in changes.items()}
    assert len(digests | {rich.digest}) == len(changes) + 1


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (lambda data: data[:-20], "gzipped JSON"),
        (lambda data: b"no gzip", "gzipped JSON"),
        (lambda data: repacked(data, schema=99), "schema 1"),
        (lambda data: repacked(data, reactions=[]), "digest"),
        (lambda data: repacked(data, values=[1.0]), "one value per parameter"),
        (lambda data: repacked(data, species=None), "incomplete"),
    ],
)
def test_damaged_files_are_refused(rich: Network, tmp_path: Path, damage, expected: str) -> None:
    path = tmp_path / "network.json.gz"
    rich.save(path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=expected):
        Network.load(path)


def repacked(data: bytes, **changes: object) -> bytes:
    return gzip.compress(json.dumps({**json.loads(gzip.decompress(data)), **changes}).encode())


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"values": (1.0, math.nan, 1.0, 1.0, 1.0)}, "'K' is nan"),
        ({"initials": ((7, "1"),)}, "outside 0..3"),
        ({"observables": (("k", ()), ("ab", ()), ("all", ()))}, "twice: k"),
    ],
)
def test_inconsistent_networks_are_refused(rich: Network, changes: dict, expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        dataclasses.replace(rich, **changes)


def test_restriction_drops_what_stays_zero(two_hosts: Network) -> None:
    assert two_hosts.restrict([0]).kept == (0, 2, 4)  # X, its contents, what it secretes
    assert two_hosts.restrict([1]).kept == (1, 3)  # nobody makes the ligand
    assert two_hosts.restrict([1, 4]).kept == (1, 3, 4, 5)
    assert two_hosts.restrict([0, 1]).kept == (0, 1, 2, 3, 4, 5)  # nothing makes species 6
    assert two_hosts.restrict([]).species == ()
    with pytest.raises(ValueError, match="seed 9"):
        two_hosts.restrict([9])


def test_restriction_of_a_restriction_points_to_the_whole(two_hosts: Network) -> None:
    twice = two_hosts.restrict([0, 1]).restrict([1])
    assert twice.kept == (1, 3)
    assert twice.species == ("Y", "mY")
    assert twice == dataclasses.replace(two_hosts.restrict([1]))


@pytest.mark.parametrize("seeds", [(0,), (1,), (0, 1), (1, 4), (0, 1, 6)])
def test_restricted_system_equals_the_full_one(two_hosts: Network, seeds: tuple[int, ...]) -> None:
    small = two_hosts.restrict(seeds)
    full_system, small_system = compile_network(two_hosts), compile_network(small)
    kept = list(small.kept)
    y = np.zeros(7)
    y[kept] = np.random.default_rng(3).uniform(0.1, 2.0, len(kept))
    np.testing.assert_array_equal(small_system.rhs(y[kept]), full_system.rhs(y)[kept])
    np.testing.assert_array_equal(np.delete(full_system.rhs(y), kept), 0.0)
    np.testing.assert_array_equal(small_system.outputs(y[kept]), full_system.outputs(y))
    start = np.zeros(7)
    start[list(seeds)] = 1.0
    p, times = full_system.parameter_vector(), np.linspace(0, 50, 11)
    full = integrate_periods(full_system, [Period(0, 50, p)], start, times)
    part = integrate_periods(small_system, [Period(0, 50, p)], start[kept], times)
    np.testing.assert_allclose(part.y, full.y[:, kept], rtol=1e-12, atol=1e-15)
    np.testing.assert_array_equal(np.delete(full.y, kept, axis=1), 0.0)


def test_loading_and_compiling_needs_neither_pysb_nor_sympy(rich: Network, tmp_path: Path) -> None:
    rich.save(tmp_path / "network.json.gz")
    script = (
        "import sys; from nicheloop.equations import Network, compile_network;"
        f"s = compile_network(Network.load(r'{tmp_path / 'network.json.gz'}'));"
        "s.rhs(s.initial()); s.jacobian(s.initial());"
        "print(sorted(m for m in ('sympy', 'pysb', 'scipy', 'pandas') if m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
