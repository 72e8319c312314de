"""Attention as FlexGen computes it: of a prompt on the GPU, of a single token where its keys and values are.

On the CPU it works on what was made of the cache in the step before, in fp32: see ``flexgen_steps``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hiersim.workloads.flexgen_steps import Steps

HALF, SINGLE = 2, 4
"""Bytes of a number in fp16 and in fp32."""
SCORES = 3
"""Times that the scores of a prompt are written and read near the GPU: made, masked, and made into shares."""


def attend(steps: Steps, j: int, k: int) -> None:
    """Add what one layer's attention computes for one batch."""
    on_cpu = cpu_share(steps)
    if steps.token == 0:
        whole(steps, j, **_prompt(steps))
    elif not on_cpu:
        whole(steps, j, **_on_gpu(steps, j, k, 1.0))
    else:
        in_parts(steps, j, k, on_cpu)


def cpu_share(steps: Steps) -> float:
    """Return the share of keys and values that is attended to on the CPU when a single token is made."""
    return (100 - steps.p.cache_gpu) / 100 if steps.p.cpu_attention else 0.0


def whole(steps: Steps, j: int, flops: int, reads: list[Any], **near: int) -> None:
    """Add attention as one operation of the GPU; ``flops``, FLOPs, and what it reads are beside the projections'."""
    tokens = steps.p.gpu_batch * steps.tokens
    weights = [number for number, _ in steps.places.weights[j]]
    near = {key: amount + near[key] for key, amount in steps.activations(j).items()}
    steps.work(j, "attention", flops=tokens * steps.parts[j].flops_per_token + flops, reads=[*weights, *reads], **near)


def in_parts(steps: Steps, j: int, k: int, share: float) -> None:
    """Add projections on the GPU, attention to a share of the cache on the CPU, and the output's matrix."""
    batch, tensors = steps.p.gpu_batch, steps.parts[j].tensors
    weights = [number for number, _ in steps.places.weights[j]]
    out = [tensor.name for tensor in tensors].index("output")
    matrix = batch * tensors[out].flops_per_token
    work = _on_gpu(steps, j, k, 1.0 - share)
    reads = [*weights[:out], *weights[out + 1 :], *work.pop("reads")]
    near = {key: amount + work[key] for key, amount in steps.activations(j).items()}
    flops = batch * steps.parts[j].flops_per_token - matrix + work["flops"]
    steps.work(j, "projections", flops=flops, reads=reads, **near)
    _on_cpu(steps, share)
    steps.work(j, "output", flops=matrix, reads=[weights[out]])


def _prompt(steps: Steps) -> dict[str, Any]:
    """Return the work of attention to a prompt: all pairs of its tokens, with their scores written and read again."""
    pairs = steps.p.gpu_batch * steps.p.prompt**2
    scores = SCORES * HALF * steps.model.heads * pairs
    return {"flops": pair_flops(steps) * pairs, "near_read": scores, "near_written": scores, "reads": []}


def pair_flops(steps: Steps) -> int:
    """Return the FLOPs of a query and a key, with its value, over all heads."""
    return 2 * steps.model.heads * (steps.model.head_dim + steps.model.value_width)


def _on_gpu(steps: Steps, j: int, k: int, share: float) -> dict[str, Any]:
    """Return the work of attention to a share of the cache near the GPU, for one token of every sequence."""
    seen = steps.p.gpu_batch * steps.context  # rounded is what a token takes, so that a context's growth is even
    kept = steps.places.cache.get((steps.parts[j].layer, k, steps.p.near))
    own = round(steps.p.cache_gpu / 100 * steps.kv) * seen
    return {
        "flops": round(share * pair_flops(steps)) * seen,
        "near_read": round(steps.p.gpu_passes * share * steps.kv) * seen - (own if kept is not None else 0),
        "near_written": round(steps.p.gpu_copies * share * steps.kv) * seen,
        "reads": [] if kept is None else [(kept, own)],
    }


def _on_cpu(steps: Steps, share: float) -> None:
    """Add queries, keys and values to the CPU, attention there, and what comes of it back, in order."""
    p, model = steps.p, steps.model
    seen = p.gpu_batch * steps.context
    queries = SINGLE * model.heads * model.head_dim
    steps.copy("queries", "compute", share * p.gpu_batch * (queries + steps.kv), (p.near, p.host), "activation")
    work = {
        "flops": round(share * pair_flops(steps)) * seen,
        "dtype": "fp32",
        "near_read": round(p.cpu_passes * share * steps.kv) * seen,
        "near_written": round(p.cpu_copies * share * steps.kv) * seen,
    }
    steps.add("cpu_attention", "compute", unit=p.cpu, near_class="kv", **work)
    values = SINGLE * model.heads * model.value_width
    steps.copy("values", "compute", share * p.gpu_batch * values, (p.host, p.near), "activation")
