"""The matrices of a layer, whole or as one rank of a tensor-parallel group holds them.

Queries, experts' widths and the vocabulary are split over the ranks; keys and values by heads, so that a head that the
queries of several ranks need is on each of them; latents (``mla``) and routers are on every rank.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hiersim.models.matrix import Matrix, Tokens, share

if TYPE_CHECKING:
    from hiersim.models.model import Model


def heads_on(model: Model, ranks: int) -> int:
    """Return the query heads of a rank, of the one with most."""
    return share(model.heads, ranks)


def kv_heads_on(model: Model, ranks: int) -> int:
    """Return the heads of keys and values that a rank's queries need, on the rank that needs most."""
    mine, group = heads_on(model, ranks), model.heads // model.kv_heads
    firsts = range(0, model.heads, mine)
    return max((min(first + mine, model.heads) - 1) // group - first // group + 1 for first in firsts)


def attention(model: Model, ranks: int = 1) -> tuple[Matrix, ...]:
    """Return the matrices of one attention layer."""
    heads, hidden = heads_on(model, ranks), model.hidden
    out = Matrix("attention_out", heads * model.value_width, hidden, hidden * (model.bias == "all"))
    if model.attention == "mla":
        return *_latent(model, heads), out
    query = heads * model.head_dim * (2 if model.output_gate else 1)
    columns = query + kv_heads_on(model, ranks) * (model.head_dim + model.value_width)
    return Matrix("qkv", hidden, columns, columns * (model.bias in ("qkv", "all"))), out


def _latent(model: Model, heads: int) -> tuple[Matrix, ...]:
    """Return the matrices to and from the latents of queries, keys and values."""
    latent, query = model.kv_rank + model.rope_dim, heads * (model.head_dim + model.rope_dim)
    up = Matrix("kv_up", model.kv_rank, heads * (model.head_dim + model.value_width))
    if model.query_rank:
        down = Matrix("qkv_down", model.hidden, model.query_rank + latent)
        return down, Matrix("q_up", model.query_rank, query), up
    return Matrix("q", model.hidden, query), Matrix("kv_down", model.hidden, latent), up


def attention_others(model: Model, ranks: int = 1) -> int:
    """Return the parameters of one attention layer outside of its matrices: norms inside of it, and sinks."""
    latents = model.query_rank + model.kv_rank if model.attention == "mla" else 0
    return latents + 2 * model.head_dim * model.qk_norm + heads_on(model, ranks) * model.sinks


def feed_forward(model: Model, width: int, name: str = "", tokens: Tokens = "all") -> tuple[Matrix, ...]:
    """Return the two matrices of a feed-forward block of this width: up, with the gate where there is one, and down."""
    up, biased = width * (2 if model.gated else 1), model.bias in ("feed", "all")
    return (
        Matrix(f"{name}gate_up" if model.gated else f"{name}up", model.hidden, up, up * biased, tokens),
        Matrix(f"{name}down", width, model.hidden, model.hidden * biased, tokens),
    )


def dense(model: Model, ranks: int = 1) -> tuple[Matrix, ...]:
    """Return the matrices of one dense feed-forward block."""
    return feed_forward(model, share(model.intermediate, ranks))


def expert(model: Model, ranks: int = 1) -> tuple[Matrix, ...]:
    """Return the matrices of one routed expert; none for dense models."""
    if not model.experts:
        return ()
    return feed_forward(model, share(model.expert_intermediate, ranks), "expert_", "expert")


def around_experts(model: Model, ranks: int = 1) -> tuple[Matrix, ...]:
    """Return the matrices of one mixture layer that every token uses: the router, the shared experts and their gate."""
    found: tuple[Matrix, ...] = (Matrix("router", model.hidden, model.experts, model.experts * model.router_bias),)
    if model.experts_shared:
        width = share(model.experts_shared * model.expert_intermediate, ranks)
        found += feed_forward(model, width, "shared_")
    return (*found, Matrix("shared_gate", model.hidden, 1)) if model.shared_gate else found


def head(model: Model, ranks: int = 1) -> Matrix:
    """Return the output matrix, from the residual stream to the vocabulary."""
    columns = share(model.vocabulary, ranks)
    return Matrix("head", model.hidden, columns, columns * model.head_bias, "last")
