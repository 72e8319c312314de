"""Feed-forward neurons read from flash as they are needed, those of recent tokens kept: LLM in a flash.

Alizadeh et al., ACL 2024 (arXiv 2312.11514). Attention, embedding and a predictor stay near the unit. Of a feed-forward
block only the neurons that a token makes active are needed; those of the last ``window`` tokens stay, and what is
missing is read: the row that goes up and the column that goes down together, or each by itself. A neuron's score is
what it always has, what stays for a while, and the token's own, as in ``moe_routing``; the highest are active.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hiersim.models import Model, find_model
from hiersim.traces.generators.generator import Generator, parameter
from hiersim.traces.operation import OperationTrace
from hiersim.traces.operation_builder import OperationBuilder
from hiersim.workloads.transformer import dense_parts

Members = NDArray[np.bool_]
"""[layers, neurons], whether each is a member."""


@dataclass(frozen=True)
class SparseParameters:
    """Parameters of sparse weights from flash."""

    model: str = parameter("opt-6.7b", "model of the catalogue, dense with full attention")
    tokens: int = parameter(4, "tokens generated, one after the other", low=1, high=10**4)
    context: int = parameter(128, "tokens before them", low=0, high=10**6)
    active: float = parameter(0.08, "share of a layer's neurons that a token uses", low=0.0001, high=1)
    window: int = parameter(5, "tokens whose neurons stay near the unit", low=1, high=1000)
    imbalance: float = parameter(1.05, "standard deviation of what a neuron always has, by that of the rest", high=100)
    locality: float = parameter(0.0, "share of the rest's variance that stays from token to token", high=1)
    span: float = parameter(32.0, "tokens over which its correlation falls by e", low=0.01, high=10**6)
    bundled: bool = parameter(True, "a neuron's row and column lie together")
    bits: float = parameter(32.0, "stored bits of a weight", low=0.01, high=64)
    predictor: float = parameter(0.0125, "bytes of the predictors, by those of all weights", high=1)
    unit: str = parameter("gpu0", "the unit that computes")
    near: str = parameter("lpddr", "the unit's tier")
    home: str = parameter("flash", "the tier of the feed-forward blocks")


def make(p: SparseParameters, rng: np.random.Generator) -> OperationTrace:
    """Make the trace; the window is full when it begins."""
    model = find_model(p.model)
    tokens = list(active_neurons(p, model, rng))
    steps = Steps(p, model, kept=np.any(tokens[: p.window], axis=0), touched=np.any(tokens, axis=0))
    for token in range(p.tokens):
        before, now = tokens[token : token + p.window], tokens[token + p.window]
        steps.token(token, now, now & ~np.any(before, axis=0), before[0] & ~np.any([*before[1:], now], axis=0))
    return steps.builder.build()


def active_neurons(p: SparseParameters, model: Model, rng: np.random.Generator) -> Iterator[Members]:
    """Yield the active neurons of the tokens that fill the window, and of those generated."""
    shape, count = (model.layers, model.intermediate), max(1, round(p.active * model.intermediate))
    always = p.imbalance * rng.standard_normal(shape, np.float32)
    stays, keep = rng.standard_normal(shape, np.float32), float(np.exp(-1.0 / p.span))
    for _ in range(p.window + p.tokens):
        scores = always + np.sqrt(1.0 - p.locality) * rng.standard_normal(shape, np.float32)
        if p.locality:
            scores += np.sqrt(p.locality) * stays
            stays = keep * stays + np.sqrt(1.0 - keep * keep) * rng.standard_normal(shape, np.float32)
        members = np.zeros(shape, bool)
        np.put_along_axis(members, np.argpartition(scores, -count, axis=1)[:, -count:], True, axis=1)
        yield members


class Steps:
    """Adds the objects, and the operations of each token."""

    def __init__(self, p: SparseParameters, model: Model, kept: Members, touched: Members) -> None:
        self.p, self.model, self.builder = p, model, OperationBuilder("sparse_flash", ordered=False)
        self.parts = dense_parts(model)
        self.attention, self.feeds, self.head = self.parts[1:-1:2], self.parts[2:-1:2], self.parts[-1]
        self.pieces = 1 if p.bundled else 2
        self.places = {part: self._stays(part.name, part.numbers) for part in (*self.attention, self.head)}
        looked_up = sum(
            tensor.numbers for tensor in self.parts[0].tensors if not (model.tied and tensor.name == "tokens")
        )
        self._stays("positions" if model.tied else "embedding", looked_up)  # tied, the head has the tokens
        self.predictor = p.predictor * model.parameters / model.layers
        self.predictors = [self._stays(f"predictor{layer}", self.predictor) for layer in range(model.layers)]
        self.first = self._neurons(kept, touched)
        self.order = np.cumsum(touched).reshape(touched.shape) - 1  # of each neuron that some token uses

    def _bytes(self, numbers: float) -> int:
        return max(1, round(numbers * self.p.bits / 8))

    def _stays(self, name: str, numbers: float) -> int:
        return self.builder.object(self._bytes(numbers), "weight", home=self.p.near, name=name)

    def _neurons(self, kept: Members, touched: Members) -> int:
        """Add the neurons that some token uses, those of the window near, and the others as one; return the first."""
        size = self._bytes(self.feeds[0].numbers / self.model.intermediate) // self.pieces
        if left := int((~touched).sum()):
            self.builder.object(left * size * self.pieces, "neuron", home=self.p.home, name="others")
        starts = [self.p.near if near else None for near in np.repeat(kept[touched], self.pieces).tolist()]
        return self.builder.objects([size] * len(starts), "neuron", home=self.p.home, starts=starts)

    def _numbers(self, layer: int, members: NDArray[np.bool_]) -> list[int]:
        """Return the objects of a layer's neurons."""
        neurons = self.order[layer][members]
        pieces = self.first + self.pieces * neurons[:, None] + np.arange(self.pieces)
        return pieces.ravel().tolist()  # type: ignore[no-any-return]

    def token(self, token: int, now: Members, missing: Members, leaving: Members) -> None:
        """Add a token: in each layer attention, predictor, what is missing, active neurons; and the head."""
        model, p = self.model, self.p
        context = p.context + token + 1
        pair, kv = 2 * model.heads * (model.head_dim + model.value_width), self._bytes(model.kv_values_per_layer)
        for layer in range(model.layers):
            block, active = self.attention[layer], int(now[layer].sum())
            work = {"near_read": kv * context, "near_written": kv, "near_class": "kv"}
            self._add("attention", block.flops_per_token + pair * context, [self.places[block]], **work)
            self._add("predictor", round(2 * self.predictor), [self.predictors[layer]])
            self._copy("load_neurons", "fetch", layer, missing)
            flops = self.feeds[layer].flops_per_token * active // model.intermediate
            self._add("feed", flops, self._numbers(layer, now[layer]))
            self._copy("drop_neurons", "drop", layer, leaving)
        self._add("head", self.head.flops_per_token, [self.places[self.head]])

    def _add(self, kind: str, flops: int, reads: list[int], **work: Any) -> None:
        self.builder.add(kind, unit=self.p.unit, flops=flops, reads=reads, **work)

    def _copy(self, kind: str, action: str, layer: int, members: Members) -> None:
        if members[layer].any():
            self.builder.add(kind, unit=self.p.unit, action=action, reads=self._numbers(layer, members[layer]))


GENERATOR = Generator(
    "sparse_flash",
    "active neurons read from flash, those of recent tokens kept",
    SparseParameters,
    make,
    operations=True,
)
