"""World: every array of a timed run, by name. Kernels borrow it; Python makes it, reads it, and lets it grow."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hiersim.engine import columns as c

I64 = NDArray[np.int64]
I32 = NDArray[np.int32]
U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]


class World(NamedTuple):
    """The whole state of a run. Rows of the tables are named in `columns`; ``T`` tiers, ``H`` hops, ``O`` objects."""

    clock: I64  # [CLOCK_COLUMNS]: time, counters, heads of lists
    heap: I64  # [size, 3]: time, key, item
    ready: I64  # [a power of two]: a ring of entries of the ready line
    jobs: I64  # [jobs, JOB_COLUMNS]
    flow_end: F64  # [jobs]: what a group must have served for the job's flow to end
    accesses: I64  # [in flight, ACCESS_COLUMNS]
    groups: I64  # [groups, GROUP_COLUMNS]
    rates: F64  # [groups, RATE_COLUMNS]
    group_cost: F64  # [groups, bounds of a route]: picoseconds that a byte takes of each bound
    group_wire: I64  # [groups, 3 x hops of a route]: of a transfer of G_AMOUNT bytes, what each hop counts: bytes on
    # the wire, bytes of read requests, rows opened
    first_group: I64  # [routes, CLASSES]: an active group of this route and class
    tiers: I64  # [T, TIER_COLUMNS]
    area: F64  # [T]: byte-picoseconds of ``used`` so far
    hops: I64  # [H, HOP_COLUMNS]
    byte_cost: F64  # [H, 2]: picoseconds per byte on the wire, by direction
    op_cost: F64  # [H, 2]: picoseconds per operation, 0 without a cap
    latency: I64  # [H, 2]: picoseconds
    packet: I64  # [H, PACKET_COLUMNS]
    loaded: F64  # [H, LOADED_COLUMNS]
    die_cost: F64  # [H, 2]: picoseconds that a page takes of all dies, by direction
    amplification: F64  # [H, writes per erase block, or 1]: bytes programmed per byte; 0 stands for very many writes
    programmed: F64  # [H]: bytes programmed into NAND
    cache_cost: F64  # [H]: picoseconds per byte of a write cache that is full
    cache: F64  # [caches, CACHE_COLUMNS]
    cache_at: I64  # [caches, CACHE_PLACES]
    wait: I64  # [jobs, hops of a route]: latency of each hop, for routes whose latencies vary
    payload: I64  # [H, 2, object classes]: bytes carried
    wire: I64  # [H, 2]: bytes carried, rounded up to the granularity
    granted: I64  # [H, streams + 2]: when a stream was last given a slot, as a sequence number
    routes: I64  # [routes, ROUTE_COLUMNS]
    route_hop: I64  # [routes, hops of a route]
    route_direction: I64  # [routes, hops of a route]
    route_slot: I64  # [routes, hops of a route]: the hops with slots, ascending
    route_bound: I64  # [routes, bounds of a route]
    route_bound_at: I64  # [routes, bounds of a route]: which of the route's hops it belongs to
    route_loaded: I64  # [routes, bounds of a route]: which of the route's bounds are of hops with loaded latency
    route_cost: I64  # [routes, bounds of a route]: the kind of cost
    bound_hop: I64  # [bounds]
    bound_kind: I64  # [bounds]: BANDWIDTH, OPERATIONS ...
    rule: I64  # [bounds]: ALONE, EITHER ...
    span: I64  # [bounds]: how many bounds hold together, counted from the first of them
    together: I64  # [constraints]: the first bounds of those that hold together, ascending
    sharpness: I64  # [bounds]: the p of bounds that hold together
    turnaround: F64  # [H]: 1 + the turnaround of the medium, 1 without
    budget: F64  # [bounds]: the value of its capacity function
    limit: F64  # [bounds, CLASSES]: what agents leave to a class
    class_weight: F64  # [CLASSES]
    residual: F64  # [bounds]: scratch of the rate solver, as the next two
    room: F64  # [bounds]
    load: F64  # [bounds]
    marked: I64  # [bounds]: scratch, all 0
    in_use: I64  # [bounds]: scratch, the bounds that a class crosses
    open: I64  # [groups]: scratch, the groups whose rate is being set
    share: F64  # [groups, bounds of a route]: scratch, what a group asks of each bound at level 1
    memo: I64  # [MEMO_ROWS, MEMO_COLUMNS]: groups + 1, full caches; of each group what it asks, 2 words, and its bound
    memo_rate: F64  # [MEMO_ROWS, MEMO_GROUPS + bounds]: rates, and what is left of the bounds
    memo_asked: I64  # [MEMO_COLUMNS]: scratch, as the rows of the memo begin
    known_size: I64  # [known]: bytes of the transfers for which the next two hold, see costs.place; 0 at first
    known_cost: F64  # [known, bounds of a route + 1]: as ``group_cost``, then the most of them that must hold
    known_wire: I64  # [known, 3 x hops of a route]: as ``group_wire``
    shape: I64  # [SHAPE_ROWS, SHAPE_COLUMNS]: operations for which the first rows of those two hold
    crosses: U8  # [routes, bounds]: 1 where the route has the bound
    bound_time: I64  # [H, bounds]: picoseconds of flows on a hop, by the bound that limits them
    move: I64  # [T, T]: the route of a move
    stream_route: I64  # [T, T]: from a tier to a unit whose near tier is the second
    direct: I64  # [T, T]: from a unit whose near tier is the first to a tier
    near_read: I64  # [T]: route
    near_write: I64  # [T]: route
    compute: I64  # [units]: route
    operate: I64  # [units, 4]: route of an operation that reads nothing near, reads, writes, does both
    work_read: I64  # [jobs or 1, object classes + 1]: bytes that an operation reads from the near tier, and their sum
    work_written: I64  # [jobs or 1, object classes + 1]: bytes that it writes there, and their sum
    flops_of: I64  # [jobs or 1]: FLOPs of an operation
    operated: I64  # [H, 2]: FLOPs, or bytes, of operations
    units: I64  # [units, UNIT_COLUMNS]
    stall: I64  # [units, STALL_KINDS, max(T, H), STALL_DETAILS, object classes]: picoseconds
    waits: I64  # [sorts or 0, STALL_KINDS, max(T, H), STALL_DETAILS]: picoseconds of stalls, by sort of a driver's work
    state: U8  # [T, O]
    dirty: U8  # [T, O]
    home: U8  # [T, O]: 1 where the object lives for good
    renewable: U8  # [O]: 1 where it has a cost to be made again
    pins: I32  # [T, O]
    hit_count: I32  # [T, O or 1]: hits since it came, only for tiers that promote on the n-th
    transit: I32  # [O]: the job, or -1
    aside: I32  # [O]: scratch of the choice of a victim
    next_use: I64  # [O]: place in the trace of the next access, as known at its last one
    size: I64  # [O]: bytes
    coding: I64  # [T, 2]: size in a tier over size, as a fraction, or [0, 2] where no tier codes
    object_class: U8  # [O]
    flops: I64  # [units, O]: work to create the object, in FLOPs
    trace_object: I32  # [accesses]
    trace_write: U8  # [accesses]
    trace_time: I64  # [accesses] in an open loop, else [1]
    trace_next: I64  # [accesses]: place of the next access of the object, or [1] when nobody asks
    order: I64  # [accesses]: the trace by stream, each in trace order
    stream_of: I32  # [accesses]
    streams: I64  # [streams, STREAM_COLUMNS]
    setup: I64  # [6]: open loop?, think time, keep victims?, driven?, the window of timelines
    hooks: I64  # [T, 6]: addresses of the policies' functions
    fields: I64  # [T]: address of each policy's table of fields
    gates: I64  # [T, GATE_COLUMNS]: addresses of the admission policies' functions and fields
    against: I64  # [1]: the victim that a newcomer is compared with
    ahead: I64  # [T, AHEAD_COLUMNS]: each tier's prefetcher, and what became of its prefetches
    early: U8  # [T, O or 1]: EARLY, DISPLACED ..., only where something prefetches
    hearing: I64  # [HEARING_COLUMNS]: where the next two stand
    heard: I64  # [ring]: accesses for prefetchers to hear of: place in the trace << 1 | whether it counted a use near
    named: I64  # [MOST]: the objects that a prefetcher named last
    told: I64  # [4]: what it is told of the access: stream, write, hit, used
    issued: I64  # [accesses]: picoseconds
    done: I64  # [accesses]: picoseconds
    served: I64  # [accesses]: tier, or -1
    watches: I64  # [WATCHES, WATCH_COLUMNS]
    journal: I64  # [entries, JOURNAL_COLUMNS]
    timeline: I64  # [transfers, TIMELINE_COLUMNS], or [0, ...] when not asked for
    victims: I64  # [evictions, VICTIM_COLUMNS], or [0, ...] when not asked for
    spans: I64  # [changes of a unit's state, SPAN_COLUMNS], or [0, ...] when not asked for
    levels: I64  # [changes of a tier's room, LEVEL_COLUMNS], the first T before the window; or [0, ...]


# of ``setup``; DRIVEN: a driver acquires objects and submits work
OPEN_LOOP, THINK, KEEP_VICTIMS, DRIVEN, FROM, UNTIL = 0, 1, 2, 3, 4, 5


def table(rows: int, columns: int) -> I64:
    """Return an ``int64`` table of -1."""
    return np.full((rows, columns), c.NONE, dtype=np.int64)


def ready_line(entries: int) -> I64:
    """Return an empty ring for more than ``entries``, a power of two long: a place in it is a mask, not a division."""
    return np.zeros(1 << (entries + 64).bit_length(), np.int64)


def link_free(rows: I64, column: int, start: int, end: int) -> None:
    """Chain the rows ``start`` to ``end`` into a list of free rows through ``column``; the last one ends it."""
    rows[start:end, column] = np.arange(start + 1, end + 1)
    rows[end - 1, column] = c.NONE
