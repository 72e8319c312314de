"""What attention costs: of decoding sequences alone, of chunks of prefill, and of both in one kernel.

A tile is some rows of queries of one head over their keys. Tiles are computed side by side on as many lanes as the unit
has, so that all of them together bind, or the longest one does. Decoding sequences alone have a kernel of their own,
which packs the heads of a group into a tile and splits long contexts: reading keys and values binds it.
"""

from __future__ import annotations

import math
from typing import Any

from hiersim.drivers.serving import columns as c
from hiersim.drivers.serving.kernels import charge, smooth
from hiersim.jit import hot, inner


@inner
def add_decode(p: Any, out: Any, mixer: int, decodes: float, keys: float) -> None:
    """Add attention of one new token per sequence.

    Args:
        p: the packed unit and model.
        out: what is found so far.
        mixer: where the mixer stands in ``p``.
        decodes: sequences.
        keys: tokens that they see, all together.
    """
    layers, heads, kv_heads = p[mixer + c.X_LAYERS], p[mixer + c.X_HEADS], p[mixer + c.X_KV_HEADS]
    own = c.DECODE
    size = keys * p[mixer + c.X_KV]
    start = decodes * kv_heads * p[own + c.SEQUENCE]
    rows = p[c.PREFILL + c.PREFILL_ROWS]
    tile = kv_heads * math.ceil(heads / (kv_heads * rows)) * rows / heads  # rows that a query head takes
    pairs = p[mixer + c.X_DECODE_PAIR] * keys
    compute = pairs * tile * p[c.PREFILL + c.PREFILL_FLOP]
    sharpness = p[own + c.DECODE_SHARPNESS]
    memory = size * p[own + c.BYTE]
    near = p[own + c.OVERHEAD] + smooth(start, max(memory, compute), sharpness)
    close = p[own + c.L2_OVERHEAD] + smooth(start, max(size * p[own + c.L2_BYTE], compute), sharpness)
    far = 1.0
    if p[c.L2] > 0.0:
        far = min(max(size / p[c.L2] - 1.0, 0.0), 1.0)
    fixed = far * p[own + c.OVERHEAD] + (1.0 - far) * p[own + c.L2_OVERHEAD]
    charge(out, layers, fixed, max(start, compute), memory, far * near + (1.0 - far) * close - fixed)
    out[c.FLOPS] += layers * pairs
    out[c.KV_READ] += layers * size


@hot
def seen(tokens: float, before: float, window: float) -> float:
    """Return the tokens that a chunk's new tokens see, summed over them: each itself and what is before it."""
    growing = min(max(window - before, 0.0), tokens)
    return growing * before + growing * (growing + 1.0) / 2.0 + (tokens - growing) * min(window, before + tokens)


@inner
def add_mixed(p: Any, out: Any, mixer: int, batch: Any, chunks: Any) -> None:
    """Add attention of a batch that has chunks of prefill, and of its decoding sequences with it.

    Args:
        p: the packed unit and model.
        out: what is found so far.
        mixer: where the mixer stands in ``p``.
        batch: what ``columns`` says.
        chunks: new tokens and tokens before them, two arrays of [chunks].
    """
    own, heads, window = c.PREFILL, p[mixer + c.X_HEADS], p[mixer + c.X_WINDOW]
    pair, flop = p[mixer + c.X_PAIR] / heads, p[own + c.PREFILL_FLOP]
    tokens, read, tiles, most, work, longest, pairs = prefill_work(p, mixer, batch[c.CHUNKS], chunks)
    compute, chain = work * pair * flop, longest * pair * flop
    decodes, keys = float(batch[c.DECODES]), 0.0
    if decodes > 0.0:
        keys = min(float(batch[c.CONTEXT]) + decodes, decodes * window)
        rows, own_pair = p[own + c.PREFILL_ROWS], p[mixer + c.X_DECODE_PAIR] / heads
        around = p[own + c.BLOCK] + rows / 2.0  # half a tile of keys is computed in vain
        compute += heads * (keys + decodes * around) * mixed_rows(p, mixer) * own_pair * flop
        chain = max(chain, (min(float(batch[c.LONGEST]) + 1.0, window) + around) * rows * own_pair * flop)
        pairs += p[mixer + c.X_DECODE_PAIR] * keys
    idle = (decodes + batch[c.CHUNKS]) * most - tiles - decodes
    compute += idle * heads * p[c.MIXED + c.EMPTY]
    bound = smooth(compute, chain * p[own + c.LANES], p[own + c.PREFILL_SHARPNESS])
    kv = p[mixer + c.X_KV]
    memory = (reread(p, mixer, keys, decodes + tiles) + read * kv) * p[c.DECODE + c.BYTE]
    passed = (tokens + decodes) * (heads * pair + kv) * p[own + c.PASS_BYTE]  # queries, outputs, new keys and values
    charge(out, p[mixer + c.X_LAYERS], p[own + c.OVERHEAD], bound, memory + passed, max(bound, memory) + passed)
    out[c.FLOPS] += p[mixer + c.X_LAYERS] * pairs
    out[c.KV_READ] += p[mixer + c.X_LAYERS] * (keys + read) * kv


@inner
def prefill_work(p: Any, mixer: int, count: int, chunks: Any) -> tuple[float, float, float, float, float, float, float]:
    """Return what the chunks of a batch add up to.

    Returns:
        New tokens; tokens whose keys are read; tiles of a head, of all chunks and of the one with most; rows times keys
        of all tiles and heads, and of the longest tile; FLOPs.
    """
    new, before = chunks
    heads, window, rows = p[mixer + c.X_HEADS], p[mixer + c.X_WINDOW], p[c.PREFILL + c.PREFILL_ROWS]
    pair, expand, block = p[mixer + c.X_PAIR] / heads, p[mixer + c.X_EXPAND], p[c.PREFILL + c.BLOCK]
    tokens = read = tiles = most = work = longest = pairs = 0.0
    for i in range(count):
        mine, context = float(new[i]), float(before[i])
        own = float(math.ceil(mine / rows))
        keys, old = seen(mine, context, window), min(context, window - 1.0)
        work += heads * own * rows * (keys / mine + (rows - 1.0) / 2.0 + block) + expand * old / pair
        longest = max(longest, rows * (min(context + mine, window) + block))
        tokens, read, tiles, most = tokens + mine, read + mine + old, tiles + own, max(most, own)
        pairs += p[mixer + c.X_PAIR] * keys + expand * old
    return tokens, read, tiles, most, work, longest, pairs


@hot
def mixed_rows(p: Any, mixer: int) -> float:
    """Return the rows that a decoding token takes beside prefill, per head: one where the heads fill tiles together."""
    packed = p[mixer + c.X_HEADS] / p[mixer + c.X_KV_HEADS] >= p[c.PREFILL + c.PREFILL_ROWS]
    return 1.0 if packed else float(p[c.MIXED + c.MIXED_ROWS])


@inner
def reread(p: Any, mixer: int, keys: float, waiting: float) -> float:
    """Return the bytes of keys and values that decoding sequences read beside prefill.

    The query heads of a group share them in the L2, unless those of one head are too many for it and more tiles of
    other sequences than lanes come between.
    """
    size = float(keys * p[mixer + c.X_KV])
    if p[c.L2] <= 0.0:
        return size
    group = p[mixer + c.X_HEADS] / p[mixer + c.X_KV_HEADS]
    if group >= p[c.PREFILL + c.PREFILL_ROWS]:
        return size
    over = min(max(size / p[mixer + c.X_KV_HEADS] / p[c.L2] - p[c.MIXED + c.REUSE], 0.0), 1.0)
    between = min(waiting / p[c.PREFILL + c.LANES], 1.0)
    return float(size * (1.0 + (group - 1.0) * over * between))
