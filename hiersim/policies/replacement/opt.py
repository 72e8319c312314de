"""The optimum for keys of one size: evict the key whose next use is farthest away (Belady's MIN); needs the future.

Every missing object is let in, even if it is itself the farthest. With sizes it is a good heuristic, not the optimum.
Of keys that are never used again, the one that was used last leaves first.

The next uses of the keys that are here are bits over the time of the trace, 64 to a word, with a bit over each word
that is not empty, and so on: the farthest is found in as many steps as there are levels.

Belady: A study of replacement algorithms for a virtual-storage computer. IBM Systems Journal 5(2), 1966.
"""

from typing import NamedTuple

import numpy as np

from hiersim.policies import bits, memory, ring
from hiersim.policies.contract import Request, Setup

NEEDS_FUTURE = True


class State(NamedTuple):
    """A tree of bits over the accesses to come, and a ring of the keys that are never used again."""

    links: np.ndarray  # int32[2 * (objects + 1)]: of the keys never used again, the next older and newer one
    next_use: np.ndarray  # int32[objects]: access at which each key is used again; -1 for never
    key_at: np.ndarray  # int32[accesses]: the key that is used again at this access
    words: np.ndarray  # int64[...]: the levels of the tree, the finest first
    level: np.ndarray  # int64[levels]: where each level starts in `words`


def init(setup: Setup) -> State:
    """Start with an empty cache."""
    words, level = bits.empty(setup.accesses)
    return State(
        ring.empty(setup.objects),
        np.full(setup.objects, -1, np.int32),
        np.zeros(setup.accesses, np.int32),
        words,
        level,
    )


def on_insert(state: State, key: int, req: Request) -> None:
    """Note the next use."""
    if req.next_use < state.key_at.shape[0]:
        state.next_use[key] = req.next_use
        state.key_at[req.next_use] = key
        bits.put(state.words, state.level, req.next_use)
    else:
        state.next_use[key] = -1
        ring.push(state.links, state.next_use.shape[0], key)


def on_hit(state: State, key: int, req: Request) -> None:
    """Note the new next use."""
    on_remove(state, key)
    on_insert(state, key, req)


def on_remove(state: State, key: int) -> None:
    """Forget the next use."""
    time = state.next_use[key]
    if time >= 0:
        bits.drop(state.words, state.level, time)
    else:
        ring.unlink(state.links, key)


def victim(state: State, req: Request) -> int:
    """Choose the farthest."""
    last = ring.older(state.links, state.next_use.shape[0])
    if last < state.next_use.shape[0]:
        return int(last)
    return int(state.key_at[bits.highest(state.words, state.level)])


def fetch_ahead(state: State, key: int, later: int) -> None:
    """Fetch what an access to come will touch."""
    memory.prefetch(state.next_use, key)
    memory.prefetch(state.key_at, later)
    memory.prefetch(state.words, later >> 6)
