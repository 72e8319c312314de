"""What the generators of decoding steps share: the shape of the model, the batch, and what a layer reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hiersim.traces.generators.generator import parameter
from hiersim.traces.operation import DTYPES


@dataclass(frozen=True)
class DecodeParameters:
    """Parameters of every decoding step; each generator has the defaults of its paper's model."""

    requests: int = parameter(1, "requests in the batch", low=1, high=10**5)
    context: int = parameter(1024, "tokens whose KV a request attends to", low=1, high=10**8)
    steps: int = parameter(1, "tokens that each request decodes", low=1, high=10**4)
    layers: int = parameter(40, "layers", low=1, high=10**4)
    heads: int = parameter(40, "query heads", low=1, high=1024)
    kv_heads: int = parameter(40, "KV heads", low=1, high=1024)
    head_dim: int = parameter(128, "elements of a head", low=1, high=65536)
    layer_weights: int = parameter(629_145_600, "bytes of a layer's matrices; 0: attention alone", unit="bytes")
    element: int = parameter(2, "bytes of an element", low=1, high=8)
    dtype: str = parameter("fp16", "number format of the FLOPs", one_of=DTYPES)
    unit: str = parameter("gpu0", "the unit that computes everything but attention")
    near: str = parameter("vram", "its near tier, with the weights")

    @property
    def vector(self) -> int:
        """Bytes of a token's hidden state in a layer, as many as of its queries."""
        return self.heads * self.head_dim * self.element

    @property
    def token_kv(self) -> int:
        """Bytes of a token's keys and values in a layer."""
        return 2 * self.kv_heads * self.head_dim * self.element

    def dense(self, requests: int, weights: int = -1) -> dict[str, Any]:
        """Return the work of a layer's matrices for a token of so many requests.

        Args:
            requests: whose tokens.
            weights: bytes of the matrices; all of a layer when absent.
        """
        weights = self.layer_weights if weights < 0 else weights
        return {
            "unit": self.unit,
            "flops": 2 * requests * weights // self.element,
            "near_read": weights,
            "near_class": "weight",
            "dtype": self.dtype,
        }

    def attention_flops(self, tokens: int, heads: int = 0) -> int:
        """Return the FLOPs of a request's queries over so many tokens, of some query heads, else of all of a layer."""
        return 4 * tokens * (heads or self.heads) * self.head_dim

    def carry(self, unit: str, source: str, target: str, size: int) -> dict[str, Any]:
        """Return what carries vectors from one tier to another."""
        return {
            "unit": unit,
            "action": "carry",
            "source": source,
            "target": target,
            "near_read": size,
            "near_class": "activation",
        }
