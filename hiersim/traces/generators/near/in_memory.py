"""Batch-1 decoding with multipliers in the memory's channels, or on a GPU behind its memory's pins.

Wu, Wang, Lu: PIM-GPT, arXiv 2310.09385. Each matrix, and the KV, lies over all channels; a small chip sends its vector
to every channel, each multiplies what it holds, and their parts of the result come back over its pins. The slowest
channel sets the pace, so a mapping that gives one of them more (``skew``) costs time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hiersim.traces.generators.generator import Generator, parameter
from hiersim.traces.operation import DTYPES, OperationTrace
from hiersim.traces.operation_builder import OperationBuilder


@dataclass(frozen=True)
class InMemoryParameters:
    """Parameters; the defaults are GPT-2 small's, one of the paper's models, on its 8 channels."""

    layers: int = parameter(12, "layers", low=1, high=10**4)
    width: int = parameter(768, "elements of a hidden state", low=1, high=10**6)
    context: int = parameter(1024, "tokens whose KV is attended to", low=1, high=10**8)
    steps: int = parameter(1, "tokens that are decoded", low=1, high=10**4)
    inside: str = parameter("yes", "whether the channels multiply", one_of=("yes", "no"))
    channels: int = parameter(8, "channels that multiply: units `pim0` ... near tiers `channel0` ...", low=1, high=1024)
    skew: float = parameter(0.0, "by how much the first channel has more than an equal share", low=0.0, high=1024.0)
    element: int = parameter(2, "bytes of an element", low=1, high=8)
    dtype: str = parameter("fp16", "number format of the FLOPs", one_of=DTYPES)
    unit: str = parameter("gpu0", "the GPU, where the channels do not multiply")
    chip: str = parameter("asic", "the memory of the small chip, which vectors come from")

    @property
    def matrices(self) -> dict[str, tuple[int, int, int]]:
        """Rows, columns and bytes of what a layer multiplies: five vectors in, five out."""
        d, n = self.width, self.context
        shapes = {
            "qkv": (3 * d, d),
            "attention": (2 * d, n),
            "projection": (d, d),
            "up": (4 * d, d),
            "down": (d, 4 * d),
        }
        return {name: (rows, columns, rows * columns * self.element) for name, (rows, columns) in shapes.items()}

    def share(self, channel: int, size: int) -> int:
        """Return what a channel has of so many bytes."""
        first = min(size, round(size * (1.0 + self.skew) / self.channels))
        if channel == 0:
            return first
        rest = self.channels - 1
        return (size - first) * channel // rest - (size - first) * (channel - 1) // rest


@dataclass
class Token:
    """Decoding, matrix by matrix, each behind the one before."""

    p: InMemoryParameters
    builder: OperationBuilder = field(default_factory=lambda: OperationBuilder("in_memory_decode"))
    before: list[int] = field(default_factory=list)

    def multiply(self, kind: str, shape: tuple[int, int, int]) -> None:
        """Add a matrix and its vector."""
        p, (rows, columns, size) = self.p, shape
        about: dict[str, Any] = {"near_class": "kv" if kind == "attention" else "weight", "dtype": p.dtype}
        if p.inside == "no":
            self.builder.add(kind, unit=p.unit, near_read=size, flops=2 * rows * columns, **about)
            return
        out = p.width if kind == "attention" else rows  # attention's second vector, the scores, stays inside
        into = p.width if kind == "attention" else columns
        ends = []
        for channel in range(p.channels):
            part = p.share(channel, size)
            vectors = (into * p.element, p.share(channel, out * p.element))
            ends += self.channel(kind, f"{channel}", (part, 2 * part // p.element), vectors, about)
        self.before = ends

    def channel(
        self, kind: str, number: str, work: tuple[int, int], vectors: tuple[int, int], about: dict[str, Any]
    ) -> list[int]:
        """Add what a channel does of a matrix: its vector in, its part of the work, its part of the result out."""
        unit, tier, add = f"pim{number}", f"channel{number}", self.builder.add
        carry: dict[str, Any] = {"unit": unit, "stream": unit, "action": "carry", "near_class": "activation"}
        add("vector in", source=self.p.chip, target=tier, near_read=vectors[0], after=self.before, **carry)
        last = add(kind, unit=unit, near_read=work[0], flops=work[1], **about)
        if vectors[1]:
            last = add("vector out", source=tier, target=self.p.chip, near_read=vectors[1], **carry)
        return [last]


def make(p: InMemoryParameters, rng: np.random.Generator) -> OperationTrace:
    """Make the trace."""
    token = Token(p)
    for _ in range(p.steps * p.layers):
        for kind, shape in p.matrices.items():
            token.multiply(kind, shape)
    return token.builder.build()


GENERATOR = Generator(
    "in_memory_decode", "decoding with multipliers in memory channels, or on a GPU (PIM-GPT)", InMemoryParameters, make
)
