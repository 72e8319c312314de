"""LARC: a large stacked cache, as the working sets that stop streaming from HBM."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from hiersim.engine.result import Result
from hiersim.studies.claim import Finding, Study, between, figure, seen
from hiersim.studies.operated import chip, run
from hiersim.traces.operation_builder import OperationBuilder

MIB = 2**20
NOW, STACKED = 8 * MIB, 256 * MIB
"""L2 of a core group of A64FX, and of LARC's smaller design (the paper's table, recalled)."""
HBM, L2 = 256e9, 900e9
"""Bytes/s of a core group's HBM2 and L2: data sheet of A64FX, a quarter of 1,024 and 3,600 GB/s."""
GROUPS = 4
"""How many more core groups a chip of 2028 has, in the paper's scaling to 1.5 nm (16 for 4, recalled)."""
TILES, SWEEPS = 32, 6
SETS = (4, 64, 192, 512)
"""MiB of the working sets: in today's cache, in the stacked one, and in none."""


@cache
def triad(working_set: int, cache_bytes: int, flops_per_byte: float = 2 / 24) -> Result:
    """Return a run of sweeps of a = b + s c over three arrays, in tiles, through an L2 with LRU.

    Args:
        working_set: bytes of the three arrays.
        cache_bytes: of L2.
        flops_per_byte: FLOPs for each byte that is read or written.
    """
    tiles = max(TILES, working_set // (3 * MIB))  # of a MiB at most, so that three fit
    build, tile = OperationBuilder("triad"), working_set // (3 * tiles)
    arrays = [[build.object(tile, "array", home="hbm") for _ in range(tiles)] for _ in range(3)]
    for _ in range(SWEEPS):
        for a, b, c in zip(*arrays, strict=True):
            build.add("triad", unit="gpu0", reads=[a, b, c], flops=int(3 * tile * flops_per_byte), dtype="fp32")
    near = {(
        "kind"
    ): "l2", "capacity": f"{cache_bytes} B", "read_bandwidth": f"{L2:.0f} B/s", "write_bandwidth": f"{L2:.0f} B/s",
            "read_latency": "20 ns", "write_latency": "20 ns"}  # fmt: skip
    far = {(
        "kind"
    ): "hbm", "capacity": "32 GiB", "read_bandwidth": f"{HBM:.0f} B/s", "write_bandwidth": f"{HBM:.0f} B/s",
           "read_latency": "100 ns", "write_latency": "100 ns"}  # fmt: skip
    return run(chip(near, far, {"kind": "cpu", "flops": {"fp32": "1.5 TFLOP/s"}}), build.build(), ahead=2)


def gain(mib: int, flops_per_byte: float = 2 / 24) -> float:
    """Return how many times faster the stacked cache makes a working set."""
    now, stacked = (triad(mib * MIB, size, flops_per_byte).elapsed_ps for size in (NOW, STACKED))
    return now / stacked


def run_study() -> Sequence[Finding]:
    """Simulate working sets from less than today's cache to more than the stacked one."""
    gains = {mib: gain(mib) for mib in SETS}
    bound = max(gains.values())
    hits = [
        triad(64 * MIB, size).tiers[("hbm")].read_total / (3 * TILES * (64 * MIB // (3 * TILES)))
        for size in (NOW, STACKED)
    ]
    told = ", ".join(f"{mib} MiB {each:.3g}" for mib, each in gains.items())
    knee = gains[4] < 1.05 and gains[64] > 1.5 and gains[192] > 1.5 and gains[512] < 1.05
    compute = gain(64, flops_per_byte=16.0)
    return [
        figure("sweeps-from-hbm", SWEEPS, hits[0], 0.001, LRU),
        figure("sweeps-from-hbm-stacked", 1, hits[1], 0.001, "The same with 256 MiB: each array comes once."),
        seen("knee", "gains where the working set fits", told, knee, KNEE),
        seen("compute-bound", "not sensitive to the cache", f"{compute:.3g} times", compute < 1.05, COMPUTE),
        between("chip-of-2028", 9.77, GROUPS, GROUPS * bound, BOUND.format(bound=bound)),
    ]


LRU = (
    f"How often the arrays of a triad of 64 MiB are read from HBM in {SWEEPS} sweeps: LRU keeps nothing of a loop in "
    "8 MiB."
)
KNEE = "Times of a triad, 8 MiB over 256 MiB of L2, by working set."
COMPUTE = "The same of 64 MiB with 16 FLOP/B, which the cores' rate binds."
BOUND = (
    f"The chip's factor holds {GROUPS} times as many core groups besides the cache. From these alone to these times "
    "the largest gain of a triad, {bound:.3g}; more cores in a group, and the mix of kernels, lie between."
)

STUDY = Study(
    name="larc",
    title="At the Locus of Performance: A Case Study in Enhancing CPUs with Copious 3D-Stacked Cache",
    family="on-chip/scratchpad",
    grade="B",
    source="Domke, Vatai, Gerofi, Kodama, Wahib, Podobas and others. ACM TACO 2023, arXiv 2204.02235",
    memory="SRAM stacked on the cores takes working sets that stream from HBM today.",
    not_ours="The cores, and the proxy kernels' own traces; a triad stands for those that are sensitive to the cache.",
    run=run_study,
)
