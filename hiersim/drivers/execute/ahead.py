"""Fetching ahead: the inputs of the next operations of a stream, while there is room that nobody nearer wants."""

from __future__ import annotations

from hiersim.drivers.execute import rows
from hiersim.drivers.execute.columns import LOOK, NONE, S_AWAY, S_DISTANCE, S_HEAD, S_LOOK, S_LOOK_AT
from hiersim.drivers.execute.program import Program
from hiersim.engine import early, lookups, rooms
from hiersim.engine.columns import (
    ABSENT,
    AH_AWAY,
    AH_BYTES,
    AH_ISSUED,
    ARRIVING,
    DISPLACED,
    EARLY,
    J_TAG,
    PREFETCH,
    PREFETCHING,
    RESIDENT,
    T_CAPACITY,
    T_LEAVING,
    T_NEXT,
    T_QUEUED,
    T_USED,
    U_NEAR,
)
from hiersim.engine.rows import new_job
from hiersim.engine.world import World
from hiersim.jit import hot, inner
from hiersim.traces.operation import COMPUTE


@inner
def look(w: World, d: Program, stream: int) -> bool:
    """Let a stream look further ahead, up to the next prefetch; say whether it began one."""
    catch_up(d, stream)
    while d.streams[stream, S_LOOK] != NONE and d.streams[stream, S_DISTANCE] <= d.state[LOOK]:
        o = rows.row(d, d.streams[stream, S_LOOK])
        if d.streams[stream, S_AWAY] > 0 and d.streams[stream, S_LOOK_AT] == NONE:
            return False
        if d.action[o] == COMPUTE:
            open_up(d, stream, o)
            while d.streams[stream, S_LOOK_AT] < d.offsets[o] + d.reads[o]:
                key = d.uses[d.streams[stream, S_LOOK_AT]]
                if wanting(w, d, o, key):
                    if not make_room(w, d, o, key):
                        return False
                    d.streams[stream, S_LOOK_AT] += 1
                    fetch(w, d, stream, o, key)
                    return True
                d.streams[stream, S_LOOK_AT] += 1
        d.streams[stream, S_LOOK] = d.following[o]
        d.streams[stream, S_LOOK_AT] = NONE
        d.streams[stream, S_DISTANCE] += 1
    return False


@hot
def catch_up(d: Program, stream: int) -> None:
    """Begin anew at the head, if that has come past the place that was looked at."""
    if d.streams[stream, S_DISTANCE] < 0:
        d.streams[stream, S_LOOK] = d.streams[stream, S_HEAD]
        d.streams[stream, S_LOOK_AT] = NONE
        d.streams[stream, S_DISTANCE] = 0


@inner
def open_up(d: Program, stream: int, o: int) -> None:
    """Begin with the first input of an operation: all of its inputs are wanted from now on."""
    if d.streams[stream, S_LOOK_AT] == NONE:
        start = d.offsets[o]
        d.streams[stream, S_LOOK_AT] = start
        d.looked[o] = 1
        for i in range(start, start + d.reads[o]):
            d.wanted[d.uses[i]] += 1


@inner
def wanting(w: World, d: Program, o: int, key: int) -> bool:
    """Say whether an input is to be fetched: not near in any state, not in transit, and resident somewhere."""
    near = w.units[d.unit[o], U_NEAR]
    if w.state[near, key] != ABSENT or w.transit[key] != NONE:
        return False
    return lookups.elsewhere(w, key) != NONE


@inner
def make_room(w: World, d: Program, o: int, key: int) -> bool:
    """Evict for a prefetch what no operation that has been looked at wants; say whether there is room now."""
    near = w.units[d.unit[o], U_NEAR]
    while lacks_room(w, near, w.size[key]):
        victim = rooms.pick(w, near, key)
        if victim < 0 or d.wanted[victim] > 0:
            return False
        if early.marks(w) and w.early[near, victim] != EARLY:
            w.early[near, victim] = DISPLACED
        rooms.evict(w, near, victim, w.streams.shape[0])
    return True


@hot
def lacks_room(w: World, tier: int, size: int) -> bool:
    """Say whether something would have to leave for a newcomer."""
    staying = w.tiers[tier, T_USED] - w.tiers[tier, T_LEAVING] + w.tiers[tier, T_QUEUED]
    return bool(staying + size > w.tiers[tier, T_CAPACITY])


@inner
def fetch(w: World, d: Program, stream: int, o: int, key: int) -> None:
    """Begin a prefetch for which there is room."""
    near = w.units[d.unit[o], U_NEAR]
    source = source_of(w, near, key)
    job = new_job(w, PREFETCHING, key, source, near, PREFETCH, w.streams.shape[0])
    w.jobs[job, J_TAG] = -2 - stream  # to be told from operations
    d.streams[stream, S_AWAY] += 1
    w.transit[key] = job
    w.state[near, key] = ARRIVING
    if early.marks(w):
        w.early[near, key] = EARLY
    w.ahead[near, AH_ISSUED] += 1
    w.ahead[near, AH_AWAY] += 1
    w.ahead[near, AH_BYTES] += w.size[key]
    rooms.ask(w, near, job)


@hot
def source_of(w: World, near: int, key: int) -> int:
    """Return the tier that a fetch to a near tier would read: of its chain the first, else of all the first."""
    tier = w.tiers[near, T_NEXT]
    while tier != NONE and w.state[tier, key] != RESIDENT:
        tier = w.tiers[tier, T_NEXT]
    return int(tier) if tier != NONE else lookups.elsewhere(w, key)
