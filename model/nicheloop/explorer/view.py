"""What is shown, as a value: a scenario, what was moved away from it, and the read-outs.

A view is never changed: moving a slider gives the next view. What is drawn or exported is computed from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from nicheloop.assays.library import load_scenario
from nicheloop.assays.mapping import FrozenMap
from nicheloop.assays.readouts import applicable
from nicheloop.assays.scenario import Scenario
from nicheloop.biology import parameter_values
from nicheloop.biology.hosts import STROMA
from nicheloop.explorer import controls
from nicheloop.explorer.controls import (
    DENSITY,
    DOSE,
    DURATION,
    EVENT,
    EVENT_DOSE,
    KNOCKDOWN,
    PARAMETER,
    Control,
)
from nicheloop.explorer.moved import addable, changes_of, default_of, keys_of, moved_of, with_parameters
from nicheloop.explorer.origin import Origin
from nicheloop.explorer.words import number_in_print

PREFERRED = (
    "viability", "viable_cells", "apoptosis", "il1b", "cxcl11", "migrated", "cxcl11_mRNA", "p_bcr_abl",
    "nuclear_nfkb",
)  # fmt: skip
OF_STROMA = ("cxcl11", "migrated")
"""Read-outs that tell nothing where there is neither stroma nor an insert."""
SHOWN_FIRST = 6
"""How many read-outs a view starts with."""
RESISTANCE, PROMOTER = "resistance", "promoter"


@dataclass(frozen=True)
class View:
    """What is shown.

    Attributes
    ----------
    origin : Origin
        Scenario it started from.
    moved : mapping of str to float
        What was moved, by key of its control.
    resistance, promoter : str
        Explanation of the resistance of K562R, and promoter of CXCL11.
    readouts : tuple of str
        Read-outs that are drawn.
    added : tuple of str
        Keys of controls that were asked for, beyond those of the scenario.
    """

    origin: Origin
    moved: FrozenMap[float]
    resistance: str
    promoter: str
    readouts: tuple[str, ...]
    added: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        scenario: Scenario | str | Path,
        parameters: Mapping[str, float] | None = None,
        readouts: Iterable[str] | None = None,
        well: int = 0,
    ) -> View:
        """Start from a scenario.

        Parameters
        ----------
        scenario : Scenario, str or Path
            A scenario, or the name or TOML path of one.
        parameters : mapping, optional
            Parameters that differ from the table: they are moved from the start. What the scenario or its
            vessel sets stays as it is there, as with `nicheloop.simulate`.
        readouts : iterable of str, optional
            Read-outs without a line; default: a few that the scenario allows.
        well : int
            Which well, of a scenario that varies something.

        Raises
        ------
        ScenarioError
            If there is no such scenario or file.
        ValueError
            If a parameter or a read-out is unknown, or a value is not a finite number.
        """
        given = isinstance(scenario, Scenario)
        loaded = scenario if isinstance(scenario, Scenario) else load_scenario(scenario)
        origin = Origin(loaded, "" if given else str(scenario), well)
        base = origin.base
        parameter_values(base.resistance, parameters)
        moved = _free(base, {f"{PARAMETER}:{name}": float(v) for name, v in (parameters or {}).items()})
        blank = cls(origin, FrozenMap(moved), base.resistance, base.promoter, (), tuple(moved))
        return blank.showing(blank.usual_readouts() if readouts is None else readouts)

    # -- what follows from it -------------------------------------------------------------------------------

    @property
    def base(self) -> Scenario:
        """The well before anything was moved."""
        return self.origin.base

    @cached_property
    def parameters(self) -> FrozenMap[float]:
        """Parameters of the model that were moved away from their default."""
        found = {
            name: value
            for name, value in moved_of(self.moved, PARAMETER).items()
            if value != controls.default_of(name, self._blank)
        }
        return FrozenMap(found)

    @cached_property
    def overrides(self) -> FrozenMap[float]:
        """Those of `parameters` that the scenario does not set itself: for `nicheloop.simulate`."""
        return FrozenMap({k: v for k, v in self.parameters.items() if k not in self.base.parameters})

    @cached_property
    def changes(self) -> dict[str, Any]:
        """What `Scenario.with_` takes to get from the base to what is shown."""
        chosen = {name: getattr(self, name) for name in (RESISTANCE, PROMOTER)}
        told = {name: value for name, value in chosen.items() if value != getattr(self.base, name)}
        return {**told, **changes_of(self.base, self.moved)}

    @cached_property
    def scenario(self) -> Scenario:
        """What is run."""
        return self.base.with_(**self.changes) if self.changes else self.base

    @cached_property
    def complete(self) -> Scenario:
        """What is run, with the moved parameters in it (and in what conditions its medium): for a file."""
        return with_parameters(self.scenario, self.overrides)

    @property
    def label(self) -> str:
        """What sets this view apart from its scenario, in a few words."""
        told = [
            f"{control.label} {number_in_print(control.value)} {control.unit}".rstrip()
            for control in self.controls()
            if control.changed
        ]
        if self.resistance != self.base.resistance:
            told.append(f"resistance {self.resistance}")
        if self.promoter != self.base.promoter:
            told.append(f"promoter {self.promoter}")
        name = " ".join(filter(None, (self.base.title or self.base.name, self.origin.place)))
        return f"{name}: {', '.join(told)}" if told else name

    def usual_readouts(self) -> tuple[str, ...]:
        """Read-outs that a view of this scenario starts with."""
        known, base = self.known_readouts(), self.base
        chemokine = STROMA in base.hosts or base.vessel.has_insert or base.conditioned_medium is not None
        wanted = [name for name in PREFERRED if chemokine or name not in OF_STROMA]
        return tuple(name for name in wanted if name in known)[:SHOWN_FIRST]

    def known_readouts(self) -> tuple[str, ...]:
        """Read-outs that the scenario allows."""
        return tuple(dict.fromkeys(readout.name for readout, _ in applicable(self.base.hosts)))

    def hosts_of(self, readout: str) -> tuple[str, ...]:
        """What a read-out is measured on here; the medium is the empty text."""
        return tuple(host for known, host in applicable(self.base.hosts) if known.name == readout)

    def controls(self) -> tuple[Control, ...]:
        """Everything that can be moved now, in the order of the page."""
        return tuple(self.control(key) for key in self.keys())

    def keys(self) -> tuple[str, ...]:
        """Keys of what can be moved now."""
        return tuple(dict.fromkeys([*keys_of(self.base), *self.added]))

    def addable(self) -> tuple[str, ...]:
        """Keys of treatments and knock-downs that can be added."""
        known = self.keys()
        return tuple(key for key in addable() if key not in known)

    def control(self, key: str) -> Control:
        """Return the control of a key."""
        kind, _, what = key.partition(":")
        default = default_of(self._blank, key)
        value = self.moved.get(key, default)
        if kind == DOSE:
            return controls.dose_control(key, what, value, default)
        if kind == DENSITY:
            return controls.density_control(what, value, default)
        if kind == KNOCKDOWN:
            return controls.knockdown_control(what, value, default)
        if kind == DURATION:
            return controls.duration_control(self.scenario, default)
        if kind == EVENT:
            return controls.event_control(self.scenario, default)
        if kind == EVENT_DOSE:
            number, _, drug = what.partition(":")
            when = f"from {self.scenario.events[int(number)].at:g} h"
            return controls.dose_control(key, drug, value, default, when)
        return controls.parameter_control(what, self.moved.get(key), default)

    # -- the next view --------------------------------------------------------------------------------------

    def move(self, key: str, value: float) -> View:
        """Move one control.

        Raises
        ------
        ValueError
            If the scenario cannot be run that way.
        """
        following = replace(self, moved=FrozenMap({**self.moved, key: float(value)}))
        return following.checked()

    def checked(self) -> View:
        """Return this view, if its scenario can be run; raises ValueError otherwise."""
        _ = self.scenario
        return self

    def back(self, key: str) -> View:
        """Put one control back to its default."""
        return replace(self, moved=FrozenMap({k: v for k, v in self.moved.items() if k != key})).checked()

    def reset(self) -> View:
        """Put everything back; what was added stays."""
        base = self.base
        return replace(self, moved=FrozenMap({}), resistance=base.resistance, promoter=base.promoter)

    def add(self, key: str) -> View:
        """Ask for one more control."""
        return self if key in self.keys() else replace(self, added=(*self.added, key))

    def remove(self, key: str) -> View:
        """Take an added control away, and what it did."""
        return replace(self.back(key), added=tuple(other for other in self.added if other != key))

    def explained_by(self, resistance: str, promoter: str | None = None) -> View:
        """Choose another explanation of resistance, or promoter of CXCL11."""
        return replace(self, resistance=resistance, promoter=promoter or self.promoter).checked()

    def showing(self, readouts: Iterable[str]) -> View:
        """Choose the read-outs.

        Raises
        ------
        ValueError
            If one is unknown or not measured here.
        """
        known, wanted = self.known_readouts(), tuple(readouts)
        for name in wanted:
            if name not in known:
                raise ValueError(f"read-out {name!r}: expected one of {', '.join(known)}")
        return replace(self, readouts=tuple(name for name in known if name in wanted))

    def at(self, source: Scenario | str | Path, well: int = 0) -> View:
        """Go to another scenario; moved parameters and read-outs stay where they can.

        A parameter that the other scenario or its vessel sets is let go of: a control arm stays one.
        """
        fresh = View.of(source, well=well)
        mine = {key: value for key, value in self.moved.items() if key.startswith(f"{PARAMETER}:")}
        mine = _free(fresh.base, mine)
        kept = tuple(name for name in self.readouts if name in fresh.known_readouts())
        shown = tuple(dict.fromkeys([*kept, *fresh.readouts]))[: max(SHOWN_FIRST, len(kept))]
        return replace(fresh, moved=FrozenMap(mine), added=tuple(mine)).showing(shown)

    # -- parts ----------------------------------------------------------------------------------------------

    @property
    def _blank(self) -> Scenario:
        """The base under the chosen explanation."""
        return self.base.model_copy(update={RESISTANCE: self.resistance, PROMOTER: self.promoter})


def _free(base: Scenario, moved: Mapping[str, float]) -> dict[str, float]:
    """Return the moved parameters, by key, that neither a scenario nor its vessel sets itself."""
    own = controls.settled(base)
    return {key: value for key, value in moved.items() if key.removeprefix(f"{PARAMETER}:") not in own}
