"""What the serving driver keeps besides the World: arrays by name, passed to compiled code as one pointer."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hiersim.drivers.serve import columns as c
from hiersim.engine.pointed import Layout, pointed

I64 = NDArray[np.int64]
I32 = NDArray[np.int32]
F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]


class Serve(NamedTuple):
    """The state of a serving run; ``R`` requests, ``E`` engines, ``T`` managed tiers, ``S`` most requests in a step."""

    clock: I64  # [K_COLUMNS]
    settings: I64  # [SETTINGS]
    queries: I64  # [R, QUERY_COLUMNS]
    engines: I64  # [E, ENGINE_COLUMNS]
    coming: I64  # [R, 2]: heap of (time, request) of those whose time depends on another's answer
    queue: I64  # [E, R, 2]: heaps of (key, request) of those that wait
    running: I32  # [E, S]: requests that run, in the order of their admission
    batch: I32  # [E, S]: requests of the present step
    rank: I64  # [R]: place in the queue at arrival
    first_block: I64  # [R + 1]
    block: I32  # [blocks of all prompts]: object
    fate: U8  # [blocks of all prompts]: FREE, REUSED, SHARED
    owner: I32  # [blocks of all prompts]: request
    pinned: U8  # [blocks of all prompts]: 1 + the tier where it is kept until it has been fetched, 0 for none
    served: I64  # [R, T + 1]: tokens reused by the tier that had them; remembered ones last
    waits: I64  # [R, WAITS]: picoseconds
    line: I64  # [R, 4]: remembered caches: bytes that are free ahead of it since the one before, bytes, next, previous
    extent: I64  # [R, EXTENT_COLUMNS]: where the room of a request is, where rooms are one piece
    service: I64  # [users]: tokens computed for each
    figures: I64  # [5]: of the step that is formed: what its decoding requests add up to (hiersim.drivers.serving)
    new: I64  # [2 S]: new tokens of each chunk of a prompt in it
    before: I64  # [2 S]: tokens before them
    cost: F64  # [E, constants]: what a step takes
    out: F64  # [figures]: what its cost is made of
    fetch_time: F64  # [E, T]: picoseconds to fetch a block from a tier, alone on the way
    coding_time: F64  # [T, 2]: picoseconds to code a block for a tier, and to decode one from it
    owed: F64  # [E]: picoseconds that an engine owes for decoding
    compute_time: F64  # [E, 2]: picoseconds to compute a block at the start of a prompt, and more per token before it
    used: F64  # [E, 4]: bytes held, needed, free, and free beside the largest hole, summed over steps
    samples: I64  # [MOST_SAMPLES, SAMPLE_COLUMNS]


def make(parts: dict[str, object]) -> Serve:
    """Return the state from its arrays by name."""
    return Serve(**parts)  # type: ignore[arg-type]


LAYOUT = Layout(
    shapes={
        "clock": ("int64", 1),
        "settings": ("int64", 1),
        "queue": ("int64", 3),
        "running": ("int32", 2),
        "batch": ("int32", 2),
        "rank": ("int64", 1),
        "first_block": ("int64", 1),
        "block": ("int32", 1),
        "fate": ("uint8", 1),
        "owner": ("int32", 1),
        "pinned": ("uint8", 1),
        "service": ("int64", 1),
        "figures": ("int64", 1),
        "new": ("int64", 1),
        "before": ("int64", 1),
        "cost": ("float64", 2),
        "out": ("float64", 1),
        "fetch_time": ("float64", 2),
        "compute_time": ("float64", 2),
        "coding_time": ("float64", 2),
        "owed": ("float64", 1),
        "used": ("float64", 2),
    },
    columns={
        "coding_time": 2,
        "queries": c.QUERY_COLUMNS,
        "engines": c.ENGINE_COLUMNS,
        "coming": 2,
        "waits": c.WAITS,
        "line": 4,
        "extent": c.EXTENT_COLUMNS,
        "used": 4,
        "samples": c.SAMPLE_COLUMNS,
    },
    measured=frozenset({"queries", "engines", "rank", "running", "cost", "new", "samples"}),
)

handle = pointed(Serve, LAYOUT, __name__)
"""Turn the state into what the kernels take."""
