"""Tile loops as operations: steps over tiles in on-chip memory, and what is loaded and stored between them.

On-chip memory holds the tiles of one step. What the next step uses too stays; of the rest what was written goes to
the far memory if it is needed later, and what was only read is given up. So the traffic is that of the loop, not of a
cache policy, as long as the near tier has room for a step beside what leaves from the step before it, which a note of
the trace says, and the far tier is ``inclusive``: it keeps what is read of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hiersim.errors import ConfigError, Mistake
from hiersim.traces.operation import NONE, PER_OPERATION, Header, Objects, Operations, OperationStream, OperationTrace
from hiersim.traces.operation_builder import OperationBuilder
from hiersim.traces.operation_columns import joined

PIECE = 20_000  # operations of a piece of a repeated trace, at least
STEPS = 2_000_000  # of a loop: they are all in memory at once


@dataclass(frozen=True)
class Place:
    """Where a tile loop runs.

    Attributes:
        unit: the unit that computes.
        near: the on-chip memory, its near tier.
        far: the memory that inputs and outputs lie in.
        dtype: the number format of the FLOPs.
    """

    unit: str = "gpu0"
    near: str = "sram"
    far: str = "hbm"
    dtype: str = "fp16"


@dataclass(frozen=True)
class Step:
    """A step of a loop.

    Attributes:
        kind: what reports call steps of this sort.
        reads, writes: tiles.
        flops: its FLOPs.
        scratch: objects that it writes besides, which never leave.
    """

    kind: str
    reads: list[int]
    writes: list[int]
    flops: int
    scratch: tuple[int, ...]


class TileLoop:
    """Collects the steps of a loop; ``build`` makes the trace.

    Args:
        place: where it runs.
        name: of the trace.
    """

    def __init__(self, place: Place, name: str) -> None:
        self.place, self.name = place, name
        self._builder = OperationBuilder(name)
        self._sizes: list[int] = []
        self._lasting: set[int] = set()  # inputs and outputs
        self._valued: set[int] = set()  # tiles that have a value, here or there
        self._steps: list[Step] = []
        self._scratch: tuple[int, ...] = ()
        self._begun: set[int] = set()  # scratch that has been written

    def tiles(self, name: str, rows: tuple[int, int], columns: tuple[int, int], element: int, given: bool = False,
              kept: bool = False) -> list[list[int]]:  # fmt: skip
        """Cut a matrix into tiles and return their objects, row of tiles by row.

        Args:
            name: the class of its objects.
            rows: how many, and how many of a tile; the last tile may have fewer.
            columns: the same.
            element: bytes of an element.
            given: it is an input, at home in the far memory.
            kept: it is an output, which stays there.
        """
        far = self.place.far if given else None
        grid = [[r * c * element for c in cut(*columns)] for r in cut(*rows)]
        found = [[self._builder.object(size, name, home=far, kept=kept) for size in row] for row in grid]
        self._sizes += [size for row in grid for size in row]
        numbers = [number for row in found for number in row]
        self._valued.update(numbers if given else [])
        self._lasting.update(numbers if given or kept else [])
        return found

    def scratch(self, size_bytes: int, name: str = "scratch") -> None:
        """Let every step from here on write into so many bytes near the unit, which never leave."""
        self._scratch += (self._builder.object(max(1, size_bytes), name),)
        self._sizes.append(max(1, size_bytes))

    def step(self, kind: str, reads: Sequence[int], writes: Sequence[int], flops: int = 0) -> None:
        """Add a step.

        Args:
            kind: what reports call steps of this sort.
            reads: tiles that it reads.
            writes: tiles that it writes; those that have a value already it reads, too, and updates.
            flops: FLOPs of it.

        Raises:
            ConfigError: there are too many steps.
        """
        if len(self._steps) == STEPS:
            what = f"have more than {STEPS:,} steps of tiles: give larger tiles (more on-chip memory), or fewer tokens"
            raise ConfigError([Mistake(f"{self.name}.tokens", what)])
        known = [tile for tile in writes if tile in self._valued and tile not in reads]
        self._steps.append(Step(kind, [*reads, *known], list(writes), flops, self._scratch))
        self._valued.update(writes)

    def build(self) -> OperationTrace:
        """Return the trace, with a note of the near bytes that it needs."""
        last = {tile: at for at, step in enumerate(self._steps) for tile in (*step.reads, *step.writes)}
        near: dict[int, bool] = {}  # tiles on chip: whether written since they came
        out, leaving, room, ran = NONE, list[int](), 0, NONE
        for at, step in enumerate((*self._steps, Step("", [], [], 0, ()))):
            used = dict.fromkeys((*step.reads, *step.writes))
            gone = [tile for tile in near if tile not in used and (tile in self._lasting or last[tile] >= at)]
            waits = [] if out == NONE else [out]
            out, leaving = self._let_go(gone, near, ran)
            if step.kind:
                ran = self._compute(step, waits)
            room = max(room, sum(self._sizes[tile] for tile in (*used, *step.scratch, *leaving)))
            near = {tile: tile in step.writes or near.get(tile, False) for tile in used}
        return self._builder.build().with_about(notes=(f"needs {room:,} bytes of {self.place.near} for a stream",))

    def _let_go(self, gone: list[int], near: dict[int, bool], ran: int) -> tuple[int, list[int]]:
        """Let tiles leave behind a step; return the place of the operation that stores them, and what it stores."""
        unit, out = self.place.unit, f"{self.place.unit} out"
        if clean := [tile for tile in gone if not near[tile]]:
            self._builder.add("drop", unit=unit, action="drop", reads=clean)
        if dirty := [tile for tile in gone if near[tile]]:
            return self._builder.add("store", unit=unit, stream=out, action="offload", reads=dirty, after=[ran]), dirty
        return NONE, []

    def _compute(self, step: Step, waits: list[int]) -> int:
        """Add a step's operation; what it writes besides it reads too from the second time on, so that it is wanted."""
        begun = [number for number in step.scratch if number in self._begun]
        self._begun.update(step.scratch)
        return self._builder.add(
            step.kind,
            unit=self.place.unit,
            reads=[*step.reads, *begun],
            writes=[*step.writes, *step.scratch],
            after=waits,
            flops=step.flops,
            dtype=self.place.dtype,
        )


def cut(length: int, size: int) -> list[int]:
    """Return the lengths of the pieces of at most ``size`` that a length is cut into, the last one shorter."""
    return [min(size, length - start) for start in range(0, length, size)]


def repeated(one: OperationTrace, times: int, streams: int = 1) -> OperationTrace | OperationStream:
    """Return a trace that does the same so many times on objects of its own, such as one attention head after another.

    Args:
        one: what is repeated.
        times: how often.
        streams: how many of them may run at once, each in streams of its own.
    """
    if times == 1:
        return one
    header, streams = one.header, min(streams, times)
    names = [*header.streams, *(f"{name} {s}" for s in range(1, streams) for name in header.streams)]
    objects = _objects(one.objects, times, len(one))
    about = replace(header, objects=objects, streams=tuple(names), stream_units=header.stream_units * streams)
    together = streams * max(1, -(-PIECE // (len(one) * streams)))

    def pieces() -> Iterator[Operations]:
        for start in range(0, times, together):
            yield _copies(one, range(start, min(times, start + together)), streams, header)

    return OperationStream(about, pieces, times * len(one))


def _objects(one: Objects, times: int, operations: int) -> Objects:
    """Return the objects of all repetitions, each with its own last use."""
    ends = np.tile(one.last_use, times)
    later = np.repeat(np.arange(times, dtype=np.int64) * operations, len(one))
    columns: dict[str, Any] = {
        key: np.tile(getattr(one, key), times) for key in ("size", "object_class", "home", "start", "flops")
    }
    return replace(one, **columns, last_use=np.where(ends == NONE, NONE, ends + later), names=())


def _copies(one: OperationTrace, which: range, streams: int, header: Header) -> Operations:
    """Return the operations of some repetitions."""
    count, objects, width = len(one), len(one.objects), len(header.streams)
    copies: list[Operations] = []
    for number in which:
        columns = {key: getattr(one.operations, key) for key in PER_OPERATION}
        columns["stream"] = columns["stream"] + np.int32(width * (number % streams))
        copies.append(
            replace(
                one.operations,
                **columns,
                uses=(one.operations.uses + number * objects).astype(np.int32),
                after=one.operations.after + number * count,
            )
        )
    return joined(copies)
