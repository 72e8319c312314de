"""Decoding with a mixture of experts whose experts are in a far tier and cached near by the tier's policy: EdgeMoE.

Yi et al. (arXiv 2308.14352). All but the routed experts stays near the unit. In each layer attention and router are
computed, then each expert that some token chose; what is missing comes on demand, all of a layer at once. A predictor
may name the experts of a layer ahead of time: of those that it names, a share is right, and they are read behind what
the layer before needs. Experts may have fewer bits: a share of them is of one width and the rest of another. Routing
is drawn as in ``moe_routing``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hiersim.errors import ConfigError, Mistake
from hiersim.models import Model, find_model, shapes
from hiersim.models.matrix import parameters_of
from hiersim.traces.generators.generator import Generator, parameter
from hiersim.traces.generators.moe_routing import RoutingParameters, chosen
from hiersim.traces.operation import OperationTrace
from hiersim.traces.operation_builder import OperationBuilder
from hiersim.workloads.transformer import (
    ATTENTION,
    ROUTER,
    Part,
    attention_part,
    embedding_part,
    feed_part,
    head_part,
    router_part,
)


@dataclass(frozen=True)
class ExpertParameters:
    """Parameters of decoding with offloaded experts."""

    model: str = parameter("mixtral-8x7b", "model of the catalogue with routed experts and full attention")
    batch: int = parameter(1, "sequences, whose tokens choose experts by themselves", low=1, high=1000)
    context: int = parameter(128, "tokens of each before", low=0, high=10**6)
    tokens: int = parameter(32, "tokens generated for each", low=1, high=10**5)
    locality: float = parameter(0.5, "share of the scores' variance that stays from token to token", high=1)
    span: float = parameter(32.0, "tokens over which its correlation falls by e", low=0.01, high=10**6)
    imbalance: float = parameter(0.0, "standard deviation of what an expert always has, by that of the rest", high=100)
    ahead: int = parameter(0, "layers ahead of which experts are predicted; 0: not at all", low=0, high=100)
    right: float = parameter(0.9, "share of the predicted experts that are chosen", high=1)
    bits: float = parameter(16.0, "stored bits of an expert's weights", low=0.01, high=64)
    low_bits: float = parameter(4.0, "the same of experts that bear fewer", low=0.01, high=64)
    low_share: float = parameter(0.0, "share of a layer's experts that bear fewer", high=1)
    rest_bits: float = parameter(16.0, "stored bits of all other weights", low=0.01, high=64)
    unit: str = parameter("gpu0", "the unit that computes")
    near: str = parameter("gddr", "the unit's tier")
    home: str = parameter("dram", "the tier of the experts")


def make(p: ExpertParameters, rng: np.random.Generator) -> OperationTrace:
    """Make the trace.

    Raises:
        ConfigError: the model has no experts, or layers that are not scheduled here.
    """
    model = find_model(p.model)
    if not model.experts or model.attention in ("mla", "none") or "state" in model.mixers:
        what = f"`{p.model}` has no routed experts, or other than full attention"
        raise ConfigError([Mistake("expert_offload.model", what)])
    routed = routing(p, model, rng)
    named = predicted(p, model, routed, rng)
    steps = Steps(p, model)
    for token in range(p.tokens):
        steps.token(token, routed[token], named[token])
    return steps.builder.build()


def routing(p: ExpertParameters, model: Model, rng: np.random.Generator) -> NDArray[np.int32]:
    """Return the experts of each token, int32 [tokens, layers, batch, active]."""
    draw: dict[str, Any] = {"locality": p.locality, "span": p.span, "imbalance": p.imbalance}
    layers, experts, active = model.layers_with("experts"), model.experts, model.experts_active
    shape = RoutingParameters(tokens=p.tokens, layers=layers, experts=experts, active=active, **draw)
    return np.stack([chosen(shape, rng) for _ in range(p.batch)], axis=2)


def predicted(
    p: ExpertParameters, model: Model, routed: NDArray[np.int32], rng: np.random.Generator
) -> NDArray[np.int32]:
    """Return what a predictor names, as ``routed``: each entry is right, or any other expert of the layer."""
    other = (routed + rng.integers(1, max(2, model.experts), routed.shape, dtype=np.int32)) % model.experts
    return np.where(rng.random(routed.shape) < p.right, routed, other)


class Steps:
    """Adds the objects, and the operations of each token."""

    def __init__(self, p: ExpertParameters, model: Model) -> None:
        self.p, self.model, self.builder = p, model, OperationBuilder("expert_offload", ordered=False)
        self.parts = self._parts()
        self.places = {part: self._stays(part) for part in self.parts}
        self._stays(embedding_part(model))
        kv = 2 * model.kv_values_per_layer * model.layers
        self.builder.object(p.batch * (p.context + p.tokens) * kv, "kv", home=p.near, name="cache")
        self.expert_flops = sum(matrix.flops_per_token for matrix in shapes.expert(model))
        mixtures = [layer for layer in range(model.layers) if model.feed_of(layer) == "experts"]
        self.experts = [self._experts(layer) for layer in mixtures]

    def _parts(self) -> list[Part]:
        """Return what stays near: attention, and dense blocks or what surrounds the experts, and the head."""
        found: list[Part] = []
        for layer in range(self.model.layers):
            found.append(attention_part(self.model, layer))
            if self.model.feed_of(layer) == "experts":
                found.append(router_part(self.model, layer))
            elif self.model.feed_of(layer) == "dense":
                found.append(feed_part(self.model, layer))
        return [*found, head_part(self.model)]

    def _stays(self, part: Part) -> int:
        size = max(1, round(part.numbers * self.p.rest_bits / 8))
        return self.builder.object(size, "weight", home=self.p.near, name=part.name)

    def _experts(self, layer: int) -> list[int]:
        """Add the experts of a layer, the first of them with few bits; return their numbers."""
        numbers, few = parameters_of(shapes.expert(self.model)), round(self.p.low_share * self.model.experts)
        bits = [self.p.low_bits if expert < few else self.p.bits for expert in range(self.model.experts)]
        sizes = [max(1, round(numbers * each / 8)) for each in bits]
        named = enumerate(sizes)
        return [self.builder.object(size, "expert", home=self.p.home, name=f"expert{layer}.{i}") for i, size in named]

    def token(self, token: int, routed: NDArray[np.int32], named: NDArray[np.int32]) -> None:
        """Add one token of every sequence."""
        mixture = 0
        for part in self.parts:
            place = self._compute(part, self.p.context + token + 1)
            if part.kind == ROUTER:
                self._mixture(self.experts[mixture], routed[mixture], place)
                self._preload(mixture + self.p.ahead, named)
                mixture += 1

    def _compute(self, part: Part, context: int) -> int:
        """Add what a part that stays near computes; return its place."""
        model, batch = self.model, self.p.batch
        amount = part.activations * batch  # 2 bytes each, half of them read
        work: dict[str, Any] = {"near_read": amount, "near_written": amount, "near_class": "activation"}
        flops = batch * part.flops_per_token
        if part.kind == ATTENTION:
            kv = 2 * model.kv_values_per_layer * batch
            work |= {"near_read": amount + kv * context, "near_written": amount + kv, "near_class": "kv"}
            flops += 2 * model.heads * (model.head_dim + model.value_width) * batch * context
        return self.builder.add(part.kind, unit=self.p.unit, flops=flops, reads=[self.places[part]], **work)

    def _preload(self, mixture: int, named: NDArray[np.int32]) -> None:
        """Add a fetch of the experts that are predicted for a later layer, behind what this layer needs."""
        if self.p.ahead and mixture < len(self.experts):
            reads = [self.experts[mixture][expert] for expert in np.unique(named[mixture])]
            self._fetch("preload", reads)

    def _mixture(self, experts: list[int], routed: NDArray[np.int32], router: int) -> None:
        """Add a fetch of the experts that a layer needs, and what each computes for the tokens that chose it."""
        numbers, counts = np.unique(routed, return_counts=True)
        reads = [experts[number] for number in numbers]
        self._fetch("load", reads, router)
        for number, count in zip(reads, counts.tolist(), strict=True):
            self.builder.add("expert", unit=self.p.unit, flops=count * self.expert_flops, reads=[number])

    def _fetch(self, kind: str, reads: list[int], *after: int) -> None:
        self.builder.add(kind, unit=self.p.unit, stream="copies", action="fetch", reads=reads, after=after)


GENERATOR = Generator(
    "expert_offload", "a mixture of experts that are cached near the unit", ExpertParameters, make, operations=True
)
