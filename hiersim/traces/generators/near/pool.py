"""Decoding with attention on a pool of memory devices, everything else on compute GPUs; or all on the GPUs.

Chen and others: Lamina, arXiv 2405.01814. Queries, keys and values of a layer go to the pool over the network, outputs
come back. Parts of the batch take turns, so that both sides have something to do; each part reads the weights again.
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
class PoolParameters(DecodeParameters):
    """Parameters; the defaults are Llama-3 70B's with 8,192 tokens, the case of the paper's data sheet figures."""

    requests: int = parameter(64, "requests in the batch", low=1, high=10**5)
    context: int = parameter(8192, "tokens whose KV a request attends to", low=1, high=10**8)
    layers: int = parameter(80, "layers", low=1, high=10**4)
    heads: int = parameter(64, "query heads", low=1, high=1024)
    kv_heads: int = parameter(8, "KV heads", low=1, high=1024)
    layer_weights: int = parameter(
        1_763_842_662, "bytes of a layer's matrices, the others shared out over the layers", unit="bytes"
    )
    near: str = parameter("hbm", "its near tier, with the weights")
    memory: str = parameter("mem0", "the unit of the pool")
    pool: str = parameter("pool", "the pool's tier, with the KV")
    away: str = parameter("yes", "whether attention runs in the pool", one_of=("yes", "no"))
    parts: int = parameter(2, "parts of the batch that take turns, if away", low=1, high=64)

    @property
    def batches(self) -> list[int]:
        """Requests of each part."""
        parts = min(self.parts, self.requests) if self.away == "yes" else 1
        return [self.requests * (i + 1) // parts - self.requests * i // parts for i in range(parts)]


class Step:
    """Decoding steps of a batch in parts."""

    def __init__(self, p: PoolParameters) -> None:
        self.p, self.builder = p, OperationBuilder("attention_pool")
        self.last: list[list[int]] = [[] for _ in p.batches]

    def layer(self, part: int, count: int) -> None:
        """Add a layer of a part of the batch."""
        p, add = self.p, self.builder.add
        kv: dict[str, Any] = {
            "near_read": count * p.context * p.token_kv,
            "flops": count * p.attention_flops(p.context),
            "near_class": "kv",
            "dtype": p.dtype,
        }
        done = add("matrices", after=self.last[part], **p.dense(count))
        if p.away == "no":
            self.last[part] = [add("attention", unit=p.unit, **kv)]
            return
        sent = p.carry(p.memory, p.near, p.pool, count * (p.vector + p.token_kv))
        done = add("query, key, value", stream="there", after=[done], **sent)
        done = add("attention", unit=p.memory, after=[done], **kv)
        back = p.carry(p.memory, p.pool, p.near, count * p.vector)
        self.last[part] = [add("output", stream="back", after=[done], **back)]


def make(p: PoolParameters, rng: np.random.Generator) -> OperationTrace:
    """Make the trace."""
    step = Step(p)
    for _ in range(p.steps * p.layers):
        for part, count in enumerate(p.batches):
            step.layer(part, count)
    return step.builder.build()


GENERATOR = Generator(
    "attention_pool",
    "decoding with attention on a pool of memory devices, or on the GPUs (Lamina)",
    PoolParameters,
    make,
)
