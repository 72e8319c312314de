"""CoDeNet: a detector whose weights fit on chip, so that DRAM only sees inputs and features."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from hiersim.engine.result import Result
from hiersim.studies.claim import Finding, Study, at_most, figure
from hiersim.studies.operated import chip, run
from hiersim.traces.operation_builder import OperationBuilder

MB = 10**6
SMALL, LARGE = 0.76, 2.9
"""MB of weights of the two networks, the paper's."""
BLOCKS = 216 * 36 * 1024 // 8
"""Bytes of block RAM of a Zynq UltraScale+ ZU3EG, the paper's device: 216 blocks of 36 Kbit (data sheet DS891)."""
LAYERS, FRAMES = 20, 8
FEATURES = 2 * MB
"""Bytes of a frame's input and features, an assumption; they do not change what is claimed of weights."""
DDR = {"kind": "ddr", "capacity": "2 GiB", "read_bandwidth": "17 GB/s", "write_bandwidth": "17 GB/s",
       "read_latency": "100 ns", "write_latency": "100 ns"}  # fmt: skip
RAM = {"kind": "sram", "capacity": f"{BLOCKS} B", "read_bandwidth": "400 GB/s", "write_bandwidth": "400 GB/s",
       "read_latency": "5 ns", "write_latency": "5 ns"}  # fmt: skip
RATE = 26.9
"""Frames per second, the paper's, at which frames come."""


@cache
def detected(megabytes: float) -> Result:
    """Return a run of frames: of each layer its weights, and its share of the features from DRAM."""
    build, size = OperationBuilder("detector"), round(megabytes * MB / LAYERS)
    weights = [build.object(size, "weight", home="hbm") for _ in range(LAYERS)]
    for _ in range(FRAMES):
        for each in weights:
            build.add((
                "features"
            ), unit="gpu0", action="carry", source="hbm", target="sram", near_read=FEATURES // LAYERS,
                      near_class="activation")  # fmt: skip
            build.add("layer", unit="gpu0", reads=[each], duration_ps=round(1e12 / RATE / LAYERS))
    return run(chip(RAM, DDR, {"kind": "npu", "flops": {"fp16": "100 GFLOP/s"}}), build.build())


def run_study() -> Sequence[Finding]:
    """Simulate frames with both networks."""
    small, large = (detected(each).tiers["hbm"].read_bytes for each in (SMALL, LARGE))
    rate = FRAMES / (detected(SMALL).elapsed_ps / 1e12)
    features = sum(detected(SMALL).tiers["hbm"].read_bytes[k] for k in ("activation",)) / FRAMES
    return [
        at_most("fits", BLOCKS / MB, SMALL, "MB of the small network, against the block RAM of the device."),
        figure("weights-once", SMALL, small["weight"] / MB, 0.0, f"MB of weights read in {FRAMES} frames; exact."),
        figure(
            "features-a-frame", FEATURES, features, 0.0, "Other bytes of a frame: inputs and features alone; exact."
        ),
        figure("large-again", LARGE * FRAMES, large["weight"] / MB, 0.0, LARGER),
        figure("frames-per-second", RATE, rate, 0.02, FRAMES_PER_SECOND),
    ]


LARGER = (
    "MB of weights of the large network: more than the block RAM, so with LRU every frame reads all of them again; "
    "exact."
)
FRAMES_PER_SECOND = (
    "Frames per second where layers take the time of the paper's rate: what DRAM adds to it, at 17 GB/s and without "
    "any overlap, is within 2%, so memory does not limit the rate."
)

STUDY = Study(
    name="codenet",
    title="CoDeNet: Efficient Deployment of Input-Adaptive Object Detection on Embedded FPGAs",
    family="on-chip/scratchpad",
    grade="B",
    source="Dong, Wang, Huang, Gao, Keutzer and others. FPGA 2021, arXiv 2006.08357",
    memory=(
        "With 4-bit weights a detector fits in block RAM: weights come once, and a frame moves inputs and features "
        "alone."
    ),
    not_ours="The compute that sets 26.9 frames per second (an input), and AP50.",
    run=run_study,
)
