"""Plates: values against single runs with SciPy, derivatives against differences, failures, the same bits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

import nicheloop as nl
import nicheloop.assays.runs.plates as plates
from nicheloop.assays.readouts import Readout, applicable, find
from nicheloop.assays.runs.plates import Answers, Plate, Request
from nicheloop.assays.runs.slopes import followers
from nicheloop.assays.runs.study import Study
from nicheloop.assays.settings import Settings

SCENARIO = nl.load_scenario
WELLS = (
    SCENARIO("imatinib_washout").with_(times=[0, 8, 30], duration=48),
    SCENARIO("k562s_growth").with_(treatments={"imatinib": 0.5, "il1ra": 20.0}, times=[8, 24], duration=48),
    SCENARIO("conditioned_medium_k562s").with_(times=[24], duration=24),
    SCENARIO("coculture").with_(
        treatments={"imatinib": 1.0, "cxcl11": "2 ng/mL"},
        cxcl11_layer="lower",
        events=[
            {"at": 6, "wash_out": 0.5, "add": {"cxcl11": "20 ng/mL"}},
            {"at": 12, "knockdown": {"il1b": 0.8}, "replace_medium": {"fraction": 0.3}},
        ],
        times=[6, 24],
        duration=24,
    ),
)
RELATIVE = ("il1b", "viable_cells", "p_crkl")
TIGHT = Settings(engine="batch", rtol=1e-10, atol_scale=1e-3)
BASE = {"death_max": 0.04, "il1b_secretion_K562R": 3.0}
BY = (
    *("death_max", "imatinib_kd_phosphorylated", "bclxl_basal", "ikk_basal"),  # rates, expressions
    *("stock_density_K562S", "division_max_stroma"),  # stock cultures
    "il1b_secretion_K562R",  # the medium of others
    "il1r1_copies_K562S",  # also in K562R, which takes it from K562S
    "lower_volume_fraction",  # doses
)
WEIGHTS = (4 / 5, -1 / 5, 4 / 105, -1 / 280)  # of differences of order 8


def requests(wells: Sequence[nl.Scenario]) -> list[Request]:
    """Every read-out of every well at all of its times, some of them also relative to vehicle."""
    asked = []
    for number, well in enumerate(wells):
        for time in well.sampling_times:
            asked += [Request(number, readout, host, time) for readout, host in applicable(well.hosts)]
            asked += [
                Request(number, *find(key, well.hosts), time, by_vehicle=True)
                for key in RELATIVE
                if key != "viable_cells" or len(well.hosts) == 1
            ]
    return asked


@pytest.fixture(scope="module")
def plate() -> Plate:
    return Plate(WELLS, requests(WELLS))


def one_by_one(study: Study, request: Request) -> float:
    """The same value from single runs."""
    run = study.result(WELLS[request.well])
    value = run[request.readout if not request.host else f"{request.readout.name}:{request.host}"]
    if request.by_vehicle:
        value = value / request.readout.compute(run.vehicle(), request.host)
    return float(value[run.time.tolist().index(request.time)])


def test_values_are_those_of_single_runs_with_scipy(plate: Plate) -> None:
    study = Study([BASE], Settings(rtol=1e-9))
    with np.errstate(invalid="ignore"):
        expected = np.array([one_by_one(study, request) for request in requests(WELLS)])
    found = plate.run([{}, BASE], Settings(engine="batch", rtol=1e-7))
    assert found.problems == (("",) * len(WELLS),) * 2
    assert np.isfinite(expected).sum() > 0.9 * expected.size
    np.testing.assert_allclose(found.values[1], expected, rtol=1e-5, atol=1e-9)
    assert not np.allclose(found.values[0], found.values[1], rtol=1e-3, equal_nan=True)
    other = plate.run([BASE], Settings(rtol=1e-9))
    np.testing.assert_allclose(other.values[0], expected, rtol=1e-6, atol=1e-10)


@pytest.mark.parametrize("name", BY)
def test_derivatives_equal_differences(plate: Plate, name: str) -> None:
    value = {**nl.parameter_values(), **BASE}[name]
    step = 5e-3 * value
    moved = [{**BASE, name: value + sign * m * step} for m in (1, 2, 3, 4) for sign in (1, -1)]
    y = plate.run(moved, Settings(engine="batch", rtol=1e-11, atol_scale=1e-5)).values
    with np.errstate(invalid="ignore"):
        expected = sum(w * (y[2 * m] - y[2 * m + 1]) for m, w in enumerate(WEIGHTS)) / step
    found = plate.run([{**BASE, name: value}], TIGHT, by=[name])
    slopes, size = found.slopes[0, :, 0], np.abs(found.values[0]) / value
    assert np.array_equal(np.isnan(slopes), np.isnan(expected))
    known = np.isfinite(expected)
    floor = 1e-3 * size[known] + 1e-12 / value
    deviation = np.abs(slopes - expected)[known] / np.maximum(np.abs(expected[known]), floor)
    assert deviation.max() < 1e-5
    assert (np.abs(expected[known]) > 1e-3 * size[known]).any()  # it does something


def test_several_columns_are_those_of_each_alone(plate: Plate) -> None:
    settings = Settings(engine="batch", rtol=1e-6)
    together = plate.run([{}, BASE], settings, by=BY)
    for column, name in enumerate(BY):
        alone = plate.run([BASE], settings, by=[name])
        size = 1e-12 * np.nan_to_num(np.abs(together.slopes[1, :, column])).max()
        np.testing.assert_allclose(alone.slopes[0, :, 0], together.slopes[1, :, column], rtol=1e-9, atol=size)
    without = plate.run([{}, BASE], settings)
    np.testing.assert_allclose(together.values, without.values, rtol=1e-9, atol=1e-15)
    assert without.slopes.shape == (*without.values.shape, 0)


def test_a_parameter_that_nothing_depends_on_has_no_derivatives(plate: Plate) -> None:
    found = plate.run([{}], Settings(engine="batch", rtol=1e-5), by=["imatinib_affinity_loss_T315I"])
    assert np.array_equal(found.slopes[0, :, 0], np.where(np.isnan(found.values[0]), np.nan, 0.0), True)


# -- which parameter moves what -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("resistance", "explicit", "fixed", "moved"),
    [
        ("mixed", (), (), ("il1r1_copies_K562R", "il1r1_copies_K562S")),
        ("mixed", ("il1r1_copies_K562R",), (), ("il1r1_copies_K562S",)),
        ("mixed", ("il1r1_copies_K562S",), ("il1r1_copies_K562S",), ()),
        ("none", (), (), ("il1r1_copies_K562R", "il1r1_copies_K562S")),
    ],
)
def test_a_parameter_of_k562s_moves_what_k562r_takes_from_it(
    resistance: str, explicit: tuple[str, ...], fixed: tuple[str, ...], moved: tuple[str, ...]
) -> None:
    found = followers(("death_max", "il1r1_copies_K562S"), resistance, frozenset(explicit), frozenset(fixed))
    assert sorted(name for name, column in found if column == 1) == sorted(moved)
    assert [name for name, column in found if column == 0] == ["death_max"]


def test_the_explanation_decides_what_moves_the_affinity() -> None:
    by = ("imatinib_affinity_loss_T315I", "imatinib_affinity_loss_K562R")
    assert followers(by, "T315I", frozenset(), frozenset()) == (
        ("imatinib_affinity_loss_K562R", 0),
        ("imatinib_affinity_loss_T315I", 0),
    )
    assert followers(by, "mixed", frozenset(), frozenset()) == (
        ("imatinib_affinity_loss_K562R", 1),
        ("imatinib_affinity_loss_T315I", 0),
    )
    assert followers(by[1:], "none", frozenset(), frozenset()) == ()


@pytest.mark.parametrize("drawn", [False, True])
def test_derivatives_follow_the_values_of_a_draw_or_an_override(drawn: bool) -> None:
    well = SCENARIO("k562r_growth").with_(resistance="efflux", times=[24], duration=24)
    plate = Plate([well], [Request(0, *find("il1b", well.hosts), 24.0)])
    names = ["il1b_secretion_K562S", "il1b_secretion_K562R"]
    found = plate.run([{names[0]: 1.2, names[1]: 7.0}], TIGHT, drawn, names).slopes[0, 0]
    assert (found[0] == 0.0) == (not drawn)
    assert (found[1] == 0.0) == drawn


def test_in_each_set_the_parameters_move_that_are_not_given_there() -> None:
    well = SCENARIO("k562r_growth").with_(treatments={"il1b": 100.0}, times=[12], duration=12)
    plate = Plate([well], [Request(0, *find("nuclear_nfkb", well.hosts), 12.0)])
    names = ["il1r1_copies_K562S", "il1r1_copies_K562R"]
    copies = nl.parameter_values()[names[0]]
    found = plate.run([{}, {names[1]: copies}, {names[0]: copies}], TIGHT, by=names)
    assert found.values[0, 0] == found.values[1, 0] == found.values[2, 0]
    follows, own, too = found.slopes[:, 0]
    assert follows[0] != 0
    assert follows[1] == 0
    assert own.all()  # signals are measured against those of a K562S cell
    assert own.sum() == pytest.approx(follows[0], rel=1e-6)
    np.testing.assert_array_equal(too, follows)


# -- failures -----------------------------------------------------------------------------------------------


def test_a_failed_set_is_nan_and_leaves_the_others_as_they_are(plate: Plate) -> None:
    settings = Settings(engine="batch", rtol=1e-6)
    sets: list[Mapping[str, float]] = [{}, {"uniform_death": 0.1}, BASE]
    found = plate.run(sets, settings, by=["death_max"])
    alone = [plate.run([values], settings, by=["death_max"]) for values in sets]
    for j, single in enumerate(alone):
        assert found.problems[j] == single.problems[0]
        assert np.array_equal(found.values[j], single.values[0], equal_nan=True)
        assert np.array_equal(found.slopes[j], single.slopes[0], equal_nan=True)
    assert all("no stock culture: K562S shrinks" in text for text in found.problems[1][:3])
    assert np.isnan(found.values[1]).all()
    assert np.isnan(found.slopes[1]).all()
    assert found.problems[0] == found.problems[2] == ("",) * len(WELLS)


def test_a_well_that_fails_takes_nothing_with_it_but_what_refers_to_it() -> None:
    drugged, plain = WELLS[1], WELLS[1].vehicle()
    asked = [Request(w, *find("viable_cells", plain.hosts), 8.0) for w in (0, 1)]
    found = Plate([drugged, plain], asked).run([{"imatinib_kon": -1.0}], Settings(engine="batch", rtol=1e-6))
    assert np.isnan(found.values[0]).tolist() == [True, False]
    assert found.problems[0] == ("an amount fell below zero by more than the tolerances explain", "")


def test_a_failed_vehicle_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    original = plates.run_plans

    def vehicles_fail(plans, specimens, *rest):
        done = original(plans, specimens, *rest)
        return [
            type(batch)(batch.values * np.nan, ("stopped",), batch.time_reached, batch.slopes)
            if not plan.scenario.treatments
            else batch
            for plan, batch in zip(plans, done, strict=True)
        ]

    monkeypatch.setattr(plates, "run_plans", vehicles_fail)
    well = WELLS[1]
    asked = [Request(0, *find(key, well.hosts), 8.0) for key in ("viability", "viable_cells")]
    found = Plate([well], asked).run([{}], Settings(engine="batch", rtol=1e-5))
    assert found.problems == (("vehicle: stopped",),)
    assert np.isnan(found.values[0]).tolist() == [True, False]


# -- what is run, and that company changes nothing ----------------------------------------------------------


def test_what_happens_in_two_wells_is_run_once(monkeypatch: pytest.MonkeyPatch) -> None:
    original, seen = plates.run_plans, []

    def spied(plans, *rest):
        seen.append(plans)
        return original(plans, *rest)

    monkeypatch.setattr(plates, "run_plans", spied)
    base = SCENARIO("k562s_growth").with_(duration=24, times=[24])
    doses = [{"imatinib": dose, "il1ra": 10 * dose} for dose in (0.0, 0.1, 1.0)]
    wells = [base.with_(name=f"well {i}", treatments=dose) for i, dose in enumerate([*doses, *doses])]
    wells += [base.with_(treatments=dose, duration=12, times=[12]) for dose in (doses[0], doses[2])]
    asked = [Request(i, *find("viability", base.hosts), well.duration) for i, well in enumerate(wells)]
    found = Plate(wells, asked).run([{}], Settings(engine="batch", rtol=1e-6))
    assert len(seen) == 1
    assert len(seen[0]) == 3  # the vehicle is the dose of 0, and the well that was looked at earlier
    assert len({id(plan.compiled) for plan in seen[0]}) == 1
    assert np.array_equal(found.values[0, :3], found.values[0, 3:6])
    assert found.values[0, 0] == found.values[0, 6] == 1.0
    assert found.values[0, 2] < found.values[0, 7] < 1.0


def answered(plate: Plate, threads: int = 1) -> Answers:
    return plate.run([{}, BASE], Settings(engine="batch", rtol=1e-6, threads=threads), by=BY[:3])


def test_threads_and_order_change_no_bit(plate: Plate) -> None:
    asked = requests(WELLS)
    once = answered(plate)
    again = answered(plate, threads=2)
    order = list(reversed(range(len(WELLS))))
    wells = [WELLS[i] for i in order]
    turned = [
        Request(order.index(one.well), one.readout, one.host, one.time, one.by_vehicle)
        for one in reversed(asked)
    ]
    mirrored = answered(Plate(wells, turned))
    for values in ("values", "slopes"):
        expected = getattr(once, values)
        assert np.array_equal(getattr(again, values), expected, equal_nan=True)
        assert np.array_equal(getattr(mirrored, values)[:, ::-1], expected, equal_nan=True)
    assert mirrored.problems[0] == once.problems[0][::-1]


def test_nothing_asked_is_nothing_answered(plate: Plate) -> None:
    settings = Settings(engine="batch", rtol=1e-6)
    empty = Plate(WELLS[:2], []).run([{}, BASE], settings, by=["death_max"])
    assert empty.values.shape == (2, 0)
    assert empty.slopes.shape == (2, 0, 1)
    assert empty.problems == (("", ""),) * 2
    assert Plate([], []).run([{}, BASE], settings).problems == ((), ())
    assert plate.run([], settings, by=["death_max"]).slopes.shape == (0, len(requests(WELLS)), 1)


# -- misuse -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("well", "time", "message"),
    [
        (4, 8.0, "well: got 4, expected 0 to 3"),
        (0, 72.0, "imatinib_washout: viable_cells: got time 72 h, expected 0 to the 48 h of the run"),
        (0, -1.0, "got time -1 h"),
    ],
)
def test_requests_that_cannot_be_answered_are_refused(well: int, time: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Plate(WELLS, [Request(well, *find("viable_cells", ["K562S"]), time)])


def test_derivatives_need_the_batch_engine_and_known_parameters(plate: Plate) -> None:
    with pytest.raises(ValueError, match="derivatives: got engine 'scipy', expected 'batch'"):
        plate.run([{}], Settings(), by=["death_max"])
    with pytest.raises(
        ValueError, match="'deth_max' is not in the parameter table; did you mean 'death_max'"
    ):
        plate.run([{}], Settings(engine="batch"), by=["deth_max"])


def test_a_read_out_of_ones_own_is_differentiated_and_has_a_background() -> None:
    def living_share(run, host):
        return np.log2(run.output(f"cells_{host}") / run.seeded(host))

    well = WELLS[1]
    own = Readout("doublings", "1", "divisions since the start", ("K562S",), living_share, background=2.0)
    found = Plate([well], [Request(0, own, "K562S", 24.0)]).run([{}], TIGHT, by=["death_max"])
    cells = Plate([well], [Request(0, *find("viable_cells", well.hosts), 24.0)]).run(
        [{}], TIGHT, by=["death_max"]
    )
    density = well.lines["K562S"].density
    assert found.values[0, 0] == pytest.approx(2 + np.log2(cells.values[0, 0] / density))
    expected = cells.slopes[0, 0, 0] / cells.values[0, 0] / np.log(2)
    assert found.slopes[0, 0, 0] == pytest.approx(expected, rel=1e-9)
