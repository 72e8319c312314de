"""Closed forms of device effects on buses and links: pen and paper against the compiled core."""

from __future__ import annotations

import math

import pytest
from core.machines import FAR, NEAR, STREAM, a_machine, done, run, stalls
from strategies import scenario

from hiersim.drivers.replay import replay_timed
from hiersim.machine import ClassRules, Link, Tier, TierRules

AT_NEAR = {"page": ClassRules(on_miss="home", home=NEAR)}
ROOMY = {"capacity": 10**12}
FAST = {"bandwidth": 1e18}  # a link that takes a picosecond for a megabyte
AROUND = {NEAR: TierRules(write="around"), FAR: TierRules(promotion="never")}


def near_accesses(near, size, writes, reads):
    """Reads and writes of the near tier that begin together."""
    n = writes + reads
    write = [1] * writes + [0] * reads
    return run(a_machine(near=near | ROOMY), range(n), size, None, {"outstanding": n}, AT_NEAR, group=0, write=write)


def across(machine, size, reads, writes):
    """Reads of the far tier and writes to it that begin together, over the link."""
    n = reads + writes
    write = [0] * reads + [1] * writes
    return run(machine, range(n), size, AROUND, {"outstanding": n}, group=0, write=write)


@pytest.mark.parametrize("t", [0.0, 0.36, 1.0, 3.0])
@pytest.mark.parametrize("writes", range(11))
@pytest.mark.parametrize("media", [False, True])
def test_a_mix_costs_the_turns_of_the_direction_with_fewer_bytes(t, writes, media):
    """Bandwidth 1 / (1 + t min(w, 1 - w)): full at both ends, least in the middle, and the same from either side."""
    near = {"turnaround": t}
    if media:
        near |= {"duplex": "full", "media_bandwidth": 1e12, "read_bandwidth": 8e12, "write_bandwidth": 8e12}
    result = near_accesses(near, 1000, writes, 10 - writes)
    w = writes / 10
    assert abs(result.elapsed_ps - 10_000 * (1 + t * min(w, 1 - w))) <= 1
    assert result.units["gpu"].busy_near_ps == result.elapsed_ps


@pytest.mark.parametrize("w", [0.0, 0.25, 0.5, 0.75, 1.0])
def test_unequal_directions_are_times_of_the_medium(w):
    """A read byte takes 1/2 ps and a write byte 1 ps: R + W + t min(R, W) of those times is what the mix takes."""
    n, size, t = 8, 600, 0.5
    writes = int(n * w)
    result = near_accesses({"read_bandwidth": 2e12, "turnaround": t}, size, writes, n - writes)
    r, w = (n - writes) * size / 2, writes * size
    assert abs(result.elapsed_ps - (r + w + t * min(r, w))) <= 1


@pytest.mark.parametrize("media", [0.8e12, 1.2e12, 1.5e12, 2e12, 3e12])
@pytest.mark.parametrize(("reads", "writes"), [(4, 0), (0, 4), (4, 4), (6, 2)])
def test_a_full_duplex_tier_is_bound_by_its_ports_and_its_medium(media, reads, writes):
    """Ports of 1 B/ps each: all flows rise alike until the port of those who are more is full, or the medium."""
    near = {"duplex": "full", "media_bandwidth": media}
    size, per_ps = 600, media / 1e12
    more, fewer = max(reads, writes), min(reads, writes)
    alike = per_ps / (reads + writes)
    slow = min(1 / more, alike)
    fast = alike if slow == alike else min(1, per_ps - 1) / max(1, fewer)  # who are fewer may take what is left
    at = done(near_accesses(near, size, writes, reads))
    for times, rate in (
        (at[:writes], slow if writes == more else fast),
        (at[writes:], slow if reads == more else fast),
    ):
        assert times == pytest.approx([size / rate] * len(times), abs=1)


BOUNDS = [(100, 100), (100, 60), (60, 100), (100, 10)]


@pytest.mark.parametrize("p", [1, 2, 6, 64])
@pytest.mark.parametrize(("size", "operation"), BOUNDS)
@pytest.mark.parametrize("part", ["tier", "link"])
def test_bandwidth_and_operation_rate_make_a_smooth_minimum(p, size, operation, part):
    """B = (sum of B_i^-p)^(-1/p): the times of a transfer at each bound alone add up as p-th powers."""
    cap = 1e12 / operation
    fields = {"sharpness": p, "read_ops" if part == "tier" else "ops": cap}
    machine = (
        a_machine(far=fields, link=FAST) if part == "tier" else a_machine(link=fields, far={"read_bandwidth": 1e18})
    )
    n = 20
    result = run(machine, range(n), size, {FAR: STREAM}, {"outstanding": n}, group=0)
    assert abs(result.elapsed_ps - n * (size**p + operation**p) ** (1 / p)) <= 1
    if p == 64 and size != operation:
        assert abs(result.elapsed_ps - n * max(size, operation)) <= 1
    where, what = (FAR if part == "tier" else "link.forward"), "operations" if operation > size else "bandwidth"
    assert stalls(result) == {("bandwidth", where, what): result.elapsed_ps}


@pytest.mark.parametrize("p", [1, 2, 3, 6])
def test_three_bounds_make_a_smooth_minimum(p):
    """A read of 100 B takes 100 ps of the bus, 80 of the operations and 2 pages x 120 / 3 dies = 80 of the dies."""
    far = {"sharpness": p, "read_ops": 1e12 / 80, "nand": {"dies": 3, "page": 64, "read": 120, "program": 1}}
    result = run(a_machine(far=far, link=FAST), [0], 100, {FAR: STREAM})
    assert abs(result.elapsed_ps - (100**p + 2 * 80**p) ** (1 / p)) <= 1


@pytest.mark.parametrize("background", [0.0, 0.25, 0.5, 0.75, 0.9])
@pytest.mark.parametrize("asymptote", [1.13, 2.0])
@pytest.mark.parametrize("part", ["tier", "media", "link"])
def test_the_traffic_of_others_adds_latency_and_takes_bandwidth(background, asymptote, part):
    """L0 + a rho / (1 - rho) with rho = b / C, and the rest of the bandwidth."""
    effect = {"loaded_latency": {"rise": 16_200, "asymptote": asymptote}}
    if part == "link":
        effect |= {"latency": 98_000, "background": background * 1e12}
        machine = a_machine(link=effect, far={"read_bandwidth": 1e18})
    else:
        effect |= {"read_latency": 98_000, "background_read": background * 1e12}
        if part == "media":
            effect |= {"duplex": "full", "read_bandwidth": 2e12, "write_bandwidth": 2e12, "media_bandwidth": 1e12}
        machine = a_machine(far=effect, link=FAST)
    result = run(machine, [0], 4000, {FAR: STREAM})
    rho = background / asymptote
    added = math.floor(16_200 * rho / (1 - rho))
    assert abs(result.elapsed_ps - (98_000 + added + 4000 / (1 - background))) <= 2


@pytest.mark.parametrize("share", [0.2, 0.5, 1.0])
def test_a_flow_adds_latency_to_those_that_arrive_while_it_lasts(share):
    """The first flow has a share of the tier, as much as the link carries; one arrives during it, one after."""
    far = {"read_latency": 50, "loaded_latency": {"rise": 400, "asymptote": 1.25}}
    machine = a_machine(far=far, link={"bandwidth": share * 1e12})
    times = [0, 500, 100_000]
    result = run(machine, [0, 1, 2], [1000, 1, 1], {FAR: STREAM}, {"mode": "open"}, time_ps=times)
    added = math.floor(400 * (share / 1.25) / (1 - share / 1.25))
    flow = result.timeline.flow_ps - result.timeline.created_ps
    assert sorted(flow.tolist()) == sorted([50, 50 + added, 50])


@pytest.mark.parametrize(("writes", "minority"), [(0, 0.0), (1, 0.25), (2, 0.5), (3, 0.25), (4, 0.0)])
def test_the_mix_adds_to_the_latency(writes, minority):
    """Four equal flows take all of the medium; who arrives meets a load of 1 and the share of the lesser direction."""
    loaded = {"rise": 400, "mixed_rise": 200, "asymptote": 1.25}
    near = {"turnaround": 0.5, "loaded_latency": loaded} | ROOMY
    columns = {"write": [1] * writes + [0] * (4 - writes) + [0], "time_ps": [0, 0, 0, 0, 100]}
    result = run(a_machine(near=near), range(5), [1000] * 4 + [1], None, {"mode": "open"}, AT_NEAR, **columns)
    last = int(result.timeline.object.tolist().index(4))
    rho = 1 / 1.25
    added = (400 + 200 * minority) * rho / (1 - rho)
    assert result.timeline.flow_ps[last] - 100 == pytest.approx(added, abs=1)


GEN5 = {"bandwidth": 64e9, "efficiency": 0.8883, "latency": 0}  # 128/130 of the lanes less flow control
TLP = {"max_payload": 256, "completion_header": 20, "write_header": 24, "read_request": 512, "request_header": 24}
WIRE = 64e9 * 0.8883


@pytest.mark.parametrize(
    ("reads", "writes", "wire_bytes", "gigabytes"),
    [(4, 0, 276 / 256, 52.73), (0, 4, 280 / 256, 51.98), (4, 4, 280 / 256 + 24 / 512, 49.84)],
)
def test_pcie_gen5_reads_writes_and_both_together(reads, writes, wire_bytes, gigabytes):
    """Both ways together the requests of the reads share the direction of the writes."""
    size = 1 << 19
    fast = {"read_bandwidth": 1e15, "write_bandwidth": 1e15} | ROOMY
    result = across(
        a_machine(near=fast, far=fast, link=GEN5 | {"packets": TLP | {"driven_by": "second"}}), size, reads, writes
    )
    each_way = max(reads, writes) * size / result.elapsed_ps * 1e12
    assert each_way == pytest.approx(WIRE / wire_bytes, rel=1e-6)
    assert each_way / 1e9 == pytest.approx(gigabytes, abs=0.01)


@pytest.mark.parametrize("size", [1, 255, 256, 257, 512, 513, 4096, 5000])
@pytest.mark.parametrize("duplex", ["full", "half"])
def test_headers_and_requests_of_a_transfer(size, duplex):
    link = {"packets": TLP | {"driven_by": "second"}, "duplex": duplex, "energy": 1.0}
    packets, requests = math.ceil(size / 256), math.ceil(size / 512)
    read, write = (across(a_machine(link=link), size, *each) for each in ((1, 0), (0, 1)))
    answer, asked, posted = size + 20 * packets, 24 * requests, size + 24 * packets
    wires = read.links["link"].forward_wire_bytes, read.links["link"].backward_wire_bytes
    assert wires == (answer, asked)
    assert (write.links["link"].forward_wire_bytes, write.links["link"].backward_wire_bytes) == (0, posted)
    alone = max(answer, asked) if duplex == "full" else answer + asked
    assert read.elapsed_ps in (alone, alone + 1)
    assert write.elapsed_ps in (posted, posted + 1)  # (wire / size) * size may be a bit more than wire
    assert read.energy_j["links.link.transfer"] == pytest.approx((answer + asked) * 8e-12, rel=1e-12)
    other = across(a_machine(link=link | {"packets": TLP}), size, 1, 0)  # the far end drives, and posts writes
    assert other.links["link"].forward_wire_bytes == posted
    assert other.links["link"].backward_wire_bytes == 0


def neutral(part):
    """The part with effects that cost nothing."""
    loaded = {"rise": 0, "asymptote": 1.5}
    if isinstance(part, Link):
        return part.model_validate(
            part.model_dump() | {"loaded_latency": loaded, "sharpness": 1 if not part.ops else None}
        )
    fields = {"loaded_latency": loaded, "activation": {"energy": 0.0, "visit": 8, "row": 8, "banks": 1}}
    if part.duplex == "half":
        fields["turnaround"] = 0.0
    else:
        fields["media_bandwidth"] = 1e18
    return Tier.model_validate(part.model_dump() | fields)


def test_effects_that_cost_nothing_change_nothing():
    """Of machines without effects: not one picosecond, of any transfer."""
    plain = [s for s in map(scenario, range(150)) if not any(effects_of(part) for part in parts(s.machine))]
    assert len(plain) > 60
    for s in plain[:60]:
        tiers, links = ({n: neutral(x) for n, x in kind.items()} for kind in (s.machine.tiers, s.machine.links))
        before, after = (
            timed(s, m) for m in (s.machine, s.machine.model_copy(update={"tiers": tiers, "links": links}))
        )
        assert after.latency_ps.tolist() == before.latency_ps.tolist()
        assert after.timeline.done_ps.tolist() == before.timeline.done_ps.tolist()
        assert after.total_energy_j == before.total_energy_j


def parts(machine):
    return [*machine.tiers.values(), *machine.links.values()]


def effects_of(part):
    names = "turnaround media_bandwidth sharpness loaded_latency nand slc_cache activation packets background"
    return [name for name in (*names.split(), "background_read") if getattr(part, name, None)]


def timed(s, machine):
    replay = s.replay.model_copy(update={"unit": s.units})
    return replay_timed(machine, s.rules, s.trace, replay, classes=s.classes, timeline=True)
