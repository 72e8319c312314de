"""A part measured alone: closed forms of what the simulator must give, and what is refused."""

import math

import numpy as np
import pytest

from hiersim.api.measure import measure
from hiersim.api.measure_load import most_traffic
from hiersim.api.measure_rig import rig_of, steady, writes
from hiersim.errors import ConfigError
from hiersim.machine import Link, Tier
from hiersim.machine.effects import LoadedLatency, Nand, Packets, SlcCache

GB = 1e9
TIER = {
    "kind": "ddr", "capacity": 2**36, "read_bandwidth": 40 * GB, "write_bandwidth": 20 * GB, "read_latency": 100_000,
    "write_latency": 200_000,
}  # fmt: skip
LINK = {
    "between": ("a", "b"),
    "kind": "pcie",
    "bandwidth": 20 * GB,
    "backward_bandwidth": 30 * GB,
    "latency": 1_000_000,
}


def tier(**figures):
    return Tier(**(TIER | figures))


def link(**figures):
    return Link(**(LINK | figures))


def one(part, size, depth, share=1.0):
    return measure(part, sizes=[size], depths=[depth], shares=[share], load=False).points[0]


@pytest.mark.parametrize("size", [64, 4096, 2**20])
def test_depth_1_is_hockney(size):
    for share, rate, latency in ((1.0, 40 * GB, 1e-7), (0.0, 20 * GB, 2e-7)):
        point = one(tier(), size, 1, share)
        assert point.bandwidth_bytes_per_s == pytest.approx(size / (latency + size / rate), rel=1e-5)
        assert point.latency_ps == pytest.approx((latency + size / rate) * 1e12, abs=1.5)


@pytest.mark.parametrize("depth", [2, 5, 16, 64, 256])
@pytest.mark.parametrize("size", [256, 4096, 65536])
def test_deeper_queues_reach_the_lesser_of_littles_law_and_the_bandwidth(size, depth):
    alone = 1e-7 + size / (40 * GB)
    point = one(tier(), size, depth)
    assert point.bandwidth_bytes_per_s == pytest.approx(min(depth * size / alone, 40 * GB), rel=2e-3)
    assert point.bandwidth_bytes_per_s <= 40 * GB * (1 + 1e-5)
    assert point.bandwidth_bytes_per_s * point.latency_ps / 1e12 / size == pytest.approx(depth, rel=5e-3)


@pytest.mark.parametrize(("share", "turnaround"), [(0.5, None), (2 / 3, None), (0.5, 0.3), (2 / 3, 0.3), (0.25, 1.0)])
def test_half_duplex_mixes_share_the_medium(share, turnaround):
    read, write = share / (40 * GB), (1 - share) / (20 * GB)
    most = 1 / (read + write + (turnaround or 0.0) * min(read, write))
    part = tier(turnaround=turnaround)
    assert most_traffic(part, share) == pytest.approx(most)
    assert one(part, 2**20, 64, share).bandwidth_bytes_per_s == pytest.approx(most, rel=5e-3)


def test_full_duplex_directions_are_independent_up_to_the_medium():
    part = tier(duplex="full", write_bandwidth=40 * GB)
    assert one(part, 2**20, 64, 0.5).bandwidth_bytes_per_s == pytest.approx(80 * GB, rel=2e-3)
    part = tier(duplex="full", write_bandwidth=40 * GB, media_bandwidth=50 * GB)
    assert one(part, 2**20, 64, 0.5).bandwidth_bytes_per_s == pytest.approx(50 * GB, rel=2e-3)


def test_a_link_carries_forward_and_backward_at_once():
    assert one(link(), 2**20, 64, 1.0).bandwidth_bytes_per_s == pytest.approx(20 * GB, rel=1e-4)
    assert one(link(), 2**20, 64, 0.0).bandwidth_bytes_per_s == pytest.approx(30 * GB, rel=1e-4)
    assert one(link(), 2**20, 64, 0.5).bandwidth_bytes_per_s == pytest.approx(40 * GB, rel=5e-3)
    assert one(link(duplex="half"), 2**20, 64, 0.5).bandwidth_bytes_per_s == pytest.approx(24 * GB, rel=5e-3)
    assert one(link(), 4096, 1).latency_ps == pytest.approx(1e6 + 4096 / (20 * GB) * 1e12, rel=1e-4)


def test_packets_cost_a_link_their_headers():
    packets = Packets(
        max_payload=256, completion_header=20, write_header=24, read_request=512, request_header=24, driven_by="first"
    )
    part = link(packets=packets, backward_bandwidth=20 * GB)
    assert one(part, 2**20, 16, 0.0).bandwidth_bytes_per_s == pytest.approx(20 * GB * 256 / 276, rel=1e-3)
    assert one(part, 2**20, 16, 1.0).bandwidth_bytes_per_s == pytest.approx(20 * GB * 256 / 280, rel=1e-3)


def test_dies_bound_small_reads_and_the_bus_large_ones():
    nand = Nand(dies=32, page=16384, read=50_000_000)
    part = tier(kind="flash", read_bandwidth=6 * GB, read_latency=50_000_000, nand=nand, sharpness=3)
    closed = [32 / 50e-6 * n / (n + 31) for n in (1, 4, 16)]
    found = [one(part, 4096, n).bandwidth_bytes_per_s / 4096 for n in (1, 4, 16)]
    assert found == pytest.approx(closed, rel=0.06)
    assert 0.8 * 32 / 50e-6 < one(part, 4096, 256).bandwidth_bytes_per_s / 4096 <= 32 / 50e-6
    assert one(part, 2**20, 64).bandwidth_bytes_per_s < 6 * GB


def test_operations_bound_small_accesses():
    point = one(tier(read_ops=1e6), 64, 256)
    assert point.bandwidth_bytes_per_s == pytest.approx(64e6, rel=1e-3)
    assert point.bound == "operations"
    assert one(tier(), 64, 1).bound == "latency"
    assert one(tier(), 2**20, 16).bound == "bandwidth"


def test_latency_under_load_follows_its_formula():
    part = tier(loaded_latency=LoadedLatency(rise=20_000, asymptote=1.15))
    found = measure(part, sizes=[64], depths=[1], shares=[1.0]).loaded
    reads = [each for each in found if each.share == 1.0]
    assert [each.load for each in reads][-1] == 0.99
    for each in reads:
        rho = each.load / 1.15
        flow = 64 / (40 * GB * (1 - each.load)) * 1e12
        assert each.latency_ps == pytest.approx(100_000 + 20_000 * rho / (1 - rho) + flow, abs=3)
        assert each.background_bytes_per_s == pytest.approx(each.load * 40 * GB)
    assert measure(tier(), sizes=[64], depths=[1], shares=[1.0]).loaded == ()


def test_a_write_cache_has_two_rates():
    part = tier(slc_cache=SlcCache(capacity=2**30, bandwidth=5 * GB), write_latency=0)
    found = measure(part, sizes=[4096], depths=[1], shares=[1.0]).filling
    assert found[10].bandwidth_bytes_per_s == pytest.approx(20 * GB, rel=1e-3)
    assert found[-1].bandwidth_bytes_per_s == pytest.approx(5 * GB, rel=1e-3)
    slow = next(each for each in found if each.bandwidth_bytes_per_s < 10 * GB)
    assert slow.from_bytes == pytest.approx(2**30 * 20 / 20, rel=0.4)


def test_energy_is_by_bytes_and_by_time():
    part = tier(read_energy=5.0, write_energy=7.0, background_power=2.0)
    alone, busy = one(part, 4096, 1), one(part, 4096, 64, 0.5)
    assert alone.energy_pj_per_bit == pytest.approx(5 + 2.0 / (alone.bandwidth_bytes_per_s * 8) * 1e12)
    assert busy.energy_pj_per_bit == pytest.approx(6 + 2.0 / (busy.bandwidth_bytes_per_s * 8) * 1e12)
    assert one(tier(), 4096, 1).energy_pj_per_bit is None


@pytest.mark.parametrize("share", [0.0, 0.1, 1 / 3, 0.5, 2 / 3, 0.9, 1.0])
def test_reads_and_writes_alternate_as_evenly_as_they_can(share):
    reads = 1 - writes(tier(), 1000, share).astype(int)
    gone = np.arange(1, 1001) * share
    assert np.abs(np.cumsum(reads) - gone).max() <= 0.5 + 1e-9
    assert (writes(link(), 1000, share) == reads).all()


def test_the_same_part_gives_the_same_numbers():
    assert measure("980-pro-1t", sizes=[4096], depths=[1, 16]) == measure("980-pro-1t", sizes=[4096], depths=[1, 16])


@pytest.mark.parametrize("name", ["980-pro-1t", "h100-hbm3", "pcie5-x16", "rtx-4090:gddr", "nvlink-c2c"])
def test_no_part_of_the_catalogue_exceeds_its_figures(name):
    found = measure(name, sizes=[4096, 2**20], load=False)
    part = found.subject.part
    if isinstance(part, Tier):  # directions turn less often while more than the mean is of one of them
        part = part.model_copy(update={"turnaround": None})
    for point in found.points:
        close = 1e-5 if point.share in (0.0, 1.0) else 5e-4
        assert point.bandwidth_bytes_per_s <= most_traffic(part, point.share) * (1 + close)
        assert point.latency_p50_ps <= point.latency_p99_ps
        assert 0 < point.latency_ps < math.inf


def test_the_usual_grid_suits_the_part():
    found = measure("980-pro-1t", shares=[1.0], load=False)
    assert {point.queue_depth for point in found.points} == {1, 4, 16, 32}  # the part has 32
    assert min(point.size_bytes for point in found.points) == 4096
    assert min(point.size_bytes for point in measure("ddr4-3200-1ch", depths=[1], shares=[1.0]).points) == 64


def test_writes_without_figures_are_not_measured():
    found = measure("ddr5-2ch", sizes=[4096], depths=[1])
    assert {point.share for point in found.points} == {1.0}
    assert "only reads are measured" in found.notes[0]


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("980-prot", {}, "did you mean `980-pro-1t`?"),
        ("h100-sxm", {}, "one of its parts is measured: h100-sxm:hbm"),
        ("h100-sxm:hbn", {}, "did you mean `hbm`?"),
        ("h100-sxm-gpu", {}, "is a unit, which is not measured"),
        (
            "rtx-4090-gddr6x",
            {},
            "has no `read_latency`, which a run needs; state it: --set read_latency=1us, or measure",
        ),
        ("rtx-4090-gddr6x", {"given": {"read_latincy": "1us"}}, "did you mean `read_latency`?"),
        ("rtx-4090-gddr6x", {"given": {"read_latency": "1"}}, "`1` has no unit"),
        ("980-pro-1t", {"depths": [64]}, "the part has 1 to 32 accesses outstanding"),
        ("980-pro-1t", {"sizes": [0]}, "1 to 1,000,000,000,000 bytes can be measured"),
        ("980-pro-1t", {"shares": [1.5]}, "`1.5` is not a share of 1"),
        ("ddr5-2ch", {"shares": [0.5]}, "states no write_bandwidth"),
    ],
)
def test_mistakes_say_what_is_right(name, options, words):
    with pytest.raises(ConfigError) as caught:
        measure(name, **options)
    assert words in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_figure_can_be_stated():
    found = measure("rtx-4090-gddr6x", sizes=[64], depths=[1], shares=[1.0], given={"read_latency": "2us"})
    assert found.points[0].latency_ps == pytest.approx(2e6, rel=1e-3)
    assert found.notes[0] == "read_latency is taken as 2us"


def test_a_closed_loop_is_not_in_step():
    """All accesses begin at once; in step for ever they would move 60 % of what they can."""
    found = steady(rig_of(tier()), 4096, 2, 1.0)
    in_step = 2 * 4096 / (1e-7 + 2 * 4096 / (40 * GB))
    assert found.bandwidth_bytes_per_s > 1.2 * in_step
