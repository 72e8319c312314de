"""FuseMax: how often keys are read, and how much has to be kept on chip, with one, two and three passes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hiersim.engine.result import Result
from hiersim.studies.claim import Finding, Study, between, figure
from hiersim.studies.operated import chip, moved, operations, run

HEAD_DIM, TILE = 64, 64
SRAM = 64 * 1024
LENGTHS = (1024, 2048, 4096)


def simulated(passes: int, tokens: int, sram: int, **more: Any) -> Result:
    """Return a run of a head with its on-chip memory as large as it needs."""
    given: dict[str, Any] = {"tokens": tokens, "head_dim": HEAD_DIM, "sram": sram, "passes": passes, **more}
    trace = operations("attention_passes", **given)
    return run(chip("a100-smem", "a100-40g-hbm2", "a100-sxm-gpu"), trace)


def run_study() -> Sequence[Finding]:
    """Simulate passes without room for the scores of a tile of queries, on-chip bytes by length, and both designs."""
    tiles = {"queries_tile": TILE, "keys_tile": TILE}
    read = {p: simulated(p, 2048, SRAM, **tiles).tiers["hbm"].read_bytes["key"] for p in (1, 2, 3)}
    with_room = simulated(3, 2048, 1 << 20, **tiles).tiers["hbm"].read_bytes["key"]
    note = (
        "Keys read, over those of one pass, N = 2,048, d = 64, tiles of 64, 64 KiB on chip: rows of scores do not fit"
    )
    return [
        figure("three-passes", 3.0, read[3] / read[1], 0.0, f"{note}; a count is exact."),
        figure("two-passes", 2.0, read[2] / read[1], 0.0, f"{note}; a count is exact."),
        figure(
            "three-passes-with-room", 1.0, with_room / read[1], 0.0, "The same with 1 MiB, where rows of scores fit."
        ),
        figure("buffer-of-three", 1.0, _buffer(3), 0.1, f"{BUFFER}: O(N), and the tiles besides."),
        _flat(_buffer(1)),
        *_designs(),
    ]


def _flat(slope: float) -> Finding:
    return figure("buffer-of-one", 1.0, 1.0 + slope, 0.001, f"1 + {BUFFER}: O(1), so 1.")


BUFFER = "slope of the on-chip bytes over N = 1,024 to 4,096, both as logarithms, 128 queries at a time"


def _buffer(passes: int) -> float:
    """Return how the peak of the on-chip memory grows with the length."""
    peaks = [simulated(passes, n, 1 << 22, queries_tile=128, keys_tile=32).tiers["sram"].peak_bytes for n in LENGTHS]
    return float(np.polyfit(np.log(LENGTHS), np.log(peaks), 1)[0])


def _designs() -> list[Finding]:
    """Compare three passes with whole rows on chip, as FLAT has them, with one pass, at equal on-chip memory."""
    rows, one = (simulated(p, 4096, 1 << 19, keys_tile=256) for p in (3, 1))
    energy = [
        sum(r.energy_j[f"tiers.{t}.{d}"] for t in ("sram", "hbm") for d in ("read", "write")) for r in (rows, one)
    ]
    speed = (
        "Attention 6.7 times as fast as FLAT. By bytes alone it is at most the ratio of HBM traffic, N = 4,096, d = "
        "64, 512 KiB on chip: rows of scores leave room for few queries, so keys and values are read more often. "
        "Most of the claim is how full an array of multipliers is while softmax runs, which is not modelled."
    )
    power = (
        "Energy over FLAT's. Of the memories alone, on chip and HBM, at the same setting, it is the lower number; "
        "multipliers and registers, which both designs use alike, lie between it and 1."
    )
    return [
        between("faster-than-flat", 6.7, 1.0, moved(rows) / moved(one), speed),
        between("energy-of-flat", 0.79, energy[1] / energy[0], 1.0, power),
    ]


STUDY = Study(
    name="fusemax",
    title="FuseMax: Leveraging Extended Einsums to Optimize Attention Accelerator Design",
    family="attention-dataflow",
    grade="A",
    source="Nayak, Wu, Odemuyiwa, Pellauer, Emer, Fletcher. MICRO 2024, arXiv 2406.10491",
    memory=(
        "A softmax over keys takes three passes, or two or one if partial results are corrected; between passes, "
        "scores are kept on chip, O(N), or made again from keys that are read again. Generator `attention_passes`."
    ),
    not_ours=(
        "The use of a spatial array (about 100%), and so most of the speed and the energy of multipliers; end to end "
        "(5.3 times, at 83% of the energy) the other layers."
    ),
    run=run_study,
)
