"""Decoding with the KV of all heads far away: some heads at a time come near, into buffers that take turns.

Luo and others: HeadInfer, arXiv 2502.12574. While a unit attends to the KV of some heads, that of the next is uploaded
into another buffer, so near memory has as many buffers of one (layer, group of heads) as there are turns: two are
ping-pong. With ``group`` as all KV heads of a layer it is layer-wise offloading. A prompt may be computed first, in
chunks: the KV of a chunk goes out head by head, and that of those before comes back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hiersim.errors import ConfigError, Mistake
from hiersim.traces.generators.generator import Generator, parameter
from hiersim.traces.generators.near.shape import DecodeParameters
from hiersim.traces.generators.tiles import cut
from hiersim.traces.operation import OperationTrace
from hiersim.traces.operation_builder import OperationBuilder

PIECES = 5_000_000
"""Pieces of KV that all uploads together name, at most: more are gigabytes of trace."""


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
    chunk: int = parameter(
        0, "tokens of the prompt that are computed at once, before decoding; 0: its KV is there", high=10**8
    )
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
    """The KV of groups of heads, uploaded each into the buffer that has become free first; in pieces, by chunk."""

    def __init__(self, p: HeadwiseParameters, builder: OperationBuilder) -> None:
        self.p, self.builder = p, builder
        self._freed: list[int] = []
        self.pieces: list[list[list[int]]] = [[[] for _ in p.groups] for _ in range(p.layers)]
        if not p.chunk:  # all of it is there
            self.pieces = [[[self.piece(group, p.context, far=True)] for group in p.groups] for _ in range(p.layers)]

    def piece(self, heads: int, tokens: int, far: bool = False) -> int:
        """Make the KV of some tokens, of a group of so many heads."""
        size = self.p.requests * tokens * self.p.token_kv // self.p.kv_heads * heads
        return self.builder.object(size, "kv", home=self.p.far if far else None, kept=True)

    def attend(self, layer: int, group: int, pairs: int, own: Sequence[int] = ()) -> None:
        """Upload the KV of a group, attend to it, and give up its buffer.

        Args:
            layer: of the model.
            group: of its heads.
            pairs: of queries and tokens, of each head and request.
            own: the KV of the queries' own tokens, which is near and goes out now.
        """
        p, add, kv = self.p, self.builder.add, self.pieces[layer][group]
        if kv:
            free = self._freed[-p.buffers :][:1] if len(self._freed) >= p.buffers else []
            add("upload", unit=p.unit, stream="upload", action="fetch", reads=kv, after=free)
        heads = max(1, p.groups[group] * p.heads // p.kv_heads)
        flops = p.requests * p.attention_flops(pairs, heads)
        done = add("attention", unit=p.unit, reads=[*kv, *own], dtype=p.dtype, flops=flops)
        if kv:
            self._freed.append(add("free", unit=p.unit, action="drop", reads=kv))
        if own:
            add("keep", unit=p.unit, stream="download", action="offload", reads=list(own), after=[done])
            kv.extend(own)


class Model:
    """The layers of the model, with weights that stay near."""

    def __init__(self, p: HeadwiseParameters) -> None:
        self.p, self.builder = p, OperationBuilder("headwise_kv")
        layers = range(p.layers if p.layer_weights else 0)
        self.weights = [self.builder.object(p.layer_weights, "weight", home=p.near) for _ in layers]
        self.uploads = Uploads(p, self.builder)

    def _matrices(self, layer: int, tokens: int, writes: Sequence[int] = ()) -> int:
        work = self.p.dense(self.p.requests * tokens, self.p.layer_weights) | {"near_read": 0}
        return self.builder.add("matrices", reads=self.weights[layer : layer + 1], writes=writes, **work)

    def prefill(self, before: int, tokens: int) -> None:
        """Add a chunk of the prompt: of each layer its own KV is made, attended to with all before, and goes out."""
        pairs = tokens * before + tokens * (tokens + 1) // 2
        for layer in range(self.p.layers):
            own = [self.uploads.piece(heads, tokens) for heads in self.p.groups]
            self._matrices(layer, tokens, own)
            for group, mine in enumerate(own):
                self.uploads.attend(layer, group, pairs, [mine])

    def decode(self) -> None:
        """Add a token: of each layer the matrices, the token's own KV going out, and each group of heads."""
        p = self.p
        for layer in range(p.layers):
            done = self._matrices(layer, 1)
            out = p.carry(p.unit, p.near, p.far, p.requests * p.token_kv) | {"near_class": "kv"}
            self.builder.add("append", stream="download", after=[done], **out)
            for group in range(len(p.groups)):
                self.uploads.attend(layer, group, p.context)


def make(p: HeadwiseParameters, rng: np.random.Generator) -> OperationTrace:
    """Make the trace: the prompt in chunks, if it has any, then token by token."""
    chunks = cut(p.context, p.chunk) if p.chunk else []
    pieces = p.layers * len(p.groups) * (len(chunks) * (len(chunks) - 1) // 2 + p.steps * len(chunks))
    if pieces > PIECES:
        what = f"is too small: the uploads of {len(chunks):,} chunks have {pieces:,} pieces, {PIECES:,} at most"
        raise ConfigError([Mistake("headwise_kv.chunk", what)])
    model, before = Model(p), 0
    for tokens in chunks:
        model.prefill(before, tokens)
        before += tokens
    for _ in range(p.steps):
        model.decode()
    return model.builder.build()


GENERATOR = Generator(
    "headwise_kv",
    "decoding with KV far away, some heads at a time near, buffers in turn (HeadInfer)",
    HeadwiseParameters,
    make,
)
