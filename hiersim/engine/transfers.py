"""A job's transfer: slots, then latency, then flow (docs/model.md, sections 3 and 4)."""

from __future__ import annotations

from hiersim.engine import flows, heap, slots, work
from hiersim.engine.columns import (
    DEMAND,
    G_AMOUNT,
    H_HELD,
    H_LATENCY,
    H_OPENED,
    H_PAGE,
    I_LATENCY,
    J_AMOUNT,
    J_CLASS,
    J_CREATED,
    J_FLOW,
    J_GROUP,
    J_KIND,
    J_OBJECT,
    J_PHASE,
    J_ROUTE,
    J_SEQ,
    J_SLOT,
    J_SLOTS,
    J_STREAM,
    NONE,
    NOW,
    OPERATE,
    P_FLOW,
    P_IDLE,
    P_LATENCY,
    PK_REVERSE,
    R_COUNTS,
    R_DONE,
    R_HOPS,
    R_LATENCY,
    R_OPERATES,
    R_SENSES,
    R_VARIES,
    SEQ,
    SERVED,
    SHIFT,
    SLOWEST,
    TIMELINE_SIZE,
    UNLAWFUL,
)
from hiersim.engine.effects import activation, dies, latency, packets
from hiersim.engine.world import FROM, UNTIL, World
from hiersim.jit import hot, inner


@inner
def begin(w: World, job: int, route: int, amount: int) -> None:
    """Begin the job's transfer of ``amount`` bytes (or FLOPs) over a route; it goes on from the ready line."""
    w.jobs[job, J_ROUTE] = route
    w.jobs[job, J_AMOUNT] = amount
    w.jobs[job, J_SEQ] = w.clock[SEQ]
    w.clock[SEQ] += 1
    w.jobs[job, J_SLOT] = 0
    w.jobs[job, J_CREATED] = w.clock[NOW]
    go_on(w, job)


@inner
def go_on(w: World, job: int) -> None:
    """Take the slots that are missing; with all of them, spend the latencies, then flow."""
    if not slots.take_all(w, job):
        return
    now = w.clock[NOW]
    route = w.jobs[job, J_ROUTE]
    w.jobs[job, J_SLOTS] = now
    varies = w.routes[route, R_VARIES] == 1
    wait = latency.fix(w, job) if varies else w.routes[route, R_LATENCY]
    if wait == 0:
        start_flow(w, job)
        return
    w.jobs[job, J_PHASE] = P_LATENCY
    if not varies:
        for i in range(w.routes[route, R_HOPS]):
            hop = w.route_hop[route, i]
            w.hops[hop, H_LATENCY] += w.latency[hop, w.route_direction[route, i]]
    key = heap.order_key(1, w.jobs[job, J_CLASS], w.jobs[job, J_STREAM], w.jobs[job, J_SEQ])
    heap.push(w, now + wait, key, (I_LATENCY << SHIFT) | job)


@inner
def start_flow(w: World, job: int) -> None:
    """Let the job's bytes flow."""
    if w.routes[w.jobs[job, J_ROUTE], R_SENSES] == 1:
        latency.over(w, job)
    w.jobs[job, J_PHASE] = P_FLOW
    w.jobs[job, J_FLOW] = w.clock[NOW]
    flows.appear(w, job)
    flows.join(w, job, float(w.jobs[job, J_AMOUNT]))


@inner
def end_flow(w: World, job: int) -> None:
    """Take the job's flow off its hops, count what it carried, and pass its slots on."""
    check_end(w, job)
    count(w, job)
    flows.vanish(w, job)
    flows.leave(w, job)
    w.jobs[job, J_PHASE] = P_IDLE
    slots.give_back(w, job)


@hot
def check_end(w: World, job: int) -> None:
    """Note a flow that ends before its bytes can have passed the slowest hop of its route."""
    group = w.jobs[job, J_GROUP]
    needed = w.jobs[job, J_AMOUNT] * w.rates[group, SLOWEST]
    if w.clock[NOW] - w.jobs[job, J_FLOW] + 1 < needed * (1.0 - 1e-9):
        w.clock[UNLAWFUL] += 1


@inner
def count(w: World, job: int) -> None:
    """Add a transfer that has ended to the traffic of its hops and to the timeline."""
    route, amount = w.jobs[job, J_ROUTE], w.jobs[job, J_AMOUNT]
    kind = w.object_class[w.jobs[job, J_OBJECT]]
    group = w.jobs[job, J_GROUP]
    known = w.groups[group, G_AMOUNT] == amount
    if w.routes[route, R_OPERATES] == 1:
        work.count(w, job)
        note(w, job)
        return
    for i in range(w.routes[route, R_HOPS]):
        hop, direction = w.route_hop[route, i], w.route_direction[route, i]
        w.payload[hop, direction, kind] += amount
        w.wire[hop, direction] += w.group_wire[group, 3 * i] if known else packets.on_wire(w, hop, direction, amount)
    if w.routes[route, R_COUNTS] == 1:
        count_more(w, route, group if known else NONE, amount)
    w.routes[route, R_DONE] += amount
    note(w, job)


@inner
def note(w: World, job: int) -> None:
    """Enter a transfer that has ended in the timeline, if there is one and it overlaps the window."""
    if w.timeline.shape[0] > 0 and w.clock[NOW] >= w.setup[FROM] and w.jobs[job, J_CREATED] < w.setup[UNTIL]:
        row = w.clock[TIMELINE_SIZE]
        w.clock[TIMELINE_SIZE] = row + 1
        w.timeline[row, 0] = w.jobs[job, J_CREATED]
        w.timeline[row, 1] = w.jobs[job, J_SLOTS]
        w.timeline[row, 2] = w.jobs[job, J_FLOW]
        w.timeline[row, 3] = w.clock[NOW]
        w.timeline[row, 4] = w.jobs[job, J_OBJECT]
        w.timeline[row, 5] = w.jobs[job, J_AMOUNT]
        w.timeline[row, 6] = w.jobs[job, J_ROUTE]
        w.timeline[row, 7] = w.jobs[job, J_CLASS]
        w.timeline[row, 8] = w.jobs[job, J_KIND]
        w.timeline[row, 9] = w.jobs[job, J_SEQ]
        if w.jobs[job, J_KIND] == OPERATE:
            w.timeline[row, 10] = w.flops_of[job]
            w.timeline[row, 11] = work.moved(w, job, 0)
            w.timeline[row, 12] = work.moved(w, job, 1)


@hot
def count_more(w: World, route: int, group: int, amount: int) -> None:
    """Add what a transfer does to its hops beside the bytes on the wire: requests, rows opened, pages programmed.

    A group knows the numbers of a transfer of its size.
    """
    for i in range(w.routes[route, R_HOPS]):
        hop, direction = w.route_hop[route, i], w.route_direction[route, i]
        if group != NONE:
            requests, rows = w.group_wire[group, 3 * i + 1], w.group_wire[group, 3 * i + 2]
        else:
            requests, rows = packets.asked(w, hop, direction, amount), activation.opened(w, hop, amount)
        if requests > 0:
            w.wire[w.packet[hop, PK_REVERSE + direction], 1 - direction] += requests
        w.hops[hop, H_OPENED] += rows
        if direction == 1 and w.hops[hop, H_PAGE] > 0:
            w.programmed[hop] += dies.programmed(w, hop, amount)


@inner
def raise_to_demand(w: World, job: int) -> None:
    """Make a transfer one of class demand, wherever it is on its way."""
    old = w.jobs[job, J_CLASS]
    route = w.jobs[job, J_ROUTE]
    for i in range(w.jobs[job, J_SLOT]):
        hop = w.route_slot[route, i]
        w.hops[hop, H_HELD + old] -= 1
        w.hops[hop, H_HELD + DEMAND] += 1
    if w.jobs[job, J_PHASE] == P_FLOW:
        group = w.jobs[job, J_GROUP]
        flows.advance(w, group)
        left = max(0.0, w.flow_end[job] - w.rates[group, SERVED])
        flows.leave(w, job)
        w.jobs[job, J_CLASS] = DEMAND
        flows.join(w, job, left)
    else:
        w.jobs[job, J_CLASS] = DEMAND
