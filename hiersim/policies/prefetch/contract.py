"""What a prefetcher is told: what the run is like, and how an access went."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

MOST = 1024  # keys that a prefetcher may name after one access


class Access(NamedTuple):
    """An access that is done; numbers all, 1 for yes."""

    key: int  # the object, 0 to objects - 1
    size: int  # bytes
    now: int  # number of this access in the trace, from 0
    stream: int  # which stream issued it, 0 to streams - 1
    write: int  # whether it wrote
    hit: int  # whether its first look-up found the object in this tier, resident or on its way
    used: int  # whether it was the first to find there what a prefetch had brought, or was bringing


class Setup(NamedTuple):
    """What a prefetcher's ``init`` is given."""

    objects: int  # keys are 0 to objects - 1
    accesses: int = 0  # length of the trace
    streams: int = 1
    most: int = MOST  # length of ``out``
    seed: int = 0  # of a prefetcher's own random numbers
    params: Any = ()  # the prefetcher's `Params`, a NamedTuple
    sizes: np.ndarray = np.empty(0, np.int64)  # int64[objects]: bytes
    layers: np.ndarray = np.empty(0, np.int32)  # int32[objects]: the layer that the id names; -1 for none
    trace: np.ndarray = np.empty(0, np.int32)  # int32[accesses]: the key of each; empty unless NEEDS_FUTURE
    following: np.ndarray = np.empty(0, np.int64)  # int64[accesses]: the access that its stream (in an open loop the
    # trace) issues next, -1 after the last; empty unless NEEDS_FUTURE
