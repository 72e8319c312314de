"""Closed forms and laws of operations: how long they take alone, side by side, with copies beside them."""

from __future__ import annotations

from random import Random

import pytest
from execute.machines import plain, run, tier
from execute.parity import setting_of
from strategies.operations import task

from hiersim.drivers.execute.run import run_operations
from hiersim.errors import ConfigError, TraceError
from hiersim.machine import Link, Machine, TierRules, Unit
from hiersim.traces.operation_builder import OperationBuilder

LINK, LATENCY = 10, 100  # ps a byte


def one(**work):
    build = OperationBuilder()
    x = build.object(1000, start="hbm")
    build.add("k", unit="gpu", reads=[x], **work)
    return build.build()


@pytest.mark.parametrize(
    ("work", "unit", "smooth", "takes"),
    [
        ({"flops": 5000}, {}, 0, 5000),
        ({"flops": 500}, {}, 0, 1000),  # its bytes take longer
        ({"flops": 500, "near_read": 200, "near_written": 100}, {}, 0, 1300),  # half duplex: reads and writes add up
        ({"flops": 5000}, {"overhead": 7, "efficiency": 0.5}, 0, 10007),
        ({"flops": 5000, "duration_ps": 3000}, {"overhead": 7}, 0, 3000),
        ({"duration_ps": 400}, {}, 0, 1000),  # the near tier cannot carry its bytes any faster
        ({"flops": 1000}, {}, 1, 2000),
        ({"flops": 3000}, {}, 2, 3163),  # ceil(sqrt(3000^2 + 1000^2))
    ],
)
def test_how_long_an_operation_takes_alone(work, unit, smooth, takes):
    result = run(one(**work), plain(**unit), smooth=smooth)
    assert result.elapsed_ps == takes
    busy = result.units["gpu"]
    assert busy.busy_ps == takes
    assert (busy.busy_near_ps > 0) == (
        (work.get("flops", 0) < 1000 and smooth == 0) or ("duration_ps" in work and takes == 1000)
    )


def test_operations_of_one_unit_share_it_and_those_of_two_do_not():
    for units, takes in ((("gpu", "gpu"), 2000), (("gpu", "cpu"), 1000)):
        build = OperationBuilder()
        for i, unit in enumerate(units):
            build.add("k", unit=unit, stream=f"s{i}", flops=1000)
        assert run(build.build()).elapsed_ps == takes


def test_an_operation_shares_the_near_tier_with_a_copy():
    """The copy takes 0.1 of the medium while it lasts, and goes behind: what the operation leaves of it is nothing."""
    build = OperationBuilder()
    x = build.object(1000, start="hbm")
    build.add("k", unit="gpu", reads=[x])
    build.add("c", action="carry", unit="gpu", stream="copy", source="dram", target="hbm", near_read=50)
    result = run(build.build())
    alone = LATENCY + 50 * LINK
    assert result.operations.over_ps.tolist()[0] == pytest.approx(1000 + 50, abs=1)
    assert result.operations.over_ps.tolist()[1] == alone


def double_buffered(layers, size, flops, buffers):
    """Layers whose weights are fetched while the one before computes, into so many buffers."""
    build = OperationBuilder()
    weights = [build.object(size, "weight", home="dram") for _ in range(layers)]
    computes = []
    for i, w in enumerate(weights):
        after = [computes[i - buffers][1]] if i >= buffers else []
        load = build.add("load", action="fetch", unit="gpu", stream="copy", reads=[w], after=after)
        use = build.add("use", unit="gpu", reads=[w], flops=flops, after=[load])
        free = build.add("free", action="drop", unit="gpu", stream="free", reads=[w], after=[use])
        computes.append((use, free))
    return build.build()


@pytest.mark.parametrize("flops", [2000, 1000, 10])
def test_double_buffering_is_a_schedule(flops):
    """The slower of load and compute sets the pace; what is left is the first load and the last compute."""
    layers, size = 7, 90
    load, compute = LATENCY + size * LINK, max(flops, size)
    result = run(double_buffered(layers, size, flops, 2), plain(hbm=2 * size))
    assert result.operations.makespan_ps == load + max((layers - 1) * compute, (layers - 1) * load) + compute
    assert result.tiers["hbm"].peak_bytes == 2 * size


def test_one_buffer_overlaps_nothing():
    result = run(double_buffered(5, 90, 2000, 1), plain(hbm=90))
    assert result.operations.makespan_ps == 5 * (LATENCY + 900 + 2000)


def test_perfect_overlap_reaches_the_bound():
    """A single compute-bound chain whose weights are all there: makespan = critical path = the unit's work."""
    build = OperationBuilder()
    for _ in range(20):
        build.add("k", unit="gpu", flops=777)
    operations = run(build.build()).operations
    assert operations.makespan_ps == operations.critical_path_ps == operations.roofline_ps == 20 * 777
    assert operations.binding == "gpu"
    assert operations.without("gpu") == float("inf")


def test_no_run_is_shorter_than_its_bounds():
    for seed in range(200):
        try:
            result = run_operations(setting_of(task(seed)), task(seed).trace, "bounds", {})
        except (ConfigError, TraceError):
            continue
        assert result.operations.makespan_ps >= result.operations.critical_path_ps
        assert result.elapsed_ps + 1 >= result.operations.roofline_ps * (1 - 1e-9)
        assert sum(kind.stalled_ps for kind in result.operations.kinds.values()) == sum(
            unit.stalled_ps for unit in result.units.values()
        )


def independent(streams, seed):
    """Operations on objects of their own and shared ones, dealt to streams."""
    random, build = Random(seed), OperationBuilder()
    shared = [build.object(random.randint(1, 50), home="dram") for _ in range(5)]
    for i in range(40):
        own = build.object(random.randint(1, 50), start="dram", kept=True)
        out = build.object(random.randint(1, 50), kept=True)
        reads = [own, *random.sample(shared, 2)]
        build.add("k", unit="gpu", stream=f"s{i % streams}", reads=reads, writes=[out], flops=random.randint(0, 500))
    return build.build()


@pytest.mark.parametrize("seed", range(5))
def test_the_traffic_is_the_same_whatever_the_streams(seed):
    moved = set()
    for streams in (1, 2, 5, 8, 40):
        result = run(independent(streams, seed))
        tiers = [(t.read_bytes, t.written_bytes, t.placed_bytes) for t in result.tiers.values()]
        links = [(link.forward_bytes, link.backward_bytes) for link in result.links.values()]
        moved.add(repr((tiers, links)))
    assert len(moved) == 1


def cyclic(seed):
    """One stream that uses objects again and again, more than the near tier holds."""
    random, build = Random(seed), OperationBuilder()
    weights = [build.object(random.randint(10, 100), "weight", home="dram") for _ in range(random.randint(3, 12))]
    for _ in range(4):
        for w in weights:
            build.add("layer", unit="gpu", reads=[w], flops=random.randint(0, 1500))
    return build.build()


def streamed(seed):
    """One stream in which each object is used once, and goes."""
    random, build = Random(seed), OperationBuilder()
    for _ in range(30):
        weights = [build.object(random.randint(10, 100), start="dram") for _ in range(random.randint(1, 3))]
        build.add("layer", unit="gpu", reads=weights, flops=random.randint(0, 1500))
    return build.build()


@pytest.mark.parametrize("seed", range(40))
def test_more_distance_never_stalls_a_stream_longer(seed):
    """With room for all that is used again; else the policy's victims change, and with them the traffic."""
    trace = cyclic(seed) if seed % 2 else streamed(seed)
    room = int(trace.objects.size.sum()) if seed % 2 else 300 + 100 * (seed % 5)
    stalled = [run(trace, plain(hbm=room), ahead=ahead).units["gpu"].stalled_ps for ahead in (0, 1, 2, 3, 5, 9)]
    assert stalled == sorted(stalled, reverse=True)
    assert stalled[0] > 0


def schedule(seed, without=()):
    """Operations in streams with dependencies, each on a unit of its own; ``without`` names some to leave out."""
    random, build, number = Random(seed), OperationBuilder(), 0
    for i in range(25):
        after = []
        for other in range(i):
            if random.random() < 0.15:
                after += [] if number in without else [other]
                number += 1
        build.add("k", unit=f"u{i}", stream=f"s{i % 6}", after=after, flops=random.randint(1, 900))
    return build.build(), number


@pytest.mark.parametrize("seed", range(8))
def test_removing_a_dependency_never_lengthens_a_schedule(seed):
    units = {f"u{i}": Unit(kind="gpu", tier="hbm", flops={"fp16": 1e12}) for i in range(25)}
    many = plain().model_copy(update={"units": units})
    trace, count = schedule(seed)
    whole = run(trace, many).operations
    assert whole.makespan_ps == whole.critical_path_ps  # nothing is shared
    for gone in range(0, count, 3):
        assert run(schedule(seed, {gone})[0], many).operations.makespan_ps <= whole.makespan_ps


def test_doubling_a_bandwidth_does_not_slow_a_stream_down():
    for seed in range(20):
        trace, slow = cyclic(seed), plain(hbm=250)
        link = slow.links["pcie"].model_copy(update={"bandwidth": 2e11})
        fast = slow.model_copy(update={"links": {"pcie": link}})
        assert run(trace, fast).elapsed_ps <= run(trace, slow).elapsed_ps


def test_a_unit_computes_where_its_objects_lie():
    """A near-memory unit reads at the banks' rate, and nothing crosses the link."""
    machine = Machine(
        tiers={"hbm": tier("hbm", 1e12, 1000), "dram": tier("ddr", 5e11, 10**6), "banks": tier("ddr", 8e12, 10**6)},
        links={
            "pcie": Link(kind="pcie", between=("dram", "hbm"), bandwidth=1e11, latency=0),
            "bus": Link(kind="pcie", between=("banks", "hbm"), bandwidth=1e11, latency=0),
        },
        units={
            "gpu": Unit(kind="gpu", tier="hbm", flops={"fp16": 1e12}),
            "pim": Unit(kind="near-memory", tier="banks", flops={"fp16": 1e13}),
        },
    )
    build = OperationBuilder()
    kv = build.object(80_000, "kv", home="banks")
    q, out = build.object(10, start="hbm"), build.object(10)
    build.add("attention", unit="pim", reads=[kv, q], writes=[out])
    build.add("rest", unit="gpu", reads=[out])
    result = run(build.build(), machine, {name: TierRules() for name in machine.tiers})
    assert result.links["bus"].forward_total + result.links["bus"].backward_total == 20
    assert result.operations.kinds["attention"].alone_ps == -(-80_020 // 8)


def test_lifetimes_give_room_back():
    build = OperationBuilder()
    x = build.object(400, start="hbm")
    for _ in range(10):
        y = build.object(400)
        build.add("k", unit="gpu", reads=[x], writes=[y], flops=1)
        x = y
    result = run(build.build(), plain(hbm=800))
    assert result.tiers["hbm"].evictions == 0
    assert result.tiers["hbm"].peak_bytes == 800
    assert result.tiers["hbm"].resident_bytes == 0


@pytest.mark.parametrize(("on_evict", "moved", "made"), [("drop", 2000, 0), ("recompute", 0, 1)])
def test_what_can_be_made_again_need_not_be_written_back(on_evict, moved, made):
    """Three values of 1,000 bytes, room for two: the first is sent out and fetched again, or dropped and made again."""
    build = OperationBuilder()
    values = [build.object(1000, flops=500) for _ in range(3)]
    for value in values:
        build.add("make", unit="gpu", writes=[value], flops=100)
    for value in reversed(values):
        build.add("use", unit="gpu", reads=[value], flops=100)
    rules = {"hbm": TierRules(capacity=2000, on_evict=on_evict), "dram": TierRules()}
    result = run(build.build(), rules=rules)
    hbm, pcie = result.tiers["hbm"], result.links["pcie"]
    assert pcie.forward_total + pcie.backward_total == moved
    assert result.created == made
    assert hbm.lost == 0
    assert hbm.dropped == made  # the others end with their last use
    assert made == 0 or result.elapsed_ps == 6 * 1000 + 500 + 1000  # six operations by their bytes; computed, written
