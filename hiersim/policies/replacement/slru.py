"""Segments of growing worth, each by recency: a hit lifts a key by one segment, what overflows sinks by one (SLRU).

New keys enter the lowest segment; while the cache fills, the lowest one that has room. Two segments are the original;
four equal ones (S4LRU) are the default. Where keys have sizes, the lowest segment may exceed its share, but in the
variant ``slru-lcs`` (``early=1``), which does as libcachesim 0.3.5: what sinks into the lowest segment makes others
leave at once, though there is room, and keys larger than a segment are not taken.

Karedla, Love, Wherry: Caching strategies to improve disk system performance. IEEE Computer 27(3), 1994; four segments:
Huang, Birman, van Renesse, Lloyd, Kumar, Li: An analysis of Facebook photo caching. SOSP 2013.
"""

from typing import NamedTuple

import numpy as np

from hiersim.policies import memory, ring
from hiersim.policies.contract import Request, Setup
from hiersim.policies.weighed import size_of

MOST = 16  # segments at most


class Params(NamedTuple):
    """Equal segments."""

    segments: int = 4  # how many
    early: int = 0  # 1: the lowest segment gives up what exceeds its share when keys sink into it


class State(NamedTuple):
    """One ring by recency for each segment, the lowest first; their heads are the last entries."""

    links: np.ndarray  # int32[2 * (objects + segments)]: older and newer key of the segment
    segment: np.ndarray  # uint8[objects]
    sizes: np.ndarray  # int64[objects + 1] bytes; int64[1] where every key counts 1
    used: np.ndarray  # int64[segments]: bytes in each
    share: np.ndarray  # int64[segments]: bytes that each may have
    sank: np.ndarray  # int64[1]: 1 after a hit for which keys sank into the lowest segment


def check_params(params: Params) -> str:
    """Say what is wrong with the parameters."""
    if not 1 <= params.segments <= MOST:
        return f"segments must be 1 to {MOST}, got {params.segments}"
    return "" if params.early in (0, 1) else f"early must be 0 or 1, got {params.early}"


def init(setup: Setup) -> State:
    """Start with an empty cache."""
    count = setup.params.segments
    share = np.full(count, setup.capacity // count, np.int64)
    share[0] += setup.capacity - share.sum()
    return State(
        ring.empty(setup.objects, count),
        np.zeros(setup.objects, np.uint8),
        np.ones(1 if setup.uniform else setup.objects + 1, np.int64),
        np.zeros(count, np.int64),
        share,
        np.zeros(1, np.int64),
    )


def largest(setup: Setup) -> int:
    """Refuse what no segment can hold, in the variant that does so."""
    refuses = setup.params.early == 1 and setup.capacity >= setup.params.segments
    return setup.capacity // setup.params.segments if refuses else setup.capacity


def on_insert(state: State, key: int, req: Request) -> None:
    """Enter the lowest segment with room, else the lowest."""
    if state.sizes.shape[0] > 1:
        state.sizes[key] = req.size
    lowest = 0
    while lowest < state.used.shape[0] and state.used[lowest] + size_of(state, key) > state.share[lowest]:
        lowest += 1
    join(state, lowest if lowest < state.used.shape[0] else 0, key)


def on_hit(state: State, key: int, req: Request) -> None:
    """Rise by one segment if the key fits there, and let what overflows sink."""
    here = int(state.segment[key])
    above = min(here + 1, state.used.shape[0] - 1)
    if above == here:  # no segment's bytes change
        ring.unlink(state.links, key)
        ring.push(state.links, state.segment.shape[0] + here, key)
        return
    leave(state, key)
    join(state, above if size_of(state, key) <= state.share[above] else here, key)
    while above > 0 and state.used[above] > state.share[above]:
        while state.used[above] > state.share[above]:
            sinks = oldest(state, above)
            leave(state, sinks)
            join(state, above - 1, sinks)
            state.sank[0] = 1 if above == 1 else 0
        above -= 1


def on_remove(state: State, key: int) -> None:
    """Leave the segment."""
    leave(state, key)


def victim(state: State, req: Request) -> int:
    """Choose the least recent of the lowest segment that has any."""
    lowest = 0
    while state.used[lowest] == 0:
        lowest += 1
    ring.fetch_next(state.links, state.segment.shape[0] + lowest)
    return oldest(state, lowest)


def sheds(params: Params) -> bool:
    """Tell whether keys leave though there is room."""
    return params.early == 1


def surplus(state: State) -> int:
    """Choose what the lowest segment has too much since keys sank into it."""
    if state.sank[0] == 1 and state.used[0] > state.share[0]:
        return oldest(state, 0)
    state.sank[0] = 0
    return -1


def oldest(state: State, segment: int) -> int:
    """Return the least recent key of a segment."""
    return int(ring.newer(state.links, state.segment.shape[0] + segment))


def join(state: State, segment: int, key: int) -> None:
    """Become the most recent of a segment."""
    state.segment[key] = segment
    state.used[segment] += size_of(state, key)
    ring.push(state.links, state.segment.shape[0] + segment, key)


def leave(state: State, key: int) -> None:
    """Leave the segment."""
    state.used[state.segment[key]] -= size_of(state, key)
    ring.unlink(state.links, key)


def fetch_ahead(state: State, key: int, later: int) -> None:
    """Fetch what an access to come will touch."""
    memory.prefetch(state.links, 2 * key)
    memory.prefetch(state.segment, key)
