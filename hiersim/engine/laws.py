"""The laws that every run obeys, checked at its end (docs/model.md, section 11); a breach is a defect of hiersim."""

from __future__ import annotations

import numpy as np

from hiersim.engine import columns as c
from hiersim.engine.core import Core
from hiersim.errors import LawError

ROUNDING = 1e-9  # relative: float64 sums of up to 10^7 rates


def check_laws(core: Core, complete: bool = True) -> None:
    """Check conservation of bytes, time and accesses.

    Args:
        core: a core that has come to rest.
        complete: whether every access of the trace must be done.

    Raises:
        LawError: one of them does not hold; the message has both sides.
    """
    w = core.world
    if int(w.clock[c.UNLAWFUL]) != 0:
        raise LawError(f"a transfer ended before its bytes could have passed its slowest hop ({w.clock[c.UNLAWFUL]})")
    if complete:
        if not core.options.driven:
            _equal("accesses done and in the trace", w.clock[c.DONE], len(core.trace))
        _equal("accesses outstanding at the end", w.clock[c.ISSUED] - w.clock[c.DONE], 0)
    _residence(core)
    _traffic(core)
    _time(core)
    _prefetches(core)
    if complete:
        _look_ups(core)


def _equal(what: str, left: int | np.integer, right: int | np.integer) -> None:
    if int(left) != int(right):
        raise LawError(f"{what}: {int(left):,} is not {int(right):,}")


def _residence(core: Core) -> None:
    """Bytes that came = bytes that went + bytes that are there, and never more than fits."""
    w = core.world
    for t, name in enumerate(core.plan.order):
        row = w.tiers[t]
        size = w.size if not len(w.coding) else -(-w.size * w.coding[t, 0] // w.coding[t, 1])
        resident = int(size[w.state[t] == c.RESIDENT].sum())
        updated = int(size[(w.state[t] == c.LEAVING)].sum())
        _equal(f"{name}: bytes placed and removed + resident", row[c.T_PLACED], row[c.T_REMOVED] + resident + updated)
        if row[c.T_PEAK] > row[c.T_CAPACITY]:
            raise LawError(f"{name}: {row[c.T_PEAK]:,} bytes were there, more than its {row[c.T_CAPACITY]:,}")
        evicted = row[c.T_DROPPED] + row[c.T_WRITTEN_BACK]
        _equal(f"{name}: victims and what became of them", row[c.T_EVICTIONS], evicted)


def _traffic(core: Core) -> None:
    """Every hop carried exactly what the routes across it carried, and no more than it can."""
    w = core.world
    carried = np.zeros((len(core.plan.hops), 2), np.int64)
    for r, (_, steps) in enumerate(core.plan.routes):
        for hop, direction in steps:
            carried[hop, direction] += w.routes[r, c.R_DONE]
    for h, hop_of in enumerate(core.plan.hops):
        for direction in (0, 1):
            sent = carried[h, direction] + w.operated[h, direction]
            _equal(f"{hop_of.name}: bytes carried and sent", w.payload[h, direction].sum(), sent)
        work = float((w.wire[h] * w.byte_cost[h]).sum())
        if work > core.now * (1 + ROUNDING) + 1:
            raise LawError(f"{hop_of.name}: {work:.0f} ps of work were done in {core.now} ps")


def _time(core: Core) -> None:
    """Every picosecond of a unit is busy, stalled or idle."""
    w = core.world
    for u, name in enumerate(core.plan.units):
        spent = w.units[u, [c.U_BUSY_COMPUTE, c.U_BUSY_NEAR, c.U_IDLE]].sum() + w.stall[u].sum()
        _equal(f"{name}: picoseconds busy + stalled + idle and elapsed", spent, core.now)


def _prefetches(core: Core) -> None:
    """What was prefetched was used, left unused, is still here or on its way, or was dropped; marks are true."""
    w = core.world
    for t, name in enumerate(core.plan.order):
        row, mark = w.ahead[t], w.early[t, : core.trace.objects]
        ended = row[[c.AH_IN_TIME, c.AH_LATE, c.AH_UNUSED, c.AH_DROPPED]].sum()
        early = np.count_nonzero(mark == c.EARLY)
        _equal(f"{name}: prefetches issued and accounted for", row[c.AH_ISSUED], ended + early)
        if len(mark) != core.trace.objects:
            continue  # nothing is marked in a run without prefetches
        _equal(f"{name}: objects marked as prefetched and absent", (w.state[t, mark == c.EARLY] == c.ABSENT).sum(), 0)
        _equal(
            f"{name}: objects marked as displaced and present", (w.state[t, mark == c.DISPLACED] == c.RESIDENT).sum(), 0
        )
        kinds = (w.jobs[:, c.J_KIND] == c.PREFETCHING) & (w.jobs[:, c.J_TARGET] == t)
        held = np.unique(w.transit[w.transit != c.NONE])
        _equal(f"{name}: prefetches on their way and counted so", kinds[held].sum(), row[c.AH_AWAY])


def _look_ups(core: Core) -> None:
    """Each tier is asked for what the one before it missed."""
    w = core.world
    near = np.zeros(len(core.plan.order), np.int64)
    for unit in w.units[w.units[:, c.U_NEAR] != c.NONE]:
        near[unit[c.U_NEAR]] += unit[c.U_LOOKED]
    if not core.options.driven:
        _equal("look-ups and accesses", near.sum(), len(core.trace))
    for t, name in enumerate(core.plan.order):
        row = w.tiers[t]
        asked = near[t] + sum(
            int(w.tiers[s, c.T_MISSES]) for s in range(len(core.plan.order)) if w.tiers[s, c.T_NEXT] == t
        )
        _equal(f"{name}: hits + merged + misses and look-ups", row[c.T_HITS] + row[c.T_MERGED] + row[c.T_MISSES], asked)
