"""Decoding with the KV of all heads far away: some heads at a time come near, into buffers that take turns.

Luo and others: HeadInfer, arXiv 2502.12574. While a unit attends to the KV of some heads, that of the next is uploaded
into another buffer, so near memory has as many buffers of one (layer, group of heads) as there are turns: two are
ping-pong. With ``group`` as all KV heads of a layer it is layer-wise offloading.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hiersim.traces.generators.generator import Generator, parameter
from hiersim.traces.generators.near.shape import DecodeParameters
from hiersim.traces.operation import OperationTrace
from hiersim.traces.operation_builder import OperationBuilder


@dataclass(frozen=True)
class HeadwiseParameters(DecodeParameters):
    """Parameters; the defaults are Llama-3 8B's, 16.06 GB at 16 bits, with 1,048,576 tokens on an RTX 4090."""

    context: int = parameter(1 << 20, "tokens whose KV a request attends to", low=1, high=10**8)
    layers: int = parameter(32, "layers", low=1, high=10**4)
    heads: int = parameter(32, "query heads", low=1, high=1024)
    kv_heads: int = parameter(8, "KV heads", low=1, high=1024)
    layer_weights: int = parameter(
        501_891_328, "bytes of a layer's matrices, the others shared out over the layers", unit="bytes"
    )
    near: str = parameter("gddr", "its near tier, with the weights")
    far: str = parameter("dram", "the tier that has the KV")
    group: int = parameter(1, "KV heads that are uploaded at once", low=1, high=1024)
    buffers: int = parameter(2, "uploads that there is room for", low=1, high=1024)

    @property
    def groups(self) -> list[int]:
        """KV heads of each upload of a layer."""
        return [min(self.group, self.kv_heads - start) for start in range(0, self.kv_heads, self.group)]

    @property
    def buffer_bytes(self) -> int:
        """KV bytes of an upload."""
        return self.requests * self.context * self.token_kv * min(self.group, self.kv_heads) // self.kv_heads


class Uploads:
    """The KV of groups of heads, uploaded each into the buffer that has become free first."""

    def __init__(self, p: HeadwiseParameters, builder: OperationBuilder) -> None:
        self.p, self.builder = p, builder
        self._freed: list[int] = []
        each = p.requests * p.context * p.token_kv // p.kv_heads
        self.kv = [[builder.object(each * count, "kv", home=p.far) for count in p.groups] for _ in range(p.layers)]

    def attend(self, layer: int, group: int) -> None:
        """Upload the KV of a group, attend to it, and give up its buffer."""
        p, kv = self.p, self.kv[layer][group]
        free = self._freed[-p.buffers :][:1] if len(self._freed) >= p.buffers else []
        self.builder.add("upload", unit=p.unit, stream="upload", action="fetch", reads=[kv], after=free)
        heads = p.groups[group] * p.heads // p.kv_heads
        work = p.requests * p.attention_flops(p.context, max(1, heads))
        self.builder.add("attention", unit=p.unit, reads=[kv], flops=work, dtype=p.dtype)
        self._freed.append(self.builder.add("free", unit=p.unit, action="drop", reads=[kv]))


def make(p: HeadwiseParameters, rng: np.random.Generator) -> OperationTrace:
    """Make the trace: of each token and layer the matrices, each group of heads, and the token's own KV going out."""
    builder = OperationBuilder("headwise_kv")
    weights = [
        builder.object(p.layer_weights, "weight", home=p.near) for _ in range(p.layers if p.layer_weights else 0)
    ]
    uploads = Uploads(p, builder)
    for _ in range(p.steps):
        for layer in range(p.layers):
            work = p.dense(p.requests, 0) | {"flops": p.requests * 2 * p.layer_weights // p.element}
            done = builder.add("matrices", reads=weights[layer : layer + 1], **work)
            out = p.carry(p.unit, p.near, p.far, p.requests * p.token_kv) | {"near_class": "kv"}
            builder.add("append", stream="download", after=[done], **out)
            for group in range(len(p.groups)):
                uploads.attend(layer, group)
    return builder.build()


GENERATOR = Generator(
    "headwise_kv",
    "decoding with KV far away, some heads at a time near, buffers in turn (HeadInfer)",
    HeadwiseParameters,
    make,
)
