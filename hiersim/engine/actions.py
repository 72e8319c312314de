"""What agents do to a run: prefetch, migrate, pin, throttle, weigh. Each acts now and runs the ready line."""

from __future__ import annotations

from hiersim.engine import loop, memo, prefetches, rooms
from hiersim.engine.coding import size_in
from hiersim.engine.columns import (
    ABSENT,
    ARRIVING,
    DIRTY,
    G_CLASS,
    G_NEXT,
    GROUP_HEAD,
    MIGRATE,
    NONE,
    RESIDENT,
    SETTLE,
    THROTTLED,
    WEIGHT,
    WRITE_BACK,
)
from hiersim.engine.rows import new_job
from hiersim.engine.world import World
from hiersim.jit import inner, kernel

UNLIMITED = 1 << 62


@kernel
def prefetch(w: World, key: int, tier: int) -> bool:
    """Bring an object into a tier from further out, with class prefetch; return False when nothing begins."""
    began = prefetches.attempt(w, key, tier, UNLIMITED)
    finish(w)
    return began


@kernel
def migrate(w: World, key: int, source: int, target: int) -> bool:
    """Move an object to another tier, with class write-back; return False when there is nothing to do."""
    if w.transit[key] != NONE or w.state[source, key] != RESIDENT or w.state[target, key] != ABSENT:
        return False
    if rooms.refuses(w, target, size_in(w, target, key)):
        return False
    return begin(w, MIGRATE, key, source, target, WRITE_BACK)


@inner
def begin(w: World, kind: int, key: int, source: int, target: int, traffic: int) -> bool:
    """Begin a transit that belongs to no access; its stream is the one after the last."""
    job = new_job(w, kind, key, source, target, traffic, w.streams.shape[0])
    w.transit[key] = job
    w.state[target, key] = ARRIVING
    rooms.ask(w, target, job)
    finish(w)
    return True


@inner
def finish(w: World) -> None:
    """End an action as every handler ends: settle, then run the ready line."""
    loop.settle(w)
    loop.drain(w)


@kernel
def pin(w: World, key: int, tier: int) -> None:
    """Keep an object from being evicted from a tier until it is unpinned as often."""
    rooms.pin(w, tier, key)


@kernel
def unpin(w: World, key: int, tier: int) -> None:
    """Take one pin off."""
    rooms.unpin(w, tier, key)
    w.clock[SETTLE] = 1
    finish(w)


@kernel
def throttle(w: World, hop: int, traffic: int, share: float) -> None:
    """Leave a class of traffic at most a share of a hop."""
    for k in range(w.bound_hop.shape[0]):
        if w.bound_hop[k] == hop:
            w.limit[k, traffic] = share
            w.clock[THROTTLED] = 1
    w.clock[DIRTY] = 1


@kernel
def weigh(w: World, traffic: int, weight: float) -> None:
    """Give all flows of a class a weight, those that flow already too."""
    w.class_weight[traffic] = weight
    group = w.clock[GROUP_HEAD]
    while group != NONE:
        if w.groups[group, G_CLASS] == traffic:
            w.rates[group, WEIGHT] = weight
        group = w.groups[group, G_NEXT]
    memo.forget(w)
    w.clock[DIRTY] = 1
