"""What a serving step and an operation generator need of a model: bytes and FLOPs of one rank, as plain numbers.

A step works on every projection once (weights are read once, however many tokens there are) and, per sequence, on
every mixer of tokens: attention over what a query sees (``hiersim.models.reach``), or a fixed state.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hiersim.models.matrix import Tokens

TOKENS: tuple[Tokens, ...] = ("all", "expert", "last")
"""Which tokens a projection is for, by the code in ``WorkArrays``."""

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Projection:
    """One matrix of one rank, and in how many layers it stands.

    Attributes:
        name: what it makes, such as ``qkv``, ``expert_down`` or ``head``.
        layers: layers that have it; 1 for the head.
        rows: numbers of a token that go in.
        columns: numbers of a token that come out.
        weight_bytes: of one layer; of one expert for ``expert`` tokens.
        flops_per_token: of one layer, 2 x rows x columns.
        activation_bytes_per_token: in and out, of one layer.
        tokens: which tokens it is for: ``all``, those routed to one ``expert``, or each sequence's ``last``.
    """

    name: str
    layers: int
    rows: int
    columns: int
    weight_bytes: int
    flops_per_token: int
    activation_bytes_per_token: int
    tokens: Tokens


@dataclass(frozen=True)
class Mixing:
    """One kind of token mixer of one rank: attention in full or over a window, or a fixed state.

    Attributes:
        kind: ``full``, ``window`` or ``state``.
        layers: layers that have it.
        window: tokens that a query sees at most; ``UNLIMITED`` in full, 0 for a fixed state.
        heads: query heads of the rank.
        kv_heads: heads of keys and values that the rank keeps; 1 for a latent.
        flops_per_pair: per query and token that it sees, one layer, keys and values at their full width.
        decode_flops_per_pair: the same where a latent is attended to itself, its up-projection moved to the query and
            the output (``mla``); equal to ``flops_per_pair`` for others.
        expand_flops_per_key: per token of context that a prefill attends to without having computed it itself, for
            the up-projection of its latent (``mla``); 0 for others.
        flops_per_token: of a fixed state's update, one layer.
        kv_bytes_per_token: keys and values that one token adds to one layer, and that are read per token seen.
        state_bytes: fixed state of one sequence in one layer, read and written by each step of the sequence.
    """

    kind: str
    layers: int
    window: int
    heads: int = 0
    kv_heads: int = 0
    flops_per_pair: int = 0
    decode_flops_per_pair: int = 0
    expand_flops_per_key: int = 0
    flops_per_token: int = 0
    kv_bytes_per_token: int = 0
    state_bytes: int = 0


@dataclass(frozen=True)
class Work:
    """What one of ``ranks`` equal ranks holds and does; all sizes are bytes of that rank.

    Attributes:
        model: the model's name.
        ranks: ranks of the tensor-parallel group.
        layers: layers.
        hidden: width of the residual stream.
        projections: the matrices in the order of their use, equal ones of all layers together, the head last.
        mixings: the kinds of token mixers in the order of their first layer.
        experts: routed experts of a mixture layer; 0 for dense models.
        experts_active: of which a token uses so many.
        expert_layers: layers with a mixture of experts.
        expert_bytes: weights of one expert in one layer.
        other_bytes: weights outside of the projections, all layers: norms, convolutions, sinks, positions.
        embedding_bytes: the embedding, where it is not the head itself.
        embedding_bytes_per_token: what one look-up reads.
        weight_bytes: all weights of the rank.
        layer_bytes: weights of each layer, in order, all experts included; the rest are embedding, head and positions.
        kv_bytes_per_token: keys and values that one token adds to all layers.
        state_bytes_per_sequence: fixed state of all layers.
        all_reduces: in a step: behind the embedding and twice per layer (once where attention and feed-forward block
            are parallel); 0 for a single rank.
        all_reduce_bytes_per_token: numbers summed by them per token, all together; 0 for a single rank.
        gather_bytes_per_sequence: the logits of one token, gathered from all ranks; 0 for a single rank.
    """

    model: str
    ranks: int
    layers: int
    hidden: int
    projections: tuple[Projection, ...]
    mixings: tuple[Mixing, ...]
    experts: int
    experts_active: int
    expert_layers: int
    expert_bytes: int
    other_bytes: int
    embedding_bytes: int
    embedding_bytes_per_token: int
    weight_bytes: int
    layer_bytes: tuple[int, ...]
    kv_bytes_per_token: int
    state_bytes_per_sequence: int
    all_reduces: int
    all_reduce_bytes_per_token: int
    gather_bytes_per_sequence: int

    def arrays(self) -> WorkArrays:
        """Return the same numbers as arrays, for compiled code."""
        return WorkArrays(
            projection_layers=_column(self.projections, "layers"),
            projection_tokens=np.array([TOKENS.index(each.tokens) for each in self.projections], np.int64),
            projection_weight_bytes=_column(self.projections, "weight_bytes"),
            projection_flops=_column(self.projections, "flops_per_token"),
            projection_activation_bytes=_column(self.projections, "activation_bytes_per_token"),
            mixing_layers=_column(self.mixings, "layers"),
            mixing_window=_column(self.mixings, "window"),
            mixing_pair_flops=_column(self.mixings, "flops_per_pair"),
            mixing_decode_pair_flops=_column(self.mixings, "decode_flops_per_pair"),
            mixing_expand_flops=_column(self.mixings, "expand_flops_per_key"),
            mixing_token_flops=_column(self.mixings, "flops_per_token"),
            mixing_kv_bytes=_column(self.mixings, "kv_bytes_per_token"),
            mixing_state_bytes=_column(self.mixings, "state_bytes"),
            experts=self.experts,
            experts_active=self.experts_active,
            all_reduces=self.all_reduces,
            all_reduce_bytes=self.all_reduce_bytes_per_token,
            gather_bytes=self.gather_bytes_per_sequence,
        )


class WorkArrays(NamedTuple):
    """``Work`` for compiled code: int64 arrays and integers, so that one compiled form serves every model.

    ``projection_*`` have an entry per projection and ``mixing_*`` one per kind of mixer, in the order of ``Work``;
    bytes and FLOPs are of one layer, per token (weights: per matrix, state: per sequence).
    """

    projection_layers: Ints
    projection_tokens: Ints
    """0 for all tokens, 1 for those routed to one expert, 2 for the last of each sequence."""
    projection_weight_bytes: Ints
    projection_flops: Ints
    projection_activation_bytes: Ints
    mixing_layers: Ints
    mixing_window: Ints
    """Tokens seen at most; 0 for a fixed state."""
    mixing_pair_flops: Ints
    mixing_decode_pair_flops: Ints
    mixing_expand_flops: Ints
    mixing_token_flops: Ints
    mixing_kv_bytes: Ints
    mixing_state_bytes: Ints
    experts: int
    experts_active: int
    all_reduces: int
    all_reduce_bytes: int
    gather_bytes: int


def _column(rows: tuple[Any, ...], key: str) -> Ints:
    return np.array([getattr(row, key) for row in rows], np.int64)
