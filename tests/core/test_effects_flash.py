"""Closed forms of flash and of DRAM rows: dies, write amplification, write caches, wear and activations."""

from __future__ import annotations

import math

import pytest
from core.machines import FAR, NEAR, STREAM, a_machine, run, stalls
from scipy.special import lambertw

from hiersim.machine import TierRules

FAST = {"bandwidth": 1e18}
AROUND = {NEAR: TierRules(write="around"), FAR: TierRules()}
ROOMY = {"capacity": 10**12}


def far_reads(far, count, size, at_once):
    """Reads of objects of the far tier, so many of them outstanding, and their bytes per picosecond."""
    machine = a_machine(near=ROOMY, far=far | ROOMY, link=FAST)
    return run(machine, range(count), size, {FAR: STREAM}, {"outstanding": at_once}, group=0)


def far_writes(far, objects, size, replay=None):
    """Writes around the near tier to objects that live in the far one."""
    return run(a_machine(near=ROOMY, far=far | ROOMY, link=FAST), objects, size, AROUND, replay, write=1)


@pytest.mark.parametrize("pages", [1, 4, 64])
def test_one_read_at_a_time_takes_its_latency_and_its_bytes(pages):
    """Hockney, S / (L + S/B), as long as the dies together are faster than the bus."""
    page, latency, n = 4096, 45_000_000, 20
    far = {"read_latency": latency, "read_bandwidth": 7e9, "nand": {"dies": 1024, "page": page, "read": 45_000_000}}
    size = pages * page
    result = far_reads(far, n, size, 1)
    assert result.elapsed_ps == n * (latency + math.ceil(size / 7e-3))
    assert set(stalls(result)) == {("latency", FAR, ""), ("bandwidth", FAR, "bandwidth")}


@pytest.mark.parametrize("dies", [8, 64])
def test_deep_queues_reach_what_all_dies_read(dies):
    """D / s pages per second."""
    read = 50_000
    far = {"read_latency": read, "read_bandwidth": 1e18, "nand": {"dies": dies, "page": 100, "read": read}}
    n = 200 * dies
    result = far_reads(far, n, 100, 40 * dies)
    assert n / result.elapsed_ps == pytest.approx(dies / read, rel=0.03)
    result = far_reads(far, 20, 100 * dies * 50, 1)  # or one read of many pages
    assert 20 * dies * 50 / result.elapsed_ps == pytest.approx(dies / read, rel=0.03)


@pytest.mark.parametrize("dies", [8, 32, 128])
@pytest.mark.parametrize("at_once", [1, 4, 16, 64, 128, 256, 1024])
def test_a_closed_network_of_dies(dies, at_once):
    """X(N) = (D / s) N / (N + D - 1) reads of one page; less at most 1 / D, the time that a page takes of all dies."""
    read = 45_000_000
    far = {"read_latency": read, "read_bandwidth": 1e18, "nand": {"dies": dies, "page": 4096, "read": read}}
    n = max(200, 40 * at_once)
    result = far_reads(far, n, 4096, at_once)
    expected = dies / read * at_once / (at_once + dies - 1)
    assert expected / (1 + 1 / dies) <= n / result.elapsed_ps * (1 + 1e-6)
    assert n / result.elapsed_ps <= expected * (1 + 1e-6)
    if dies == 128:
        assert n / result.elapsed_ps == pytest.approx(expected, rel=0.03)


def amplification(spare, writes_per_block=None):
    """Desnoyers, SYSTOR 2012, with scipy's W."""
    alpha = 1 + spare
    if writes_per_block is None:
        return alpha / (alpha + lambertw(-alpha * math.exp(-alpha)).real)
    n = writes_per_block
    b = alpha * (1 + 1 / (2 * n))
    x = 1 / 2 - (n / alpha) * lambertw(-b * math.exp(-b)).real
    return max(1, n / (n - (x - 1))) if n > 1 else 1


@pytest.mark.parametrize(("share", "published"), [(0.07, 7.32), (0.15, 3.52), (0.22, 2.47), (0.28, 1.99), (0.5, 1.26)])
def test_writes_go_at_the_rate_of_programs_over_what_each_costs(share, published):
    """The published figures are by the spare share of the physical bytes; ours is of the bytes that the host sees."""
    spare = share / (1 - share)
    dies, page, program = 16, 4096, 400_000
    far = {"write_bandwidth": 1e18, "nand": {"dies": dies, "page": page, "read": 1, "program": program}}
    far["nand"]["over_provisioning"] = spare
    n, pages = 10, 8
    result = far_writes(far, range(n), pages * page, {"outstanding": n})
    waf = amplification(spare)
    per_page = result.elapsed_ps / (n * pages)
    assert per_page == pytest.approx(program / dies * waf, rel=1e-5)
    assert waf == pytest.approx(published, rel=0.005)
    assert result.tiers[FAR].programmed_bytes == pytest.approx(n * pages * page * waf, rel=1e-6)
    assert set(stalls(result)) == {("bandwidth", FAR, "dies")}


@pytest.mark.parametrize("units", [1, 2, 4, 16, 64, 256, 1024])
def test_longer_writes_are_amplified_less(units):
    """A block of 1024 units: one unit a write is nearly the limit, a block a write is never moved."""
    unit, spare = 4096, 0.07
    nand = {"dies": 1, "page": unit, "read": 1, "program": 100, "unit": unit, "over_provisioning": spare}
    result = far_writes({"nand": nand | {"erase_block": 1024 * unit}}, [0], units * unit)
    programmed = result.tiers[FAR].programmed_bytes / (units * unit)
    assert programmed == pytest.approx(amplification(spare, 1024 // units), abs=1e-6)
    assert 1 <= programmed <= amplification(spare)
    assert (programmed == 1) == (units == 1024)


@pytest.mark.parametrize(
    ("size", "alignment", "touched"), [(4096, None, 1), (4096, 512, 1.875), (512, 512, 1), (1, 1, 1)]
)
def test_writes_that_straddle_units_program_more(size, alignment, touched):
    """A write of a unit that begins anywhere touches two units in 7 of 8 positions, else one."""
    nand = {"dies": 1, "page": 4096, "read": 1, "unit": 4096, "alignment": alignment}
    result = far_writes({"nand": nand}, [0], size)
    assert result.tiers[FAR].programmed_bytes == touched * 4096


def test_a_write_cache_takes_its_capacity_at_full_rate_and_the_rest_at_its_own():
    far = {"slc_cache": {"capacity": 300_000, "bandwidth": 0.25e12}}
    result = far_writes(far, [0], 500_000)
    assert result.elapsed_ps == 300_000 + 4 * 200_000
    assert stalls(result) == {("bandwidth", FAR, "bandwidth"): 300_000, ("bandwidth", FAR, "cache"): 800_000}
    assert far_writes(far, [0], 300_000).elapsed_ps == 300_000
    assert far_writes({}, [0], 500_000).elapsed_ps == 500_000


@pytest.mark.parametrize("drain", [0.5, 0.125, None])
@pytest.mark.parametrize("think", [80_000, 400_000, 10_000_000])
def test_a_write_cache_empties_while_nothing_is_written(drain, think):
    """It has made room for drain x think when the second write comes, at most for its capacity."""
    cache = {"capacity": 300_000, "bandwidth": 0.25e12, "drain": drain and drain * 1e12}
    result = far_writes({"slc_cache": cache}, [0, 0], 500_000, {"think": think})
    fast = min(300_000, (drain or 0.25) * think)
    assert result.latency_ps[0] == 300_000 + 4 * 200_000
    assert result.latency_ps[1] == fast + 4 * (500_000 - fast)


def test_reads_fill_no_write_cache():
    far = {"slc_cache": {"capacity": 100, "bandwidth": 0.25e12}}
    assert far_reads(far, 10, 1000, 10).elapsed_ps == 10_000


@pytest.mark.parametrize("spare", [None, 0.28])
def test_endurance_is_used_by_what_is_programmed(spare):
    """Of a part with dies the bytes programmed, else the bytes on the wire."""
    nand = {"dies": 1, "page": 4096, "read": 1, "unit": 4096, "over_provisioning": spare}
    worn = far_writes({"endurance": 10**7, "nand": nand}, range(5), 10_000).tiers[FAR]
    waf = 1 if spare is None else amplification(spare)
    assert worn.endurance_used == pytest.approx(5 * 3 * 4096 * waf / 10**7, rel=1e-6)  # 10,000 bytes are three units
    assert far_writes({"endurance": 10**7, "granularity": 64}, range(5), 10_000).tiers[FAR].endurance_used == 0.005024
    assert far_writes({}, range(5), 10_000).tiers[FAR].endurance_used is None


@pytest.mark.parametrize(("size", "rows", "pj_per_bit"), [(64, 1, 13.2), (4096, 16, 3.4), (1 << 20, 128, 0.1)])
def test_small_reads_of_dram_pay_for_the_rows_they_open(size, rows, pj_per_bit):
    """DDR4: 6.7 nJ over 8 chips; a row of 8 KiB in each of 16 banks, which take turns every 64 bytes."""
    far = {"activation": {"energy": 6700.0, "visit": 64, "row": 8192, "banks": 16}, "read_energy": 11.0}
    n = 10
    result = far_reads(far, n, size, 1)
    assert result.tiers[FAR].activations == n * rows
    assert result.energy_j["tiers.far.activation"] == pytest.approx(n * rows * 6.7e-9, rel=1e-12)
    assert result.energy_j["tiers.far.activation"] / (n * size * 8) * 1e12 == pytest.approx(pj_per_bit, rel=0.05)
    assert result.energy_j["tiers.far.read"] == pytest.approx(n * size * 8 * 11e-12, rel=1e-12)
    assert result.tiers[FAR].energy_j == pytest.approx(
        sum(result.energy_j[f"tiers.far.{x}"] for x in ("activation", "read"))
    )
