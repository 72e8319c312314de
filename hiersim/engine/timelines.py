"""From the logs of a core that has come to rest to a Timeline: names instead of numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hiersim.engine import columns as c
from hiersim.engine.timeline import I64, Cause, Levels, Spans, State, Timeline
from hiersim.engine.words import DETAILS, KINDS

if TYPE_CHECKING:
    from hiersim.engine.core import Core
    from hiersim.engine.plan import Plan, Step

STATES: dict[int, State] = {c.S_COMPUTE: "compute", c.S_NEAR: "near", c.S_IDLE: "idle"}


def make_timeline(core: Core) -> Timeline:
    """Return what a core has kept of its transfers, of its units' states and of its tiers' room."""
    w, plan = core.world, core.plan
    rows = w.timeline[: int(w.clock[c.TIMELINE_SIZE])]
    ends = np.array(plan.ends, np.int16)
    start, end = core.options.window_ps
    return Timeline(
        places=(*plan.order, *plan.units),
        created_ps=rows[:, 0].copy(),
        slots_ps=rows[:, 1].copy(),
        flow_ps=rows[:, 2].copy(),
        done_ps=rows[:, 3].copy(),
        object=rows[:, 4].astype(np.int32),
        bytes=np.where(rows[:, 8] == c.OPERATE, rows[:, 10], rows[:, 5]),
        source=ends[rows[:, 6], 0],
        target=ends[rows[:, 6], 1],
        traffic=rows[:, 7].astype(np.int8),
        near_bytes=np.where(rows[:, 8:9] == c.OPERATE, rows[:, 11:13], 0),
        kind=rows[:, 8].astype(np.int8),
        route=rows[:, 6].astype(np.int16),
        routes=tuple(tuple(hop_name(plan, step) for step in steps) for _, steps in plan.routes),
        spans=_spans(core, rows[:, 9]),
        levels=_levels(core),
        window_ps=(min(start, core.now), min(end, core.now)),
    )


def hop_name(plan: Plan, step: Step) -> str:
    """Return the name of a hop with its direction; of a medium and of a unit without."""
    hop, direction = step
    name = plan.hops[hop].name
    if step in plan.tier_step.values() and "." not in name:
        return f"{name}.{('read', 'write')[direction]}"
    if step in plan.link_step.values() and "." not in name:
        return f"{name}.{('forward', 'backward')[direction]}"
    return name


def _spans(core: Core, numbers: I64) -> Spans:
    """Return the units' spans; ``numbers`` are the sequence numbers of the transfers that are kept."""
    w = core.world
    rows = w.spans[: int(w.clock[c.SPANS_SIZE])]
    rows = rows[np.lexsort((rows[:, c.SP_START], rows[:, c.SP_UNIT]))]
    key = rows[:, c.SP_OBJECT]
    classes = np.where(key < 0, c.NONE, w.object_class[key] if len(key) else c.NONE)
    keys = np.column_stack([rows[:, [c.SP_STATE, c.SP_PLACE, c.SP_DETAIL]], classes])
    found, cause = np.unique(keys, axis=0, return_inverse=True)
    return Spans(
        units=core.plan.units,
        causes=tuple(_cause(core, *map(int, key)) for key in found),
        unit=rows[:, c.SP_UNIT].astype(np.int16),
        start_ps=rows[:, c.SP_START].copy(),
        end_ps=rows[:, c.SP_END].copy(),
        cause=cause.reshape(-1).astype(np.int32),
        access=rows[:, c.SP_INDEX].copy(),
        object=key.astype(np.int32),
        transfer=_rows_of(rows[:, c.SP_TRANSFER], numbers),
    )


def _cause(core: Core, state: int, place: int, detail: int, object_class: int) -> Cause:
    if state in STATES:
        return Cause(STATES[state])
    at_tier = state in (c.S_ROOM, c.S_JOINED)
    where = core.plan.order[place] if at_tier else core.plan.hops[place].name
    return Cause("stall", KINDS[state], where, DETAILS[state][detail], core.trace.classes[object_class])


def _rows_of(wanted: I64, numbers: I64) -> I64:
    """Return the row of each transfer that has one, by its sequence number; -1 for others."""
    order = np.argsort(numbers, kind="stable")
    at = np.searchsorted(numbers[order], wanted)
    there = at < len(numbers)
    there[there] = numbers[order[at[there]]] == wanted[there]
    found = np.full(len(wanted), c.NONE, np.int64)
    found[there] = order[at[there]]
    return found


def _levels(core: Core) -> Levels:
    """Return how full tiers were: of each instant the last word, and only what differs from the one before."""
    w = core.world
    rows = w.levels[: int(w.clock[c.LEVELS_SIZE])]
    kept = []
    for tier in range(len(core.plan.order)):
        mine = np.flatnonzero(rows[:, 1] == tier)
        mine = mine[np.append(np.diff(rows[mine, 0]) > 0, True)]
        kept.append(mine[np.append(True, np.diff(rows[mine, 2]) != 0)])
    chosen = np.sort(np.concatenate(kept)) if kept else np.empty(0, np.int64)
    return Levels(core.plan.order, rows[chosen, 1].astype(np.int16), rows[chosen, 0].copy(), rows[chosen, 2].copy())
