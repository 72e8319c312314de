"""FlexGen: weights, cache and activations spread over GPU, CPU and disk; a block of batches computed layer by layer.

Sheng et al., ICML 2023 (arXiv 2303.06865), and the published code (Apache-2.0): weights go whole tensors at a time to
the tier in which the middle of their share falls, in the order disk, CPU, GPU. For each token, each layer and each
batch of the block, one step: while a batch is computed, the next layer's weights come (in the step of the first batch
alone), the next batch's cache and activations come, and the last batch's leave; then everything waits for everything.
Where attention is computed on the CPU, it is in the steps of decoding, on a copy of the cache in fp32 that is made in
the step before. Where it is not, cache in pageable memory of the CPU is copied to memory that can be sent. The thread
that starts the GPU's work does both, so that nothing is computed meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hiersim.errors import ConfigError, Mistake
from hiersim.models import Model, find_model
from hiersim.traces.generators.generator import Generator, parameter
from hiersim.traces.operation import OperationStream
from hiersim.traces.operation_builder import OperationBuilder
from hiersim.workloads.flexgen_steps import Places, Steps
from hiersim.workloads.repeat import repeated, streamed
from hiersim.workloads.transformer import Part, dense_parts

HALF = 2
"""Bytes of a number in fp16, in which all is stored and sent."""


@dataclass(frozen=True)
class FlexGenParameters:
    """Parameters of FlexGen's schedule; percentages are of weights, cache and activations, the rest is on disk."""

    model: str = parameter("opt-30b", "model of the catalogue, dense with full attention")
    prompt: int = parameter(512, "tokens of each prompt", low=1, high=10**6)
    output: int = parameter(32, "tokens generated for each", low=1, high=10**6)
    gpu_batch: int = parameter(48, "sequences computed at once", low=1, high=10**5)
    gpu_batches: int = parameter(3, "batches of a block", low=1, high=1000)
    weight_gpu: float = parameter(20.0, "percent of the weights on the GPU", high=100)
    weight_cpu: float = parameter(80.0, "percent of the weights on the CPU", high=100)
    cache_gpu: float = parameter(0.0, "percent of keys and values on the GPU", high=100)
    cache_cpu: float = parameter(100.0, "percent of keys and values on the CPU", high=100)
    act_gpu: float = parameter(0.0, "percent of the activations between layers on the GPU", high=100)
    act_cpu: float = parameter(100.0, "percent of the activations between layers on the CPU", high=100)
    cpu_attention: bool = parameter(True, "decoding attends on the CPU to what is there")
    gpu_passes: float = parameter(2.0, "times that attention on the GPU reads the cache: to reorder it, and to use it")
    gpu_copies: float = parameter(1.0, "times that it writes it: reordered")
    fill_passes: float = parameter(
        3.0, "times that making fp32 of the cache for the CPU reads it: itself, and each line that is written"
    )
    fill_copies: float = parameter(2.0, "times that it writes it: fp32 counts double")
    cpu_passes: float = parameter(
        6.0, "times that attention on the CPU reads it, in fp32: to reorder it, each line that it writes, and to use it"
    )
    cpu_copies: float = parameter(2.0, "times that it writes it: reordered, in fp32")
    pin_weights: bool = parameter(True, "weights on the CPU lie in pinned memory; else they are copied there first")
    pin_passes: float = parameter(2.0, "times that a copy to pinned memory reads what it copies: itself, lines written")
    pin_copies: float = parameter(1.0, "times that it writes it; 0 with passes 0: the cache lies there, too")
    gpu: str = parameter("gpu0", "the unit that computes")
    cpu: str = parameter("cpu0", "the unit that attends on the CPU")
    near: str = parameter("gddr", "the GPU's tier")
    host: str = parameter("dram", "the CPU's tier")
    disk: str = parameter("flash", "the tier of the rest")


def make(p: FlexGenParameters, rng: np.random.Generator) -> OperationStream:
    """Make the trace: the prompt's turn, and one turn for each further token."""
    for what in ("weight", "cache", "act"):
        if getattr(p, f"{what}_gpu") + getattr(p, f"{what}_cpu") > 100:
            raise ConfigError([Mistake(f"flexgen.{what}_cpu", f"more than 100 with `{what}_gpu`")])
    model = find_model(p.model)
    builder = OperationBuilder("flexgen", ordered=False)
    steps = Steps(p, builder, objects(p, model, builder), model)
    begin(steps)
    start = 0
    for token in range(min(3, p.output)):
        turn(steps, token)
        start = len(builder) if token == 0 else start
    trace = builder.build()
    return repeated(trace, start, p.output - 1) if p.output >= 3 else streamed(trace)


def objects(p: FlexGenParameters, model: Model, builder: OperationBuilder) -> Places:
    """Add weights, keys and values, and room to work, each at home where it is kept; return their numbers."""
    tiers = (p.disk, p.host, p.near)
    parts = dense_parts(model)
    weights = []
    for part in parts:
        sizes = [HALF * tensor.numbers for tensor in part.tensors]
        homes = [tiers[i] for i in placed(sizes, (100 - p.weight_gpu - p.weight_cpu, p.weight_cpu, p.weight_gpu))]
        names = [f"{part.name}.{tensor.name}" for tensor in part.tensors]
        rows = zip(sizes, homes, names, strict=True)
        weights.append([(builder.object(size, "weight", home=home, name=name), home) for size, home, name in rows])
    whole = p.gpu_batch * (p.prompt + p.output) * model.kv_bytes_per_token("fp16") // model.layers
    cache = {
        (part.layer, k, tier): builder.object(size, "kv", home=tier, name=f"cache{part.layer}.{k}.{tier}")
        for part in parts
        if part.kind == "attention"
        for k in range(p.gpu_batches)
        for tier, share in zip(tiers, cache_shares(p), strict=True)
        if (size := round(whole * share))
    }
    builder.object(workspace(p, model, parts), "activation", home=p.near, name="workspace")
    return Places(parts, weights, cache)


def placed(sizes: list[int], percents: tuple[float, float, float]) -> list[int]:
    """Return for each tensor of a part which of three tiers it goes to: the one in which the middle of it falls."""
    ends = np.cumsum(sizes)
    middles = 100 * (ends - np.array(sizes) / 2) / ends[-1]
    return [min(int(i), 2) for i in np.searchsorted(np.cumsum(percents), middles, side="right")]


def cache_shares(p: FlexGenParameters) -> tuple[float, float, float]:
    """Return the shares of keys and values on disk, CPU and GPU."""
    return (100 - p.cache_gpu - p.cache_cpu) / 100, p.cache_cpu / 100, p.cache_gpu / 100


def workspace(p: FlexGenParameters, model: Model, parts: tuple[Part, ...]) -> int:
    """Return the bytes near the GPU that the prompt's largest part works in: two of its scores or its activations."""
    tokens = p.gpu_batch * p.prompt
    scores = 2 * p.gpu_batch * model.heads * p.prompt**2
    return HALF * max(scores + 4 * tokens * model.hidden, *(tokens * part.activations for part in parts))


def begin(steps: Steps) -> None:
    """Load the first part's weights, before the first step."""
    steps.weights(0)
    steps.sync()


def turn(steps: Steps, token: int) -> None:
    """Add all steps of one token of every sequence."""
    steps.token = token
    step = one_batch_step if steps.p.gpu_batches == 1 else block_step
    for j in range(len(steps.parts)):
        for k in range(steps.p.gpu_batches):
            step(steps, j, k)


def one_batch_step(steps: Steps, j: int, k: int) -> None:
    """Add the step of a part with a single batch: weights and cache come a part ahead, activations do not."""
    steps.weights(j + 1)
    steps.load_cache(j + 1, k)
    steps.load_hidden(j, k)
    steps.compute(j, k)
    steps.store_cache(j - 1, k)
    steps.store_hidden(j, k)
    steps.free(j)
    steps.sync()


def block_step(steps: Steps, j: int, k: int) -> None:
    """Add the step of one batch of a block: the neighbours in the block come and go meanwhile."""
    last = steps.p.gpu_batches - 1
    if k == 0:
        steps.weights(j + 1)
    steps.load_cache(*(steps.next_of(j, k)))
    steps.store_hidden(*(steps.before(j, k)))
    steps.load_hidden(*(steps.next_of(j, k)))
    steps.compute(j, k)
    steps.store_cache(*(steps.before(j, k)))
    if k == last:
        steps.free(j)
    steps.sync()


GENERATOR = Generator(
    "flexgen", "FlexGen's block schedule over GPU, CPU and disk", FlexGenParameters, make, operations=True
)
