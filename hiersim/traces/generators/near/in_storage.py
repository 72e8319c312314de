"""Decode attention in a drive that holds the KV, or on the GPU with KV that crosses the drive's link.

Pan and others: InstInfer, arXiv 2409.04992. In the drive a query, key and value go in and an output comes back in
each layer; the KV only crosses the drive's own channels. On the GPU the KV of a request and layer is fetched, attended
to, and given up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hiersim.traces.generators.generator import Generator, parameter
from hiersim.traces.generators.near.shape import DecodeParameters
from hiersim.traces.operation import OperationTrace
from hiersim.traces.operation_builder import OperationBuilder


@dataclass(frozen=True)
class InStorageParameters(DecodeParameters):
    """Parameters; the defaults are OPT-13B's, the paper's model, on one drive."""

    requests: int = parameter(4, "requests in the batch", low=1, high=10**5)
    drive: str = parameter("csd0", "the unit in the drive")
    far: str = parameter("flash", "the tier that has the KV")
    inside: str = parameter("yes", "whether attention runs in the drive", one_of=("yes", "no"))
    kept: int = parameter(1, "sparse attention: of how many tokens one is read", low=1, high=10**6)


class Step:
    """Decoding steps of a batch."""

    def __init__(self, p: InStorageParameters) -> None:
        self.p, self.builder = p, OperationBuilder("in_storage_attention")
        size = p.context * p.token_kv
        self.kv = [[self.builder.object(size, "kv", home=p.far) for _ in range(p.requests)] for _ in range(p.layers)]
        self.work: dict[str, Any] = {"flops": max(1, p.attention_flops(p.context) // p.kept), "dtype": p.dtype}

    def inside(self, kv: int, after: list[int]) -> int:
        """Add a request's attention in the drive; return the operation that brings its output back."""
        p = self.p
        into = p.carry(p.drive, p.near, p.far, p.vector + p.token_kv)
        sent = self.builder.add("vectors in", stream="in", after=after, **into)
        read = [(kv, p.context * p.token_kv // p.kept)]
        done = self.builder.add("attention", unit=p.drive, reads=read, after=[sent], **self.work)
        back = p.carry(p.drive, p.far, p.near, p.vector)
        return self.builder.add("vectors out", stream="out", after=[done], **back)

    def outside(self, kv: int, after: list[int]) -> int:
        """Add a request's attention on the GPU; return its operation."""
        done = self.builder.add("attention", unit=self.p.unit, reads=[kv], after=after, **self.work)
        self.builder.add("free", unit=self.p.unit, action="drop", reads=[kv])
        return done

    def layer(self, kv: list[int], after: list[int]) -> list[int]:
        """Add a layer; return the operations that the next one comes after."""
        if self.p.layer_weights:
            after = [self.builder.add("matrices", after=after, **self.p.dense(self.p.requests))]
        attend = self.inside if self.p.inside == "yes" else self.outside
        return [attend(each, after) for each in kv]


def make(p: InStorageParameters, rng: np.random.Generator) -> OperationTrace:
    """Make the trace."""
    step, after = Step(p), list[int]()
    for _ in range(p.steps):
        for kv in step.kv:
            after = step.layer(kv, after if p.layer_weights else [])
    return step.builder.build()


GENERATOR = Generator(
    "in_storage_attention",
    "decode attention in the drive that holds the KV, or on the GPU (InstInfer)",
    InStorageParameters,
    make,
)
