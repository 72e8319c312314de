"""The closed forms row by row, for fits: what one kernel takes at each point of a table. What is fitted is what runs.

``p`` is an array of ``columns.TABLES + WORKING`` entries with a unit's constants in it; times are in picoseconds.
"""

from __future__ import annotations

from typing import Any

from hiersim.drivers.serving import columns as c
from hiersim.drivers.serving.attention import add_decode, add_mixed
from hiersim.drivers.serving.kernels import add_elementwise, add_linear, add_sampling
from hiersim.jit import kernel

WORKING = max(c.MATRIX, c.MIXER)
"""Entries beyond ``columns.TABLES`` that hold the row at work."""


@kernel
def linear_rows(p: Any, table: Any, out: Any, times: Any) -> None:
    """Fill ``times`` for products: float64[rows, 4] of tokens, rows, columns and bytes of weights."""
    at = c.TABLES
    p[at + c.M_LAYERS], p[at + c.M_TOKENS] = 1.0, 0.0
    for i in range(len(table)):
        p[at + c.M_ROWS], p[at + c.M_COLUMNS], p[at + c.M_BYTES] = table[i, 1], table[i, 2], table[i, 3]
        out[c.TIME] = 0.0
        add_linear(p, out, at, table[i, 0], 1.0)
        times[i] = out[c.TIME]


@kernel
def attention_rows(p: Any, table: Any, work: Any, out: Any, times: Any) -> None:
    """Fill ``times`` for attention.

    Args:
        p: the unit's constants.
        table: float64[rows, 9]: decoding sequences, tokens that each sees, chunks, new tokens of each, tokens before
            them, query heads, heads of keys and values, FLOPs per query and token seen, bytes of a token's keys and
            values.
        work: three arrays to work in: int64[BATCH], and two of int64[at least the chunks].
        out: float64[OUT] to work in.
        times: float64[rows].
    """
    batch, new, before = work
    at = c.TABLES
    p[at + c.X_LAYERS], p[at + c.X_WINDOW] = 1.0, 2.0**62
    p[at + c.X_EXPAND] = p[at + c.X_TOKEN] = p[at + c.X_STATE] = 0.0
    for i in range(len(table)):
        decodes, keys, chunks = table[i, 0], table[i, 1], int(table[i, 2])
        p[at + c.X_HEADS], p[at + c.X_KV_HEADS] = table[i, 5], table[i, 6]
        p[at + c.X_PAIR] = p[at + c.X_DECODE_PAIR] = table[i, 7]
        p[at + c.X_KV] = table[i, 8]
        out[c.TIME] = 0.0
        if chunks == 0:
            add_decode(p, out, at, decodes, decodes * keys)
        else:
            batch[c.DECODES], batch[c.CHUNKS] = int(decodes), chunks
            batch[c.CONTEXT], batch[c.LONGEST] = int(decodes * (keys - 1.0)), int(keys - 1.0)
            for j in range(chunks):
                new[j], before[j] = int(table[i, 3]), int(table[i, 4])
            add_mixed(p, out, at, batch, (new, before))
        times[i] = out[c.TIME]


@kernel
def elementwise_rows(p: Any, table: Any, out: Any, times: Any) -> None:
    """Fill ``times`` for kernels that read and write activations: float64[rows, 2] of bytes read and written."""
    for i in range(len(table)):
        out[c.TIME] = 0.0
        add_elementwise(p, out, 1.0, table[i, 0], table[i, 1])
        times[i] = out[c.TIME]


@kernel
def sampling_rows(p: Any, table: Any, out: Any, times: Any) -> None:
    """Fill ``times`` for choosing tokens: float64[rows, 1] of bytes of logits."""
    for i in range(len(table)):
        out[c.TIME] = 0.0
        add_sampling(p, out, table[i, 0])
        times[i] = out[c.TIME]
