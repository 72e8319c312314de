"""PIM-GPT: batch-1 decoding with multipliers in every DRAM bank, against a GPU behind its memory's pins."""

from __future__ import annotations

from collections.abc import Sequence

from hiersim.engine.result import Result
from hiersim.studies.claim import Finding, Study, between, figure
from hiersim.studies.operated import machine, run
from hiersim.traces.operation import OperationTrace
from hiersim.traces.operation_builder import OperationBuilder

MODELS = {"GPT-2 small": (12, 768), "GPT-2 medium": (24, 1024), "GPT-2 large": (36, 1280), "GPT-3 XL": (24, 2048)}
"""Layers and width, by the models' papers; four of the eight, the smallest and the largest among them."""
BANKS = 8 * 16
BANK = 32e9
"""8 channels of GDDR6 with 16 banks, of which each feeds its multipliers 256 bits in a nanosecond (the paper's design)."""
CONTEXT, ELEMENT = 1024, 2
CALIBRATED = "GPT-2 small"


def decode(model: str, inside: bool, overhead_us: float = 0.0) -> Result:
    """Return a run of one token: weights and KV through the pins of a T4, or in the banks."""
    layers, width = MODELS[model]
    banks = {"kind": "gddr", "capacity": "16 GiB", "read_bandwidth": f"{BANKS * BANK:.0f} B/s",
             "write_bandwidth": f"{BANKS * BANK:.0f} B/s", "read_latency": "30 ns", "write_latency": "30 ns"}  # fmt: skip
    on = machine(
        tiers={
            "gddr": {"part": "t4-gddr6", "read_latency": "300 ns", "write_latency": "300 ns"},
            "banks": banks,
            "asic": {"kind": "sram", "capacity": "128 KiB", "read_bandwidth": "256 GB/s", "write_bandwidth": "256 GB/s",
                     "read_latency": "1 ns", "write_latency": "1 ns"},  # fmt: skip
        },
        links={
            "pins": {"kind": "bus", "between": ["asic", "banks"], "bandwidth": "256 GB/s", "latency": "30 ns"},
            "board": {"kind": "bus", "between": ["gddr", "banks"], "bandwidth": "16 GB/s", "latency": "1 us"},
        },
        units={
            "gpu0": {"part": "t4-gpu", "tier": "gddr", "overhead": f"{overhead_us} us"},
            "pim0": {"kind": "near-memory", "tier": "banks", "flops": {"fp16": f"{BANKS * BANK:.0f} FLOP/s"}},
        },
    )
    return run(on, token(layers, width, inside))


def token(layers: int, width: int, inside: bool) -> OperationTrace:
    """Return one token: of each layer four matrices and attention, each with its vector in and out."""
    build, square = OperationBuilder("token"), width * width * ELEMENT
    sizes = {"qkv": 3 * square, "attention": 2 * CONTEXT * width * ELEMENT, "projection": square, "up": 4 * square, "down": 4 * square}
    for _ in range(layers):
        for kind, size in sizes.items():
            work = {"near_read": size, "flops": size, "near_class": "kv" if kind == "attention" else "weight"}
            if not inside:
                build.add(kind, unit="gpu0", **work)
                continue
            vector = width * ELEMENT * (4 if kind == "down" else 1)
            carry = {"unit": "pim0", "stream": "pim0", "action": "carry", "near_class": "activation"}
            build.add("vector in", source="asic", target="banks", near_read=vector, **carry)
            build.add(kind, unit="pim0", **work)
            build.add("vector out", source="banks", target="asic", near_read=width * ELEMENT, **carry)
    return build.build()


def run_study() -> Sequence[Finding]:
    """Simulate the bytes alone, then with a time for each of the GPU's kernels that one end of the claim gives."""
    pim = {name: decode(name, True).elapsed_ps for name in MODELS}
    bytes_alone = {name: decode(name, False).elapsed_ps / pim[name] for name in MODELS}
    layers = MODELS[CALIBRATED][0]
    missing = 137.0 * pim[CALIBRATED] - decode(CALIBRATED, False).elapsed_ps
    overhead = missing / (5 * layers) / 1e6
    full = {name: decode(name, False, overhead).elapsed_ps / pim[name] for name in MODELS}
    told = ", ".join(f"{name} {ratio:.3g}" for name, ratio in bytes_alone.items())
    largest = max(bytes_alone.values())
    limit = BANKS * BANK / 320e9
    return [
        figure("bytes-alone", limit, largest, 0.15, f"{BYTES}: {told}."),
        figure("largest-model", 41.0, full["GPT-3 XL"], 0.25, CALIBRATION.format(us=overhead)),
        between("energy", 339.0, 1.0, _energy(overhead), ENERGY),
    ]


def _energy(overhead: float) -> float:
    """Return the GPU's energy for a token over that of reading as many bits in banks, at an activation's share."""
    gpu = decode(CALIBRATED, False, overhead)
    read = gpu.tiers["gddr"].read_total * 8 * INSIDE * 1e-12
    return gpu.total_energy_j / read


INSIDE = 1.2
"""pJ/bit of DRAM without the way to its pins: the share of rows opened of HBM2, O'Connor and others, MICRO 2017."""
BYTES = (
    "Times of a token, a T4 behind 320 GB/s over banks with 4.1 TB/s, against the ratio of the two; vectors in and out of "
    "the banks take the rest, more of small models"
)
CALIBRATION = (
    "Times of a token of GPT-3 XL, with the calibrated input: {us:.0f} us more for each of five operations of a layer on the "
    "GPU (the several kernels of each, their launches and the framework), so that GPT-2 small comes to the upper end of the "
    "claim, 137. Held out is the lower end, 41, taken for the model with most bytes for a layer; 25% is allowed. Bytes "
    "alone give about a twelfth of the claim: most of it is time in which the GPU does not read memory."
)
ENERGY = (
    "Energy for a token of GPT-2 small over PIM-GPT's. With the GPU's time as calibrated and a T4's board power, over "
    "DRAM that is read without its pins and nothing else, it is the upper number; the chip beside the DRAM lies between."
)

STUDY = Study(
    name="pim-gpt",
    title="PIM-GPT: A Hybrid Process-in-Memory Accelerator for Autoregressive Transformers",
    family="near-memory compute",
    grade="B",
    source="Wu, Wang, Lu. arXiv 2310.09385",
    memory=(
        "Weights and KV lie over all DRAM banks, which multiply where they lie; a small chip sends vectors in, takes sums "
        "and does the rest."
    ),
    not_ours="What a GPU does at batch 1 beside reading memory, which is the calibrated input; the power of the chip; the CPU baseline.",
    run=run_study,
)
