"""The objects of weight streaming: what is stored of each tensor, and where it is at home."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hiersim.errors import ConfigError, Mistake
from hiersim.models import Model
from hiersim.traces.operation_builder import OperationBuilder
from hiersim.workloads.transformer import EMBEDDING, HEAD, Part, dense_parts

if TYPE_CHECKING:
    from hiersim.workloads.weight_streaming import StreamingParameters

HALF = 2
"""Bytes of a number in fp16."""
MOST_PAGES = 10_000_000
"""Beyond, the objects alone take gigabytes."""


@dataclass
class Kept:
    """What is stored of a part.

    Attributes:
        part: of the model.
        near: numbers of objects that stay near the unit.
        away: numbers of the others.
        sizes: bytes of each object, by number.
        unread: numbers of objects that are stored and not used.
    """

    part: Part
    near: list[int] = field(default_factory=list)
    away: list[int] = field(default_factory=list)
    sizes: dict[int, int] = field(default_factory=dict)
    unread: list[int] = field(default_factory=list)

    @property
    def away_bytes(self) -> int:
        """Bytes that have to come."""
        return sum(self.sizes[number] for number in self.away)


def stored(p: StreamingParameters, model: Model, builder: OperationBuilder) -> list[Kept]:
    """Add the weights of all parts, the cache and room to work; return what is stored of each part.

    Raises:
        ConfigError: more planes are read than there are, pages are too many, or the model cannot be scheduled.
    """
    if p.planes_read > p.planes:
        raise ConfigError([Mistake("weight_streaming.planes_read", f"more than the {p.planes} `planes`")])
    parts = dense_parts(model)
    pages = round(sum(part.numbers for part in parts) * bits_of(p) / 8) // p.pages if p.pages else 0
    if pages > MOST_PAGES:
        what = f"pages of {p.pages:,} bytes are {pages:,} objects, which are at most {MOST_PAGES:,}"
        raise ConfigError([Mistake("weight_streaming.pages", what)])
    found = [_of_part(p, builder, part, share) for part, share in zip(parts, shares(p, parts), strict=True)]
    tokens = p.batch * (p.prompt + p.output)
    builder.object(tokens * model.kv_bytes_per_token("fp16"), "kv", home=p.near, name="cache")
    builder.object(_workspace(p, model, parts), "activation", home=p.near, name="workspace")
    return found


def bits_of(p: StreamingParameters) -> float:
    """Return the stored bits of a weight of a matrix: those of what is not zero, and of the bitmap."""
    return p.bits * (1 - p.sparsity) + (1 if p.sparsity else 0)


def shares(p: StreamingParameters, parts: tuple[Part, ...]) -> list[float]:
    """Return the share of each part that stays near: the same of every layer's, or all of the first."""
    streamed = [part.numbers if part.kind != EMBEDDING else 0 for part in parts]
    left = p.resident / 100 * sum(streamed)
    if p.lock == "evenly":
        return [p.resident / 100 if numbers else 0.0 for numbers in streamed]
    found = []
    for numbers in streamed:
        taken = min(left, numbers)
        found.append(taken / numbers if numbers else 0.0)
        left -= taken
    return found


def _of_part(p: StreamingParameters, builder: OperationBuilder, part: Part, share: float) -> Kept:
    """Add the objects of a part: of every tensor the share that stays, and the rest."""
    kept = Kept(part)
    for tensor in part.tensors:
        bits = bits_of(p) if tensor.flops_per_token and part.kind != HEAD else 8 * HALF
        size = max(1, round(tensor.numbers * bits / 8))
        stays = round(share * size)
        planes = p.planes if tensor.flops_per_token and part.kind != HEAD else 1
        for amount, home in ((stays, p.near), (size - stays, p.home)):
            for plane in range(planes):
                part_of = amount * (plane + 1) // planes - amount * plane // planes
                _pages(p, kept, _numbered(p, builder, part_of, home), home if plane < p.planes_read else "")
    return kept


def _numbered(p: StreamingParameters, builder: OperationBuilder, amount: int, home: str) -> dict[int, int]:
    """Add the objects of what lies together, in pages; return their sizes by number."""
    sizes = [min(p.pages or amount, amount - start) for start in range(0, amount, p.pages or amount or 1)]
    first = builder.objects(sizes, "weight", home=home)
    return {first + i: size for i, size in enumerate(sizes)}


def _pages(p: StreamingParameters, kept: Kept, sizes: dict[int, int], home: str) -> None:
    """Note objects of a part by where they are at home; nowhere: they are stored and not used."""
    kept.sizes |= sizes
    (kept.near if home == p.near else kept.away if home else kept.unread).extend(sizes)


def _workspace(p: StreamingParameters, model: Model, parts: tuple[Part, ...]) -> int:
    """Return the bytes near the unit that a part works in at most: activations, a prompt's scores, dense weights."""
    tokens = p.batch * p.prompt
    scores = p.batch * model.heads * p.prompt**2 * (2 if p.scores else 0)
    dense = max(part.numbers for part in parts) if p.expand == "near" else 0
    rows = [(p.batch if part.kind == HEAD else tokens) * part.activations for part in parts]
    return HALF * (max(scores, *rows) + dense)
