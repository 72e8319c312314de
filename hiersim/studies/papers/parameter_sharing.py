"""Parameter sharing: many weights stand for one stored number; that saves room, and time when it fits the chip."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hiersim.machine import TierRules
from hiersim.studies.claim import Finding, Study, figure, seen
from hiersim.studies.executed import executed, plain_machine, plain_tier, seconds
from hiersim.traces.operation_builder import OperationBuilder

LAYERS, PIECES, PIECE, ROUNDS = 24, 96, 256 * 2**10, 3
"""Layers, pieces of weights of each, bytes of a piece that lies together, times that all is computed."""
ON_CHIP = 48 * 2**20
SHARED = (1, 2, 4, 8, 16, 32)
"""Times that the array is smaller than the weights."""


def computed(shared: int) -> tuple[float, float]:
    """Return (bytes from memory in a round, seconds) with an array so many times smaller than the weights."""
    builder, rng = OperationBuilder("shared", ordered=False), np.random.default_rng(1)
    array = [builder.object(PIECE, "weight", home="hbm", name=f"piece{i}") for i in range(LAYERS * PIECES // shared)]
    hashed = rng.permutation(LAYERS * PIECES) % len(array)
    for layer in np.tile(hashed.reshape(LAYERS, PIECES), (ROUNDS, 1)):
        reads = [array[piece] for piece in np.unique(layer)]
        builder.add("layer", unit="gpu0", reads=reads, near_read=(PIECES - len(reads)) * PIECE)
    tiers = {"sram": plain_tier("sram", 5e12, ON_CHIP), "hbm": plain_tier("hbm", 2e12, 80e9)}
    result = executed(plain_machine(tiers, 1e15, 2e12), builder, {"sram": TierRules(on_evict="drop")})
    return sum(result.tiers["hbm"].read_bytes.values()) / ROUNDS, seconds(result)


def run() -> Sequence[Finding]:
    """Compute with arrays of every size."""
    found = {shared: computed(shared) for shared in SHARED}
    weights = LAYERS * PIECES * PIECE
    sizes = {shared: weights // shared for shared in SHARED}
    told = ", ".join(f"{sizes[shared] >> 20} MiB: {found[shared][0] / weights:.2f}" for shared in SHARED)
    above = [found[shared][0] / weights for shared in SHARED if sizes[shared] > 2 * ON_CHIP]
    below = [found[shared][0] / weights for shared in SHARED if sizes[shared] <= ON_CHIP]
    once = [size / weights / ROUNDS for size in sizes.values() if size <= ON_CHIP]
    note = (
        f"Bytes from memory over those of the weights, by size of the array, {ON_CHIP >> 20} MiB on the chip "
        f"with LRU: {told}."
    )
    return [
        seen(
            "traffic-stays",
            "a smaller array is read as often",
            f"from {min(above):.2f} to {max(above):.2f}",
            min(above) > 0.5,
            note,
        ),
        figure("until-it-fits", once[0], below[0], 0.01, "An array that fits comes once for all rounds. " + note),
        seen(
            "faster-then",
            "time falls where it fits",
            f"{found[1][1] / found[SHARED[-1]][1]:.2f} times",
            found[1][1] > 1.5 * found[SHARED[-1]][1],
            "Time with weights of their own over that with the smallest array.",
        ),
    ]


STUDY = Study(
    name="parameter-sharing",
    title="In defense of parameter sharing for model-compression",
    family="weight-offload",
    grade="C",
    source="Desai, Shrivastava. ICLR 2024, arXiv 2310.11611",
    memory=(
        "Weights are looked up in a small array by a hash. It takes less room; it is read as often as the weights "
        "were, unless it fits on the chip. Made-up layers of 24 MiB, pieces of 256 KiB, a chip with 48 MiB."
    ),
    not_ours="Accuracy, which is what the paper claims.",
    run=run,
)
