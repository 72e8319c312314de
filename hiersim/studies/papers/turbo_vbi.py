"""Pruned weights in clusters or scattered: what their positions take, and how much of a burst is used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from hiersim.engine.result import Result
from hiersim.studies.claim import Finding, Study, figure, seen
from hiersim.studies.executed import executed, plain_machine, plain_tier, seconds
from hiersim.traces.operation_builder import OperationBuilder

ROWS, COLUMNS, DENSITY = 1024, 1024, 0.1
BURST, NUMBER, POSITION = 64, 2, 2
"""Bytes of a burst of the memory, of a weight, and of a position in a row."""
RUN = 32
"""Weights of a cluster."""


def mask(clustered: bool) -> NDArray[np.bool_]:
    """Return which weights are left, bool [rows, columns]: each drawn by itself, or runs of neighbours."""
    rng, together = np.random.default_rng(1), RUN if clustered else 1
    return np.repeat(rng.random((ROWS, COLUMNS // together)) < DENSITY, together, axis=1)


def bursts(left: NDArray[np.bool_]) -> int:
    """Return the bursts that hold some weight that is left, where weights keep their places."""
    return int(left.reshape(ROWS, -1, BURST // NUMBER).any(axis=2).sum())


def read(left: NDArray[np.bool_], packed: bool, clustered: bool) -> Result:
    """Read a matrix: in place, burst by burst, or packed with positions, of each weight or of each cluster."""
    kept = int(left.sum())
    entries = kept // RUN if clustered else kept
    size = kept * NUMBER + entries * POSITION if packed else bursts(left) * BURST
    builder = OperationBuilder("pruned")
    weights = builder.object(size, "weight", home="hbm")
    builder.add("product", unit="gpu0", reads=[weights])
    return executed(plain_machine({"hbm": plain_tier("hbm", 2e12, 80e9)}, 1e15), builder)


def run() -> Sequence[Finding]:
    """Read both matrices in both ways."""
    return list(_findings(mask(True), mask(False)))


def _findings(near: NDArray[np.bool_], apart: NDArray[np.bool_]) -> Iterator[Finding]:
    every = ROWS * COLUMNS / (BURST // NUMBER)
    note = "Share of the bursts that hold some weight: 1 - (1 - density)^32."
    yield figure("scattered-bursts", 1 - (1 - DENSITY) ** (BURST // NUMBER), bursts(apart) / every, 0.01, note)
    told = f"{bursts(apart) / every:.0%} of all bursts against {bursts(near) / every:.0%}"
    note = f"Where weights keep their places; density {DENSITY:.0%}, bursts of {BURST} bytes, clusters of {RUN}."
    yield seen("clusters-use-bursts", "clusters are regular reads", told, bursts(near) < 0.2 * bursts(apart), note)
    share = {
        many: read(left, True, many).tiers["hbm"].read_total / left.sum()
        for many, left in ((True, near), (False, apart))
    }
    note = f"With one position for a cluster; scattered weights take {share[False]:.2f} bytes each."
    yield figure("bytes-of-a-packed-weight", NUMBER + POSITION / RUN, share[True], 0.01, note)
    times = seconds(read(apart, False, False)) / seconds(read(near, False, True))
    note = "Time of a product that reads bursts in place."
    yield seen("faster", "clusters are read faster at the same density", f"{times:.1f} times", times > 4, note)


STUDY = Study(
    name="turbo-vbi",
    title="Structured Bayesian Compression for Deep Neural Networks Based on The Turbo-VBI Approach",
    family="weight-offload",
    grade="C",
    source="Xia, Tsang, Lau. IEEE Transactions on Signal Processing, 2023, arXiv 2302.10483",
    memory=(
        "Weights that are left after pruning lie in clusters. One position is stored for each cluster, and a burst "
        "that is read is full of weights. A matrix of 1024 x 1024 with a tenth left, drawn by itself or in runs of "
        "32."
    ),
    not_ours="Accuracy and how far one can prune.",
    run=run,
)
