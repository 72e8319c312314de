"""SMASH: products of sparse matrices row by row with partial sums in a scratchpad, against inner and outer products."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from hiersim.engine.result import Result
from hiersim.studies.claim import Finding, Study, between, figure, seen
from hiersim.studies.operated import chip, moved, run
from hiersim.traces.operation_builder import OperationBuilder

SIDE, A_ROW = 1024, 8
"""Rows of the matrices, and non-zeros of a row in the mean."""
ENTRY = 12
"""Bytes of a non-zero: a column and a double."""
PAD = 80 * 1024
"""Bytes of the scratchpad, less than the matrix has, and more than any row needs."""
BLOCK = 64
"""Columns of B that inner products read at once."""
SLOW = {"kind": "ddr", "capacity": "16 GiB", "read_bandwidth": "100 GB/s", "write_bandwidth": "100 GB/s",
        "read_latency": "0 s", "write_latency": "0 s"}  # fmt: skip


@cache
def matrix() -> Any:
    """Return bool [rows, columns], an R-MAT graph with the usual shares (0.57, 0.19, 0.19), without weights."""
    rng, found = np.random.default_rng(7), np.zeros((SIDE, SIDE), bool)
    levels = SIDE.bit_length() - 1
    corners = rng.choice(4, (SIDE * A_ROW, levels), p=[0.57, 0.19, 0.19, 0.05])
    weights = 1 << np.arange(levels)
    found[(corners // 2) @ weights, (corners % 2) @ weights] = True
    return found


class Product:
    """Operations of a product of the matrix with itself: rows and columns are objects where they have entries."""

    def __init__(self, how: str) -> None:
        self.a, self.build = matrix(), OperationBuilder(how)
        self.c = self.a.astype(np.float32) @ self.a.astype(np.float32)
        self.rows = self._lines("A", self.a.sum(1))
        self.lines = {} if how == "inner" else self._lines("B", self.a.sum(1))
        self.columns = self._lines("A", self.a.sum(0)) if how == "outer" else {}
        getattr(self, how)()

    def _lines(self, name: str, counts: Any) -> dict[int, int]:
        """Make an object of each row or column that has entries."""
        return {i: self.build.object(int(n) * ENTRY, name, home="hbm") for i, n in enumerate(counts) if n}

    def _step(self, reads: list[int], work: int, out: int = 0) -> None:
        """Multiply, and write so many entries of the result to the memory behind."""
        self.build.add("multiply", unit="gpu0", reads=reads, flops=2 * work)
        if out:
            self._send("result", out)

    def _send(self, kind: str, entries: int, back: bool = False) -> None:
        ends: dict[str, Any] = {"source": "hbm", "target": "sram"} if back else {"source": "sram", "target": "hbm"}
        name = f"{kind} {'in' if back else 'out'}"
        last = len(self.build) - 1
        self.build.add(
            name,
            unit="gpu0",
            stream=name,
            after=[last],
            action="carry",
            near_read=entries * ENTRY,
            near_class=kind,
            **ends,
        )

    def rowwise(self) -> None:
        """Each row of A: the rows of B that its entries name; sums are hashed near, and go out once."""
        for i, row in self.rows.items():
            near = [self.lines[k] for k in np.flatnonzero(self.a[i]).tolist() if k in self.lines]
            self._step([row, *near], int(self.c[i].sum()), int((self.c[i] > 0).sum()))

    def inner(self) -> None:
        """Each row of A with all columns of B, a block of them at a time."""
        sizes = self.a.sum(0).reshape(-1, BLOCK).sum(1)
        blocks = [self.build.object(int(n) * ENTRY, "B", home="hbm") for n in sizes if n]
        for i, row in self.rows.items():
            for block in blocks:
                self._step([row, block], int(self.a[i].sum()))
            self._send("result", int((self.c[i] > 0).sum()) or 1)

    def outer(self) -> None:
        """Each column of A with the row of B: partial products go out, and come back to be merged."""
        partial = 0
        for k, column in self.columns.items():
            if k in self.lines:
                count = int(self.a[:, k].sum()) * int(self.a[k].sum())
                self._step([column, self.lines[k]], count)
                self._send("partial", count)
                partial += count
        self._send("partial", partial, back=True)
        self._send("result", int((self.c > 0).sum()))


@cache
def simulated(how: str, pad: int = PAD) -> Result:
    """Return a run of a product in one of three ways, with a scratchpad of so many bytes."""
    near = {"part": "a100-smem", "capacity": f"{pad} B"}
    on = chip(near, SLOW, {"kind": "npu", "flops": {"fp16": "1 TFLOP/s"}})
    return run(on, Product(how).build.build(), ahead=4)


def run_study() -> Sequence[Finding]:
    """Simulate the three ways, and a scratchpad that is too small for the rows that are used again."""
    a = matrix()
    out = int((a.astype(np.float32) @ a.astype(np.float32) > 0).sum())
    partial = int((a.sum(0) * a.sum(1)).sum())
    runs = {how: simulated(how) for how in ("rowwise", "inner", "outer")}
    speed = max(runs[how].elapsed_ps for how in ("inner", "outer")) / runs["rowwise"].elapsed_ps
    told = ", ".join(f"{how} {moved(result) / 1e6:.3g} MB" for how, result in runs.items())
    least, most = (moved(simulated("rowwise", pad)) for pad in (_most_of_a_row(), 4 * PAD))
    small = least / most
    fewest = min(runs, key=lambda how: moved(runs[how]))
    return [
        figure("result-once", out * ENTRY, runs["rowwise"].tiers["hbm"].written_total, 0.0, ONCE),
        figure("outer-partials", 2 * partial * ENTRY, _partials(runs["outer"]), 0.0, PARTIALS),
        seen("fewest-bytes", "no partial matrix goes to DRAM", told, fewest == "rowwise", FEWEST),
        seen("overflow", "a scratchpad that overflows costs traffic", f"{small:.3g} times", small > 1.0, OVERFLOW),
        between("speedup", 9.4, 1.0, speed, SPEED),
    ]


def _most_of_a_row() -> int:
    """Return the bytes of the row that needs most at once: its own, and those of B that it names."""
    counts = matrix().sum(1)
    return int((counts + matrix().astype(int) @ counts).max()) * ENTRY


def _partials(result: Result) -> int:
    hbm = result.tiers["hbm"]
    return hbm.read_bytes["partial"] + hbm.written_bytes["partial"]


TRACE = f"An R-MAT graph of {SIDE} rows and about {A_ROW} entries each, times itself, 12 B an entry"
ONCE = f"Bytes written row by row: each entry of the result once. {TRACE}; exact."
PARTIALS = "Bytes of partial products of the outer product, out and back: every product of a column and a row; exact."
FEWEST = f"DRAM bytes with {PAD // 1024} KiB on chip; inner products read B again for every row."
OVERFLOW = f"DRAM bytes row by row with as much as the largest row needs, over those with {4 * PAD // 1024} KiB."
SPEED = (
    "9.4 times over competing approaches on PIUMA. By DRAM bytes at 100 GB/s, inputs fetched ahead and latencies "
    "left out, as many threads hide them, the slowest of the three ways over row by row is the upper number, so less "
    "than the claim: how busy the threads keep a PIUMA core, and its atomics, which are not modelled, give the rest. "
    "The abstract, all of the thesis that was at hand, says neither which approaches it competes with nor on which "
    "matrices; a random graph of this size has fewer partial products for each result than real ones may."
)

STUDY = Study(
    name="smash",
    title="SMASH: Sparse Matrix Atomic Scratchpad Hashing",
    family="on-chip/scratchpad",
    grade="B",
    source="Shivdikar. arXiv 2105.14156",
    memory="Products of sparse matrices row by row; partial sums meet in a hash table on the scratchpad.",
    not_ours="The pipeline of PIUMA and its threads; the matrices, for which a random graph stands.",
    run=run_study,
)
