"""From a model to the work of one rank: every matrix and every mixer of tokens, split by tensor parallelism."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from hiersim.errors import ConfigError
from hiersim.models import shapes
from hiersim.models.dtypes import bytes_of
from hiersim.models.matrix import Matrix, share
from hiersim.models.model import Model
from hiersim.models.reach import UNLIMITED
from hiersim.models.work import Mixing, Projection, Work


@dataclass(frozen=True)
class Dtypes:
    """How numbers are stored; names of ``DTYPE_BITS``.

    Attributes:
        weights: all weights but the experts'.
        experts: the matrices of routed experts; empty for as published, or else as ``weights``.
        kv: keys and values.
        state: fixed states.
        activations: what goes into and comes out of projections, and over the link between ranks.
    """

    weights: str = "bf16"
    experts: str = ""
    kv: str = "bf16"
    state: str = "bf16"
    activations: str = "bf16"


def work_of(model: Model, ranks: int = 1, dtypes: Dtypes | None = None) -> Work:
    """Return what one rank holds and does, of a model split by tensor parallelism.

    Args:
        model: the model to split.
        ranks: ranks of equal size; must divide the query heads.
        dtypes: how numbers are stored; bf16 when absent, experts as published.

    Raises:
        ConfigError: ranks that do not divide the heads, an unknown data type.
    """
    _check(model, ranks)
    types = dtypes or Dtypes()
    projections, mixings = _projections(model, ranks, types), _mixings(model, ranks, types)
    others = sum(_others_in(model, _parts_of(model, layer)[0], ranks) for layer in range(model.layers))
    layer_bytes = _layer_bytes(model, ranks, types)
    embedding = 0 if model.tied else bytes_of(share(model.vocabulary, ranks) * model.hidden, types.weights)
    outside = bytes_of(_outside_parameters(model), types.weights)
    reduced = _reduced(model) if ranks > 1 else ()
    return Work(
        model=model.name,
        ranks=ranks,
        layers=model.layers,
        hidden=model.hidden,
        projections=projections,
        mixings=mixings,
        experts=model.experts,
        experts_active=model.experts_active,
        expert_layers=model.layers_with("experts"),
        expert_bytes=sum(each.weight_bytes for each in projections if each.tokens == "expert"),
        other_bytes=bytes_of(others, types.weights) + outside,
        embedding_bytes=embedding,
        embedding_bytes_per_token=bytes_of(model.hidden, types.weights),
        weight_bytes=sum(layer_bytes) + projections[-1].weight_bytes + embedding + outside,
        layer_bytes=layer_bytes,
        kv_bytes_per_token=sum(each.layers * each.kv_bytes_per_token for each in mixings),
        state_bytes_per_sequence=sum(each.layers * each.state_bytes for each in mixings),
        all_reduces=len(reduced),
        all_reduce_bytes_per_token=bytes_of(sum(reduced), types.activations),
        gather_bytes_per_sequence=bytes_of(model.vocabulary, types.activations) if ranks > 1 else 0,
    )


def _check(model: Model, ranks: int) -> None:
    if ranks < 1:
        raise ConfigError(f"ranks must be at least 1, got {ranks}")
    heads = {"query heads": model.heads, "heads of state": model.state.heads if model.state else 0}
    for what, number in heads.items():
        if number % ranks:
            raise ConfigError(f"{model.name}: its {number} {what} cannot be split over {ranks} ranks")


def _parts(model: Model, ranks: int) -> dict[str, tuple[Matrix, ...]]:
    """Return the matrices of each part of a layer, of those that the model has, and of the head."""
    attention = shapes.attention(model, ranks) if model.attention != "none" else ()
    experts = (*shapes.around_experts(model, ranks), *shapes.expert(model, ranks)) if model.experts else ()
    return {
        "attention": attention,
        "state": model.state.on_rank(ranks).matrices(model.hidden) if model.state else (),
        "dense": shapes.dense(model, ranks),
        "experts": experts,
        "head": (shapes.head(model, ranks),),
    }


def _parts_of(model: Model, layer: int) -> tuple[str, str]:
    """Return the two parts of a layer: its mixer and its feed-forward block."""
    return "state" if model.mixer_of(layer) == "state" else "attention", model.feed_of(layer)


def _projections(model: Model, ranks: int, types: Dtypes) -> tuple[Projection, ...]:
    """Return all matrices of a rank, with the layers that have them."""
    layers = Counter(part for layer in range(model.layers) for part in _parts_of(model, layer)) + Counter(head=1)
    parts = _parts(model, ranks)
    return tuple(
        _projection(model, each, layers[part], types) for part in parts if layers[part] for each in parts[part]
    )


def _layer_bytes(model: Model, ranks: int, types: Dtypes) -> tuple[int, ...]:
    """Return the weights of each layer of a rank, bytes."""
    size = {
        part: sum(_stored(model, each, types) * (model.experts if each.tokens == "expert" else 1) for each in matrices)
        for part, matrices in _parts(model, ranks).items()
    } | {"none": 0}
    others = {part: bytes_of(_others_in(model, part, ranks), types.weights) for part in ("state", "attention")}
    return tuple(
        size[mixer] + others[mixer] + size[feed] for mixer, feed in (_parts_of(model, i) for i in range(model.layers))
    )


def _stored(model: Model, matrix: Matrix, types: Dtypes) -> int:
    """Return the bytes of one matrix and its bias."""
    routed = matrix.tokens == "expert"
    dtype = (types.experts or model.expert_dtype or types.weights) if routed else types.weights
    return bytes_of(matrix.rows * matrix.columns, dtype) + bytes_of(matrix.bias, types.weights)


def _projection(model: Model, matrix: Matrix, layers: int, types: Dtypes) -> Projection:
    return Projection(
        name=matrix.name,
        layers=layers,
        rows=matrix.rows,
        columns=matrix.columns,
        weight_bytes=_stored(model, matrix, types),
        flops_per_token=matrix.flops_per_token,
        activation_bytes_per_token=bytes_of(matrix.rows + matrix.columns, types.activations),
        tokens=matrix.tokens,
    )


def _mixings(model: Model, ranks: int, types: Dtypes) -> tuple[Mixing, ...]:
    kinds = dict.fromkeys(model.mixer_of(layer) for layer in range(model.layers))
    return tuple(
        _state(model, ranks, types) if kind == "state" else _attention(model, ranks, types, kind) for kind in kinds
    )


def _attention(model: Model, ranks: int, types: Dtypes, kind: str) -> Mixing:
    heads, latent = shapes.heads_on(model, ranks), model.attention == "mla"
    kv_heads = 1 if latent else shapes.kv_heads_on(model, ranks)
    values = model.kv_values_per_layer if latent else kv_heads * (model.head_dim + model.value_width)
    pair = 2 * heads * (model.head_dim + model.rope_dim + model.value_width)
    absorbed = 2 * heads * (2 * model.kv_rank + model.rope_dim)
    return Mixing(
        kind=kind,
        layers=model.layers_with(kind),
        window=model.window_tokens if kind == "window" else UNLIMITED,
        heads=heads,
        kv_heads=kv_heads,
        flops_per_pair=pair,
        decode_flops_per_pair=absorbed if latent else pair,
        expand_flops_per_key=2 * model.kv_rank * heads * (model.head_dim + model.value_width) if latent else 0,
        kv_bytes_per_token=bytes_of(values, types.kv),
    )


def _state(model: Model, ranks: int, types: Dtypes) -> Mixing:
    assert model.state is not None
    state = model.state.on_rank(ranks)
    return Mixing(
        kind="state",
        layers=model.layers_with("state"),
        window=0,
        flops_per_token=state.flops_per_token,
        state_bytes=bytes_of(state.values, types.state),
    )


def _others_in(model: Model, mixer: str, ranks: int) -> int:
    """Return the parameters of one layer of a rank that are in no projection."""
    norms = model.norms * model.hidden * (1 + model.norm_bias)
    if mixer == "state":
        return norms + (model.state.on_rank(ranks).other_parameters if model.state else 0)
    return norms + (shapes.attention_others(model, ranks) if model.attention != "none" else 0)


def _outside_parameters(model: Model) -> int:
    """Return the parameters outside of all layers that are neither embedding nor head."""
    return (1 + model.embedding_norm) * model.hidden * (1 + model.norm_bias) + model.positions * model.hidden


def _reduced(model: Model) -> tuple[int, ...]:
    """Return the numbers per token of each sum over the ranks, in a whole step."""
    found = [model.hidden]
    for layer in range(model.layers):
        found.append(model.hidden)
        if model.mixer_of(layer) == "state" and model.state is not None and model.state.kind == "mamba":
            found.append(model.state.rank + 2 * model.state.size)
        if model.feed_of(layer) != "none" and not model.parallel:
            found.append(model.hidden)
    return tuple(found)
