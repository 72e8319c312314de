"""Layer ahead: while one layer of a model computes, fetch the objects of the next; after the last comes the first.

Every access of a layer names the next ``degree`` objects of the layer ``ahead``, round and round, so that the fetches
spread over the time that the layer takes and those that were dropped are named again. An object's layer is what its id
says (``layers.7.mlp``, ``h.7.attn``, ``blocks.7``); where ids are plain numbers, ``per_layer`` objects each, in the
order of first use.

Rhu, Gimelshein, Clemons, Zulfiqar, Keckler: vDNN: virtualized deep neural networks for scalable, memory-efficient
neural network design. MICRO 2016. Sheng et al.: FlexGen: high-throughput generative inference of large language models
with a single GPU. ICML 2023 (the next layer's weights while this one computes).
"""

from typing import NamedTuple

import numpy as np

from hiersim.policies.prefetch.contract import MOST, Access, Setup


class Params(NamedTuple):
    """Parameters of layer ahead."""

    ahead: int = 1  # layers
    degree: int = 8  # objects named at each access
    per_layer: int = 0  # objects of a layer; 0: the ids name it


class State(NamedTuple):
    """The layers, numbered from 0 without gaps, and where each stream is."""

    layer: np.ndarray  # int32[objects]: -1 for none
    start: np.ndarray  # int64[layers + 1]: where each layer starts in `members`
    members: np.ndarray  # int32[objects with a layer]: the objects of each layer in the order of first use
    current: np.ndarray  # int64[streams]: the layer of the last access; -1 at first
    cursor: np.ndarray  # int64[streams]: the next member to name
    rule: np.ndarray  # int64[2]: ahead, degree


def init(setup: Setup) -> State:
    """Sort the objects by layer."""
    layers = _layers(setup)
    known = np.unique(layers[layers >= 0])
    layer = np.where(layers >= 0, np.searchsorted(known, layers), -1).astype(np.int32)
    members = np.argsort(layer, kind="stable")[np.count_nonzero(layer < 0) :].astype(np.int32)
    start = np.searchsorted(layer[members], np.arange(len(known) + 1)).astype(np.int64)
    current, cursor = np.full(setup.streams, -1, np.int64), np.zeros(setup.streams, np.int64)
    return State(layer, start, members, current, cursor, np.array(setup.params[:2], np.int64))


def on_access(state: State, key: int, req: Access, out: np.ndarray) -> int:
    """Name the next members of the layer ahead."""
    s, here = req.stream, state.layer[key]
    if here < 0:
        return 0
    if state.current[s] != here:
        state.current[s] = here
        state.cursor[s] = 0
    ahead = (here + state.rule[0]) % (state.start.shape[0] - 1)
    if ahead == here:
        return 0
    first = state.start[ahead]
    there = state.start[ahead + 1] - first
    count = min(state.rule[1], there)
    for i in range(count):
        out[i] = state.members[first + (state.cursor[s] + i) % there]
    state.cursor[s] = (state.cursor[s] + count) % there
    return int(count)


def _layers(setup: Setup) -> np.ndarray:
    each = setup.params.per_layer
    return np.arange(setup.objects) // each if each > 0 else setup.layers


def check_params(params: Params) -> str:
    """Say what is wrong with the parameters, or nothing."""
    if params.ahead < 1:
        return f"ahead must be 1 or more, got {params.ahead}"
    if not 1 <= params.degree <= MOST:
        return f"degree must be 1 to {MOST}, got {params.degree}"
    return "" if params.per_layer >= 0 else f"per_layer must be 0 or more, got {params.per_layer}"


def check_setup(setup: Setup) -> str:
    """Say that no object has a layer, or nothing."""
    if setup.objects == 0 or (_layers(setup) >= 0).any():
        return ""
    return "no id of the trace names a layer (such as `layers.7.mlp`); say how many objects a layer has, per_layer=n"
