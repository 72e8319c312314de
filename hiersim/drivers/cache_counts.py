"""A replay of which only counts are asked, by the loop that a policy may have for that (`policies.counting`)."""

from __future__ import annotations

import numpy as np

from hiersim.drivers.cache_loop import BYTES, DENIED, EVICTIONS, MISSED_BYTES, MISSES, REQUESTS, RESIDENT, USED
from hiersim.errors import TraceError
from hiersim.policies import counting, memory
from hiersim.policies.contract import Setup
from hiersim.policies.counting import Loop
from hiersim.policies.loader import Policy


class Counter:
    """A cache of objects of one size that only counts."""

    def __init__(self, loop: Loop, setup: Setup, *, future: bool) -> None:
        """Start with an empty cache; ``future``: whether the length of the trace must be right."""
        self._loop, self._longest = loop, setup.accesses if future else None
        most = loop.most(setup)
        self._capacity = setup.capacity if most is None else most
        self._excess = EVICTIONS if most is None else DENIED  # what becomes of misses beyond the room
        self._state = loop.init(setup)
        memory.spread(self._state)

    def run(self, keys: np.ndarray, next_use: np.ndarray, counts: np.ndarray) -> None:
        """Replay a piece of the trace and add to ``counts``; those that are not of misses follow from them.

        Raises:
            TraceError: the trace is longer than was said.
        """
        start, used = int(counts[REQUESTS]), int(counts[USED])
        if self._longest is not None and start + len(keys) > self._longest:
            raise TraceError(f"the trace has more than the {self._longest} accesses that were announced")
        misses = self._loop.count(self._state, keys, next_use, start, self._capacity - used)
        filled = min(self._capacity, used + misses)
        counts[REQUESTS] += len(keys)
        counts[BYTES] += len(keys)
        counts[MISSES] += misses
        counts[MISSED_BYTES] += misses
        counts[self._excess] += misses - (filled - used)
        counts[USED] = counts[RESIDENT] = filled


def counter(policy: Policy, setup: Setup) -> Counter | None:
    """Return what counts a policy's misses faster than its hooks would; ``None`` if nothing does."""
    loop = counting.find(policy)
    known = setup.accesses > 0 or not policy.needs_future
    return Counter(loop, setup, future=policy.needs_future) if loop and setup.uniform and known else None
