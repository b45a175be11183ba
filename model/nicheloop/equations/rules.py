"""From a PySB model to a :class:`~nicheloop.equations.network.Network`: BioNetGen and SymPy live here."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import keyword
import math
import re
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from nicheloop.equations.formula import UnsupportedFormula, compile_formula
from nicheloop.equations.network import Network, Reaction
from nicheloop.equations.tape import TapeBuilder

_SPECIES_NAME = re.compile(r"__s\d+\Z")
_COMPARTMENT = re.compile(r"\s*\*\*\s*\w+")


class NetworkGenerationError(RuntimeError):
    """The tool that expands rules into reactions is missing or failed."""


def network_from_model(model: Any) -> Network:
    """Expand a PySB model into its reaction network.

    Parameters
    ----------
    model : pysb.Model
        BioNetGen is run if the model has no species yet; this fills in ``model.species`` and
        ``model.reactions``, as every PySB simulator does.

    Returns
    -------
    Network
        Species, parameters and reactions in the order of the model.

    Raises
    ------
    NetworkGenerationError
        If BioNetGen or Perl is missing, or BioNetGen fails.
    UnsupportedFormula
        If a rate or expression depends on time, on a tag outside a rule, or holds a function that the
        engines do not know; the message names the expression.
    """
    writer = _FormulaWriter(model)
    writer.check()  # before BioNetGen, whose complaints name a line of a file that nobody sees
    if not model.species:
        _generate(model)
    fixed = {_index_of(model, initial) for initial in model.initials if initial.fixed}
    reactions = tuple(
        Reaction(writer.text(r["rate"], f"rate of reaction {k}"), _net_change(r, fixed))
        for k, r in enumerate(model.reactions)
    )
    return Network(
        name=str(model.name),
        species=_species_names(model),
        parameters=tuple(p.name for p in model.parameters),
        values=tuple(float(p.value) for p in model.parameters),
        expressions=writer.expressions(),
        observables=tuple((o.name, _weights(o)) for o in model.observables),
        reactions=reactions,
        initials=tuple(
            (_index_of(model, initial), writer.text(initial.value, f"initial amount of {initial.pattern}"))
            for initial in model.initials
        ),
    )


def _generate(model: Any) -> None:
    import pysb.bng

    _locate_bionetgen()
    try:
        pysb.bng.generate_equations(model)
    except pysb.bng.BngInterfaceError as error:
        raise NetworkGenerationError(f"BioNetGen refused the model '{model.name}': {error}") from error


def _locate_bionetgen() -> None:
    """Point PySB to the BioNetGen of the wheel, unless it already finds one (BNGPATH, conda, PATH)."""
    import pysb.pathfinder

    if shutil.which("perl") is None:
        raise NetworkGenerationError(
            "Expanding rules into reactions needs Perl, which is not on the PATH. Install Perl (it comes "
            "with Linux and macOS), or use the network that is shipped with the package."
        )
    try:
        pysb.pathfinder.get_path("bng")
        return
    except Exception:  # PySB raises a bare Exception here
        pass
    found = _wheel_directory()
    if found is None:
        raise NetworkGenerationError(
            "Expanding rules into reactions needs BioNetGen, which was not found. "
            'Install it with: pip install "nicheloop[rules]"'
        )
    pysb.pathfinder.set_path("bng", str(found))


def _wheel_directory() -> Path | None:
    spec = importlib.util.find_spec("bionetgen")
    system = {"linux": "bng-linux", "darwin": "bng-mac", "win32": "bng-win"}.get(sys.platform)
    for root in (spec.submodule_search_locations or []) if spec else []:
        directory = Path(root) / str(system)
        if (directory / "BNG2.pl").is_file():
            return directory
    return None


def _index_of(model: Any, initial: Any) -> int:
    index = model.get_species_index(initial.pattern)
    if index is None:
        raise ValueError(f"the initial species {initial.pattern} is not in the network of '{model.name}'")
    return int(index)


def _net_change(reaction: Any, fixed: set[int]) -> tuple[tuple[int, int], ...]:
    change: dict[int, int] = {}
    for sign, side in ((-1, "reactants"), (1, "products")):
        for i in reaction[side]:
            if i not in fixed:
                change[int(i)] = change.get(int(i), 0) + sign
    return tuple(sorted((i, c) for i, c in change.items() if c))


def _weights(observable: Any) -> tuple[tuple[int, float], ...]:
    pairs = zip(observable.species, observable.coefficients, strict=True)
    return tuple((int(i), float(c)) for i, c in pairs)


def _species_names(model: Any) -> tuple[str, ...]:
    full = [str(species) for species in model.species]
    short = [_COMPARTMENT.sub("", name) for name in full]
    return tuple(short if len(set(short)) == len(short) else full)


def _check_names(names: Iterable[str]) -> None:
    for name in names:
        if keyword.iskeyword(name) or _SPECIES_NAME.match(name):
            raise UnsupportedFormula(f"the name '{name}' is reserved; rename the component")


class _FormulaWriter:
    """Formulas of one model as text that :mod:`nicheloop.equations.formula` reads."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._print = _printer()

    def text(self, value: Any, where: str) -> str:
        """A symbolic value (component, SymPy expression or number) as a formula."""
        import sympy
        from pysb.core import SpecialSymbol

        expression = sympy.sympify(value)
        if expression.atoms(SpecialSymbol):
            raise UnsupportedFormula(
                f"{where}: depends on time; formulas are time-free, and what changes in time is a period "
                "with its own parameters"
            )
        return str(self._print(expression, where))

    def check(self) -> None:
        """Refuse names that formulas cannot hold and expressions that cannot be computed."""
        _check_names(self._model.components.keys())
        builder = TapeBuilder(0, 0)
        for expression in self._model.expressions:
            if not expression.is_local:
                where = f"expression '{expression.name}'"
                text = self.text(expression.expr, where)
                any_value = {symbol.name: builder.const(0.0) for symbol in expression.expr.free_symbols}
                compile_formula(text, any_value, builder, where)

    def expressions(self) -> tuple[tuple[str, str], ...]:
        """Name and formula of all expressions, those that others use first."""
        pending: dict[str, Any] = {}
        for parameter in self._model._derived_parameters:
            pending[parameter.name] = parameter.value
        for expression in (*self._model.expressions, *self._model._derived_expressions):
            if not expression.is_local:  # a local one has one derived expression per species it applies to
                pending[expression.name] = expression.expr
        done: dict[str, str] = {}
        for name in pending:
            self._visit(name, pending, done, ())
        return tuple(done.items())

    def _visit(self, name: str, pending: dict[str, Any], done: dict[str, str], path: tuple[str, ...]) -> None:
        import sympy

        if name in done:
            return
        if name in path:
            raise UnsupportedFormula(f"expressions use each other in a circle: {' -> '.join((*path, name))}")
        value = sympy.sympify(pending[name])
        for used in sorted(symbol.name for symbol in value.free_symbols):
            if used in pending:
                self._visit(used, pending, done, (*path, name))
        done[name] = self.text(value, f"expression '{name}'")


def _printer() -> Any:
    from sympy.printing.str import StrPrinter

    class Printer(StrPrinter):  # type: ignore[misc]
        """SymPy's text form, but numbers keep all their digits and no name is ambiguous."""

        where = ""

        def _print_Float(self, expr: Any) -> str:
            return self._number(float(expr))

        def _print_Pi(self, expr: Any) -> str:
            return repr(math.pi)

        def _print_Exp1(self, expr: Any) -> str:
            return repr(math.e)

        def _refuse(self, expr: Any) -> str:
            raise UnsupportedFormula(f"{self.where}: '{expr}' is not a finite real number")

        _print_Infinity = _print_NegativeInfinity = _print_ComplexInfinity = _print_NaN = _refuse
        _print_ImaginaryUnit = _refuse

        def _number(self, value: float) -> str:
            return repr(value) if math.isfinite(value) else self._refuse(value)

        def __call__(self, expr: Any, where: str) -> str:
            self.where = where
            return str(self.doprint(expr))

    return Printer()


def model_digest(model: Any) -> str:
    """SHA-256 of what a model says, without expanding its rules.

    Monomers, compartments, rules, observables, expressions, energies and initials count, parameters by
    name only: models that differ in parameter values share one network.

    Parameters
    ----------
    model : pysb.Model
        The model; BioNetGen is not needed.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    content = {
        "monomers": [_described(m) for m in model.monomers],
        "compartments": [_described(c) for c in model.compartments],
        "parameters": [p.name for p in model.parameters],
        "rules": [_described(r) for r in model.rules],
        "energies": [_described(e) for e in getattr(model, "energypatterns", ())],
        "observables": [_described(o) for o in model.observables],
        "expressions": [(e.name, _fingerprint(e.expr)) for e in model.expressions],
        "initials": [(str(i.pattern), _fingerprint(i.value), bool(i.fixed)) for i in model.initials],
    }
    return hashlib.sha256(json.dumps(content, separators=(",", ":")).encode()).hexdigest()


def _described(component: Any) -> str:
    return str(repr(component))


def _fingerprint(value: Any) -> str:
    """Text of an expression tree that does not depend on how SymPy orders or prints its terms."""
    import sympy

    expression = sympy.sympify(value)
    if expression.is_Number:
        return repr(float(expression))
    if not expression.args:
        # PySB prints a parameter with its value, and an expression with its formula.
        return str(getattr(expression, "name", expression))
    parts: Iterable[str] = (_fingerprint(a) for a in expression.args)
    if isinstance(expression, (sympy.Add, sympy.Mul, sympy.Max, sympy.Min, sympy.And, sympy.Or)):
        parts = sorted(parts)
    return f"{expression.func.__name__}({','.join(parts)})"
