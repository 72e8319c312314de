"""Attention sinks and a window: keep the first blocks of each sequence and, of the others, those that came last.

So a single sequence keeps what StreamingLLM keeps: its first `sinks` blocks and a window of its latest ones, as wide as
the rest of the cache. Sequences that share a cache share the window. A hit moves nothing: the window slides over what
was written. When only sinks are left, the one that came first leaves. The paper's sinks are the first four tokens,
which one block holds.

Xiao, Tian, Chen, Han, Lewis: Efficient streaming language models with attention sinks. ICLR 2024.
"""

from typing import NamedTuple

import numpy as np

from hiersim.policies import leaves, memory, ring
from hiersim.policies.contract import Request, Setup

NEEDS_PARENTS = True
WINDOW, SINKS = 0, 1


class Params(NamedTuple):
    """How much of a sequence's beginning stays."""

    sinks: int = 1  # blocks


def check_params(params: Params) -> str:
    """Say what is wrong with the parameters, or nothing."""
    return "" if params.sinks >= 0 else f"sinks must be at least 0, got {params.sinks}"


class State(NamedTuple):
    """Two rings by arrival; their heads are the last two entries: the window, the sinks."""

    links: np.ndarray  # int32[2 * (objects + 2)]: older and newer key of the ring
    sink: np.ndarray  # uint8[objects]: whether the block is among the first of its sequence


def init(setup: Setup) -> State:
    """Start with an empty cache."""
    sink = leaves.depths(setup.parents) < setup.params.sinks
    return State(ring.empty(setup.objects, 2), sink.astype(np.uint8))


def on_insert(state: State, key: int, req: Request) -> None:
    """Enter as the latest."""
    ring.push(state.links, head(state, state.sink[key]), key)


def on_hit(state: State, key: int, req: Request) -> None:
    """Change nothing."""


def on_remove(state: State, key: int) -> None:
    """Leave the ring."""
    ring.unlink(state.links, key)


def victim(state: State, req: Request) -> int:
    """Choose the one that came first, of the sinks only if there is no other."""
    key = ring.newer(state.links, head(state, WINDOW))
    return int(key if key != head(state, WINDOW) else ring.newer(state.links, head(state, SINKS)))


def head(state: State, which: int) -> int:
    """Return the head of a ring."""
    return int(state.sink.shape[0] + which)


def fetch_ahead(state: State, key: int, later: int) -> None:
    """Fetch what an access to come will touch."""
    memory.prefetch(state.links, 2 * key)
    memory.prefetch(state.sink, key)
