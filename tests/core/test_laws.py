"""Laws of the compiled core: how a change of the machine or of the trace must show, and that breaches are noticed."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from core.machines import NEAR, a_link, a_tier
from core.parity import make_core
from strategies import scenario

from hiersim.drivers.cache_study import study
from hiersim.drivers.replay import replay_timed
from hiersim.engine import columns as c
from hiersim.engine.laws import check_laws
from hiersim.errors import LawError
from hiersim.machine import ClassRules, Machine, Replay, TierRules, Unit
from hiersim.traces.access import AccessTrace

SEEDS = range(8)
POLICIES = ("lru", "fifo", "clock", "sieve", "lfu", "s3fifo", "arc", "opt")


def a_trace(seed, accesses=600, objects=60, writes=True, sizes=True):
    rng = np.random.default_rng(seed)
    keys = np.minimum(rng.geometric(0.05, accesses) - 1, objects - 1)
    columns = {"write": rng.random(accesses) < 0.3} if writes else {}
    return AccessTrace.build(
        keys, rng.choice([512, 1024, 1536, 4096] if sizes else [512], objects), columns, classes=("kv",)
    )


def parts(scale=1, path="", factor=1.0):
    """Figures by part: those of a machine of three tiers; rates times ``scale``, latencies divided by it."""
    figures = {
        "near": {"read_bandwidth": 4e12, "write_bandwidth": 2e12, "read_latency": 96, "write_latency": 64},
        "middle": {"read_bandwidth": 1e12, "write_bandwidth": 1e12, "read_latency": 512, "write_latency": 480},
        "far": {"read_bandwidth": 5e11, "write_bandwidth": 25e10, "read_latency": 8192, "write_latency": 4096},
        "up": {"bandwidth": 1e12, "latency": 320},
        "out": {"bandwidth": 5e11, "latency": 640, "overhead": 64},
        "gpu": {"flops": 2e12},
    }
    for part in figures.values():
        for field, value in part.items():
            is_rate = field == "flops" or "bandwidth" in field
            part[field] = value * scale if is_rate else value // scale
    if path:
        part, _, field = path.partition(".")
        figures[part][field] = type(figures[part][field])(figures[part][field] * factor)
    return figures


def build(figures, unused=False):
    tiers = {name: a_tier(**figures[name]) for name in ("near", "middle", "far")}
    links = {"up": a_link("middle", "near", **figures["up"]), "out": a_link("far", "middle", **figures["out"])}
    if unused:
        tiers["spare"] = a_tier(read_latency=5)
        links["aside"] = a_link("spare", "near")
    return Machine(
        tiers=tiers, links=links, units={"gpu": Unit(kind="gpu", tier=NEAR, flops={"bf16": figures["gpu"]["flops"]})}
    )


RULES = {
    "near": TierRules(capacity=16384),
    "middle": TierRules(capacity=49152, policy="fifo"),
    "far": TierRules(capacity=163840, inclusion="inclusive"),
}
MADE = {"kv": ClassRules(flops_per_byte=64)}


def run(machine, trace, rules=RULES, **replay):
    return replay_timed(machine, rules, trace, Replay(**replay), classes=MADE)


FASTER = ("near.read_bandwidth near.write_bandwidth middle.read_bandwidth middle.write_bandwidth far.read_bandwidth "
          "far.write_bandwidth up.bandwidth out.bandwidth gpu.flops")  # fmt: skip
SOONER = ("near.read_latency near.write_latency middle.read_latency middle.write_latency far.read_latency "
          "far.write_latency up.latency out.latency out.overhead")  # fmt: skip
BETTER = {path: (path, factor) for text, factor in ((FASTER, 2.0), (SOONER, 0.5)) for path in text.split()}


@pytest.mark.parametrize("part", BETTER)
def test_a_better_part_does_not_make_one_stream_slower(part):
    for seed in SEEDS:
        trace = a_trace(seed)
        before, after = run(build(parts()), trace), run(build(parts(1, *BETTER[part])), trace)
        assert after.elapsed_ps <= before.elapsed_ps
        assert after.tiers["near"].misses == before.tiers["near"].misses  # one at a time: who is where does not change


def test_a_better_part_can_make_one_stream_faster():
    """So that the comparison above is not one of equal numbers."""
    trace, before = a_trace(0), run(build(parts()), a_trace(0)).elapsed_ps
    faster = [part for part, change in BETTER.items() if run(build(parts(1, *change)), trace).elapsed_ps < before]
    assert len(faster) >= 10


@pytest.mark.parametrize("outstanding", [1, 4])
def test_a_tier_that_is_never_used_changes_nothing(outstanding):
    trace = a_trace(1)
    before = run(build(parts()), trace, outstanding=outstanding)
    after = run(build(parts(), unused=True), trace, outstanding=outstanding)
    assert after.latency_ps.tolist() == before.latency_ps.tolist()
    assert after.tiers == before.tiers


@pytest.mark.parametrize("scale", [2, 4, 32])
def test_scaling_rates_and_latencies_scales_time(scale):
    """Exactly where nothing is shared and every time is a whole number; else up to the rounding of each flow's end."""
    dropped = {name: rule.model_copy(update={"on_evict": "drop"}) for name, rule in RULES.items()}
    for seed in SEEDS:
        alone = a_trace(seed, writes=False)
        slow, fast = (run(build(parts(k)), alone, dropped).latency_ps * k for k in (1, scale))
        assert fast.tolist() == slow.tolist()
        slow, fast = (run(build(parts(k)), a_trace(seed)).elapsed_ps * k for k in (1, scale))
        assert fast == pytest.approx(slow, abs=scale * 600)


@pytest.mark.parametrize("outstanding", [1, 4])
def test_the_numbers_of_objects_mean_nothing(outstanding):
    for seed in SEEDS:
        trace = a_trace(seed)
        new = np.random.default_rng(seed + 100).permutation(trace.objects)
        size = np.empty_like(trace.size)
        size[new] = trace.size
        other = AccessTrace.build(new[trace.object], size, {"write": trace.write}, classes=("kv",))
        one, two = (run(build(parts()), each, outstanding=outstanding) for each in (trace, other))
        assert one.latency_ps.tolist() == two.latency_ps.tolist()
        assert one.tiers == two.tiers
        assert one.units == two.units


DIGEST = """
import sys
from core.test_laws import digest
print(digest(int(sys.argv[1])))
"""


def digest(seed):
    """A hash of all that a run leaves behind, with policies that draw random numbers."""
    rules = {
        name: rule.model_copy(update={"policy": TierRules(policy="random").policy}) for name, rule in RULES.items()
    }
    result = replay_timed(
        build(parts()), rules, a_trace(3), Replay(outstanding=4), classes=MADE, seed=seed, timeline=True
    )
    lines = result.timeline
    columns = [result.latency_ps, result.served_by, lines.created_ps, lines.done_ps, lines.object, lines.bytes]
    text = repr((result.tiers, result.links, result.units, sorted(result.energy_j.items())))
    return hashlib.blake2b(b"".join(np.ascontiguousarray(x).tobytes() for x in columns) + text.encode()).hexdigest()


def test_equal_seeds_give_equal_bytes_here_and_in_a_fresh_process():
    tests = Path(__file__).parents[1]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tests), str(tests.parent)]), "PYTHONHASHSEED": "7"}
    fresh = subprocess.run(
        [sys.executable, "-c", DIGEST, "5"], env=environment, capture_output=True, text=True, check=True
    ).stdout.strip()
    assert digest(5) == digest(5) == fresh
    assert digest(6) != fresh


@pytest.mark.parametrize("policy", POLICIES)
def test_one_stream_misses_near_what_a_cache_study_misses(policy):
    """One access at a time, reads only: the near tier of a chain sees what a cache of its size alone would see.

    In a study S3-FIFO takes no object that is larger than its small queue; a tier takes all. So its objects are small.
    """
    for seed in SEEDS:
        trace = a_trace(seed, writes=False, sizes=policy != "s3fifo")
        rules = RULES | {"near": TierRules(capacity=16384, policy=policy)}
        result = run(build(parts()), trace, rules)
        alone = study(trace.object, trace.size, policy, 16384, objects=trace.objects)
        assert result.tiers["near"].misses == alone.misses > 0
        assert result.tiers["near"].evictions == alone.evictions


@pytest.mark.parametrize("capacities", [(4, 8), (1, 20), (10, 2)])
def test_a_chain_of_exclusive_lru_tiers_is_one_lru_of_their_sum(capacities):
    """Objects of one size, reads. While an object is on its way near it takes room in both tiers: so the chain misses
    as one LRU with all the room, or with room for one object less.
    """
    near, further = capacities
    for seed in SEEDS:
        keys = a_trace(seed, writes=False).object
        trace = AccessTrace.build(keys, 512, classes=("kv",))
        rules = {"near": TierRules(capacity=512 * near), "middle": TierRules(capacity=512 * further)}
        result = run(build(parts()), trace, rules)
        whole, less = (study(keys, None, "lru", near + further - n, objects=trace.objects).misses for n in (0, 1))
        assert whole <= result.created <= less
        assert result.tiers["middle"].misses == result.created


def wrong(row, column, change=1):
    def corrupt(core):
        getattr(core.world, row)[column] += change

    return corrupt


CORRUPT = {
    "a byte placed that never left": ("bytes placed", wrong("tiers", (0, c.T_PLACED))),
    "a byte removed twice": ("bytes placed", wrong("tiers", (0, c.T_REMOVED))),
    "more than fits": ("more than its", wrong("tiers", (0, c.T_PEAK), 1 << 50)),
    "a victim of no fate": ("victims", wrong("tiers", (0, c.T_EVICTIONS))),
    "a victim dropped twice": ("victims", wrong("tiers", (0, c.T_DROPPED))),
    "a hit too many": ("look-ups", wrong("tiers", (0, c.T_HITS))),
    "a merged access too many": ("look-ups", wrong("tiers", (0, c.T_MERGED))),
    "a miss too few": ("look-ups", wrong("tiers", (0, c.T_MISSES), -1)),
    "a byte on a hop that no route carried": ("bytes carried", wrong("payload", (0, 0, 0))),
    "a route that no hop carried": ("bytes carried", wrong("routes", (0, c.R_DONE))),
    "more work than time": ("ps of work", wrong("wire", (0, 0), 1 << 50)),
    "a picosecond busy twice": ("busy", wrong("units", (0, c.U_BUSY_NEAR))),
    "a picosecond idle twice": ("busy", wrong("units", (0, c.U_IDLE))),
    "a stall twice": ("busy", wrong("stall", (0, 0, 0, 0, 0))),
    "an access not done": ("accesses done", wrong("clock", c.DONE, -1)),
    "an access outstanding": ("outstanding", wrong("clock", c.ISSUED)),
    "a flow too fast": ("slowest hop", wrong("clock", c.UNLAWFUL)),
}


@pytest.mark.parametrize("what", CORRUPT)
def test_a_wrong_counter_breaks_a_law(what):
    core = make_core(scenario(0))
    core.run()
    check_laws(core)
    message, corrupt = CORRUPT[what]
    corrupt(core)
    with pytest.raises(LawError, match=message):
        check_laws(core)
