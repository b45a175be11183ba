"""Memory of the batch kernel: what a job hands over, and the workspace of one thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar

from nicheloop.equations.lanes import Function

__all__ = [
    "Code",
    "Field",
    "Kind",
    "Space",
    "TangentSpace",
    "job_address",
    "job_integer",
    "job_real",
    "lane_position",
]


class Field(IntEnum):
    """Position in the job record, an array of 64-bit words: counts, addresses, or the bits of a double.

    Run r has the periods ``FIRST_PERIOD[r]`` up to ``FIRST_PERIOD[r + 1]`` and the requested times
    ``FIRST_TIME[r]`` up to ``FIRST_TIME[r + 1]``; row k of the result belongs to ``TIMES[k]``.
    """

    COUNTER = 0  # address of the number of the next run nobody has taken
    RUNS = 1
    FIRST_PERIOD = 2  # int64[runs + 1]
    FIRST_TIME = 3  # int64[runs + 1]
    TIMES = 4  # double[...]
    STARTS = 5  # double[periods]
    ENDS = 6  # double[periods]
    PARAMETERS = 7  # address of a parameter row [periods]
    SCALES = 8  # address of a row or 0 [periods]
    SHIFTS = 9  # address of a row or 0 [periods]
    INITIALS = 10  # address of a row, or 0: the initial amounts that the first parameters give [runs]
    RESULT = 11  # double[rows, WIDTH]
    SELECTION = 12  # int64[WIDTH]: species, or n + position in the tape's outputs
    WIDTH = 13
    STATUS = 14  # int64[runs], see Code
    REACHED = 15  # double[runs]
    STEPS = 16  # int64[runs]
    MAX_STEPS = 17
    ATOL = 18  # double[n]
    RTOL = 19  # bits of a double
    WANTS_OUTPUTS = 20  # 0 if SELECTION names species only
    LOWEST = 21  # double[runs]: the most negative amount met, in absolute tolerances
    LOWEST_ALLOWED = 22  # bits of a double: below, a run has failed
    # Sensitivities. A run takes part once for every SLOTS of its columns; each time it counts as a run above.
    SLOTS = 23  # columns that a lane carries
    COLUMNS = 24  # columns of the result
    FIRST_COLUMN = 25  # int64[runs]: the lane carries this column and those after it
    SEED_TABLE = 26  # int64[periods]: number of the table that says what the columns act on
    SEED_FIRST = (
        27  # int64[(table * len(Kind) + kind) * COLUMNS + column], and one more: entries from there on
    )
    SEED_SOURCE = 28  # int64[entries]: which value of the sparse derivative
    SEED_ROW = 29  # int64[entries]: where it is added
    SEED_WEIGHT = 30  # double[entries]: times this
    SHIFT_SLOPES = 31  # address of double[n, COLUMNS] or 0 [periods]
    INITIAL_SLOPES = 32  # address of double[n, COLUMNS] or 0 [runs]
    COLUMN_SPECIES = 33  # int64[COLUMNS]: the species whose initial amount the column is, or -1
    COLUMN_PARAMETER = 34  # int64[COLUMNS]: the parameter that gives the column its size, or -1
    SLOPES = 35  # double[...], written at SLOPE_START[run] + (row * WIDTH + position) * COLUMNS + slot
    SLOPE_START = 36  # int64[runs]
    CONTROLS = 37  # 1 if the error of the sensitivities counts in the size of steps


class Kind(IntEnum):
    """Sparse derivatives by parameters whose entries columns pick, see SEED_FIRST."""

    RHS = 0
    OUTPUTS = 1
    INITIALS = 2


class Code(IntEnum):
    """How a run ended."""

    OK = 0
    STEP_LIMIT = 1
    STEP_UNDERFLOW = 2
    NOT_FINITE = 3
    NEGATIVE = 4


@dataclass(frozen=True)
class Space:
    """Workspace of one thread: arrays of vectors, one after the other.

    State arrays have one vector per species (or parameter, ...); lane arrays are a single vector that
    holds one number per lane.
    """

    n: int
    n_parameters: int
    n_prepared: int
    n_jacobian: int
    n_factors: int
    n_outputs: int

    STATES: ClassVar[tuple[str, ...]] = ("y", "f", "new", "right", "coupled", "atol", "u", "dense")
    REALS: ClassVar[tuple[str, ...]] = (
        *("s", "h", "length", "start", "next", "advanced", "used"),
        *("h_accepted", "error_accepted", "lowest", "floor"),
    )
    WHOLES: ClassVar[tuple[str, ...]] = (
        *("run", "period", "row", "row_end", "final", "active", "fresh", "steps", "accepts", "rejected"),
        *("accepted", "trouble"),  # of the last attempt
    )

    def sizes(self) -> dict[str, int]:
        """Length of every array in vectors, in order; ``arg`` and ``out`` are neighbours for SELECTION."""
        n = self.n
        blocks = {"u": 8, "dense": 3}
        sizes = {"p": self.n_parameters}  # y follows: for second derivatives the state is a parameter, too
        sizes |= {name: blocks.get(name, 1) * n for name in self.STATES}
        sizes |= {"arg": n, "out": self.n_outputs}
        sizes |= {"q": self.n_prepared, "jacobian": self.n_jacobian}
        sizes |= {"factors": self.n_factors}
        return sizes | dict.fromkeys((*self.REALS, *self.WHOLES), 1)

    @property
    def total(self) -> int:
        """Length of the workspace in vectors."""
        return sum(self.sizes().values())

    def start(self, name: str) -> int:
        """Where an array begins, in vectors."""
        position = 0
        for other, size in self.sizes().items():
            if other == name:
                return position
            position += size
        raise KeyError(name)

    def array(self, f: Function, name: str, block: int = 0) -> str:
        """Address of an array (of its `block`-th stretch of n vectors) in the workspace ``%ws``."""
        return f.place("%ws", self.start(name) + block * self.n)

    def arrays(self, f: Function, names: Sequence[str]) -> list[str]:
        """Addresses of several arrays."""
        return [self.array(f, name) for name in names]

    def reals(self, f: Function, name: str) -> str:
        """The vector of a lane array of doubles."""
        return f.load(self.array(f, name))

    def wholes(self, f: Function, name: str) -> str:
        """The vector of a lane array of whole numbers."""
        return f.load(self.array(f, name), 0, f.module.ints)

    def set_reals(self, f: Function, name: str, value: str) -> None:
        """Write a lane array of doubles."""
        f.store(value, self.array(f, name))

    def set_wholes(self, f: Function, name: str, value: str) -> None:
        """Write a lane array of whole numbers."""
        f.store(value, self.array(f, name), 0, f.module.ints)

    def flag(self, f: Function, name: str) -> str:
        """Lane mask: where a lane array of whole numbers is not zero."""
        return f.emit(f"icmp ne {f.module.ints} {self.wholes(f, name)}, {f.module.whole(0)}")

    def set_flag(self, f: Function, name: str, mask: str) -> None:
        """Write a lane mask as whole numbers 0 and 1."""
        self.set_wholes(f, name, f.emit(f"zext {f.module.bools} {mask} to {f.module.ints}"))

    def get(self, f: Function, name: str, lane: str) -> str:
        """Number of one lane (a double or an i64, as the array is)."""
        return f.load(self.array(f, name), lane, self._kind(name))

    def put(self, f: Function, name: str, lane: str, value: str) -> None:
        """Set the number of one lane."""
        f.store(value, self.array(f, name), lane, self._kind(name))

    def _kind(self, name: str) -> str:
        return "double" if name in self.REALS else "i64"


@dataclass(frozen=True)
class TangentSpace(Space):
    """Workspace of a kernel that carries sensitivities: behind the arrays, as many slots as the job says.

    A slot is one column: the size of its parameter, the sensitivities before the step and after it, and its
    eight stages.
    """

    n_rhs_p: int
    n_bend: int
    n_bend_p: int
    n_bend_prepared: int
    n_outputs_y: int
    n_outputs_p: int
    n_initials_p: int

    REALS: ClassVar[tuple[str, ...]] = (*Space.REALS, "slope_error")
    WHOLES: ClassVar[tuple[str, ...]] = (*Space.WHOLES, "first_column", "seeds")

    def sizes(self) -> dict[str, int]:
        """As of `Space`; ``slope`` and ``slope_out`` are neighbours for SELECTION."""
        n = self.n
        return super().sizes() | {
            "slope": n,
            "slope_out": self.n_outputs,
            "slope_right": n,
            "stage_jacobian": self.n_jacobian,
            "stage_p": self.n_rhs_p,
            "bend": self.n_bend,
            "bend_p": self.n_bend_p,
            "bend_q": self.n_bend_prepared,
            "outputs_y": self.n_outputs_y,
            "outputs_p": self.n_outputs_p,
            "initials_p": self.n_initials_p,
        }

    @property
    def slot(self) -> int:
        """Length of a slot in vectors."""
        return 1 + 10 * self.n

    def slot_part(self, f: Function, slot: str, part: str, stage: int = 0) -> str:
        """Address of the ``weight``, ``before``, ``after`` or ``stages`` of a slot."""
        n = self.n
        offset = {"weight": 0, "before": 1, "after": 1 + n, "stages": 1 + 2 * n}[part] + stage * n
        first = f.emit(f"mul i64 {slot}, {self.slot}")
        return f.place("%ws", f.emit(f"add i64 {first}, {self.total + offset}"))


def lane_position(f: Function, lane: str, i: str) -> str:
    """Position, counted in doubles, of element i of an array in a lane."""
    return f.emit(f"add i64 {f.emit(f'mul i64 {i}, {f.module.lanes}')}, {lane}")


def job_integer(f: Function, field: Field) -> str:
    """A word of the job record ``%job`` as i64."""
    return f.load("%job", int(field), "i64")


def job_address(f: Function, field: Field) -> str:
    """A word of the job record as an address."""
    return f.load("%job", int(field), "ptr")


def job_real(f: Function, field: Field) -> str:
    """A word of the job record as a double."""
    return f.load("%job", int(field), "double")
