"""The optimum's misses, counted: the next uses of what is here are bits over the time of the trace, and nothing more.

An access hits if its own bit is set. A miss clears the last bit when there is no room, unless a key is here that is
never used again. Which keys these are need not be known. See `replacement.opt`, and `bits` for the tree of bits.
"""

from typing import NamedTuple

import numpy as np

from hiersim.jit import hot, inner, kernel
from hiersim.policies import bits, memory
from hiersim.policies.contract import Setup

AHEAD = 32  # accesses between asking for memory and using it
UNUSED, TOP, LENGTH = range(3)  # what `facts` holds: how many keys are never used again, the last word that is not
# empty, and the length of the trace


class State(NamedTuple):
    """A tree of bits over the accesses to come."""

    words: np.ndarray  # int64[...]: the levels of the tree, the finest first
    level: np.ndarray  # int64[levels]: where each starts in `words`
    facts: np.ndarray  # int64[3]


def init(setup: Setup) -> State:
    """Start with an empty cache."""
    words, level = bits.empty(setup.accesses)
    return State(words, level, np.array([0, 0, setup.accesses], np.int64))


@kernel
def count(state: State, keys: np.ndarray, next_use: np.ndarray, start: int, room: int) -> int:
    """Return the misses of a piece of the trace."""
    words, misses = state.words, 0
    unused, top = state.facts[UNUSED], state.facts[TOP]
    for i in range(next_use.shape[0]):
        memory.prefetch(words, next_use[min(i + AHEAD, next_use.shape[0] - 1)] >> 6)
        now, later = start + i, next_use[i]
        if not (words[now >> 6] >> (now & 63)) & 1:
            misses += 1
            if room > 0:
                room -= 1
            elif unused > 0:
                unused -= 1
            else:
                top = drop_last(words, state.level, top)
        if 0 <= later < state.facts[LENGTH]:
            bits.put(words, state.level, later)
            top = max(top, later >> 6)
        else:
            unused += 1
    state.facts[UNUSED], state.facts[TOP] = unused, top
    return misses


@hot
def drop_last(words: np.ndarray, level: np.ndarray, top: int) -> int:
    """Clear the last bit, which is in the word ``top``; return the last word that is not empty then."""
    words[top] ^= np.int64(1) << bits.highest_bit(words[top])
    if words[top] != 0 or level.shape[0] == 1:
        return top
    place = level[1] + (top >> 6)
    words[place] ^= np.int64(1) << (top & 63)
    top = (top & ~63) + bits.highest_bit(words[place]) if words[place] != 0 else search(words, level, top >> 6)
    memory.prefetch(words, top)
    return top


@inner
def search(words: np.ndarray, level: np.ndarray, empty: int) -> int:
    """Return the last word that is not empty, now that the word ``empty`` of the second level is; 0 if all are."""
    for i in range(2, level.shape[0]):
        place = level[i] + (empty >> 6)
        words[place] ^= np.int64(1) << (empty & 63)
        if words[place] != 0:
            return int(bits.highest(words, level) >> 6)
        empty >>= 6
    return 0
