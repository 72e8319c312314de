"""Closed forms: what pen and paper say of small runs, against the twin."""

from __future__ import annotations

import math

import pytest
from oracle.core import Twin
from oracle.core.policies import make
from oracle.core.small import FAR, NEAR, STREAM, a_machine, a_tier, run

from hiersim.machine import ClassRules, Link, Machine, Replay, TierRules, Unit
from hiersim.traces.access import AccessTrace


@pytest.mark.parametrize("size", [1, 7, 100, 4097, 12345])
def test_one_transfer_takes_its_latencies_and_its_bytes_at_the_least_capacity(size):
    machine = a_machine(
        near={"write_bandwidth": 3e12, "write_latency": 30},
        far={"read_bandwidth": 2e12, "read_latency": 200},
        link={"bandwidth": 0.7e12, "latency": 50, "overhead": 9},
    )
    outcome = run(machine, [0], size)
    assert outcome.elapsed_ps == 200 + 50 + 9 + 30 + math.ceil(size / 0.7)
    assert outcome.transfers[0].route == "far>near"


@pytest.mark.parametrize("granularity", [1, 64, 512])
def test_the_wire_carries_whole_grains(granularity):
    outcome = run(a_machine(link={"granularity": granularity}), [0], 100, STREAM)
    wire = math.ceil(100 / granularity) * granularity
    assert outcome.elapsed_ps == wire
    assert outcome.hops["link.forward"].wire_bytes == {
        "forward": {"page": wire},
    }


@pytest.mark.parametrize("n", [1, 2, 3, 7, 16])
def test_n_equal_flows_on_one_bottleneck_take_n_times_as_long(n):
    machine = a_machine(far={"read_latency": 40}, link={"bandwidth": 0.5e12})
    outcome = run(machine, range(n), 1000, STREAM, {"outstanding": n}, group=0)
    assert outcome.done_ps == [40 + n * 2000] * n


def test_two_bottlenecks_are_shared_max_min():
    """Far reads at 3 B/ps: two streams over the link (1 B/ps) get 1/2 each, and reads far of another unit the rest."""
    machine = Machine(
        tiers={NEAR: a_tier(), FAR: a_tier(read_bandwidth=3e12)},
        links={"link": Link(between=(FAR, NEAR), kind="pcie", bandwidth=1e12, latency=0)},
        units={
            "gpu": Unit(kind="gpu", tier=NEAR, flops={"bf16": 1e12}),
            "cpu": Unit(kind="cpu", tier=FAR, flops={"bf16": 1e12}),
        },
    )
    rules = {NEAR: TierRules(), FAR: TierRules(promotion="never")}
    trace = AccessTrace.build(
        [0, 1, 2], [1000, 1000, 6000], {"stream": [0, 2, 1], "group": [0, 2, 1]}, classes=("page",)
    )
    replay = Replay(streams=4).model_copy(update={"unit": ["gpu", "cpu"]})
    classes = {"page": ClassRules(on_miss="home", home=FAR)}
    outcome = Twin(machine, rules, classes, replay, trace, make(rules, machine)).run()
    # the streams are done at 2000; by then the cpu has read 2 x 2000 of its 6000, and the rest takes 2000 / 3
    assert outcome.done_ps == [2000, 2000, 2000 + math.ceil(2000 / 3)]


@pytest.mark.parametrize("slots", [1, 2, 5])
def test_a_queue_depth_limits_throughput_as_little_says(slots):
    """N slots that start together share the device's bytes: N x S per L + N x S/B."""
    latency, size, rounds = 1000, 100, 20
    machine = a_machine(
        far={"read_latency": latency, "read_bandwidth": 1e12, "queue_depth": slots}, link={"bandwidth": 1e15}
    )
    outcome = run(machine, range(slots * rounds), size, STREAM, {"outstanding": slots * rounds}, group=0)
    assert outcome.elapsed_ps == rounds * (latency + slots * size)


def test_little_with_a_fast_device():
    """Where the device is much faster than its latency, N slots give N x S / (L + S/B)."""
    latency, size, slots, rounds = 10_000, 10, 4, 50
    machine = a_machine(far={"read_latency": latency, "queue_depth": slots}, link={"bandwidth": 1e15})
    outcome = run(machine, range(slots * rounds), size, STREAM, {"outstanding": slots * rounds}, group=0)
    throughput = slots * rounds * size / outcome.elapsed_ps
    assert throughput == pytest.approx(slots * size / (latency + size), rel=4e-3)


@pytest.mark.parametrize("waiting", ["fifo", "priority", "fair"])
def test_one_engine_takes_equal_transfers_one_by_one(waiting):
    machine = a_machine(link={"engines": 1, "waiting": waiting})
    outcome = run(machine, range(4), 100, STREAM, {"streams": 4}, group=range(4))
    assert outcome.done_ps == [100, 200, 300, 400]


def test_a_demand_fetch_takes_the_bandwidth_of_a_prefetch():
    def agent(env, core):
        assert core.prefetch(0, NEAR)
        assert not core.prefetch(0, NEAR)
        yield env.timeout(0)

    outcome = run(a_machine(), [1], [1000, 400], replay={"mode": "open"}, agents=[agent], time_ps=[100])
    moved = {move.object: (move.traffic_class, move.flow, move.done) for move in outcome.transfers}
    # 100 bytes of the prefetch, then 400 of the fetch alone, then the other 900
    assert moved == {1: (0, 100, 500), 0: (2, 0, 1400)}


def test_an_access_that_joins_a_prefetch_makes_it_demand():
    def agent(env, core):
        core.prefetch(0, NEAR)
        core.throttle("link.forward", 2, 0.5)
        yield env.timeout(0)

    outcome = run(a_machine(), [0], 1000, replay={"mode": "open"}, agents=[agent], time_ps=[400])
    # 400 ps at half the link's bandwidth, the other 800 bytes at all of it
    assert outcome.done_ps == [1200]
    assert outcome.transfers[0].traffic_class == 0
    assert outcome.tiers[NEAR].merged == 1


def test_weights_divide_a_bottleneck():
    def agent(env, core):
        core.weight(0, 3.0)
        core.migrate(0, FAR, NEAR)
        yield env.timeout(0)

    outcome = run(a_machine(), [1], 1000, replay={"mode": "open"}, agents=[agent], time_ps=[0], object_class=[0, 0])
    # weights count within a class only: demand still goes first
    assert [(move.object, move.done) for move in outcome.transfers] == [(1, 1000), (0, 2000)]


def test_a_full_tier_waits_for_its_write_back():
    """Write object 0, then read object 1 in a near tier for one: the dirty victim goes out first, then the fetch."""
    link = {"latency": 10, "bandwidth": 0.5e12, "backward_bandwidth": 0.25e12}
    machine = a_machine(near={"write_bandwidth": 2e12}, link=link)
    rules = {NEAR: TierRules(capacity=100)}
    outcome = run(machine, [0, 1], 100, rules, write=[1, 0])
    written, evicted, fetched = 50, 10 + 400, 10 + 200
    assert outcome.done_ps == [written, written + evicted + fetched]
    unit = outcome.units["gpu"]
    assert unit.busy_near_ps == written
    assert unit.stalls == {
        ("room", NEAR, "write-back", "page"): evicted,
        ("latency", "link.forward", "", "page"): 10,
        ("bandwidth", "link.forward", "bandwidth", "page"): 200,
    }
    assert outcome.tiers[NEAR].evicted == [(50, 0, "move")]


def test_a_clean_victim_costs_nothing():
    outcome = run(a_machine(), [0, 1], 100, {NEAR: TierRules(capacity=100)})
    assert outcome.done_ps == [100, 200]
    assert outcome.tiers[NEAR].evicted == [(100, 0, "drop")]


def test_making_an_object_takes_its_flops_and_a_near_write():
    machine = a_machine(near={"write_latency": 5})
    outcome = run(machine, [0, 0], 100, flops=250.5, object_class=1)
    assert outcome.done_ps == [250 + 5 + 100, 355 + 100]  # 250.5 FLOPs round to even
    assert outcome.units["gpu"].busy_compute_ps == 250
    assert outcome.units["gpu"].stalls == {("latency", NEAR, "", "made"): 5}
    assert (outcome.created, outcome.created_bytes) == (1, 100)


def test_a_throttled_class_takes_its_share():
    def agent(env, core):
        core.throttle("link.forward", 0, 0.25)
        yield env.timeout(0)

    assert run(a_machine(), [0], 100, agents=[agent]).elapsed_ps == 400


def test_reads_and_writes_share_a_half_duplex_medium():
    """One unit's two streams read and write near at once: each byte of either costs the medium's time."""
    machine = a_machine(near={"read_bandwidth": 2e12, "write_bandwidth": 1e12})
    outcome = run(machine, [0, 1, 0, 1], 100, replay={"outstanding": 2}, group=0, write=[1, 1, 0, 1])
    # two writes share 1 B/ps until 200; then a read (1/2 ps per byte) and a write (1 ps per byte) at one rate 2/3
    assert outcome.done_ps == [200, 200, 350, 350]


def test_watches_fire_after_what_they_watch_for():
    heard = []

    def agent(env, core):
        for kind, every in (("miss", 2), ("hit", 1), ("done", 1)):
            records = yield core.watch(kind, every=every)
            heard.append((env.now, kind, [(r.time_ps, r.object, r.tier, r.stream) for r in records]))

    outcome = run(a_machine(), [0, 1, 0, 1], 100, agents=[agent])
    assert outcome.done_ps == [100, 200, 300, 400]
    assert heard == [
        (100, "miss", [(0, 0, NEAR, 0), (100, 1, NEAR, 0)]),
        (200, "hit", [(200, 0, NEAR, 0)]),
        (300, "done", [(300, 0, NEAR, 0)]),
    ]


@pytest.mark.parametrize("t", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("media", [False, True])
def test_equal_reads_and_writes_take_half_the_turnaround_longer(t, media):
    near = {"turnaround": t}
    if media:
        near |= {"duplex": "full", "media_bandwidth": 1e12, "read_bandwidth": 8e12, "write_bandwidth": 8e12}
    outcome = run(a_machine(near=near), [0, 1, 0, 1], 100, replay={"outstanding": 2}, group=0, write=[1, 1, 0, 1])
    together = 200 * (1 + t / 2)  # the two writes before them do not turn, and take 200
    assert outcome.done_ps[:2] == [200, 200]
    assert all(abs(done - 200 - together) <= 1 for done in outcome.done_ps[2:])
    hop = outcome.hops["near.media" if media else NEAR]
    assert hop.bytes == {"read": {"page": 100}, "write": {"page": 300}}
    assert hop.busy_ps == outcome.elapsed_ps
    assert outcome.tiers[NEAR].written_wire_bytes == 300


@pytest.mark.parametrize("p", [1, 2, 3, 6])
@pytest.mark.parametrize("n", [1, 3])
def test_equal_bandwidth_and_operation_rate_bind_as_a_p_norm(p, n):
    """Each alone would take 100 ps per read; together they take 2^(1/p) times that."""
    machine = a_machine(far={"read_ops": 1e10, "sharpness": p}, link={"bandwidth": 1e15})
    outcome = run(machine, range(n), 100, STREAM, {"outstanding": n}, group=0)
    assert abs(outcome.elapsed_ps - n * 100 * 2 ** (1 / p)) <= 1
    assert outcome.units["gpu"].stalls == {("bandwidth", FAR, "bandwidth", "page"): outcome.elapsed_ps}


def test_the_traffic_of_others_adds_latency_and_takes_bandwidth():
    """A load of 3/4 at an asymptote of 3/2 is rho = 1/2, which adds the whole rise; 1/4 of the bandwidth is left."""
    loaded = {"rise": 300, "asymptote": 1.5}
    far = {"read_latency": 40, "loaded_latency": loaded, "background_read": 0.75e12}
    outcome = run(a_machine(far=far, link={"bandwidth": 1e15}), [0], 100, STREAM)
    assert outcome.elapsed_ps == 40 + 300 + 400
    assert outcome.units["gpu"].stalls["latency", FAR, "", "page"] == 340
    mixed = {"turnaround": 1.0, "background_read": 0.25e12, "background_write": 0.25e12}  # 1/4 + 1/4 + 1/4 of turns
    far |= mixed | {"loaded_latency": loaded | {"mixed_rise": 60}}
    assert run(a_machine(far=far, link={"bandwidth": 1e15}), [0], 100, STREAM).elapsed_ps == 40 + 300 + 30 + 400


@pytest.mark.parametrize("part", ["far", "link"])
def test_a_transfer_that_flows_adds_latency_to_the_next(part):
    effect = {"loaded_latency": {"rise": 30, "asymptote": 2.0}}
    fast = {"bandwidth": 1e15} if part == "far" else {"read_bandwidth": 1e15}
    figures = {"far": effect, "link": fast} if part == "far" else {"far": fast, "link": effect}
    outcome = run(a_machine(**figures), [0, 1], 100, STREAM, {"mode": "open"}, time_ps=[0, 50])
    # alone until 80; then the first has 20 bytes left, and the second 80 when the first ends
    assert [(move.flow, move.done) for move in outcome.transfers] == [(0, 120), (80, 200)]


def test_a_write_cache_has_two_rates_and_empties():
    near = {"slc_cache": {"capacity": 300, "bandwidth": 0.25e12, "drain": 0.5e12}}
    outcome = run(a_machine(near=near), [0, 0], 500, write=1, replay={"think": 400})
    first = 300 + 4 * 200
    second = 200 + 4 * 300  # 400 ps have made room for 200 bytes
    assert outcome.done_ps == [first, first + 400 + second]
    assert outcome.events == 4  # that the cache is full is no event
    assert outcome.elapsed_ps == outcome.done_ps[-1]


def test_a_full_write_cache_is_what_a_stall_names():
    cache = {"capacity": 100, "bandwidth": 0.1e12}
    outcome = run(a_machine(far={"slc_cache": cache}), [0], 150, {NEAR: TierRules(write="around")}, write=1)
    assert outcome.units["gpu"].stalls == {
        ("bandwidth", FAR, "bandwidth", "page"): 100,  # as fast as the link, and numbered before it
        ("bandwidth", FAR, "cache", "page"): 500,
    }


def test_the_second_read_waits_for_the_dies():
    """Of 3 pages ahead on 2 dies an arriving read meets 1.5; the bus is what both then share."""
    nand = {"dies": 2, "page": 100, "read": 60}
    far = {"read_latency": 10, "nand": nand}
    outcome = run(a_machine(far=far), [0, 1], 300, STREAM, {"streams": 2}, group=[0, 1])
    assert [(move.flow, move.done) for move in outcome.transfers] == [(10, 520), (10 + 90, 610)]
    slow = run(a_machine(far={"nand": nand | {"read": 400}}), [0], 201, STREAM)
    assert slow.elapsed_ps == 3 * 400 // 2
    assert slow.units["gpu"].stalls == {("bandwidth", FAR, "dies", "page"): 600}


def test_read_requests_take_the_other_direction():
    packets = {"max_payload": 32, "completion_header": 4, "write_header": 3, "read_request": 64, "request_header": 5}
    link = {"packets": packets | {"driven_by": "second"}, "energy": 1.0}
    outcome = run(a_machine(link=link), [0], 100, STREAM)
    assert outcome.elapsed_ps == 100 + 4 * 4
    assert outcome.hops["link.forward"].wire_bytes == {"forward": {"page": 116}}
    assert outcome.hops["link.backward"].wire_bytes == {"backward": {"page": 10}}
    assert outcome.hops["link.backward"].bytes == {"backward": {}}
    assert outcome.energy_j["links.link.dynamic"] == pytest.approx(126 * 8e-12)
    assert run(a_machine(link=link | {"duplex": "half"}), [0], 100, STREAM).elapsed_ps == 126
    narrow = run(a_machine(link=link | {"backward_bandwidth": 0.02e12}), [0], 100, STREAM)
    assert narrow.units["gpu"].stalls == {("bandwidth", "link.backward", "bandwidth", "page"): 500}
    posted = run(a_machine(link=link | {"packets": packets}), [0], 100, STREAM)  # the far end drives, and writes
    assert posted.hops["link.forward"].wire_bytes == {"forward": {"page": 112}}
    assert posted.hops["link.backward"].wire_bytes == {"backward": {}}
