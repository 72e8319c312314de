"""Where libCacheSim 0.3.5 does otherwise than we do: traces of a few keys, what we say, what it says, and why.

`docs/policies_notes.md` has the list with what the papers say. libCacheSim is asked itself where it is installed; where
a variant does as it does, the variant must say the same.
"""

import threading

import numpy as np
import pytest
from policies.streams import group, of, sizes_of, stream

from hiersim.drivers.cache_study import Study, study

CASES = {
    # While a key rises to a segment that is full, what sinks from it overflows the lowest segment: libCacheSim evicts
    # key 1 at a hit, with 5 of 12 bytes used.
    "slru": ("SLRU", 12, [1, 1, 3], [1, 2, 0, 0, 1], 3, 4),
    # The hit on 2, which is in Q and not in S, must leave it HIR. libCacheSim makes room for a LIR key all the same and
    # drops the first of Q: key 2, which it goes on to count as here.
    "lirs": ("LIRS", 4, None, [2, 5, 3, 0, 0, 2, 4, 2], 6, 5),
    # With 296 of 300 bytes taken by LIR keys two HIR keys of 2 bytes fit. libCacheSim never gives them more than 1 %.
    "lirs:hir=0.01": ("LIRS", 300, [2] * 150, [*range(150), 148], 150, 151),
    # A key must be let in when there is room. libCacheSim lets in only what fits into the cold keys' share, 1 of 3, as
    # `clock-pro-lcs` does.
    "clock-pro": ("ClockPro", 3, None, [1, 0, 0], 2, 3),
    # Of a small queue of 10 bytes half, 5 bytes, have come when key 0 is hit. libCacheSim waits for 5 objects.
    "clock2q+": ("Clock2QPlus", 100, [5] * 21, [0, 1, 0, *range(2, 21), 0], 21, 22),
    # Here a policy chooses among the keys that are in: both leave for key 2, which is as large as the cache. The paper
    # turns it away, as its score is the least, and so does libCacheSim, but not its version of 2024.
    "gdsf": ("GDSF", 10, [1, 9, 10], [0, 0, 1, 2, 0], 4, 3),
    # Three keys in a cache of four, so nothing need leave. libCacheSim drops key 0 when SR has more than its half.
    "cacheus": ("Cacheus", 4, None, [0, 1, 2, 0], 3, 4),
    # The hits on 3 and 0, which R had given up, must make SR smaller. libCacheSim does not know any more that R had.
    "cacheus:rate=0.1": ("Cacheus", 4, None, [1, 0, 1, 3, 0, 0, 1, 3, 0, 2, 0, 5, 4, 1, 3], 6, 7),
    # An object that fits the cache must be let in. libCacheSim refuses what is larger than the share of SR, 2 of 4.
    "cacheus:rate=0.2": ("Cacheus", 4, [3], [0, 0], 1, 2),
    # An object that fits the cache must be let in. libCacheSim refuses what is larger than the window, 1 of 100 bytes.
    "wtinylfu-lcs": ("WTinyLFU", 100, [2], [0, 0], 1, 2),
    # A hit needs no room. The one on 0, in the segmented LRU, costs libCacheSim key 7 with 39 of 41 bytes used; the
    # window is half of the cache here.
    "wtinylfu:window=0.5": (
        "WTinyLFU",
        41,
        [3, 3, 2, 3, 3, 2, 2, 3, 3, 2, 3, 2, 3, 3, 3, 2],
        [*range(16), 0, 7],
        16,
        17,
    ),
}
THEIRS = {"wtinylfu:window=0.5": {"window_size": 0.5}}  # parameters, where they are not its defaults
ALIKE = {
    "slru": "slru-lcs",
    "lirs:hir=0.01": "lirs-lcs",
    "clock2q+": "clock2q+:window=1e6",
    "cacheus": "cacheus-lcs",
    "cacheus:rate=0.1": "cacheus-lcs",
    "cacheus:rate=0.2": "cacheus-lcs",
    "wtinylfu:window=0.5": "wtinylfu-lcs:window=0.5",
}  # variants that do as libCacheSim does
TRACES = [pytest.param(name, *case, marks=group(name.split(":")[0])) for name, case in CASES.items()]


@pytest.mark.parametrize(("name", "theirs", "capacity", "sizes", "keys", "misses", "other"), TRACES)
def test_what_we_say(name, theirs, capacity, sizes, keys, misses, other):
    assert misses != other
    assert ours(name, capacity, sizes, keys) == misses
    assert name not in ALIKE or ours(ALIKE[name], capacity, sizes, keys) == other


@pytest.mark.parametrize(("name", "theirs", "capacity", "sizes", "keys", "misses", "other"), TRACES)
def test_what_libcachesim_says(name, theirs, capacity, sizes, keys, misses, other):
    assert libcachesim(theirs, capacity, sizes, keys, **THEIRS.get(name, {})) == other


@pytest.mark.parametrize(("name", "theirs"), [of("cacheus-lcs", "Cacheus"), of("slru-lcs", "SLRU")])
def test_a_variant_decides_as_libcachesim_does(name, theirs):
    """Not only near in the mean: where it draws, from the same generator in the same state."""
    for seed in range(40):
        capacity, objects = ((4, 6), (8, 14), (20, 40), (60, 60), (200, 60))[seed % 5]
        keys, sizes = stream(seed, 600, objects).tolist(), sizes_of(seed, objects).tolist() if capacity > 20 else None
        assert ours(name, capacity, sizes, keys) == libcachesim(theirs, capacity, sizes, keys)


@pytest.mark.parametrize(("name", "expected"), [of("cacheus", 0.11), of("cacheus-lcs", 0.698 - 0.698**2)])
def test_the_rate_follows_the_hits(name, expected):
    """The rate rose from 0 to what it is, and the hits with it: it must rise on. libCacheSim takes off its square."""
    one = Study(name if name == "cacheus-lcs" else f"{name}:rate=0.1", 8, 3)
    one.feed(np.array([0, 1, 0, 1, 0, 1, 0, 1, 2], np.int32))
    state = one._state
    assert float(state.learnt[1 if name == "cacheus" else 2]) == pytest.approx(expected)


def ours(name, capacity, sizes, keys):
    """Return the misses of a policy here."""
    given = None if sizes is None else np.array(sizes, np.int64)
    return study(np.array(keys, np.int32), given, name, capacity).misses


def libcachesim(name, capacity, sizes, keys, **params):
    """Return the misses of libCacheSim, in a thread of its own: so its random numbers start from their first one."""
    tool = pytest.importorskip("libcachesim", reason="libcachesim is not installed")
    missed = []

    def replay():
        cache, request = getattr(tool, name)(capacity, hashpower=8, **params), tool.Request()
        for key in keys:
            request.obj_id, request.obj_size = key + 1, 1 if sizes is None else sizes[key]
            missed.append(not cache.get(request))

    thread = threading.Thread(target=replay)
    thread.start()
    thread.join()
    return sum(missed)


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
