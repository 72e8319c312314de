"""What devices can do is never exceeded, at any moment of a run; and energy is the sum of its parts.

A run is stopped whenever rates have been set. What each hop then carries is added up from the rates of the flows alone,
by the figures of the part: not by the core's own accounts.
"""

from __future__ import annotations

from collections import defaultdict
from math import ceil

import pytest
from core.parity import make_core
from strategies import scenario

from hiersim.engine import columns as c
from hiersim.engine.laws import check_laws
from hiersim.engine.outcome import make_result

CHUNK = 50
NEVER = 1 << 62
DIRECTIONS = {"tiers": ("read", "write"), "links": ("forward", "backward")}


def moments(core):
    """Stop where rates hold: after each instant with events, and after each change of a write cache between them."""
    while core.run(budget=1) == c.PAUSE:
        core.run(until=core.now + 1)
        yield core.now
        clock = core.world.clock
        while clock[c.CHANGE] < (core.world.heap[0, 0] if clock[c.HEAP_SIZE] else 0):
            core.run(until=int(clock[c.CHANGE]) + 1)
            yield core.now
            clock = core.world.clock


def flows(core):
    """Each group of flows: its steps as (part, direction, is it the medium), how many, bytes each and their rate."""
    w, plan = core.world, core.plan
    g = w.clock[c.GROUP_HEAD]
    while g != c.NONE:
        row = w.groups[g]
        steps = [plan.hops[h] for h, _ in plan.routes[row[c.G_ROUTE]][1]]
        ways = [d for _, d in plan.routes[row[c.G_ROUTE]][1]]
        passed = [(hop.part, way, hop.name.endswith(".media")) for hop, way in zip(steps, ways, strict=True)]
        yield passed, int(row[c.G_FLOWS]), int(row[c.G_AMOUNT]), float(w.rates[g, c.RATE])
        g = row[c.G_NEXT]


def carried(core):
    """By port (part, direction) and by medium: [(bytes on the wire per ps, payload per ps, bytes each)]."""
    machine, ports, media = core.plan.machine, defaultdict(list), defaultdict(list)
    for passed, n, size, rate in flows(core):
        for name, way, medium in passed:
            part = machine.tiers.get(name) or machine.links.get(name)
            if part is None:  # a computation
                continue
            wire = ceil(size / part.granularity) * part.granularity
            packets = getattr(part, "packets", None)
            if packets:
                answers = way == (1 if packets.driven_by == "first" else 0)
                header = packets.completion_header if answers else packets.write_header
                wire += ceil(size / packets.max_payload) * header
                asked = ceil(size / packets.read_request) * packets.request_header if answers else 0
                ports[name, 1 - way].append((n * rate * asked / size, 0.0, size))
            (media if medium else ports)[name, way].append((n * rate * wire / size, n * rate, size))
    return ports, media


def turned(r, w, turnaround):
    return r + w + (turnaround or 0.0) * min(r, w)


def used(part, ports):
    """Shares of what a part can do that are used: what must not be more than 1, by name."""
    rates = bandwidths(part)
    shares = [sum(wire for wire, _, _ in way) * 1e12 / rate for way, rate in zip(ports, rates, strict=True)]
    shares = [share + rate for share, rate in zip(shares, others(part, rates), strict=True)]
    turns = None if getattr(part, "media_bandwidth", None) else getattr(part, "turnaround", None)
    half = part.duplex == "half"
    found = {"bandwidth": turned(*shares, turns) if half else max(shares)}
    operations = [sum(rate / size for _, rate, size in way) for way in ports]
    caps = (part.read_ops, part.write_ops) if hasattr(part, "read_ops") else (part.ops, part.ops)
    busy = [1e12 * x / cap if cap else 0.0 for x, cap in zip(operations, caps, strict=True)]
    found["operations"] = sum(busy) if half else max(busy)
    nand, dies = getattr(part, "nand", None), [0.0, 0.0]
    if nand is not None:
        dies[0] = sum(rate / size * ceil(size / nand.page) for _, rate, size in ports[0]) * nand.read / nand.dies
        least = sum(rate for _, rate, _ in ports[1]) / nand.page  # programs of bytes that fill units, nothing moved
        dies[1] = least * (nand.program or 0) / nand.dies
        found["dies"] = sum(dies) if half else max(dies)
    if part.sharpness is not None:
        ways = [sum(x) for x in (shares, busy, dies)] if half else []
        each = [ways] if half else [list(x) for x in zip(shares, busy, dies, strict=True)]
        found["norm"] = max(sum(x**part.sharpness for x in accounts) for accounts in each)
    return found


def bandwidths(part):
    if hasattr(part, "read_bandwidth"):
        return part.read_bandwidth * part.efficiency, part.write_bandwidth * part.efficiency
    return part.bandwidth * part.efficiency, (part.backward_bandwidth or part.bandwidth) * part.efficiency


def others(part, rates):
    names = (
        ("background_read", "background_write")
        if hasattr(part, "read_bandwidth")
        else ("background", "backward_background")
    )
    return [getattr(part, name) / rate for name, rate in zip(names, rates, strict=True)]


def full_caches(core):
    """The tiers whose write cache is full."""
    hops = [core.plan.hops[core.plan.bounds[bound][0]].part for bound in core.world.cache_at[:, c.CB_BOUND]]
    rows = zip(hops, core.world.cache, strict=True)
    return {name for name, row in rows if row[c.C_LEVEL] >= row[c.C_CAPACITY] - 1.0}


def check_moment(core, most):
    """Assert that no part does more than it can, and note how much they did at most."""
    ports, media = carried(core)
    machine, full = core.plan.machine, full_caches(core)
    for name, part in (*machine.tiers.items(), *machine.links.items()):
        here = used(part, (ports[name, 0], ports[name, 1]))
        if getattr(part, "media_bandwidth", None):
            ways = [sum(wire for wire, _, _ in media[name, way]) * 1e12 for way in (0, 1)]
            r, w = (
                (x + y) / part.media_bandwidth
                for x, y in zip(ways, (part.background_read, part.background_write), strict=True)
            )
            here["media"] = turned(r, w, part.turnaround)
        if name in full:
            slc = part.slc_cache.bandwidth * part.efficiency
            here["cache"] = sum(wire for wire, _, _ in ports[name, 1]) * 1e12 / slc
        for what, share in here.items():
            assert share <= 1 + 1e-6, (name, what, core.now)
            most[what] = max(most[what], share)


@pytest.mark.parametrize("first", range(0, 400, CHUNK))
def test_no_part_does_more_than_it_can_at_any_moment(first):
    most = defaultdict(float)
    for seed in range(first, first + CHUNK):
        core = make_core(scenario(seed))
        for _ in moments(core):
            check_moment(core, most)
        check_laws(core, complete=core.finished)
    assert most["bandwidth"] > 1 - 1e-6
    assert most["operations"] > 1 - 1e-6
    assert most["norm"] > 0.9


@pytest.mark.parametrize("first", range(0, 200, CHUNK))
def test_no_link_carries_more_than_its_bandwidth_in_each_direction_over_a_run(first):
    for seed in range(first, first + CHUNK):
        core = make_core(scenario(seed))
        core.run()
        for name, link in make_result(core, "caps", 0.0, {}).links.items():
            part = core.plan.machine.links[name]
            rates = bandwidths(part)
            least = [(1 - x) * rate * core.now / 1e12 for x, rate in zip(others(part, rates), rates, strict=True)]
            both = link.forward_wire_bytes, link.backward_wire_bytes
            if part.duplex == "full":
                assert all(wire <= most * (1 + 1e-9) + 1 for wire, most in zip(both, least, strict=True))
            else:
                shares = [x / rate * 1e12 for x, rate in zip(both, rates, strict=True)]
                assert sum(shares) + core.now * sum(others(part, rates)) <= core.now * (1 + 1e-9) + 1


@pytest.mark.parametrize("first", range(0, 200, CHUNK))
def test_energy_is_the_sum_of_its_parts(first):
    """Bits on the wire, rows opened, power over time: from the result's own counters and the machine's figures."""
    for seed in range(first, first + CHUNK):
        core = make_core(scenario(seed))
        core.run()
        result, machine = make_result(core, "energy", 0.0, {}), core.plan.machine
        total = 0.0
        for name, tier in result.tiers.items():
            part = machine.tiers[name]
            bits = tier.read_wire_bytes * (part.read_energy or 0.0) + tier.written_wire_bytes * (
                part.write_energy or 0.0
            )
            rows = tier.activations * part.activation.energy if part.activation else 0.0
            joules = (8 * bits + rows + core.now * (part.background_power or 0.0)) * 1e-12
            assert tier.energy_j == pytest.approx(joules, rel=1e-12)
            total += joules
        for name, link in result.links.items():
            part = machine.links[name]
            wire = link.forward_wire_bytes + link.backward_wire_bytes
            joules = (8 * wire * (part.energy or 0.0) + core.now * (part.background_power or 0.0)) * 1e-12
            assert link.energy_j == pytest.approx(joules, rel=1e-12)
            total += joules
        total += sum(unit.energy_j for unit in result.units.values())
        assert result.total_energy_j == pytest.approx(total, rel=1e-12)
