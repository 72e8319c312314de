"""Weights streamed layer by layer: some stay near the unit, the rest come in time, on demand, or as pages.

Covers the row-by-row schedules: Accelerate (nothing ahead, pageable memory), ZeRO-Inference (some layers ahead, and a
copy near the unit, which is what ZeRO's all-gather comes to on a single one: DeepSpeed, ``all_gather_coalesced``),
FlexInfer (what stays is the same share of every layer, or the first layers), a mapped file (on demand, the tier's
policy evicts), Endor (a bitmap and what is not zero, expanded near the unit), MARLIN (few bits, expanded in the
kernel), any-precision bit-planes, and a disk whose bytes bounce through the host's memory or do not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hiersim.models import find_model
from hiersim.traces.generators.generator import Generator, parameter
from hiersim.traces.operation import OperationStream
from hiersim.traces.operation_builder import OperationBuilder
from hiersim.workloads.repeat import repeated, streamed
from hiersim.workloads.weight_objects import stored
from hiersim.workloads.weight_steps import Steps


@dataclass(frozen=True)
class StreamingParameters:
    """Parameters of weight streaming."""

    model: str = parameter("llama-2-7b", "model of the catalogue, dense with full attention")
    batch: int = parameter(1, "sequences", low=1, high=10**5)
    prompt: int = parameter(32, "tokens of each prompt", low=1, high=10**6)
    output: int = parameter(8, "tokens generated for each", low=1, high=10**6)
    resident: float = parameter(0.0, "percent of the layers' weights that stay near the unit", high=100)
    lock: str = parameter(
        "evenly", "of which: a share of every layer, or of the first layers", one_of=("evenly", "front")
    )
    load: str = parameter("ahead", "fetched as the schedule says, or by who needs them", one_of=("ahead", "demand"))
    ahead: int = parameter(1, "layers that are fetched ahead of the one computed", high=1000)
    pages: int = parameter(0, "bytes of a page, each an object and an operation; 0: tensors", high=2**50, unit="bytes")
    bits: float = parameter(16.0, "stored bits of a weight, scales included", low=0.01, high=64)
    sparsity: float = parameter(0.0, "share of the weights that are zero: not stored, a bit for each says so", high=1)
    planes: int = parameter(1, "parts that each weight's bits are stored in, each an object", low=1, high=64)
    planes_read: int = parameter(1, "of which so many are used", low=1, high=64)
    expand: str = parameter(
        "inside", "where 16 bits are made of less: in the kernel, or near", one_of=("inside", "near")
    )
    expand_flops: float = parameter(0.0, "FLOPs to make one of a weight", high=10**6)
    bounce: bool = parameter(False, "whether all goes to the host's memory first, whole")
    copy_rate: float = parameter(
        0.0, "bytes per second at which a core copies pageable memory to be sent; 0: none does"
    )
    gather: bool = parameter(False, "what came is copied once more near the unit, before more comes and before its use")
    scores: int = parameter(0, "times that a prompt's scores are written and read near the unit; 0: fused", high=100)
    cache_reads: float = parameter(1.0, "times that attention reads the cache", high=100)
    cache_writes: float = parameter(0.0, "times that it writes the cache", high=100)
    unit: str = parameter("gpu0", "the unit that computes")
    cpu: str = parameter("cpu0", "the unit that copies and holds what bounces")
    near: str = parameter("gddr", "the unit's tier")
    home: str = parameter("dram", "the tier of what does not stay")


def make(p: StreamingParameters, rng: np.random.Generator) -> OperationStream:
    """Make the trace: the prompt's turn, and one turn for each further token."""
    model = find_model(p.model)
    builder = OperationBuilder("weight_streaming", ordered=False)
    steps = Steps(p, builder, model, stored(p, model, builder))
    start = 0
    for token in range(min(3, p.output)):
        steps.turn(token)
        start = len(builder) if token == 0 else start
    trace = builder.build()
    return repeated(trace, start, p.output - 1) if p.output >= 3 else streamed(trace)


GENERATOR = Generator(
    "weight_streaming", "weights streamed layer by layer, or paged", StreamingParameters, make, operations=True
)
