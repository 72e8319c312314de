"""From requests to accesses of their prefix blocks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hiersim.errors import TraceError
from hiersim.traces.access import MOST_BYTES, AccessTrace
from hiersim.traces.request import KvModel, RequestTrace


def block_accesses(
    requests: RequestTrace, model: KvModel | None = None, dtype: str = "bf16", block_bytes: int | None = None
) -> AccessTrace:
    """Return the accesses of ``RequestTrace.blocks``, which documents the arguments."""
    from hiersim.traces.kernels import spread

    if len(requests) and not len(requests.block_ids):
        raise TraceError(
            f"{requests.name}: the requests name no prefix blocks, so there is nothing to replay; serve them"
        )
    if model is not None and not hasattr(model, "kv_bytes_per_token"):
        raise TraceError(f"a model object is needed, got {model!r}; hiersim.models.find_model(name) gives one")
    touched = len(requests.block_ids)
    number = np.arange(len(requests), dtype=np.int32)
    request, time_ps = np.empty(touched, np.int32), np.empty(touched, np.int64)
    spread(requests.block_offsets, number, request)
    spread(requests.block_offsets, requests.time_ps, time_ps)
    flops = np.zeros(requests.blocks_distinct)
    if model is not None:
        flops = block_flops(requests, model)
        block_bytes = block_bytes or model.kv_bytes_per_token(dtype) * requests.block_tokens
    size = 1 if block_bytes is None else block_bytes
    if not 1 <= size <= MOST_BYTES:
        raise TraceError(f"block_bytes is 1 to 2^56, got {size}")
    return AccessTrace(
        object=requests.block_ids.copy(),
        time_ps=time_ps,
        write=np.zeros(touched, np.uint8),
        stream=request,
        group=request.copy(),
        size=np.full(requests.blocks_distinct, size, np.int64),
        object_class=np.zeros(requests.blocks_distinct, np.uint8),
        flops=flops,
        original_id=requests.original_block_id,
        classes=("kv",),
        name=requests.name if model is None else f"{requests.name} ({model.name})",
        source=requests.source,
        format=requests.format,
        notes=requests.notes,
        parents=block_parents(requests) if requests.chained else None,
    )


def block_flops(requests: RequestTrace, model: KvModel) -> NDArray[np.float64]:
    """Return the FLOPs to compute each block, where it stands in the request that names it first."""
    from hiersim.traces.kernels import positions

    place, depth = np.empty(len(requests.block_ids), np.int64), np.zeros(requests.blocks_distinct, np.int64)
    positions(requests.block_offsets, place)
    depth[requests.block_ids[::-1]] = place[::-1]  # backwards, so that the first appearance counts
    return model.prefill_flops(depth * requests.block_tokens, requests.block_tokens)


def block_parents(requests: RequestTrace) -> NDArray[np.int32]:
    """Return for each block the one before it in the request that names it first, -1 for none."""
    before = np.full(len(requests.block_ids), -1, np.int32)
    before[1:] = requests.block_ids[:-1]
    before[requests.block_offsets[:-1][np.diff(requests.block_offsets) > 0]] = -1
    parents = np.full(requests.blocks_distinct, -1, np.int32)
    parents[requests.block_ids[::-1]] = before[::-1]
    return parents
