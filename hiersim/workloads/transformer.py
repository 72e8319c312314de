"""A language model as the parts that an offloading engine loads and computes one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hiersim.errors import ConfigError
from hiersim.models import Model, shapes
from hiersim.models.matrix import Matrix

EMBEDDING, ATTENTION, FEED, ROUTER, HEAD = "embedding", "attention", "feed", "router", "head"


@dataclass(frozen=True)
class Tensor:
    """Weights that are stored as one.

    Attributes:
        name: such as ``query`` or ``down``; ``vectors`` are all biases and norms of a part.
        numbers: how many.
        flops_per_token: 2 per number of a matrix; 0 for what is looked up or added.
    """

    name: str
    numbers: int
    flops_per_token: int = 0


@dataclass(frozen=True)
class Part:
    """What is loaded and computed as one: a layer's attention or feed-forward block, the embedding, or the head.

    Attributes:
        kind: ``embedding``, ``attention``, ``feed``, ``router`` or ``head``.
        layer: counted from 0; -1 outside of the layers.
        tensors: in the order in which they are stored.
        activations: numbers per token that go into and come out of its matrices.
    """

    kind: str
    layer: int
    tensors: tuple[Tensor, ...]
    activations: int

    @property
    def numbers(self) -> int:
        """All its weights."""
        return sum(tensor.numbers for tensor in self.tensors)

    @property
    def flops_per_token(self) -> int:
        """FLOPs of its matrices per token."""
        return sum(tensor.flops_per_token for tensor in self.tensors)

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.kind if self.layer < 0 else f"{self.kind}{self.layer}"


def dense_parts(model: Model) -> tuple[Part, ...]:
    """Return the embedding, attention and feed-forward block of each layer, and the head.

    Raises:
        ConfigError: a layer has something other than attention over all tokens and a dense feed-forward block.
    """
    for layer in range(model.layers):
        found = (model.mixer_of(layer), model.feed_of(layer))
        if found != ("full", "dense") or model.attention == "mla":
            what = "multi-head latent attention" if model.attention == "mla" else f"{found[0]} and {found[1]}"
            raise ConfigError(f"model `{model.name}`: layer {layer} has {what}; only full attention with a dense "
                              "feed-forward block can be scheduled")  # fmt: skip
    layers = (part for layer in range(model.layers) for part in (attention_part(model, layer), feed_part(model, layer)))
    return embedding_part(model), *layers, head_part(model)


def attention_part(model: Model, layer: int) -> Part:
    """Return the attention of one layer: queries, keys, values and output."""
    hidden = model.hidden
    widths = {
        "query": model.heads * model.head_dim,
        "key": model.kv_heads * model.head_dim,
        "value": model.kv_heads * model.value_width,
    }
    whole, out = shapes.attention(model)
    tensors = [Tensor(name, hidden * width, 2 * hidden * width) for name, width in widths.items()]
    tensors.append(Tensor("output", out.rows * out.columns, out.flops_per_token))
    vectors = whole.bias + out.bias + shapes.attention_others(model) + _norms(model)
    activations = sum(each.rows + each.columns for each in (whole, out))
    return Part(ATTENTION, layer, _with_vectors(tensors, vectors), activations)


def feed_part(model: Model, layer: int) -> Part:
    """Return the dense feed-forward block of one layer."""
    return _of_matrices(model, FEED, layer, shapes.dense(model))


def router_part(model: Model, layer: int) -> Part:
    """Return what every token uses of a layer with experts: the router, and the shared experts with their gate."""
    return _of_matrices(model, ROUTER, layer, shapes.around_experts(model))


def _of_matrices(model: Model, kind: str, layer: int, matrices: Sequence[Matrix]) -> Part:
    tensors = [Tensor(each.name, each.rows * each.columns, each.flops_per_token) for each in matrices]
    vectors = sum(each.bias for each in matrices) + _norms(model)
    activations = sum(each.rows + each.columns for each in matrices)
    return Part(kind, layer, _with_vectors(tensors, vectors), activations)


def embedding_part(model: Model) -> Part:
    """Return the embedding of tokens and positions."""
    tensors = [Tensor("tokens", model.embedding_parameters)]
    if model.positions:
        tensors.append(Tensor("positions", model.positions * model.hidden))
    return Part(EMBEDDING, -1, tuple(tensors), 2 * model.hidden)


def head_part(model: Model) -> Part:
    """Return the output matrix with the last norm; a matrix of its own also where it is the embedding."""
    matrix = shapes.head(model)
    tensors = [Tensor("logits", matrix.rows * matrix.columns, matrix.flops_per_token)]
    vectors = matrix.bias + model.hidden * (1 + model.norm_bias)
    return Part(HEAD, -1, _with_vectors(tensors, vectors), matrix.rows + matrix.columns)


def _norms(model: Model) -> int:
    """Return the numbers of a part's norms: half of its layer's."""
    return model.norms * model.hidden * (1 + model.norm_bias) // 2


def _with_vectors(tensors: list[Tensor], numbers: int) -> tuple[Tensor, ...]:
    return (*tensors, Tensor("vectors", numbers)) if numbers else tuple(tensors)
