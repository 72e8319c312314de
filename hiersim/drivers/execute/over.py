"""The end of an operation: what it held is released, objects end, and those that come after it may be free."""

from __future__ import annotations

from hiersim.drivers.execute import rows
from hiersim.drivers.execute.columns import (
    BASE,
    COMPLETE,
    DONE,
    ENDED_AT,
    K_BUSY,
    K_COUNT,
    K_FLOPS,
    K_MOVED,
    K_READ,
    K_WRITTEN,
    LEAST,
    LEAVERS,
    LOOK,
    NONE,
    OVER,
    QUEUED,
    ROWS,
    S_CRITICAL,
    S_DISTANCE,
    S_HEAD,
    S_LEFT,
    SHORT,
)
from hiersim.drivers.execute.program import Program
from hiersim.engine import driven, rooms
from hiersim.engine.columns import NOW, RESIDENT, SETTLE, U_NEAR
from hiersim.engine.world import World
from hiersim.jit import hot, inner
from hiersim.traces.operation import CARRY, COMPUTE, FETCH


@inner
def end(w: World, d: Program, place: int) -> None:
    """End an operation."""
    o = rows.row(d, place)
    if d.action[o] in (COMPUTE, FETCH):
        let_go(w, d, o)
    d.phase[o] = OVER
    d.over[o] = w.clock[NOW]
    d.state[DONE] += 1
    d.state[ENDED_AT] = w.clock[NOW]
    w.clock[SETTLE] = 1
    count(w, d, o)
    end_uses(w, d, o)
    pass_on(w, d, place)


@inner
def let_go(w: World, d: Program, o: int) -> None:
    """Release what an operation held: what it wrote, then what it read."""
    unit, start, stop = d.unit[o], d.offsets[o], d.offsets[o + 1]
    near = w.units[unit, U_NEAR]
    for i in range(start + d.reads[o], stop):
        driven.wrote(w, unit, d.uses[i], d.stream[o])
        rooms.unpin(w, near, d.uses[i])
    for i in range(start, start + d.reads[o]):
        rooms.unpin(w, near, d.uses[i])


@inner
def count(w: World, d: Program, o: int) -> None:
    """Add an operation to the figures of its kind."""
    kind, action, whole = d.kind[o], d.action[o], d.amounts.shape[0] == 0
    read = written = 0
    for i in range(d.offsets[o], d.offsets[o + 1]):
        amount = w.size[d.uses[i]] if whole else d.amounts[i]
        if i - d.offsets[o] < d.reads[o]:
            read += amount
        else:
            written += amount
    d.kinds[kind, K_COUNT] += 1
    d.kinds[kind, K_BUSY] += d.over[o] - d.begun[o]
    d.kinds[kind, K_FLOPS] += d.flops[o]
    if action == COMPUTE:
        d.kinds[kind, K_READ] += read + d.near_read[o]
        d.kinds[kind, K_WRITTEN] += written + d.near_written[o]
    else:
        d.kinds[kind, K_MOVED] += d.near_read[o] if action == CARRY else read


@inner
def end_uses(w: World, d: Program, o: int) -> None:
    """Count the uses of an operation, and end objects whose last it was."""
    known = d.state[BASE] + d.state[ROWS]
    for i in range(d.offsets[o], d.offsets[o + 1]):
        key = d.uses[i]
        d.remaining[key] -= 1
        if d.remaining[key] == 0 and d.last_use[key] != NONE and d.last_use[key] < known:
            if w.transit[key] == NONE:
                leave(w, key)
            else:
                d.leaving[d.state[LEAVERS]] = key
                d.state[LEAVERS] += 1
        if d.looked[o] == 1 and i - d.offsets[o] < d.reads[o]:
            d.wanted[key] -= 1


@inner
def leave(w: World, key: int) -> None:
    """Remove every resident copy of an object that has ended."""
    for tier in range(w.tiers.shape[0]):
        if w.state[tier, key] == RESIDENT:
            driven.give_up(w, tier, key)


@inner
def pass_on(w: World, d: Program, place: int) -> None:
    """Let the stream come to its next operation, and those that come after this one count it."""
    o = rows.row(d, place)
    stream, after = d.stream[o], d.following[o]
    chain = d.critical[o]
    d.streams[stream, S_HEAD] = after
    d.streams[stream, S_CRITICAL] = chain
    d.streams[stream, S_LEFT] -= 1
    if d.streams[stream, S_LEFT] < d.state[LEAST] and d.state[COMPLETE] == 0:
        d.state[SHORT] += 1
    if d.state[LOOK] > 0:
        d.streams[stream, S_DISTANCE] -= 1
    for e in range(d.first[o], d.first[o + 1]):
        follower = d.entries[e]
        d.left[follower] -= 1
        d.critical[follower] = max(d.critical[follower], chain)
    if after != NONE:
        d.critical[rows.row(d, after)] = max(d.critical[rows.row(d, after)], chain)
        offer(w, d, after)
    for e in range(d.first[o], d.first[o + 1]):
        offer(w, d, d.entries[e] + d.state[BASE])


@hot
def offer(w: World, d: Program, place: int) -> None:
    """Put an operation on the begin line if it has become free."""
    o = rows.row(d, place)
    if d.phase[o] == QUEUED and d.left[o] == 0 and d.streams[d.stream[o], S_HEAD] == place:
        rows.line_up(w, d, place)
