"""How full the near tier is over time: the integral of bytes held and needed, and rows that a picture is drawn from."""

from __future__ import annotations

from hiersim.drivers.serve import extents, room
from hiersim.drivers.serve.columns import (
    C_BLOCK_BYTES,
    E_QUEUE,
    E_RUNNING,
    E_STEPS,
    E_TIER,
    K_SAMPLES,
    K_STRIDE,
    Q_BYTES,
    Q_HELD,
    S_ENGINE,
    S_HELD_BYTES,
    S_NEEDED_BYTES,
    S_QUEUED,
    S_RUNNING,
    S_TIME,
    S_USED,
)
from hiersim.drivers.serve.state import Serve
from hiersim.engine.columns import NOW, T_CAPACITY, T_USED
from hiersim.engine.world import World
from hiersim.jit import inner

HELD, NEEDED, FREE, APART = 0, 1, 2, 3  # of ``used``


@inner
def note(w: World, s: Serve, e: int) -> None:
    """Sum up what the requests of a step hold, what of it has tokens in it, and holes; keep a row now and then."""
    held, needed = 0, 0
    for i in range(s.engines[e, E_RUNNING]):
        r = s.running[e, i]
        held += s.queries[r, Q_BYTES] + s.queries[r, Q_HELD] * s.settings[C_BLOCK_BYTES]
        needed += room.needed_bytes(s, r)
    s.used[e, HELD] += float(held)
    s.used[e, NEEDED] += float(needed)
    if extents.placed(s):
        free = room.free(w, s, e)
        s.used[e, FREE] += float(free)
        s.used[e, APART] += float(free - extents.largest(s, e, w.tiers[s.engines[e, E_TIER], T_CAPACITY]))
    if s.engines[e, E_STEPS] % s.clock[K_STRIDE] != 0:
        return
    if s.clock[K_SAMPLES] == s.samples.shape[0]:
        thin_out(s)
    row = s.clock[K_SAMPLES]
    s.clock[K_SAMPLES] = row + 1
    s.samples[row, S_TIME] = w.clock[NOW]
    s.samples[row, S_ENGINE] = e
    s.samples[row, S_RUNNING] = s.engines[e, E_RUNNING]
    s.samples[row, S_QUEUED] = s.engines[e, E_QUEUE]
    s.samples[row, S_USED] = w.tiers[s.engines[e, E_TIER], T_USED]
    s.samples[row, S_HELD_BYTES] = held
    s.samples[row, S_NEEDED_BYTES] = needed


@inner
def thin_out(s: Serve) -> None:
    """Keep every second row, and take half as many from now on."""
    kept = s.samples.shape[0] // 2
    for row in range(kept):
        for column in range(s.samples.shape[1]):
            s.samples[row, column] = s.samples[2 * row, column]
    s.clock[K_SAMPLES] = kept
    s.clock[K_STRIDE] *= 2
