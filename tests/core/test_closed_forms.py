"""Closed forms: what pen and paper say of small runs, exactly, against the compiled core."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from core.machines import AT_HOME, FAR, NEAR, STREAM, a_link, a_machine, a_tier, done, run, stalls

from hiersim.drivers.cache_study import study
from hiersim.drivers.replay import replay_timed
from hiersim.errors import PolicyError
from hiersim.machine import ClassRules, Machine, Replay, TierRules, Unit
from hiersim.traces.access import AccessTrace


@pytest.mark.parametrize("size", [1, 7, 100, 4097, 12345])
def test_one_transfer_takes_its_latencies_and_its_bytes_at_the_slowest_hop(size):
    machine = a_machine(
        near={"write_bandwidth": 3e12, "write_latency": 30},
        far={"read_bandwidth": 2e12, "read_latency": 200},
        link={"bandwidth": 0.7e12, "latency": 50, "overhead": 9},
    )
    result = run(machine, [0], size)
    flow = math.ceil(size / 0.7)
    assert result.elapsed_ps == 200 + 50 + 9 + 30 + flow
    assert stalls(result) == {
        ("latency", FAR, ""): 200,
        ("latency", "link.forward", ""): 59,
        ("latency", NEAR, ""): 30,
        ("bandwidth", "link.forward", "bandwidth"): flow,
    }
    assert result.links["link"].forward_bytes["page"] == size


@pytest.mark.parametrize("granularity", [1, 64, 512])
def test_the_wire_carries_whole_grains(granularity):
    result = run(a_machine(link={"granularity": granularity}), [0], 100, {FAR: STREAM})
    wire = math.ceil(100 / granularity) * granularity
    assert result.elapsed_ps == result.links["link"].forward_wire_bytes == wire


@pytest.mark.parametrize("n", [1, 2, 3, 7, 64])
def test_n_equal_transfers_on_one_hop_take_n_times_as_long(n):
    machine = a_machine(far={"read_latency": 40}, link={"bandwidth": 0.5e12})
    result = run(machine, range(n), 1000, {FAR: STREAM}, {"outstanding": n}, group=0)
    assert done(result) == [40 + n * 2000] * n


def test_unequal_transfers_on_one_hop_end_one_after_another():
    """Sizes 100, 300, 600 share 1 B/ps: three at a third until 300, two at a half until 700, one alone until 1000."""
    result = run(a_machine(), range(3), [100, 300, 600], {FAR: STREAM}, {"outstanding": 3}, group=0)
    assert done(result) == [300, 700, 1000]


def test_two_bottlenecks_are_shared_max_min():
    """Far reads at 3 B/ps: two streams over the link (1 B/ps) get 1/2 each, and reads far of another unit the rest."""
    machine = Machine(
        tiers={NEAR: a_tier(), FAR: a_tier(read_bandwidth=3e12)},
        links={"link": a_link(FAR, NEAR)},
        units={name: Unit(kind=name, tier=tier, flops={"bf16": 1e12}) for name, tier in (("gpu", NEAR), ("cpu", FAR))},
    )
    trace = AccessTrace.build([0, 1, 2], [1000, 1000, 6000], {"group": [0, 2, 1]}, classes=("page",))
    replay = Replay(streams=4, unit=("gpu", "cpu"))
    result = replay_timed(machine, {NEAR: TierRules(), FAR: STREAM}, trace, replay, classes=AT_HOME)
    # the streams are done at 2000; by then the cpu has read 2 x 2000 of its 6000, and the rest takes 2000 / 3
    assert done(result) == [2000, 2000, 2000 + math.ceil(2000 / 3)]
    assert result.units["cpu"].busy_near_ps == result.elapsed_ps


@pytest.mark.parametrize("depth", [1, 2, 5, 32])
def test_a_queue_depth_limits_throughput_as_little_says(depth):
    """``depth`` requests start together, wait for the latency, and share the bytes: depth x S in L + depth x S/B."""
    latency, size, rounds = 1000, 100, 20
    machine = a_machine(far={"read_latency": latency, "queue_depth": depth}, link={"bandwidth": 1e15})
    result = run(machine, range(depth * rounds), size, {FAR: STREAM}, {"outstanding": depth * rounds}, group=0)
    assert result.elapsed_ps == rounds * (latency + depth * size)
    assert result.tiers[FAR].bound == "queue depth"


@pytest.mark.parametrize("depth", [1, 4, 16])
def test_little_with_a_device_that_is_much_faster_than_its_latency(depth):
    """Throughput is depth x S / (L + S/B) within the share of the bytes that the others take."""
    latency, size, rounds = 100_000, 10, 50
    machine = a_machine(far={"read_latency": latency, "queue_depth": depth}, link={"bandwidth": 1e15})
    result = run(machine, range(depth * rounds), size, {FAR: STREAM}, {"outstanding": depth * rounds}, group=0)
    outstanding = result.elapsed_ps / rounds * depth
    assert outstanding == depth * (latency + depth * size)


@pytest.mark.parametrize("waiting", ["fifo", "priority", "fair"])
def test_one_engine_takes_equal_transfers_one_by_one(waiting):
    machine = a_machine(link={"engines": 1, "waiting": waiting})
    result = run(machine, range(4), 100, {FAR: STREAM}, {"streams": 4}, group=range(4))
    assert done(result) == [100, 200, 300, 400]
    assert stalls(result) == {
        ("bandwidth", FAR, "bandwidth"): 400
    }  # the oldest is never in the line; the lowest of equals


def test_fair_engines_serve_streams_in_turn_where_fifo_serves_in_order():
    """Stream 0 asks for three transfers, stream 1 for one: fair lets stream 1 go second, fifo fourth."""
    order = {}
    for waiting in ("fifo", "fair"):
        machine = a_machine(link={"engines": 1, "waiting": waiting})
        replay = {"streams": 2, "outstanding": 3}
        order[waiting] = done(run(machine, range(4), 100, {FAR: STREAM}, replay, group=[0, 0, 0, 1]))
    assert order == {"fifo": [100, 200, 300, 400], "fair": [100, 300, 400, 200]}


def test_a_full_tier_waits_for_its_write_back():
    """Write object 0, then read object 1 in a near tier for one: the dirty victim goes out first, then the fetch."""
    link = {"latency": 10, "bandwidth": 0.5e12, "backward_bandwidth": 0.25e12}
    machine = a_machine(near={"write_bandwidth": 2e12}, link=link)
    result = run(machine, [0, 1], 100, {NEAR: TierRules(capacity=100)}, write=[1, 0])
    written, evicted, fetched = 50, 10 + 400, 10 + 200
    assert result.latency_ps.tolist() == [written, evicted + fetched]
    assert result.units["gpu"].busy_near_ps == written
    assert stalls(result) == {
        ("room", NEAR, "write-back"): evicted,
        ("latency", "link.forward", ""): 10,
        ("bandwidth", "link.forward", "bandwidth"): 200,
    }
    assert (result.tiers[NEAR].evictions, result.tiers[NEAR].written_back) == (1, 1)


def test_a_clean_victim_costs_nothing():
    result = run(a_machine(), [0, 1], 100, {NEAR: TierRules(capacity=100)})
    assert (result.elapsed_ps, result.tiers[NEAR].dropped) == (200, 1)


def test_an_awaited_write_through_adds_its_move():
    rules = {NEAR: TierRules(write="through", write_wait=True)}
    machine = a_machine(near={"write_bandwidth": 2e12}, link={"latency": 7})
    result = run(machine, [0], 100, rules, write=1)
    assert result.elapsed_ps == 50 + 7 + 100
    without = run(machine, [0], 100, {NEAR: TierRules(write="through")}, write=1)
    assert without.latency_ps.tolist() == [50]
    assert without.elapsed_ps == 157


@pytest.mark.parametrize("n", [1, 3, 8])
def test_creation_is_bound_by_compute(n):
    """n objects of 5000 FLOPs share 1 FLOP/ps; their near writes of 100 B then share 1 B/ps."""
    classes = {"made": ClassRules(flops_per_byte=50)}
    result = run(a_machine(), range(n), 100, None, {"outstanding": n}, classes, group=0, object_class=1)
    assert done(result) == [n * 5000 + n * 100] * n
    assert (result.units["gpu"].busy_compute_ps, result.units["gpu"].busy_near_ps) == (n * 5000, n * 100)
    assert (result.created, result.created_bytes) == (n, n * 100)


def test_one_compute_slot_overlaps_computing_with_writing():
    """With one slot the computations follow each other, and each write but the last goes beside one."""
    classes = {"made": ClassRules(compute_time=5000)}
    result = run(a_machine(slots=1), range(4), 100, None, {"outstanding": 4}, classes, group=0, object_class=1)
    assert done(result) == [5100, 10100, 15100, 20100]


def test_reads_and_writes_share_a_half_duplex_medium():
    """Each byte of either direction costs the medium's time: 1/2 ps of a read, 1 ps of a write."""
    figures = {"read_bandwidth": 2e12, "write_bandwidth": 1e12}
    columns = {"group": 0, "write": [1, 1, 0, 1]}
    half = run(a_machine(near=figures), [0, 1, 0, 1], 100, None, {"outstanding": 2}, **columns)
    # two writes share 1 B/ps until 200; then a read and a write at one rate 2/3
    assert done(half, [0, 0, 200, 200]) == [200, 200, 350, 350]
    full = run(a_machine(near=figures | {"duplex": "full"}), [0, 1, 0, 1], 100, None, {"outstanding": 2}, **columns)
    assert done(full, [0, 0, 200, 200]) == [200, 200, 250, 300]


@pytest.mark.parametrize(("size", "bound"), [(10, "operations"), (1000, "bandwidth")])
def test_an_operation_rate_caps_small_transfers(size, bound):
    """1e10 operations/s is one in 100 ps; at 1 B/ps transfers below 100 B are limited by it, above by the bytes."""
    n = 5
    machine = a_machine(far={"read_ops": 1e10}, link={"bandwidth": 1e15})
    result = run(machine, range(n), size, {FAR: STREAM}, {"outstanding": n}, group=0)
    assert result.elapsed_ps == n * max(100, size)
    assert set(stalls(result)) == {("bandwidth", FAR, bound)}


def test_arrivals_of_an_open_loop_share_as_they_overlap():
    """400 B at 0, 100 B at 100 and again 1000 later: the second halves the first's rate for 200 ps."""
    result = run(a_machine(), [0, 1, 2], [400, 100, 50], {FAR: STREAM}, {"mode": "open"}, time_ps=[0, 100, 1100])
    assert done(result, [0, 100, 1100]) == [500, 300, 1150]
    assert result.units["gpu"].idle_ps == 600


@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
def test_an_open_loop_below_capacity_waits_for_nothing(scale):
    times = np.arange(10) * 400
    result = run(a_machine(), range(10), 100, {FAR: STREAM}, {"mode": "open", "time_scale": scale}, time_ps=times)
    assert result.latency_ps.tolist() == [100] * 10
    assert result.elapsed_ps == 9 * 400 * scale + 100


def test_an_overloaded_open_loop_falls_behind_by_the_same_amount_each_time():
    """One engine, 100 ps of work every 60 ps: the k-th access waits k x 40."""
    machine = a_machine(link={"engines": 1})
    result = run(machine, range(20), 100, {FAR: STREAM}, {"mode": "open"}, time_ps=np.arange(20) * 60)
    assert result.latency_ps.tolist() == [100 + 40 * k for k in range(20)]


def test_think_time_comes_between_accesses():
    result = run(a_machine(), range(5), 100, {FAR: STREAM}, {"think": 33})
    assert result.elapsed_ps == 5 * 100 + 4 * 33
    assert result.units["gpu"].idle_ps == 4 * 33


def test_looking_up_takes_the_time_of_the_tiers_it_visits():
    machine = a_machine(near={"lookup_latency": 3}, far={"lookup_latency": 20})
    result = run(machine, [0, 0], 100)
    assert result.latency_ps.tolist() == [23 + 100, 3 + 100]
    assert stalls(result)["latency", NEAR, ""] == 26


def test_energy_is_bits_times_what_a_bit_costs():
    far = {"read_energy": 4.0, "write_energy": 9.0, "background_power": 2.0, "granularity": 64}
    result = run(a_machine(far=far, active_power=300.0, idle_power=50.0), [0], 100, {FAR: STREAM})
    wire = 128
    assert result.elapsed_ps == wire  # the device's own bandwidth, with the grain's padding
    assert result.energy_j["tiers.far.read"] == pytest.approx(wire * 8 * 4e-12, rel=1e-15)
    assert result.energy_j["tiers.far.background"] == pytest.approx(2.0 * wire * 1e-12, rel=1e-15)
    assert result.energy_j["units.gpu.idle"] == pytest.approx(50.0 * wire * 1e-12, rel=1e-15)


@pytest.mark.xdist_group("policy-recompute-cost")
def test_policies_of_trees_are_told_the_same_with_and_without_time():
    """One access at a time, blocks of one size, dropped when evicted: a near tier then is a cache without time."""
    rng = np.random.default_rng(5)
    parents, keys = np.array([-1, 0, 1, 2, 1, -1, 5, 6, 7], np.int32), rng.integers(0, 9, 200).astype(np.int32)
    costs = rng.integers(1, 9, 9).astype(float)
    plain = AccessTrace.build(keys, 100, {"flops": costs})
    rules = {NEAR: TierRules(capacity=400, policy="recompute-cost", on_evict="drop"), FAR: TierRules()}
    timed = replay_timed(a_machine(), rules, replace(plain, parents=parents), Replay(), classes=AT_HOME)
    untimed = study(keys, np.full(9, 100), "recompute-cost", 400, parents=parents, costs=costs)
    assert timed.tiers[NEAR].hits == untimed.hits > 50
    assert untimed.hits != study(keys, np.full(9, 100), "recompute-cost", 400, parents=parents).hits
    with pytest.raises(PolicyError, match="`recompute-cost` needs a trace of prefix blocks"):
        replay_timed(a_machine(), rules, plain, Replay(), classes=AT_HOME)
