"""A language model by its shapes; sizes and FLOPs follow from them by formulas, not from tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hiersim.models import shapes
from hiersim.models.dtypes import bytes_of
from hiersim.models.figure import Figure
from hiersim.models.matrix import parameters_of
from hiersim.models.reach import UNLIMITED, keys_seen
from hiersim.models.state import State

Mixer = Literal["full", "window", "state"]
Feed = Literal["dense", "experts", "none"]


@dataclass(frozen=True)
class Model:
    """A decoder-only language model.

    Attributes:
        name: the catalogue's name, such as ``llama-3.1-8b``.
        about: what it is, in a line.
        source: where the shapes are from.
        confidence: measured, simulated, datasheet, vendor or estimate.
        attention: ``mha`` (each head its own keys and values), ``gqa`` (shared by groups of heads), ``mla`` (one
            low-rank latent for all heads) or ``none`` (all layers have a fixed state).
        layers: layers, each a mixer of tokens (attention or state) and perhaps a feed-forward block.
        hidden: width of the residual stream.
        heads: query heads; 0 without attention.
        kv_heads: heads of keys and values; equal to ``heads`` for ``mha``.
        head_dim: width of a query and key head; for ``mla`` the part without position.
        intermediate: width of the dense feed-forward blocks; 0 for none.
        vocabulary: rows of the embedding.
        context: the longest context, tokens.
        gated: the feed-forward blocks have three matrices (SwiGLU), else two.
        bias: which matrices have a bias: ``none``, ``qkv``, ``feed`` (feed-forward) or ``all``.
        norm_bias: the norms have a bias (LayerNorm), else only a scale (RMSNorm).
        norms: norms of a layer over the residual stream.
        tied: the output matrix is the embedding.
        positions: rows of a learned position table; 0 for others.
        experts: routed experts in a mixture-of-experts layer; 0 for dense models.
        experts_active: routed experts that a token uses.
        experts_shared: experts that every token uses.
        expert_intermediate: width of one expert.
        expert_dtype: the type in which the experts' matrices are published where it is another than the rest's.
        dense_layers: leading layers that are dense in a mixture of experts.
        query_rank: rank of the query's down-projection (``mla``); 0 for none.
        kv_rank: width of the latent of keys and values (``mla``).
        rope_dim: width of the key's rotary part, kept beside the latent (``mla``).
        value_dim: width of a value head (``mla``); 0 means ``head_dim``.
        mixers: the kinds of the layers' mixers in turn, repeated over the layers: ``full``, ``window``, ``state``.
        feeds: the same for the feed-forward blocks: ``dense``, ``experts``, ``none``; empty for what follows from
            ``experts``, ``dense_layers`` and ``intermediate``.
        window: tokens that a query in a ``window`` layer sees, itself included.
        state: shapes of the ``state`` layers.
        parallel: attention and feed-forward block read the same input, and their sums are added at once.
        qk_norm: queries and keys have a norm over each head.
        output_gate: attention's output is gated by as many further numbers from the query matrix.
        sinks: each head has a learned sink that takes part in its softmax.
        router_bias: the router has a number per expert beside its matrix.
        shared_gate: the shared expert's output is gated by one number per token.
        embedding_norm: the embedding's output has a norm.
        head_bias: the output matrix has a bias.
        published: figures that its publisher states, to check the formulas against.
    """

    name: str
    about: str
    source: str
    confidence: str
    attention: Literal["mha", "gqa", "mla", "none"]
    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    intermediate: int
    vocabulary: int
    context: int
    gated: bool = True
    bias: Literal["none", "qkv", "feed", "all"] = "none"
    norm_bias: bool = False
    norms: int = 2
    tied: bool = False
    positions: int = 0
    experts: int = 0
    experts_active: int = 0
    experts_shared: int = 0
    expert_intermediate: int = 0
    expert_dtype: str = ""
    dense_layers: int = 0
    query_rank: int = 0
    kv_rank: int = 0
    rope_dim: int = 0
    value_dim: int = 0
    mixers: tuple[Mixer, ...] = ("full",)
    feeds: tuple[Feed, ...] = ()
    window: int = 0
    state: State | None = None
    parallel: bool = False
    qk_norm: bool = False
    output_gate: bool = False
    sinks: bool = False
    router_bias: bool = False
    shared_gate: bool = False
    embedding_norm: bool = False
    head_bias: bool = False
    published: tuple[tuple[str, Figure], ...] = ()

    @property
    def value_width(self) -> int:
        """Width of a value head."""
        return self.value_dim or self.head_dim

    def mixer_of(self, layer: int) -> Mixer:
        """Return how a layer, counted from 0, mixes tokens."""
        return self.mixers[layer % len(self.mixers)]

    def feed_of(self, layer: int) -> Feed:
        """Return the kind of a layer's feed-forward block, layers counted from 0."""
        if self.feeds:
            return self.feeds[layer % len(self.feeds)]
        if self.experts and layer >= self.dense_layers:
            return "experts"
        return "dense" if self.intermediate else "none"

    def layers_with(self, kind: str) -> int:
        """Return the number of layers with a mixer or a feed-forward block of this kind."""
        return sum(kind in (self.mixer_of(layer), self.feed_of(layer)) for layer in range(self.layers))

    @property
    def window_tokens(self) -> int:
        """Tokens that a query in a window layer sees; without end where no window is set."""
        return self.window or UNLIMITED

    @property
    def attention_parameters(self) -> int:
        """Parameters of one layer's attention, with the norms inside of it."""
        return parameters_of(shapes.attention(self)) + shapes.attention_others(self)

    @property
    def expert_parameters(self) -> int:
        """Parameters of one expert; 0 for dense models."""
        return parameters_of(shapes.expert(self))

    def layer_parameters(self, layer: int, active: bool = False) -> int:
        """Return the parameters of one layer.

        Args:
            layer: counted from 0.
            active: count only the experts that one token uses.
        """
        found = self.norms * self.hidden * (1 + self.norm_bias)
        if self.mixer_of(layer) != "state":
            found += self.attention_parameters
        elif self.state is not None:
            found += parameters_of(self.state.matrices(self.hidden)) + self.state.other_parameters
        if self.feed_of(layer) == "dense":
            found += parameters_of(shapes.dense(self))
        if self.feed_of(layer) == "experts":
            found += parameters_of(shapes.around_experts(self))
            found += (self.experts_active if active else self.experts) * self.expert_parameters
        return found

    @property
    def embedding_parameters(self) -> int:
        """Parameters of the token embedding."""
        return self.vocabulary * self.hidden

    def _total(self, active: bool) -> int:
        layers = sum(self.layer_parameters(layer, active) for layer in range(self.layers))
        tables = self.embedding_parameters * (1 if self.tied else 2) + self.positions * self.hidden
        norms = (1 + self.embedding_norm) * self.hidden * (1 + self.norm_bias)
        return layers + tables + norms + self.vocabulary * self.head_bias

    @property
    def parameters(self) -> int:
        """All parameters."""
        return self._total(active=False)

    @property
    def active_parameters(self) -> int:
        """The parameters that one token uses; fewer than all in a mixture of experts."""
        return self._total(active=True)

    @property
    def active_parameters_without_lookup(self) -> int:
        """The parameters that one token is multiplied with: those it uses, less an embedding that is only looked up."""
        return self.active_parameters - (0 if self.tied else self.embedding_parameters)

    @property
    def parameters_without_embedding(self) -> int:
        """All parameters but the embedding and the output matrix."""
        return self.parameters - self.embedding_parameters * (1 if self.tied else 2)

    def weight_bytes(self, dtype: str = "bf16") -> int:
        """Return the bytes of all weights in one type, rounded up."""
        return bytes_of(self.parameters, dtype)

    @property
    def published_bytes(self) -> int:
        """Bytes of the weights as published: the experts' matrices in their own type, all else in bf16."""
        blocks = sum(each.rows * each.columns for each in shapes.expert(self)) if self.expert_dtype else 0
        blocks *= self.experts * self.layers_with("experts")
        return bytes_of(self.parameters - blocks, "bf16") + bytes_of(blocks, self.expert_dtype or "bf16")

    @property
    def kv_values_per_layer(self) -> int:
        """The numbers that one token adds to the keys and values of one attention layer."""
        if self.attention == "mla":
            return self.kv_rank + self.rope_dim
        return self.kv_heads * (self.head_dim + self.value_width)

    @property
    def kv_values_per_token(self) -> int:
        """The numbers that one token adds to the keys and values of all layers, windowed ones included."""
        return (self.layers_with("full") + self.layers_with("window")) * self.kv_values_per_layer

    def kv_bytes_per_token(self, dtype: str = "bf16") -> int:
        """Return the bytes that one token adds to the keys and values of all layers, rounded up.

        What windowed layers add is dropped again once it has left the window: see ``kv_bytes``.

        Raises:
            ConfigError: an unknown type.
        """
        return bytes_of(self.kv_values_per_token, dtype)

    def state_bytes(self, dtype: str = "bf16") -> int:
        """Return the bytes of fixed state that a sequence keeps in all layers, whatever its length."""
        return bytes_of(self.layers_with("state") * self.state.values, dtype) if self.state else 0

    def kv_bytes(self, context: int, dtype: str = "bf16") -> int:
        """Return the bytes that a sequence of ``context`` tokens keeps: keys and values within reach, and fixed state.

        Raises:
            ConfigError: an unknown type.
        """
        kept = self.layers_with("full") * context + self.layers_with("window") * min(context, self.window_tokens)
        return bytes_of(kept * self.kv_values_per_layer, dtype) + self.state_bytes(dtype)

    @property
    def _matrix_flops(self) -> int:
        """FLOPs per token of all layers, without attention over the context and without the output matrix.

        A multiplication and an addition per parameter that a token uses; a fixed state's update counts as itself.
        """
        found = 2 * sum(self.layer_parameters(layer, active=True) for layer in range(self.layers))
        if self.state is None:
            return found
        return found + self.layers_with("state") * (self.state.flops_per_token - 2 * self.state.other_parameters)

    @property
    def _pair_flops(self) -> int:
        """FLOPs of one layer per query and token seen: scores and weighted values, all heads."""
        return 2 * self.heads * (self.head_dim + self.rope_dim + self.value_width)

    def flops_per_token(self, context: int = 0) -> int:
        """Return the FLOPs to produce one token: twice the active parameters, and attention over the context.

        The embedding is a look-up and costs none; the output matrix counts.

        Args:
            context: tokens attended to, itself included.
        """
        seen = self.layers_with("full") * context + self.layers_with("window") * min(context, self.window_tokens)
        return self._matrix_flops + 2 * self.embedding_parameters + self._pair_flops * seen

    def prefill_flops(self, start: Any, tokens: int) -> NDArray[np.float64]:
        """Return the FLOPs to process ``tokens`` tokens after a context of ``start`` tokens, without the output matrix.

        Token k of them attends to ``start + k`` tokens, k from 1, or to those of them that are within a window.

        Args:
            start: tokens before; a number or an array, which gives an array of the same shape.
            tokens: tokens to process.
        """
        before = np.asarray(start, np.int64)
        seen = self.layers_with("full") * keys_seen(before, tokens).astype(np.float64)
        seen += self.layers_with("window") * keys_seen(before, tokens, self.window_tokens)
        return np.asarray(tokens * float(self._matrix_flops) + float(self._pair_flops) * seen)
