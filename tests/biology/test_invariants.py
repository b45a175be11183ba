"""What must hold for any parameter values: nothing negative, nothing from nothing, death as dilution,
concentrations without a well size, and stock cultures in which nothing per cell moves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nicheloop as nl
from nicheloop.assays.runs.plan import plan_of
from nicheloop.biology.hosts import HOSTS
from nicheloop.biology.populations import PLACES
from nicheloop.integrate.periods import Period, integrate_periods
from nicheloop.integrate.steady import balanced_growth

DENSITY = 3e5 * 1.66053907e-12  # nM of cells in a stock culture


# -- 1. signs and absent hosts ------------------------------------------------------------------------------


@pytest.mark.parametrize("host", HOSTS)
def test_without_cells_of_a_host_nothing_of_it_appears(well: Any, draws: Any, host: str) -> None:
    rng = np.random.default_rng(4)
    mine = (well.host == host) | (well.dead & np.array([host in name for name in well.system.species]))
    for values in draws:
        y, p = well.state(rng), well.parameters(values)
        y[mine] = 0.0
        change = well.system.rhs(y, p)
        assert np.isfinite(change).all()
        assert not change[mine].any()
        outputs = well.system.outputs(y, p)
        assert np.isfinite(outputs).all()


def test_an_empty_well_stays_empty_and_finite(well: Any, draws: Any) -> None:
    for values in draws:
        p = well.parameters(values)
        assert not well.system.rhs(np.zeros(well.system.n), p).any()
        assert np.isfinite(well.system.outputs(np.zeros(well.system.n), p)).all()


def test_a_species_at_zero_is_never_driven_below(well: Any, draws: Any) -> None:
    rng = np.random.default_rng(5)
    for values in draws:
        y, p = well.state(rng), well.parameters(values)
        absent = ~well.cell & (rng.random(well.system.n) < 0.5)
        y[absent] = 0.0
        below = absent & (well.system.rhs(y, p) < 0)
        assert [well.system.species[i] for i in np.flatnonzero(below)] == []


def test_an_empty_place_is_never_driven_below(well: Any, draws: Any) -> None:
    rng = np.random.default_rng(5)
    places = {
        place: np.array([f"place='{place}'" in name for name in well.system.species]) for place in PLACES
    }
    for values in draws:
        for place in PLACES:
            y, p = well.state(rng), well.parameters(values)
            absent = places[place] & (well.host != "stroma")
            y[absent] = 0.0
            below = absent & (well.system.rhs(y, p) < 0)
            assert [well.system.species[i] for i in np.flatnonzero(below)] == []


COCULTURE = nl.Scenario(
    name="coculture",
    duration=72,
    times=list(range(0, 73, 3)),
    lines={"K562R": 2e5},
    stroma={"mode": "coculture", "density": 5e4},
    treatments={"imatinib": 1, "il1b": 100, "il1ra": 10, "anti_il1b": 0.01, "cxcl11": 50, "ifng": 1},
    events=[{"at": 24, "wash_out": 1.0}, {"at": 36, "add": {"imatinib": 3}}],
)
EVERYTHING = nl.Scenario(
    name="everything",
    duration=48,
    times=list(range(0, 49, 4)),
    lines={"K562S": 1e5, "K562R": 1e5},
    stroma={"mode": "coculture", "density": 5e4},
    treatments={
        "imatinib": 1,
        "il1b": 100,
        "il1a": 10,
        "il1ra": 10,
        "il1r2": 1,
        "anti_il1b": 0.01,
        "anti_il1rap": 0.1,
        "cxcl11": 50,
        "anti_cxcl11": 0.1,
        "cxcr3_antagonist": 5,
        "ifng": 1,
        "ifnb": 0.1,
        "jak_inhibitor": 5,
        "celecoxib": 0.01,
    },
    events=[{"at": 24, "wash_out": 1.0}],
)


@pytest.mark.parametrize(
    ("scenario", "wanted"), [(COCULTURE, 50), (EVERYTHING, 3)], ids=lambda v: getattr(v, "name", "")
)
def test_no_species_falls_below_its_tolerance(scenario: Any, wanted: int, many_draws: Any) -> None:
    atol = plan_of(scenario).compiled.atol
    done = 0
    for values in many_draws:
        run = nl.simulate(scenario, values, rtol=1e-6)
        if "stock" in run.message:
            continue  # lines that shrink without drug have no stock culture; see the test of stock cultures
        assert run.ok, run.message
        assert (run.species >= -atol).all()
        done += 1
        if done == wanted:
            return
    pytest.fail(f"only {done} of the draws have a stock culture")


# -- 3. death is dilution -----------------------------------------------------------------------------------

SPILLED = ("Imatinib", "CXCR3Antagonist")
"""Drugs that a dying cell gives back to the medium."""


def change_by_death(well: Any, y: Any, values: dict[str, float]) -> tuple[Any, Any]:
    """What a hazard of 1/h, equal for all cells, adds to the rate of change; and the error of that number.

    Besides rounding, the error holds the floor that keeps per-cell numbers finite: 1e-16 in 1e-8 nM of cells.
    """
    without = well.parameters(values)
    dying = well.parameters(values | {"uniform_death": 1.0})
    change = well.system.rhs(y, dying) - well.system.rhs(y, without)
    return change, 1e-7 * y + 1e-12 * (well.turnover(y, without) + well.turnover(y, dying))


def test_death_thins_out_cells_and_contents_alike(well: Any, draws: Any) -> None:
    """Per-cell means stay: cells and all they carry are lost at one rate, whatever state they are in."""
    rng = np.random.default_rng(6)
    carried = well.host != ""
    for values in draws:
        y = well.state(rng)
        change, error = change_by_death(well, y, values)
        assert (np.abs(change + y)[carried] <= error[carried]).all()


def test_death_makes_dead_cells_and_spills_drugs_only(well: Any, draws: Any) -> None:
    rng = np.random.default_rng(7)
    medium = (well.host == "") & ~well.dead
    spilled = sum(well.counts[name] for name in SPILLED) > 0
    for values in draws:
        y = well.state(rng)
        change, error = change_by_death(well, y, values)
        assert (np.abs(change)[medium & ~spilled] <= error[medium & ~spilled]).all()
        assert (change[medium & spilled] >= -error[medium & spilled]).all()
        for host in HOSTS:
            living = well.cell & (well.host == host)
            dead = np.array([name == f"DeadCell(host='{host}')" for name in well.system.species])
            assert change[dead] == pytest.approx(y[living].sum(), abs=float(error[dead][0]))


CLOSED = {
    **dict.fromkeys(("il1_kon", "il1ra_kon", "il1r2_kon", "antibody_kon", "chemokine_kon"), 0.0),
    **dict.fromkeys(("pge2_output", "imatinib_permeation"), 0.0),
    **dict.fromkeys(("capacity", "capacity_stroma"), 1e15),
}
"""No exchange with the medium, and a culture far below crowding: a cell then depends on no other."""


@pytest.mark.parametrize("host", HOSTS)
def test_cells_that_meet_nothing_are_the_same_under_any_death_rate(
    cells_alone: Any, draws: Any, host: str
) -> None:
    """The integrated form: ligands in the medium would differ, since fewer cells make and take up less."""
    well = cells_alone(host)
    rng = np.random.default_rng(8)
    carried = well.host == host
    times = np.linspace(0, 48, 9)
    for values in draws:
        start = np.where(carried, well.state(rng), 0.0)
        start[np.array(["%" in name for name in well.system.species])] = 0.0
        contents = []
        for death in (0.0, 0.05):
            p = well.parameters(values | CLOSED | {"uniform_death": death})
            run = integrate_periods(well.system, [Period(0, 48, p)], start, times, rtol=1e-9, atol=1e-20)
            assert run.status == "ok", run.message
            cells = run.y[:, well.cell].sum(axis=1, keepdims=True)
            contents.append(run.y[:, carried] / cells)
        np.testing.assert_allclose(contents[1], contents[0], rtol=1e-5, atol=1e-7)


# -- 4. no well size ----------------------------------------------------------------------------------------


def transwell(upper: float, lower: float) -> Any:
    return nl.Scenario(
        name="transwell",
        duration=24,
        times=[0, 6, 12, 24],
        lines={"K562R": 2e5},
        stroma={"mode": "transwell", "density": 1e5},
        vessel={"kind": "transwell", "upper_volume": upper, "lower_volume": lower},
        treatments={"imatinib": 1, "il1b": 20, "cxcl11": 10},
    )


def test_half_the_volume_at_the_same_density_changes_no_concentration() -> None:
    """The model is intensive: amounts are per volume of medium, doses are concentrations and seeding is a
    density, so a volume enters only as the share of a layer. Halving all volumes changes no share."""
    whole, half = nl.simulate(transwell(0.1, 0.6)), nl.simulate(transwell(0.05, 0.3))
    other = nl.simulate(transwell(0.1, 0.3))
    assert whole.ok
    assert half.ok
    np.testing.assert_allclose(half.species, whole.species, rtol=1e-9, atol=0)
    share = np.abs(other.species - whole.species)[-1] / (whole.species[-1] + 1e-9)
    assert share.max() > 0.01, "the share of a layer must matter"


# -- 5. stock cultures --------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", HOSTS)
def test_nothing_per_cell_moves_in_a_stock_culture(cells_alone: Any, many_draws: Any, host: str) -> None:
    well = cells_alone(host)
    system = well.system
    seed = np.where(system.initial() > 0, DENSITY, 0.0)
    names = [system.output_index(f"{name}_{host}") for name in ("division_rate", "death_rate", "growth_rate")]
    grown, shrunk = 0, 0
    for values in many_draws:
        p = well.parameters(values)
        stock = balanced_growth(system, p, seed, well.cell.astype(float), DENSITY)
        if stock.status != "ok":
            assert growth_after_two_days(well, p, seed, host) < 0, stock.message
            shrunk += 1
            continue
        grown += 1
        y = stock.y
        assert (y >= 0).all()
        assert y[well.cell].sum() == pytest.approx(DENSITY)
        moved = np.abs(system.rhs(y, p) - stock.growth_rate * y)
        assert (moved <= 1e-6 * well.turnover(y, p) + 1e-25).all()
        division, death, growth = system.outputs(y, p)[names]
        assert stock.growth_rate == pytest.approx(division - death, rel=1e-6, abs=1e-9)
        assert growth == pytest.approx(division - death, rel=1e-12)
    assert grown >= 50
    assert shrunk <= 0.3 * len(many_draws)


def growth_after_two_days(well: Any, p: Any, seed: Any, host: str) -> float:
    """Growth rate of cells kept in their own medium, by plain integration."""
    run = integrate_periods(well.system, [Period(0, 48, p)], seed, [48.0], rtol=1e-6, atol=1e-18)
    rate = well.system.outputs(run.y[-1], p)[well.system.output_index(f"growth_rate_{host}")]
    return float(rate)
