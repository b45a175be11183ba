"""A compiled ODE system: the meeting point of equations and engines."""

from __future__ import annotations

import ctypes
import difflib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from nicheloop.equations.codegen import scalar_module
from nicheloop.equations.machine import MachineCode, compile_module
from nicheloop.equations.network import Network
from nicheloop.equations.program import build_tape
from nicheloop.equations.tape import Tape

Vector = npt.NDArray[np.float64]

_POINTER = ctypes.c_void_p
_NATIVE = {
    "rhs": 3,
    "rates": 3,
    "initials": 2,
    "jacobian_sparse": 3,
    "jacobian_dense": 3,
    "jacobian_columns": 3,
}


@dataclass(frozen=True)
class Options:
    """How a system is compiled.

    Attributes
    ----------
    level : int
        Optimisation level of LLVM's code generator. 0 compiles a network of 150 species in 0.1 s and the
        code is no slower than at higher levels: the tape is already free of repetition.
    """

    level: int = 0


class System:
    """Right-hand side, Jacobian and outputs of a network as native code.

    A system is immutable, safe to use from many threads, and pickles as its network: it is compiled (or
    loaded from the cache) where it arrives.

    Parameters
    ----------
    network : Network
        What to compile.
    options : Options
        How.

    Attributes
    ----------
    network : Network
        The source.
    species, parameters, output_names : tuple of str
        Names in the order of the vectors; outputs are observables, then expressions.
    n : int
        Number of species.
    """

    def __init__(self, network: Network, options: Options | None = None) -> None:
        self.network = network
        self.options = options or Options()
        self.species = network.species
        self.parameters = network.parameters
        self.output_names = (
            *(name for name, _ in network.observables),
            *(name for name, _ in network.expressions),
        )
        self.n = len(network.species)
        self._defaults = np.array(network.values, dtype=np.float64)
        self._index = {
            "species": {name: i for i, name in enumerate(self.species)},
            "parameter": {name: i for i, name in enumerate(self.parameters)},
            "output": {name: i for i, name in enumerate(self.output_names)},
        }
        self._code = compile_module(scalar_module(self.tape, object.__basicsize__), level=self.options.level)
        self._call = {name: self._function(name, count) for name, count in _NATIVE.items()}
        self._outputs = ctypes.CFUNCTYPE(None, _POINTER, _POINTER, _POINTER, ctypes.c_int64)(
            self.pointer("outputs")
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return compile_network, (self.network, self.options)

    def __repr__(self) -> str:
        return f"<System '{self.network.name}': {self.n} species, {len(self.parameters)} parameters>"

    @cached_property
    def tape(self) -> Tape:
        """The program with its Jacobian, for engines that generate their own code."""
        return build_tape(self.network)

    @property
    def machine_code(self) -> MachineCode:
        """The loaded code."""
        return self._code

    def pointer(self, name: str) -> int:
        """Address of a native function; see :mod:`nicheloop.equations.codegen` for the list.

        It is valid as long as this system lives.
        """
        return self._code.address(name)

    def _function(self, name: str, count: int) -> Callable[..., None]:
        return ctypes.CFUNCTYPE(None, *[_POINTER] * count)(self.pointer(name))

    def species_index(self, name: str) -> int:
        """Index of a species by its name; KeyError suggests the nearest."""
        return self._lookup("species", name)

    def parameter_index(self, name: str) -> int:
        """Index of a parameter by its name; KeyError suggests the nearest."""
        return self._lookup("parameter", name)

    def output_index(self, name: str) -> int:
        """Index of an observable or expression; KeyError suggests the nearest."""
        return self._lookup("output", name)

    def _lookup(self, kind: str, name: str) -> int:
        known = self._index[kind]
        if name in known:
            return known[name]
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        raise KeyError(f"no {kind} is called '{name}' in '{self.network.name}'{hint}")

    def parameter_vector(
        self, overrides: Mapping[str, float] | None = None, base: npt.ArrayLike | None = None
    ) -> Vector:
        """Parameter values in order.

        Parameters
        ----------
        overrides : mapping of str to float, optional
            Values by name.
        base : array_like of shape (parameters,), optional
            What to override; default: the values of the network.

        Returns
        -------
        ndarray of shape (parameters,)
            A new array.

        Raises
        ------
        KeyError
            If a name is unknown (the nearest is suggested).
        ValueError
            If a value is not a finite number or `base` has the wrong shape.
        """
        source = self._defaults if base is None else base
        values = np.array(source, dtype=np.float64)
        if values.shape != (len(self.parameters),):
            raise ValueError(f"{len(self.parameters)} parameters were expected, not shape {values.shape}")
        for name, value in (overrides or {}).items():
            values[self.parameter_index(name)] = value
        broken = np.flatnonzero(~np.isfinite(values))
        if broken.size:
            name = self.parameters[broken[0]]
            raise ValueError(f"parameter '{name}' is {values[broken[0]]}, not a finite number")
        return values

    def initial(self, p: npt.ArrayLike | None = None) -> Vector:
        """Initial amounts, shape (n,), for parameters `p` (default: those of the network)."""
        p = self._parameters(p)
        out = np.empty(self.n)
        self._call["initials"](p.ctypes.data, out.ctypes.data)
        return out

    def rhs(self, y: npt.ArrayLike, p: npt.ArrayLike | None = None) -> Vector:
        """Time derivative, shape (n,), of state `y`, shape (n,)."""
        return self._evaluate("rhs", y, p, (self.n,))

    def rates(self, y: npt.ArrayLike, p: npt.ArrayLike | None = None) -> Vector:
        """Rate of every reaction, shape (reactions,), in state `y`, shape (n,)."""
        return self._evaluate("rates", y, p, (len(self.network.reactions),))

    def jacobian(self, y: npt.ArrayLike, p: npt.ArrayLike | None = None) -> Vector:
        """d rhs / d y, shape (n, n): entry (i, j) is the derivative of species i's rate by amount j."""
        return self._evaluate("jacobian_dense", y, p, (self.n, self.n))

    def rhs_rows(self, y: Vector, p: Vector) -> Vector:
        """Time derivatives of many states (m, n) with parameters (m, parameters) of their own: (m, n)."""
        return self._evaluate_rows("rhs", y, p, (self.n,))

    def jacobian_rows(self, y: Vector, p: Vector) -> Vector:
        """Jacobians of many states (m, n) with parameters (m, parameters) of their own: (m, n, n)."""
        return self._evaluate_rows("jacobian_dense", y, p, (self.n, self.n))

    def outputs(self, y: npt.ArrayLike, p: npt.ArrayLike | None = None) -> Vector:
        """Observables and expressions of one state (n,) or many (t, n): shape (k,) or (t, k).

        States that hold NaN give NaN wherever an output depends on them.
        """
        states = np.ascontiguousarray(y, dtype=np.float64)
        if states.ndim not in (1, 2) or states.shape[-1] != self.n:
            raise ValueError(f"states of {self.n} species were expected, not shape {states.shape}")
        p = self._parameters(p)
        count = 1 if states.ndim == 1 else states.shape[0]
        out = np.empty((*states.shape[:-1], len(self.output_names)))
        self._outputs(states.ctypes.data, p.ctypes.data, out.ctypes.data, count)
        return out

    def _parameters(self, p: npt.ArrayLike | None) -> Vector:
        if p is None:
            return self._defaults
        values = np.ascontiguousarray(p, dtype=np.float64)
        if values.shape != self._defaults.shape:
            raise ValueError(f"{self._defaults.size} parameters were expected, not shape {values.shape}")
        return values

    def _evaluate(self, name: str, y: npt.ArrayLike, p: npt.ArrayLike | None, shape: Sequence[int]) -> Vector:
        state = np.ascontiguousarray(y, dtype=np.float64)
        if state.shape != (self.n,):
            raise ValueError(f"a state of {self.n} species was expected, not shape {state.shape}")
        p = self._parameters(p)
        out = np.zeros(shape)
        self._call[name](state.ctypes.data, p.ctypes.data, out.ctypes.data)
        return out

    def _evaluate_rows(self, name: str, y: Vector, p: Vector, shape: Sequence[int]) -> Vector:
        m = len(y)
        if y.shape != (m, self.n) or p.shape != (m, self._defaults.size):
            wanted = f"({m}, {self.n}) and ({m}, {self._defaults.size})"
            raise ValueError(
                f"states and parameters of shapes {wanted} were expected, not {y.shape}, {p.shape}"
            )
        states, values = (np.ascontiguousarray(a, dtype=np.float64) for a in (y, p))
        out = np.zeros((m, *shape))
        call, width = self._call[name], out.itemsize
        first = states.ctypes.data, values.ctypes.data, out.ctypes.data
        steps = tuple(width * math.prod(a.shape[1:]) for a in (states, values, out))
        for i in range(m):
            call(*(start + i * step for start, step in zip(first, steps, strict=True)))
        return out


def _array_data_offset() -> int:
    """Where an array object keeps its data pointer: right behind the object header, by NumPy's public ABI."""
    offset = object.__basicsize__
    probe = np.empty(1)
    if _POINTER.from_address(id(probe) + offset).value != probe.ctypes.data:
        raise RuntimeError("this Python keeps NumPy arrays in a way that compiled callbacks cannot read")
    return offset


def compile_network(network: Network, options: Options | None = None) -> System:
    """Compile a network, or load its code from the cache.

    Raises
    ------
    UnsupportedFormula
        If a formula cannot be computed; the message names it.
    """
    return System(network, options)


def compile_model(model: Any, options: Options | None = None) -> System:
    """Compile any PySB model: expand its rules (BioNetGen) unless that was done, then compile the network.

    Raises
    ------
    NetworkGenerationError
        If BioNetGen or Perl is missing.
    UnsupportedFormula
        If a rate cannot be computed; the message names it.
    """
    from nicheloop.equations.rules import network_from_model

    return compile_network(network_from_model(model), options)
