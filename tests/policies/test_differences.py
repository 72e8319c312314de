"""Where libCacheSim 0.3.5 departs from the papers: traces of a few keys, what we say, what it says, and why.

`docs/policies_notes.md` has the list with what the papers say. libCacheSim is asked itself where it is installed.
"""

import numpy as np
import pytest
from policies.streams import group, sizes_of

from hiersim.drivers.cache_study import study

CASES = {
    # While a key rises to a segment that is full, what sinks from it overflows the lowest segment: libCacheSim evicts
    # key 1 at a hit, with 5 of 12 bytes used.
    "slru": ("SLRU", 12, [1, 1, 3], [1, 2, 0, 0, 1], 3, 4),
    # The hit on 2, which is in Q and not in S, must leave it HIR. libCacheSim makes room for a LIR key all the same and
    # drops the first of Q: key 2, which it goes on to count as here.
    "lirs": ("LIRS", 4, None, [2, 5, 3, 0, 0, 2, 4, 2], 6, 5),
    # A key must be let in when there is room. libCacheSim lets in only what fits into the cold keys' share, 1 of 3, as
    # `clock-pro-lcs` does.
    "clock-pro": ("ClockPro", 3, None, [1, 0, 0], 2, 3),
    # Of a small queue of 10 bytes half, 5 bytes, have come when key 0 is hit. libCacheSim waits for 5 objects.
    "clock2q+": ("Clock2QPlus", 100, [5] * 21, [0, 1, 0, *range(2, 21), 0], 21, 22),
    # Three keys in a cache of four, so nothing need leave. libCacheSim drops key 0 when SR has more than its half.
    "cacheus": ("Cacheus", 4, None, [0, 1, 2, 0], 3, 4),
    # An object that fits the cache must be let in. libCacheSim refuses what is larger than the window, 1 of 100 bytes.
    "wtinylfu-lcs": ("WTinyLFU", 100, [2], [0, 0], 1, 2),
    # A hit needs no room. The one on 0, in the segmented LRU, costs libCacheSim key 7 with 39 of 41 bytes used; the
    # window is half of the cache here.
    "wtinylfu-lcs:window=0.5": (
        "WTinyLFU",
        41,
        [3, 3, 2, 3, 3, 2, 2, 3, 3, 2, 3, 2, 3, 3, 3, 2],
        [*range(16), 0, 7],
        16,
        17,
    ),
}
THEIRS = {"wtinylfu-lcs:window=0.5": {"window_size": 0.5}}  # parameters, where they are not its defaults
TRACES = [pytest.param(name, *case, marks=group(name.split(":")[0])) for name, case in CASES.items()]


@pytest.mark.parametrize(("name", "theirs", "capacity", "sizes", "keys", "misses", "other"), TRACES)
def test_we_follow_the_paper(name, theirs, capacity, sizes, keys, misses, other):
    assert misses != other
    given = None if sizes is None else np.array(sizes, np.int64)
    assert study(np.array(keys, np.int32), given, name, capacity).misses == misses


@pytest.mark.parametrize(("name", "theirs", "capacity", "sizes", "keys", "misses", "other"), TRACES)
def test_libcachesim_departs_from_it(name, theirs, capacity, sizes, keys, misses, other):
    tool = pytest.importorskip("libcachesim", reason="libcachesim is not installed")
    cache, missed = getattr(tool, theirs)(capacity, hashpower=8, **THEIRS.get(name, {})), 0
    for key in keys:
        request = tool.Request()
        request.obj_id, request.obj_size = key + 1, 1 if sizes is None else sizes[key]
        missed += not cache.get(request)
    assert missed == other


@group("clock-pro-lcs")
@pytest.mark.parametrize("sized", [False, True])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 1.0])
def test_their_clock_pro_hits_what_ours_with_their_rule_hits(share, sized):
    """Access by access, at capacities below an object and above the footprint, and at other shares than its default."""
    tool = pytest.importorskip("libcachesim", reason="libcachesim is not installed")
    keys, sizes = np.random.default_rng(7).integers(0, 30, 400).astype(np.int32), sizes_of(7, 30) if sized else None
    for capacity in (1, 2, 5, 13, 40, 60, 500):
        cache, hits = tool.ClockPro(capacity, hashpower=8, init_ratio_cold=share), []
        for key in keys.tolist():
            request = tool.Request()
            request.obj_id, request.obj_size = key + 1, int(sizes[key]) if sized else 1
            hits.append(cache.get(request))
        ours = study(keys, sizes, f"clock-pro-lcs:cold={share}", capacity, objects=30, hits=True)
        assert ours.hit_map.tolist() == hits
        assert (ours.evictions, ours.denied > 0) == (0, capacity * share < (30 if not sized else int(sizes.sum())))
