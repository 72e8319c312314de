"""The bytes and FLOPs of a step: a batch of sequences, each with new tokens after a context."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hiersim.models.reach import experts_touched, keys_read, keys_seen
from hiersim.models.work import Mixing, Projection, Work


@dataclass(frozen=True)
class StepWork:
    """What one rank does in one step; bytes of its near tier unless said otherwise.

    Attributes:
        flops: all FLOPs of the step.
        attention_flops: FLOPs of attention over the context and of fixed states, which no weights are read for.
        weight_bytes: weights read, each once; of routed experts the expected number of distinct ones.
        kv_read_bytes: keys and values read, each once per sequence, those of the new tokens included.
        kv_written_bytes: keys and values of the new tokens.
        state_bytes: fixed states, read and written.
        all_reduce_bytes: numbers summed over the ranks, per rank.
        gather_bytes: logits gathered from all ranks.
    """

    flops: int
    attention_flops: int
    weight_bytes: float
    kv_read_bytes: int
    kv_written_bytes: int
    state_bytes: int
    all_reduce_bytes: int
    gather_bytes: int


def step_work(work: Work, start: Any, tokens: Any, outputs: int | None = None) -> StepWork:
    """Return the work of one step.

    Args:
        work: what the rank holds.
        start: [sequences] tokens of context before the step.
        tokens: [sequences] new tokens, at least 1; a sequence with a single one decodes.
        outputs: sequences of which the next token is wanted; all when absent.
    """
    before, new = np.atleast_1d(np.asarray(start, np.int64)), np.atleast_1d(np.asarray(tokens, np.int64))
    total, last = int(new.sum()), len(new) if outputs is None else outputs
    per_tokens = {"all": total, "expert": total * work.experts_active, "last": last}
    touched = float(experts_touched(work.experts, work.experts_active, total)) if work.experts else 0.0
    attention = sum(_mixing_flops(each, before, new) for each in work.mixings)
    matrices = sum(each.layers * each.flops_per_token * per_tokens[each.tokens] for each in work.projections)
    return StepWork(
        flops=matrices + attention,
        attention_flops=attention,
        weight_bytes=work.other_bytes + sum(_weights(each, last, touched) for each in work.projections),
        kv_read_bytes=sum(_kv_read(each, before, new) for each in work.mixings),
        kv_written_bytes=total * work.kv_bytes_per_token,
        state_bytes=2 * len(new) * work.state_bytes_per_sequence,
        all_reduce_bytes=total * work.all_reduce_bytes_per_token,
        gather_bytes=last * work.gather_bytes_per_sequence,
    )


def _weights(projection: Projection, outputs: int, touched: float) -> float:
    """Return the bytes of one projection that a step reads, all layers."""
    times = {"all": 1.0, "expert": touched, "last": float(outputs > 0)}[projection.tokens]
    return times * projection.layers * projection.weight_bytes


def _mixing_flops(mixing: Mixing, start: Any, tokens: Any) -> int:
    """Return the FLOPs of one kind of mixer over a batch, all layers."""
    if not mixing.window:
        return mixing.layers * mixing.flops_per_token * int(tokens.sum())
    per_pair = np.where(tokens == 1, mixing.decode_flops_per_pair, mixing.flops_per_pair)
    old = np.where(tokens == 1, 0, keys_read(start, tokens, mixing.window) - tokens)
    found = per_pair * keys_seen(start, tokens, mixing.window) + mixing.expand_flops_per_key * old
    return mixing.layers * int(found.sum())


def _kv_read(mixing: Mixing, start: Any, tokens: Any) -> int:
    """Return the bytes of keys and values that a batch reads in one kind of mixer, all layers."""
    if not mixing.window:
        return 0
    return mixing.layers * mixing.kv_bytes_per_token * int(keys_read(start, tokens, mixing.window).sum())
