"""The compiled core and its naive twin agree to the picosecond and to the byte on random scenarios."""

from __future__ import annotations

from collections import Counter

import pytest
from core.features import drawn_features, happened
from core.parity import disagreement, make_twin
from hypothesis import given, settings
from oracle.core.calendar import StuckError
from strategies import scenario, scenarios

CHUNK = 50
SEEDS = range(0, 1000, CHUNK)
TIGHT = range(0, 200, CHUNK)


@pytest.mark.parametrize("first", [pytest.param(0, marks=pytest.mark.xdist_group("engine")), *SEEDS[1:]])
def test_core_and_twin_agree(first):
    wrong = {seed: found[:3] for seed in range(first, first + CHUNK) if (found := disagreement(scenario(seed)))}
    assert not wrong


@pytest.mark.parametrize("first", TIGHT)
def test_core_and_twin_agree_where_a_run_may_stand_still(first):
    """Capacities so small that some of these runs are stuck: then both are, at the same point."""
    seeds = range(first, first + CHUNK)
    wrong = {seed: found[:3] for seed in seeds if (found := disagreement(scenario(seed, tight=True)))}
    assert not wrong


RARE = {"mixed rise", "sharpness with media", "turnaround of media", "loaded latency of media", "sharpness with dies"}


@pytest.mark.parametrize("first", [1000, 2000])
def test_core_and_twin_agree_on_effects_that_are_drawn_seldom(first):
    """Of a thousand more scenarios those with one of them."""
    drawn = {seed: scenario(seed, tight=True) for seed in range(first, first + 1000)}
    rare = {seed: one for seed, one in drawn.items() if RARE & set(drawn_features(one))}
    assert len(rare) > 50
    wrong = {seed: found[:3] for seed, one in rare.items() if (found := disagreement(one))}
    assert not wrong


@given(scenarios(tight=True))
@settings(max_examples=100)
def test_core_and_twin_agree_on_examples_that_shrink(drawn):
    assert not disagreement(drawn)


DRAWN = """
tier half duplex, tier full duplex, link half duplex, link full duplex, tier granularity, link granularity
tier slots, fifo; tier slots, priority; tier slots, fair; link slots, fifo; link slots, priority; link slots, fair
tier efficiency, link efficiency, read_ops, write_ops, link ops, look-up time, unit slots
1 tiers, 2 tiers, 3 tiers, 4 tiers, 1 units, 2 units, a private tier, units of two kinds apart
policy lru, policy fifo, policy clock, policy sieve, policy lfu, policy s3fifo, policy arc
write back, write through, write around, write_wait, exclusive, inclusive, on_evict demote, on_evict drop
on_evict recompute
when_full evict, when_full refuse, promotion 0, promotion 1, promotion 2, home, compute_time, flops_per_byte
open loop, closed loop, think, time scale, streams with several outstanding, writes, reads only
one size, several sizes, flops of the trace
media, turnaround of a tier, turnaround of media, turnaround, turnaround 0
tier sharpness, sharpness 1, sharpness 2, sharpness 3, sharpness 6, sharpness with operations, sharpness with dies
sharpness with media, link sharpness alone, link sharpness with operations
loaded latency of a tier, loaded latency of media, loaded latency of a link, loaded latency with turnaround
one rise, mixed rise
dies, half duplex; dies, full duplex
program, no program, over-provisioning, no over-provisioning, erase block, no erase block, alignment, aligned to units
write cache, half duplex; write cache, full duplex; drain of its own; drain as bandwidth
activation, half duplex; activation, full duplex
packets, half duplex; packets, full duplex; driven by first; driven by second
completion header, no completion header, several packets a request
background of a tier, background of media, background of a link, background of reads, background both ways
"""


def words(text):
    lines = text.strip().splitlines()
    return {word.strip() for line in lines for word in line.split(";" if ";" in line else ",")}


def test_the_scenarios_have_every_feature():
    count = Counter()
    for seed in range(SEEDS[-1] + CHUNK):
        count.update(set(drawn_features(scenario(seed))))
    assert set(count) == words(DRAWN)
    assert {feature: n for feature, n in count.items() if n < (5 if feature in RARE else 20)} == {}


HAPPENED = """
drop, move, lost, refused, hit, merged, created, passed over
stall room write-back, stall room arrivals, stall slot demand, stall slot write-back
stall latency, stall bandwidth bandwidth, stall bandwidth operations, stall joined demand, stall joined write-back
stall bandwidth dies, stall bandwidth cache, waited for a die, programmed, amplified, activated, requests
loaded latency of a tier, loaded latency of media, loaded latency of a link, media both ways
a cache became full, a cache had room again, a cache drained, reads pay for turns, writes pay for turns
a knee, bandwidth; a knee, operations; a knee, dies
"""


def test_the_scenarios_bring_about_every_kind_of_event():
    count = Counter()
    for seed in range(700):
        try:
            count.update(set(happened(make_twin(scenario(seed)))))
        except StuckError:
            count["stuck"] += 1
    assert {word for word in words(HAPPENED) if count[word] < 3} == set()
