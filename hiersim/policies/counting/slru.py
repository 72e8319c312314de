"""SLRU's misses, counted block by block: hits in the top segment are put off until its order matters, without a branch.

Only who sinks from the top segment depends on its order, and hits in it change nothing else. So a block of accesses is
looked at first, without a branch: those whose key is not in the top segment are gone through one by one, a bit each.
Those that make a key the most recent of the top wait, a bit each too, until a key joins the top or the block ends. A
key that sinks from the top is looked for in the rest of the block, where it is in a lower segment now.
"""

from typing import NamedTuple

import numpy as np

from hiersim.jit import hot, kernel
from hiersim.policies import bits, memory, ring
from hiersim.policies.contract import Setup
from hiersim.policies.counting.waiting import settle, uses
from hiersim.policies.replacement.slru import MOST

BLOCK = 12  # accesses looked at at once, a bit each: as few as a processor can fetch memory for in the meantime
ABSENT = MOST  # in `segment`: not here


class State(NamedTuple):
    """One ring by recency for each segment, the lowest first; their heads are the last entries."""

    links: np.ndarray  # int32[2 * (objects + segments)]: older and newer key of the segment
    segment: np.ndarray  # uint8[objects]
    used: np.ndarray  # int64[segments]: keys in each
    share: np.ndarray  # int64[segments]: keys that each may have


def init(setup: Setup) -> State:
    """Start with an empty cache."""
    count = setup.params.segments if setup.capacity >= setup.params.segments else 1  # too few keys: none ever rises
    share = np.full(count, setup.capacity // count, np.int64)
    share[0] += setup.capacity - share.sum()
    return State(
        ring.empty(setup.objects, count), np.full(setup.objects, ABSENT, np.uint8), np.zeros(count, np.int64), share
    )


@kernel
def count(state: State, keys: np.ndarray, next_use: np.ndarray, start: int, room: int) -> int:
    """Return the misses of a piece of the trace."""
    misses, top = 0, state.share.shape[0] - 1
    for begin in range(0, keys.shape[0], BLOCK):
        end = min(BLOCK, keys.shape[0] - begin)
        asked = look(state, keys, begin)
        waiting = ((np.int64(1) << end) - 1) & ~asked
        while asked != 0:
            bit = asked & -asked
            asked ^= bit
            at = bits.highest_bit(bit)
            key = int(keys[begin + at])
            was = int(state.segment[key])
            if was == ABSENT:
                misses += 1
                room -= 1
                if room < 0 and top > 0:
                    replace(state, key)
                    continue
                to = lowest(state) if room >= 0 else 0
            elif was < top:
                to = was + 1
                ring.unlink(state.links, key)
                state.used[was] -= 1
            else:
                waiting |= bit
                continue
            if to < top:
                join(state, key, to)
                continue
            settle(state.links, head_of(state, top), keys, begin, waiting & (bit - 1))
            again = uses(keys, begin, at + 1, end, join(state, key, to))
            waiting, asked = waiting & -bit & ~again, asked | again
        settle(state.links, head_of(state, top), keys, begin, waiting)
    return misses


@hot
def look(state: State, keys: np.ndarray, begin: int) -> int:
    """Return a bit for each access of a block whose key is not in the top."""
    asked, top = np.int64(0), state.share.shape[0] - 1
    after = BLOCK if begin + 2 * BLOCK <= keys.shape[0] else 0
    for i in range(min(BLOCK, keys.shape[0] - begin)):
        coming = keys[begin + after + i]
        memory.prefetch(state.segment, coming)
        memory.prefetch(state.links, 2 * coming)
        asked |= np.int64(state.segment[int(keys[begin + i])] != top) << i
    return int(asked)


@hot
def lowest(state: State) -> int:
    """Return the lowest segment with room; there is one."""
    level = 0
    while state.used[level] == state.share[level]:
        level += 1
    return level


@hot
def replace(state: State, key: int) -> None:
    """Let a key in to the lowest segment, which is full and not the top, for its least recent."""
    head = head_of(state, 0)
    leaves = ring.newer(state.links, head)
    ring.unlink(state.links, leaves)
    state.segment[leaves] = ABSENT
    ring.push(state.links, head, key)
    state.segment[key] = 0
    ring.fetch_next(state.links, head)


@hot
def join(state: State, key: int, level: int) -> int:
    """Become the most recent of a segment; return who sinks for it, or leaves from the lowest; -1 if nobody does."""
    links, head = state.links, head_of(state, level)
    ring.push(links, head, key)
    state.segment[key] = level
    if state.used[level] < state.share[level]:
        state.used[level] += 1
        return -1
    sinks = int(ring.newer(links, head))
    ring.unlink(links, sinks)
    if level == 0:
        state.segment[sinks] = ABSENT
    else:
        state.segment[sinks] = level - 1
        state.used[level - 1] += 1
        ring.push(links, head - 1, sinks)
    return sinks


@hot
def head_of(state: State, level: int) -> int:
    """Return the head of a segment's ring."""
    return int(state.segment.shape[0] + level)
