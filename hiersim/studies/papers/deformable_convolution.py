"""Deformable convolution with a limited range: the rows that a line buffer has to hold, and what DRAM sees."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from hiersim.drivers.cache_study import study
from hiersim.studies.claim import Finding, Study, figure, seen

ROWS, COLUMNS, KERNEL = 64, 64, 3
SPREAD = 6.0
"""Standard deviation of an offset in rows or columns: an assumption, as no trace of offsets is at hand."""
RANGES = (1, 2, 4, 8)


@cache
def reads(limit: int) -> Any:
    """Return int32 [reads], the pixels that all taps read, in order; offsets beyond a limit are cut off, if above 0."""
    rng = np.random.default_rng(11)
    shape = (ROWS, COLUMNS, KERNEL, KERNEL)
    offsets = np.rint(rng.normal(0.0, SPREAD, (2, *shape))).astype(int)
    offsets = np.clip(offsets, -limit, limit) if limit else offsets
    taps = np.indices(shape)
    row, column = (np.clip(taps[i] + taps[i + 2] - KERNEL // 2 + offsets[i], 0, (ROWS, COLUMNS)[i] - 1) for i in (0, 1))
    return (row * COLUMNS + column).reshape(-1).astype(np.int32)


def misses(limit: int, lines: int) -> tuple[int, int]:
    """Return the rows that stream into a line buffer of so many, and the rows that taps want and do not find there.

    The input streams in from the top, ahead of the first row that taps of the next output row may want; what came
    first goes first. With offsets without a limit (0) a buffer streams as far ahead as one of its size can.
    """
    ahead = limit or (lines - KERNEL) // 2
    taps = (reads(limit) // COLUMNS).reshape(ROWS, -1)
    keys, came = list[Any](), 0
    for y in range(ROWS):
        upto = min(ROWS, y + KERNEL // 2 + ahead + 1)
        keys += [np.arange(came, upto), taps[y]]
        came = upto
    return came, study(np.concatenate(keys).astype(np.int32), None, "fifo", lines).misses - came


def scattered(limit: int, pixels: int) -> float:
    """Return the same of a cache of single pixels with LRU."""
    return study(reads(limit), None, "lru", pixels).misses / (ROWS * COLUMNS)


def run_study() -> Sequence[Finding]:
    """Simulate ranges with a buffer of just so many rows, and offsets without a limit in the same buffers."""
    kept = {limit: misses(limit, 2 * limit + KERNEL) for limit in RANGES}
    free = {limit: misses(0, 2 * limit + KERNEL)[1] / ROWS for limit in RANGES}
    short = {limit: misses(limit, 2 * limit + KERNEL - 1)[1] / ROWS for limit in RANGES}
    told = ", ".join(f"{limit}: {each:.3g}" for limit, each in free.items())
    tight = ", ".join(f"{limit}: {each:.3g}" for limit, each in short.items())
    pixels = scattered(0, (2 * 4 + KERNEL) * COLUMNS)
    return [
        figure("rows-once", ROWS, max(streamed for streamed, _ in kept.values()), 0.0, f"{ONCE}; exact."),
        figure("not-served", 0, max(missed for _, missed in kept.values()), 0.0, f"{SERVED}; exact."),
        seen("without-a-limit", "random DRAM reads", told, min(free.values()) > 1.0, FREE),
        seen("one-row-less", "the buffer is as small as can be", tight, min(short.values()) > 0.0, SHORT),
        seen("pixels", "a buffer of pixels does not help", f"{pixels:.3g} times the input", pixels > 1.0, PIXELS),
    ]


ONCE = (
    f"Rows read from DRAM, {ROWS} x {COLUMNS}, {KERNEL} x {KERNEL}, with 2 R + {KERNEL} lines, R = "
    f"{', '.join(map(str, RANGES))}"
)
SERVED = "Reads of taps with offsets to R that a buffer of 2 R + k lines does not serve"
FREE = (
    "Rows that taps want from DRAM beside the stream, over those of the input, with offsets without a limit (deviation "
    f"{SPREAD:g}), in the buffers of R lines."
)
SHORT = "The same with the limit, and one line less than 2 R + k."
PIXELS = "Pixels read without a limit with LRU and as many pixels as the buffer of R = 4."

STUDY = Study(
    name="deformable-convolution",
    title="Algorithm-hardware Co-design for Deformable Convolution",
    family="on-chip/scratchpad",
    grade="B",
    source="Huang, Wang, Gao, Wei, Zhang, Keutzer and others. arXiv 2002.08357",
    memory=(
        "Offsets are kept within a range R, so that 2 R + k lines on chip serve all gathers and DRAM sees each row "
        "once."
    ),
    not_ours="Accuracy with the limit; real offsets, for which a normal distribution stands.",
    run=run_study,
)
