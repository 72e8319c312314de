"""What prefetching with a view of the future can hide: fetches one at a time, chosen with the next accesses known.

Time counts accesses: an access to what is here takes one, a fetch takes ``fetch`` of them, one fetch at a time, and an
access to what is not here, or still coming, stalls until it is. Whenever no fetch is under way the next missing key of
the accesses that are in view is fetched into the place of the key whose next use is farthest away, if that is after the
missing one's: a key whose next use is out of view is farther than any in view, the least recently used of them first.
An access that nobody foresaw fetches on demand.

That is the algorithm *aggressive* of Cao, Felten, Karlin, Li: A study of integrated prefetching and caching strategies.
SIGMETRICS 1995; with all accesses in view it takes at most 1 + fetch / capacity times the time of the best schedule.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hiersim import jit
from hiersim.drivers.cache_loop import next_uses
from hiersim.errors import TraceError
from hiersim.policies import bits, ring

STALLED, FETCHES, LATE = range(3)


@dataclass(frozen=True)
class Prefetched:
    """What became of a trace whose future is in view.

    Attributes:
        capacity: objects that fit.
        lookahead: number of accesses in view.
        fetch: time of a fetch, in accesses.
        requests: number of accesses.
        fetches: keys fetched, ahead or on demand.
        late: accesses that stalled.
        stalled: time in which no access was served, in accesses.
    """

    capacity: int
    lookahead: int
    fetch: int
    requests: int
    fetches: int
    late: int
    stalled: int

    @property
    def elapsed(self) -> int:
        """Time, as a number of accesses."""
        return self.requests + self.stalled


def prefetched(keys: np.ndarray, capacity: int, *, fetch: int, lookahead: int | None = None) -> Prefetched:
    """Return what prefetching reaches on a trace of keys of one size.

    Args:
        keys: int32, dense ids from 0.
        capacity: objects that fit.
        fetch: time of a fetch, in accesses, at least 1.
        lookahead: accesses in view, beginning with the next; all of them when absent.

    Raises:
        TraceError: a number is impossible.
    """
    keys = np.ascontiguousarray(keys, np.int32)
    view = len(keys) if lookahead is None else lookahead
    for name, value in (("capacity", capacity), ("fetch", fetch), ("lookahead", view if len(keys) else 1)):
        if not isinstance(value, int | np.integer) or not 1 <= value < 2**62:
            raise TraceError(f"{name} must be at least 1, a whole number below 2^62, got {value}")
    objects = int(keys.max()) + 1 if len(keys) else 0
    counts = np.zeros(3, np.int64)
    words, level = bits.empty(max(1, len(keys)))
    links, known = ring.empty(objects), np.full(objects, -1, np.int32)
    here = np.zeros(objects, np.uint8)
    _run(
        keys, next_uses(keys, objects), capacity, fetch, min(view, len(keys)), links, known, here, words, level, counts
    )
    stalled, fetches, late = (int(count) for count in counts)
    return Prefetched(int(capacity), int(view), int(fetch), len(keys), fetches, late, stalled)


@jit.kernel
def _run(
    keys: np.ndarray,
    later: np.ndarray,
    capacity: int,
    fetch: int,
    view: int,
    links: np.ndarray,
    known: np.ndarray,
    here: np.ndarray,
    words: np.ndarray,
    level: np.ndarray,
    counts: np.ndarray,
) -> None:
    """Serve every access; ``known`` is the next use in view of each key that has a place, -1 for none."""
    head, accesses = known.shape[0], keys.shape[0]
    time, ready, used, ahead, seen = 0, 0, 0, 0, 0
    coming = -1
    for i in range(accesses):
        while seen < min(accesses, i + view):  # one more access comes into view
            key = keys[seen]
            if here[key] and known[key] < 0:
                ring.unlink(links, key)
                keep(words, level, known, key, seen)
            seen += 1
        key = keys[i]
        served = False
        while not served:
            if coming >= 0 and time >= ready:
                coming = -1
            if coming < 0:  # the next fetch
                ahead = max(ahead, i)
                while ahead < seen and here[keys[ahead]]:
                    ahead += 1
                if ahead < seen and used < capacity:
                    used += 1
                    coming = keys[ahead]
                elif ahead < seen:
                    gone = farthest(links, head, known, words, level, keys)
                    if known[gone] < 0 or known[gone] > ahead:
                        let_go(links, words, level, known, here, gone)
                        coming = keys[ahead]
                if coming >= 0:
                    here[coming] = 1
                    keep(words, level, known, coming, ahead)
                    ready = time + fetch
                    counts[FETCHES] += 1
            if key == coming:
                counts[LATE] += 1
                counts[STALLED] += ready - time
                time = ready
                coming = -1
            elif here[key]:
                served = True
            else:  # it waits for a fetch that others need first
                counts[STALLED] += ready - time
                time = ready
        bits.drop(words, level, i)
        known[key] = -1
        if 0 <= later[i] < seen:
            keep(words, level, known, key, later[i])
        else:
            ring.push(links, head, key)
        time += 1


@jit.hot
def keep(words: np.ndarray, level: np.ndarray, known: np.ndarray, key: int, at: int) -> None:
    """Note when a key is used next."""
    known[key] = at
    bits.put(words, level, at)


@jit.hot
def farthest(
    links: np.ndarray, head: int, known: np.ndarray, words: np.ndarray, level: np.ndarray, keys: np.ndarray
) -> int:
    """Return the least recently used of the keys that are not used again in view, or the one used last of all."""
    oldest = ring.newer(links, head)
    return int(oldest) if oldest != head else int(keys[bits.highest(words, level)])


@jit.hot
def let_go(
    links: np.ndarray, words: np.ndarray, level: np.ndarray, known: np.ndarray, here: np.ndarray, key: int
) -> None:
    """Give a key's place away."""
    here[key] = 0
    if known[key] >= 0:
        bits.drop(words, level, known[key])
        known[key] = -1
    else:
        ring.unlink(links, key)
