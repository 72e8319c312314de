"""What to say when operations cannot go on: memory that does not fit, with what is there; objects that are nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hiersim.drivers.execute import columns as x
from hiersim.engine import columns as c
from hiersim.errors import ConfigError, TraceError

if TYPE_CHECKING:
    from hiersim.drivers.execute.run import Execution

MOST = 5  # objects that a message names


def lost(execution: Execution) -> TraceError:
    """Return what to raise when an operation needs an object that is in no tier."""
    state, trace = execution.program.state, execution.trace
    place, key = int(state[x.LOST_BY]), int(state[x.LOST_OBJECT])
    name = trace.objects.name(key)
    why = "nothing has written it yet: no dependency orders it after what does"
    if _was_there(execution, key):
        lost = int(execution.core.world.tiers[:, c.T_LOST].sum())
        how = f"evicted where no tier had room for it, as {lost:,} were" if lost else "dropped"
        why = f"it was {how}, and nothing can make it again"
    return TraceError(
        f"operation {trace.label(place)} at {execution.core.now:,} ps: object {name} is in no tier: {why}"
    )


def _was_there(execution: Execution, key: int) -> bool:
    """Say whether an object has been somewhere: at the start, or since an operation wrote it."""
    p = execution.program
    for row in np.flatnonzero(p.over >= 0):
        start = p.offsets[row] + p.reads[row]
        if key in p.uses[start : p.offsets[row + 1]]:
            return True
    return bool(execution.trace.objects.start[key] >= 0)


def standstill(execution: Execution) -> ConfigError:
    """Return what to raise when nothing can happen any more: who lacks how much room where, and what is there."""
    p, w = execution.program, execution.core.world
    done, count = int(p.state[x.DONE]), execution.loaded
    waiting = [
        (int(place), int(p.phase[place - p.state[x.BASE]]))
        for place in sorted(p.streams[p.streams[:, x.S_HEAD] != x.NONE, x.S_HEAD])
    ]
    stuck = [place for place, phase in waiting if phase != x.QUEUED] or [place for place, _ in waiting]
    label = execution.trace.label(stuck[0])
    lines = [_tier(execution, t) for t in range(len(w.tiers)) if _short(execution, t, stuck)]
    where = "; ".join(lines) or "no tier lacks room, yet nobody can go on"
    head = (
        f"operation {label}: the run stands still at {execution.core.now:,} ps, {done:,} of {count:,} operations over"
    )
    return ConfigError(f"{head}: {where}")


def _short(execution: Execution, tier: int, stuck: list[int]) -> bool:
    """Say whether someone waits for room in a tier."""
    p, row = execution.program, execution.core.world.tiers[tier]
    return bool(row[c.T_LINE_HEAD] != c.NONE or p.turns[tier, x.TL_HEAD] != x.NONE)


def _tier(execution: Execution, tier: int) -> str:
    """Say how much a tier lacks, and what is held there."""
    w, name = execution.core.world, execution.core.plan.order[tier]
    row = w.tiers[tier]
    lacks = int(row[c.T_USED] + row[c.T_QUEUED] - row[c.T_CAPACITY])
    what = (
        f"tiers.{name}.capacity lacks {lacks:,} bytes: {int(row[c.T_CAPACITY]):,} in all, {int(row[c.T_USED]):,} taken"
    )
    return f"{what}; {_residents(execution, tier)}"


def _residents(execution: Execution, tier: int) -> str:
    """Name the largest objects of a tier, those that are held first."""
    w, objects = execution.core.world, execution.trace.objects
    there = np.flatnonzero(w.state[tier, : len(objects)] != c.ABSENT)
    held = there[(w.pins[tier, there] > 0) | (w.home[tier, there] == 1)]
    largest: Any = held[np.argsort(-w.size[held], kind="stable")][:MOST]
    named = ", ".join(f"{objects.name(int(key))} ({int(w.size[key]):,})" for key in largest)
    more = f" and {len(held) - len(largest):,} more" if len(held) > len(largest) else ""
    return f"{len(there):,} objects are there, held or at home {named or 'none'}{more}"
