"""The time of a step: a batch of chunks of prefill and of decoding sequences, on one unit of a tensor-parallel group.

``pack`` (`packing`) turns a unit and a model into an array; ``step_cost`` does the rest, in compiled code, in time
proportional to the number of chunks. docs/step_cost.md has the closed forms, their constants and their errors.
"""

from __future__ import annotations

from typing import Any

from hiersim.drivers.serving import columns as c
from hiersim.drivers.serving.attention import add_decode, add_mixed
from hiersim.drivers.serving.kernels import add_elementwise, add_linear, add_sampling, add_state
from hiersim.jit import inner, kernel


@inner
def step_cost(packed: Any, batch: Any, new: Any, before: Any, out: Any) -> float:
    """Return the time of a step in picoseconds.

    Args:
        packed: what ``pack`` made.
        batch: int64[BATCH], see ``columns``: decoding sequences and their context, chunks, sampled sequences.
        new: int64[at least chunks], new tokens of each chunk.
        before: int64[at least chunks], tokens of context before each chunk.
        out: float64[OUT], which is filled: times, FLOPs and bytes, see ``columns``.
    """
    for i in range(c.OUT):
        out[i] = 0.0
    decodes, sampled = float(batch[c.DECODES]), float(batch[c.SAMPLED])
    tokens = decodes
    for i in range(batch[c.CHUNKS]):
        tokens += new[i]
    if tokens <= 0.0:
        return 0.0
    matrix = c.TABLES
    touched = experts_touched(packed, tokens)
    for _ in range(int(packed[c.MATRICES])):
        kind = packed[matrix + c.M_TOKENS]
        if kind == 1.0:
            add_linear(packed, out, matrix, tokens * packed[c.EXPERTS_ACTIVE] / touched, touched)
        else:
            add_linear(packed, out, matrix, tokens if kind == 0.0 else sampled, 1.0)
        matrix += c.MATRIX
    mixer = matrix
    for _ in range(int(packed[c.MIXERS])):
        add_mixer(packed, out, mixer, batch, (new, before, tokens))
        mixer += c.MIXER
    each = mixer
    for _ in range(int(packed[c.PASSES])):
        add_elementwise(
            packed, out, packed[each], tokens * packed[each + c.E_READ], tokens * packed[each + c.E_WRITTEN]
        )
        each += c.PASS
    add_sampling(packed, out, sampled * packed[c.LOGITS_BYTES])
    add_rest(packed, out, tokens, sampled)
    return float(out[c.TIME])


@inner
def add_mixer(packed: Any, out: Any, mixer: int, batch: Any, work: Any) -> None:
    """Add one kind of token mixer: attention alone or beside prefill, or a fixed state; and what it stores."""
    new, before, tokens = work
    decodes = float(batch[c.DECODES])
    window = packed[mixer + c.X_WINDOW]
    if window <= 0.0:
        add_state(packed, out, mixer, decodes + batch[c.CHUNKS], tokens)
    elif batch[c.CHUNKS] > 0:
        add_mixed(packed, out, mixer, batch, (new, before))
    else:
        add_decode(packed, out, mixer, decodes, min(float(batch[c.CONTEXT]) + decodes, decodes * window))
    out[c.KV_WRITTEN] += packed[mixer + c.X_LAYERS] * tokens * packed[mixer + c.X_KV]


@inner
def experts_touched(packed: Any, tokens: float) -> float:
    """Return the expected number of distinct experts that so many tokens use; 1 without experts."""
    experts = packed[c.EXPERTS]
    if experts <= 0.0:
        return 1.0
    return float(experts * (1.0 - (1.0 - packed[c.EXPERTS_ACTIVE] / experts) ** tokens))


@inner
def add_rest(packed: Any, out: Any, tokens: float, sampled: float) -> None:
    """Add what goes between ranks, the weights outside of matrices, and the pause between two steps."""
    ranks = packed[c.RANKS]
    near = packed[c.OTHER_WEIGHTS] * (1.0 - packed[c.WEIGHTS_IN_L2])
    out[c.WEIGHTS] += near
    if ranks > 1.0:
        turn = (ranks - 1.0) / ranks
        sent = turn * (2.0 * tokens * packed[c.REDUCE_BYTES] + sampled * packed[c.GATHER_BYTES])
        latency = packed[c.LINK_LATENCY] * (packed[c.REDUCES] + 1.0)
        out[c.LINK] += latency + sent * packed[c.LINK_BYTE]
        out[c.LINK_BYTES] += sent
    out[c.TIME] += out[c.LINK] + packed[c.STEP]
    out[c.COMPUTE] += out[c.LINK] + packed[c.STEP]


@kernel
def step_times(packed: Any, batches: Any, new: Any, before: Any, out: Any) -> None:
    """Fill ``out``, float64[steps, OUT], for many steps.

    Args:
        packed: what ``pack`` made.
        batches: int64[steps, BATCH].
        new: int64[steps, at least chunks], new tokens of each chunk.
        before: int64[steps, at least chunks], tokens before them.
        out: filled.
    """
    for i in range(len(batches)):
        step_cost(packed, batches[i], new[i], before[i], out[i])
