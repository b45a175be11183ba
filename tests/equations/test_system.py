from __future__ import annotations

import ctypes
import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from nicheloop.equations import Network, System, compile_network, machine
from nicheloop.equations.machine import cache_directory, compile_module

ADDER = "define double @add(double %a, double %b) {\n  %c = fadd double %a, %b\n  ret double %c\n}\n"


@pytest.fixture
def fresh_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NICHELOOP_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def entries(cache: Path) -> list[Path]:
    return sorted(cache.iterdir()) if cache.exists() else []


def test_second_compilation_comes_from_the_cache(rich: Network, fresh_cache: Path) -> None:
    first, second = compile_network(rich), compile_network(rich)
    assert not first.machine_code.from_cache
    assert second.machine_code.from_cache
    y = [0.3, 0.5, 0.2, 0.7]
    np.testing.assert_array_equal(first.jacobian(y), second.jacobian(y))


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty", "foreign"])
def test_corrupt_entries_are_rebuilt(rich: Network, fresh_cache: Path, damage: str) -> None:
    expected = compile_network(rich).rhs([0.3, 0.5, 0.2, 0.7])
    (entry,) = entries(fresh_cache)
    data = bytearray(entry.read_bytes())
    data[len(data) // 2] ^= 0xFF
    broken = {"truncated": data[:-10], "flipped": data, "empty": b"", "foreign": b"\x7fELF" * 100}[damage]
    entry.write_bytes(bytes(broken))
    system = compile_network(rich)
    assert not system.machine_code.from_cache
    np.testing.assert_array_equal(system.rhs([0.3, 0.5, 0.2, 0.7]), expected)
    assert compile_network(rich).machine_code.from_cache


def test_cache_key_knows_code_and_options(fresh_cache: Path) -> None:
    compile_module(ADDER)
    compile_module(ADDER.replace("fadd", "fmul"))
    compile_module(ADDER, level=2)
    assert len(entries(fresh_cache)) == 3


def test_two_processes_may_compile_at_once(rich: Network, fresh_cache: Path, tmp_path: Path) -> None:
    rich.save(tmp_path / "n.json.gz")
    script = (
        "from nicheloop.equations import Network, compile_network;"
        f"s = compile_network(Network.load(r'{tmp_path / 'n.json.gz'}'));"
        "print(s.rhs([0.3, 0.5, 0.2, 0.7]).tobytes().hex())"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    said = {process.communicate()[0].strip() for process in running}
    assert [process.returncode for process in running] == [0, 0]
    assert said == {compile_network(rich).rhs([0.3, 0.5, 0.2, 0.7]).tobytes().hex()}
    assert [entry.suffix for entry in entries(fresh_cache)] == [".o"]  # no drafts left behind


def test_a_cache_that_cannot_be_written_only_costs_time(
    rich: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("not a directory")
    monkeypatch.setenv("NICHELOOP_CACHE", str(blocker))
    assert cache_directory() == blocker
    assert np.isfinite(compile_network(rich).rhs([0.3, 0.5, 0.2, 0.7])).all()


def add(number: int) -> float:
    """1 + 2 + number, by code of its own for every number."""
    assembly = ADDER.replace("%c = ", f"%d = fadd double %b, {float(number)}\n  %c = ")
    code = compile_module(assembly.replace("%a, %b\n  ret", "%a, %d\n  ret"))
    return float(ctypes.CFUNCTYPE(*[ctypes.c_double] * 3)(code.address("add"))(1.0, 2.0))


def entry_of(number: int, cache: Path) -> Path:
    known = entries(cache)
    add(number)
    (new,) = set(entries(cache)) - set(known)
    return new


def test_a_full_cache_drops_what_was_not_used_for_longest(
    fresh_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = (entry_of(number, fresh_cache) for number in range(3))
    for age, path in enumerate((third, second, first)):
        os.utime(path, (1e9, 1e9 - age))
    monkeypatch.setattr(machine, "CACHE_LIMIT", sum(path.stat().st_size for path in entries(fresh_cache)) + 8)
    add(0)  # made first, but used last
    fourth = entry_of(3, fresh_cache)
    assert set(entries(fresh_cache)) == {first, third, fourth}


def test_the_newest_entry_stays_and_so_does_what_is_not_an_entry(
    fresh_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "CACHE_LIMIT", 0)
    add(0)
    for name in ("mine.o", ".draft-new", ".draft-old"):
        (fresh_cache / name).write_text("not an entry")
    os.utime(fresh_cache / ".draft-old", (1e9, 1e9))
    newest = entry_of(1, fresh_cache)
    assert {path.name for path in entries(fresh_cache)} == {"mine.o", ".draft-new", newest.name}


def test_deleting_disturbs_nobody(fresh_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "CACHE_LIMIT", 4000)
    numbers = [k % 5 for k in range(60)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(add, numbers))
    assert found == [3.0 + number for number in numbers]
    assert len(entries(fresh_cache)) < 5


def test_unknown_functions_and_bad_code_are_errors(fresh_cache: Path) -> None:
    with pytest.raises(KeyError, match="subtract"):
        compile_module(ADDER).address("subtract")
    with pytest.raises(RuntimeError):
        compile_module("define double @broken(")


def test_systems_travel_as_their_network(rich: Network) -> None:
    system = compile_network(rich)
    again: System = pickle.loads(pickle.dumps(system))
    assert again.network == rich
    np.testing.assert_array_equal(again.rhs([0.3, 0.5, 0.2, 0.7]), system.rhs([0.3, 0.5, 0.2, 0.7]))


def test_parameters_act_without_compiling_again(rich: Network) -> None:
    system = compile_network(rich)
    y = [0.3, 0.5, 0.2, 0.7]
    doubled = system.parameter_vector({"k": 1.4})
    reaction = [r.rate.startswith("k*nested") for r in rich.reactions].index(True)
    assert system.rates(y, doubled)[reaction] == pytest.approx(2 * system.rates(y)[reaction], rel=1e-14)
    np.testing.assert_allclose(system.initial(doubled), [0.8, 0.0, 0.0, 1.3 / 2.4])


def test_outputs_of_many_states_are_those_of_each(rich: Network) -> None:
    system = compile_network(rich)
    states = np.random.default_rng(2).uniform(0, 2, (17, 4))
    states[3] = np.nan
    table = system.outputs(states)
    assert table.shape == (17, len(system.output_names))
    np.testing.assert_array_equal(table, [system.outputs(state) for state in states])
    assert np.isnan(table[3, system.output_index("ab")])
    np.testing.assert_allclose(table[:, 0], states[:, 0] + 2 * states[:, 1])
    assert system.outputs(np.empty((0, 4))).shape == (0, len(system.output_names))
    wide = np.random.default_rng(2).uniform(0, 2, (17, 8))
    np.testing.assert_array_equal(system.outputs(wide[:, ::2]), system.outputs(wide[:, ::2].copy()))


def test_typing_errors_get_a_suggestion(rich: Network) -> None:
    system = compile_network(rich)
    with pytest.raises(KeyError, match="did you mean 'unused'"):
        system.parameter_vector({"unsued": 1.0})
    with pytest.raises(KeyError, match=r"no output is called 'hil'.*did you mean 'hill'"):
        system.output_index("hil")
    assert system.species_index("C") == 2


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_parameters_that_are_no_numbers_are_refused(rich: Network, value: float) -> None:
    with pytest.raises(ValueError, match="parameter 'K' is"):
        compile_network(rich).parameter_vector({"K": value})


def test_wrong_shapes_are_refused(rich: Network) -> None:
    system = compile_network(rich)
    for wrong in (
        lambda: system.rhs([1.0]),
        lambda: system.outputs(np.ones((2, 3))),
        lambda: system.initial([1.0]),
    ):
        with pytest.raises(ValueError, match="shape"):
            wrong()


def test_rows_are_evaluated_like_single_states(rich: Network) -> None:
    r = np.random.default_rng(7)
    system = compile_network(rich)
    y, p = r.uniform(0.1, 1.0, (5, system.n)), r.uniform(0.5, 2.0, (5, len(system.parameters)))
    rates, matrices = system.rhs_rows(y, p), system.jacobian_rows(y, p)
    for i in range(5):
        np.testing.assert_array_equal(rates[i], system.rhs(y[i], p[i]))
        np.testing.assert_array_equal(matrices[i], system.jacobian(y[i], p[i]))
    with pytest.raises(ValueError, match=r"expected, not \(5, 4\), \(3, 5\)"):
        system.rhs_rows(y, p[:3])
