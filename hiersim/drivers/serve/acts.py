"""What a scheduler in Python does to a run: the parts of forming a step, each as the compiled rules take it."""

from __future__ import annotations

from hiersim.drivers.serve import batch, preempting, queue, samples, step, waiting
from hiersim.drivers.serve.columns import E_BUSY, E_PREEMPTED, E_RUNNING, E_SLOWED, E_TIER, NONE
from hiersim.drivers.serve.state import Serve
from hiersim.engine.columns import T_LEAVING
from hiersim.engine.world import World
from hiersim.jit import inner, kernel

BEGIN, GIVE, PREEMPT, ADMIT, UNBURDEN, END = 0, 1, 2, 3, 4, 5
"""What to do."""
NO, YES, LATER = 0, 1, 2
"""How it went; ``LATER`` of a request that is taken in but has to wait for its blocks or its cache first."""


@kernel
def act(w: World, s: Serve, what: int, e: int, r: int, count: int) -> int:
    """Do a part of forming the step of engine ``e``.

    Args:
        w: the world.
        s: the state of the run.
        what: ``BEGIN`` a step; ``GIVE`` a running request ``count`` tokens; ``PREEMPT`` a running one; ``ADMIT`` one
            that waits; ``UNBURDEN`` all that wait but one; ``END``, so that the step begins.
        e: the engine.
        r: the request.
        count: tokens.

    Returns:
        ``YES``; ``NO`` where there is no room, or nobody to take it from; of ``END`` whether to form another step now.
    """
    if what == BEGIN:
        waiting.end(w, s, e)
        batch.begin(s, e)
        preempting.make_fair(w, s, e)
        return YES
    if what == GIVE:
        if not batch.extend(w, s, r, count):
            s.engines[e, E_SLOWED] += w.tiers[s.engines[e, E_TIER], T_LEAVING] > 0
            return NO
        batch.enter(w, s, e, r, count)
        return YES
    if what == PREEMPT:
        return preempt(w, s, e, r)
    if what == END:
        samples.note(w, s, e)
        step.begin(w, s, e)
        waiting.begin(w, s, e)
        return int(s.engines[e, E_PREEMPTED] & (1 - s.engines[e, E_BUSY]))
    if not queue.pull(s, e, r):
        return NO
    answer = admit(w, s, e, r) if what == ADMIT else int(preempting.unburden(w, s, e))
    if what == UNBURDEN or answer == NO:
        queue.put(s, e, r)
    return answer


@inner
def admit(w: World, s: Serve, e: int, r: int) -> int:
    """Take in a request that was taken out of the queue."""
    answer = batch.admit(w, s, e, r)
    if answer == batch.ADMITTED:
        return YES
    return NO if answer == batch.STOP else LATER


@inner
def preempt(w: World, s: Serve, e: int, r: int) -> int:
    """Take everything from a running request."""
    place = NONE
    for i in range(s.engines[e, E_RUNNING]):
        if s.running[e, i] == r:
            place = i
    if place == NONE:
        return NO
    s.engines[e, E_RUNNING] -= 1
    for i in range(place, s.engines[e, E_RUNNING]):
        s.running[e, i] = s.running[e, i + 1]
    preempting.preempt(w, s, r)
    s.engines[e, E_PREEMPTED] = 1
    return YES
