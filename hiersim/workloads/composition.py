"""Many whole models of which each request uses one: a switch copies it to the near tier, which keeps some (SN40L).

Prabhakar et al. (arXiv 2405.07518), composition of experts: a router picks a model, its weights come from the far tier
unless they are near, and then it processes a prompt and generates tokens, each of which reads all of its weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hiersim.models import find_model
from hiersim.traces.generators.generator import Generator, parameter
from hiersim.traces.operation import OperationTrace
from hiersim.traces.operation_builder import OperationBuilder


@dataclass(frozen=True)
class CompositionParameters:
    """Parameters of a composition of models."""

    model: str = parameter("llama-2-7b", "model of the catalogue that each expert has the shapes of")
    models: int = parameter(150, "experts", low=1, high=10**5)
    requests: int = parameter(100, "requests, one after the other", low=1, high=10**6)
    alpha: float = parameter(0.0, "Zipf exponent of how often experts are chosen; 0: equally", high=20)
    prompt: int = parameter(128, "tokens of a prompt", low=1, high=10**6)
    output: int = parameter(20, "tokens generated", low=1, high=10**5)
    pieces: int = parameter(1, "objects that a model's weights are stored in", low=1, high=10**4)
    unit: str = parameter("gpu0", "the unit that computes")
    near: str = parameter("hbm", "the unit's tier")
    home: str = parameter("dram", "the tier of the models")


def make(p: CompositionParameters, rng: np.random.Generator) -> OperationTrace:
    """Make the trace: of each request the switch, the prompt, and one operation for each further token."""
    model = find_model(p.model)
    builder = OperationBuilder("composition", ordered=False)
    size = model.weight_bytes("fp16")
    sizes = [size * (i + 1) // p.pieces - size * i // p.pieces for i in range(p.pieces)]
    experts = [[builder.object(each, "weight", home=p.home) for each in sizes] for _ in range(p.models)]
    weights = np.arange(1, p.models + 1) ** -p.alpha
    work: dict[str, Any] = {"unit": p.unit, "near_class": "kv"}
    for expert in rng.choice(p.models, p.requests, p=weights / weights.sum()):
        reads = experts[expert]
        builder.add("switch", unit=p.unit, action="fetch", reads=reads)
        flops = int(model.prefill_flops(0, p.prompt)) + 2 * model.embedding_parameters
        builder.add(
            "prompt", reads=reads, flops=flops, near_written=p.prompt * model.kv_bytes_per_token("fp16"), **work
        )
        for token in range(1, p.output):
            context, kv = p.prompt + token, model.kv_bytes_per_token("fp16")
            more = {"near_read": context * kv, "near_written": kv}
            builder.add("decode", reads=reads, flops=model.flops_per_token(context), **work | more)
    return builder.build()


GENERATOR = Generator(
    "composition", "many whole models, each request uses one", CompositionParameters, make, operations=True
)
