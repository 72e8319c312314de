"""A transformer by its shapes; sizes and FLOPs follow from them by formulas, not from tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hiersim.errors import ConfigError, nearest

DTYPE_BITS = {"fp32": 32, "bf16": 16, "fp16": 16, "fp8": 8, "int8": 8, "fp4": 4, "int4": 4}
"""Bits of one number, by the name of its type; scales and other metadata are a codec's business."""


def bits_of(dtype: str) -> int:
    """Return the bits of one number of a type.

    Raises:
        ConfigError: an unknown type, with the nearest one.
    """
    if dtype not in DTYPE_BITS:
        raise ConfigError(f"unknown data type `{dtype}`{nearest(dtype, DTYPE_BITS)} (one of {', '.join(DTYPE_BITS)})")
    return DTYPE_BITS[dtype]


@dataclass(frozen=True)
class Figure:
    """A figure that somebody published.

    Attributes:
        value: the figure, as published.
        source: the document that states it.
        confidence: measured, simulated, datasheet, vendor or estimate.
    """

    value: float
    source: str
    confidence: str


@dataclass(frozen=True)
class Model:
    """A decoder-only transformer.

    Attributes:
        name: the catalogue's name, such as ``llama-3.1-8b``.
        about: what it is, in a line.
        source: where the shapes are from.
        confidence: measured, simulated, datasheet, vendor or estimate.
        attention: ``mha`` (each head its own keys and values), ``gqa`` (shared by groups of heads) or ``mla`` (one
            low-rank latent for all heads).
        layers: transformer layers.
        hidden: width of the residual stream.
        heads: query heads.
        kv_heads: heads of keys and values; equal to ``heads`` for ``mha``.
        head_dim: width of a query and key head; for ``mla`` the part without position.
        intermediate: width of the dense feed-forward layers.
        vocabulary: rows of the embedding.
        gated: the feed-forward layers have three matrices (SwiGLU), else two.
        bias: which matrices have a bias: ``none``, ``qkv`` or ``all``.
        norm_bias: the norms have a bias (LayerNorm), else only a scale (RMSNorm).
        tied: the output matrix is the embedding.
        positions: rows of a learned position table; 0 for rotary positions.
        experts: routed experts in a mixture-of-experts layer; 0 for dense models.
        experts_active: routed experts that a token uses.
        experts_shared: experts that every token uses.
        expert_intermediate: width of one expert.
        dense_layers: leading layers that are dense in a mixture of experts.
        query_rank: rank of the query's down-projection (``mla``); 0 for none.
        kv_rank: width of the latent of keys and values (``mla``).
        rope_dim: width of the key's rotary part, kept beside the latent (``mla``).
        value_dim: width of a value head (``mla``); 0 means ``head_dim``.
        context: the longest context, tokens.
        published: figures that its publisher states, to check the formulas against.
    """

    name: str
    about: str
    source: str
    confidence: str
    attention: Literal["mha", "gqa", "mla"]
    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    intermediate: int
    vocabulary: int
    context: int
    gated: bool = True
    bias: Literal["none", "qkv", "all"] = "none"
    norm_bias: bool = False
    tied: bool = False
    positions: int = 0
    experts: int = 0
    experts_active: int = 0
    experts_shared: int = 0
    expert_intermediate: int = 0
    dense_layers: int = 0
    query_rank: int = 0
    kv_rank: int = 0
    rope_dim: int = 0
    value_dim: int = 0
    published: tuple[tuple[str, Figure], ...] = ()

    @property
    def value_width(self) -> int:
        """Width of a value head."""
        return self.value_dim or self.head_dim

    @property
    def attention_parameters(self) -> int:
        """Parameters of one layer's attention."""
        query, value = self.heads * (self.head_dim + self.rope_dim), self.heads * self.value_width
        if self.attention == "mla":
            rank = self.query_rank
            down = self.hidden * (rank + self.kv_rank + self.rope_dim) + rank + self.kv_rank  # with their norms
            return (
                down
                + rank * query
                + self.kv_rank * self.heads * (self.head_dim + self.value_width)
                + value * self.hidden
            )
        keys = self.kv_heads * self.head_dim
        bias = (query + 2 * keys) * (self.bias != "none") + self.hidden * (self.bias == "all")
        return self.hidden * (query + 2 * keys + value) + bias

    def _feed_forward(self, width: int) -> int:
        """Return the parameters of a feed-forward block of this width."""
        bias = (width + self.hidden) * (self.bias == "all")
        return (3 if self.gated else 2) * self.hidden * width + bias

    @property
    def expert_parameters(self) -> int:
        """Parameters of one expert; 0 for dense models."""
        return self._feed_forward(self.expert_intermediate) if self.experts else 0

    @property
    def _router_parameters(self) -> int:
        return self.experts * (self.hidden + 1) if self.experts else 0

    def layer_parameters(self, layer: int, active: bool = False) -> int:
        """Return the parameters of one layer.

        Args:
            layer: counted from 0.
            active: count only the experts that one token uses.
        """
        norms = 2 * self.hidden * (1 + self.norm_bias)
        if not self.experts or layer < self.dense_layers:
            return self.attention_parameters + self._feed_forward(self.intermediate) + norms
        experts = (self.experts_active if active else self.experts) + self.experts_shared
        return self.attention_parameters + experts * self.expert_parameters + self._router_parameters + norms

    @property
    def embedding_parameters(self) -> int:
        """Parameters of the token embedding."""
        return self.vocabulary * self.hidden

    def _total(self, active: bool) -> int:
        layers = sum(self.layer_parameters(layer, active) for layer in range(self.layers))
        tables = self.embedding_parameters * (1 if self.tied else 2) + self.positions * self.hidden
        return layers + tables + self.hidden * (1 + self.norm_bias)

    @property
    def parameters(self) -> int:
        """All parameters."""
        return self._total(active=False)

    @property
    def active_parameters(self) -> int:
        """The parameters that one token uses; fewer than all in a mixture of experts."""
        return self._total(active=True)

    def weight_bytes(self, dtype: str = "bf16") -> int:
        """Return the bytes of all weights, rounded up."""
        return -(-self.parameters * bits_of(dtype) // 8)

    @property
    def kv_values_per_token(self) -> int:
        """The numbers that one token adds to the keys and values of all layers."""
        if self.attention == "mla":
            return self.layers * (self.kv_rank + self.rope_dim)
        return 2 * self.layers * self.kv_heads * self.head_dim

    def kv_bytes_per_token(self, dtype: str = "bf16") -> int:
        """Return the bytes that one token adds to the keys and values of all layers, rounded up.

        Raises:
            ConfigError: an unknown type.
        """
        return -(-self.kv_values_per_token * bits_of(dtype) // 8)

    @property
    def _matrix_flops(self) -> int:
        """FLOPs per token of all layers' matrices: a multiplication and an addition per active parameter."""
        return 2 * sum(self.layer_parameters(layer, active=True) for layer in range(self.layers))

    @property
    def _attention_flops(self) -> int:
        """FLOPs per token and token of context: scores and weighted values, all heads and layers."""
        return 2 * self.layers * self.heads * (self.head_dim + self.rope_dim + self.value_width)

    def flops_per_token(self, context: int = 0) -> int:
        """Return the FLOPs to produce one token: twice the active parameters, and attention over the context.

        The embedding is a look-up and costs none; the output matrix counts.

        Args:
            context: tokens attended to, itself included.
        """
        return self._matrix_flops + 2 * self.embedding_parameters + self._attention_flops * context

    def prefill_flops(self, start: Any, tokens: int) -> NDArray[np.float64]:
        """Return the FLOPs to process ``tokens`` tokens after a context of ``start`` tokens, without the output matrix.

        Token k of them attends to ``start + k`` tokens, k from 1.

        Args:
            start: tokens before; a number or an array, which gives an array of the same shape.
            tokens: tokens to process.
        """
        before = np.asarray(start, np.float64)
        seen = tokens * before + tokens * (tokens + 1) / 2
        result: NDArray[np.float64] = tokens * float(self._matrix_flops) + float(self._attention_flops) * seen
        return result
