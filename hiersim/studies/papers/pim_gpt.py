"""PIM-GPT: batch-1 decoding with multipliers in every DRAM bank, against a GPU behind its memory's pins."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from hiersim.engine.result import Result
from hiersim.studies.claim import Finding, Study, between, figure
from hiersim.studies.operated import machine, operations, run

MODELS = {"GPT-2 small": (12, 768), "GPT-2 medium": (24, 1024), "GPT-2 large": (36, 1280), "GPT-3 XL": (24, 2048)}
"""Layers and width, by the models' papers; four of the eight, the smallest and the largest among them."""
CHANNELS, BANKS, BANK = 8, 16, 32e9
"""Channels of GDDR6, banks of each, and bytes/s of a bank: 256 bits in a nanosecond (the paper's design)."""
PINS = 32e9
"""Bytes/s of a channel's pins: 16 of them at 16 Gbit/s."""
CALIBRATED = "GPT-2 small"
SKEW = 0.5


@cache
def decode(model: str, inside: str, overhead_us: float = 0.0, skew: float = 0.0) -> Result:
    """Return a run of one token: weights and KV through the pins of a T4, or in the banks of the channels."""
    layers, width = MODELS[model]
    rate = f"{BANKS * BANK:.0f} B/s"
    channel = {"kind": "gddr", "capacity": "4 GiB", "read_bandwidth": rate, "write_bandwidth": rate,
               "read_latency": "30 ns", "write_latency": "30 ns"}  # fmt: skip
    tiers = {f"channel{i}": channel for i in range(CHANNELS)}
    links = {f"pins{i}": {"kind": "bus", "between": ["asic", f"channel{i}"], "bandwidth": f"{PINS:.0f} B/s",
                          "latency": "30 ns"} for i in range(CHANNELS)}  # fmt: skip
    units = {f"pim{i}": {"kind": "near-memory", "tier": f"channel{i}", "flops": {"fp16": f"{BANKS * BANK:.0f} FLOP/s"}}
             for i in range(CHANNELS)}  # fmt: skip
    chip = {"kind": "sram", "capacity": "128 KiB", "read_bandwidth": "256 GB/s", "write_bandwidth": "256 GB/s",
            "read_latency": "1 ns", "write_latency": "1 ns"}  # fmt: skip
    on = machine(
        tiers={
            "gddr": {"part": "t4-gddr6", "read_latency": "300 ns", "write_latency": "300 ns"},
            "asic": chip,
            **tiers,
        },
        links={
            "board": {"kind": "bus", "between": ["gddr", "asic"], "bandwidth": "16 GB/s", "latency": "1 us"},
            **links,
        },
        units={"gpu0": {"part": "t4-gpu", "tier": "gddr", "overhead": f"{overhead_us} us"}, **units},
    )
    return run(on, operations("in_memory_decode", layers=layers, width=width, inside=inside, skew=skew))


def run_study() -> Sequence[Finding]:
    """Simulate the bytes alone, then with a time for each of the GPU's kernels that one end of the claim gives."""
    pim = {name: decode(name, "yes").elapsed_ps for name in MODELS}
    bytes_alone = {name: decode(name, "no").elapsed_ps / pim[name] for name in MODELS}
    layers = MODELS[CALIBRATED][0]
    missing = 137.0 * pim[CALIBRATED] - decode(CALIBRATED, "no").elapsed_ps
    overhead = missing / (5 * layers) / 1e6
    slowest = decode("GPT-3 XL", "no", overhead).elapsed_ps / pim["GPT-3 XL"]
    told = ", ".join(f"{name} {ratio:.3g}" for name, ratio in bytes_alone.items())
    limit = CHANNELS * BANKS * BANK / 320e9
    skewed = decode("GPT-3 XL", "yes", skew=SKEW).elapsed_ps / pim["GPT-3 XL"]
    return [
        figure("bytes-alone", limit, bytes_alone["GPT-3 XL"], 0.15, f"{BYTES}: {told}."),
        figure("largest-model", 41.0, slowest, 0.25, CALIBRATION.format(us=overhead)),
        figure("mapping", 1.0 + SKEW, skewed, 0.1, MAPPING),
        between("energy", 339.0, 1.0, _energy(overhead), ENERGY),
        between("energy-second-version", 123.0, 1.0, _energy(overhead), SECOND),
    ]


def _energy(overhead: float) -> float:
    """Return the GPU's energy for a token over that of reading as many bits in banks, at an activation's share."""
    gpu = decode(CALIBRATED, "no", overhead)
    read = gpu.tiers["gddr"].read_total * 8 * INSIDE * 1e-12
    return gpu.total_energy_j / read


INSIDE = 1.2
"""pJ/bit of DRAM without the way to its pins: the share of rows opened of HBM2, O'Connor and others, MICRO 2017."""
BYTES = (
    "Times of a token of GPT-3 XL, a T4 behind 320 GB/s over banks with 4.1 TB/s, against the ratio of the two; "
    "vectors in and out of the channels take the rest, more of small models"
)
CALIBRATION = (
    "Times of a token of GPT-3 XL, with the calibrated input: {us:.0f} us more for each of five operations of a "
    "layer on the GPU (the several kernels of each, their launches and the framework), so that GPT-2 small comes to "
    "the upper end of the claim, 137. Held out is the lower end, 41, taken for the model with most bytes for a "
    "layer; 25% is allowed. Bytes alone give about a tenth of the claim: most of it is time in which the GPU does "
    "not read memory."
)
MAPPING = (
    f"Times of the same token where the first of {CHANNELS} channels has {1 + SKEW:g} times its share: the fullest "
    "channel sets the pace. What the vectors take is the same in both, so it is a little less; 10% is allowed."
)
ENERGY = (
    "Energy for a token of GPT-2 small over PIM-GPT's. With the GPU's time as calibrated and a T4's board power, "
    "over DRAM that is read without its pins and nothing else, it is the upper number; the chip beside the DRAM lies "
    "between. The claim is the first version's, which the authors withdrew: with the same speed their second version "
    "has 123 to 383, see there."
)

SECOND = (
    "The same against the lower end of the second version of the paper, which claims 123 to 383 times, with the same "
    "speed (abstract of arXiv 2310.09385v2). The first version's 339 to 1,085 are beyond what a T4 at its board power "
    "can differ by."
)

STUDY = Study(
    name="pim-gpt",
    title="PIM-GPT: A Hybrid Process-in-Memory Accelerator for Autoregressive Transformers",
    family="near-memory compute",
    grade="B",
    source="Wu, Wang, Lu. arXiv 2310.09385",
    memory=(
        "Weights and KV lie over all DRAM banks, which multiply where they lie; a small chip sends vectors in, takes "
        "sums and does the rest. Generator `in_memory_decode`."
    ),
    not_ours=(
        "What a GPU does at batch 1 beside reading memory, which is the calibrated input; the power of the chip; the "
        "CPU baseline."
    ),
    run=run_study,
)
