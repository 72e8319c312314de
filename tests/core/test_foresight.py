"""What policies that know the future are told: places in the order in which accesses come."""

import numpy as np
import pytest

import hiersim as hs
from hiersim.drivers.rehearsal import rehearse
from hiersim.drivers.replay import replay_timed
from hiersim.engine.foresight import in_order, in_trace_order
from hiersim.machine import Replay, TierRules
from hiersim.machine.catalogue import find_machine

SIZE = 1 << 20


def chats(seed, accesses=3_000, sessions=60, blocks=12):
    """Accesses of sessions that each go through their own blocks again and again."""
    rng = np.random.default_rng(seed)
    session = rng.integers(0, sessions, accesses)
    keys = session * blocks + rng.integers(0, blocks, accesses)
    return hs.AccessTrace.build(keys, SIZE, {"object_class": 0, "group": session}, classes=("kv",))


def hits(trace, policy, streams):
    rules = {"gddr": TierRules(capacity=100 * SIZE, policy=policy), "dram": TierRules(capacity=2_000 * SIZE)}
    return replay_timed(find_machine("rtx-4090"), rules, trace, Replay(streams=streams)).tiers["gddr"].hits


def by_hand(asked, objects):
    never = np.iinfo(np.int64).max
    later = [next((j for j in range(i + 1, len(asked)) if asked[j] == asked[i]), never) for i in range(len(asked))]
    return later, [int(np.flatnonzero(asked == key)[0]) for key in range(objects)]


def test_places_are_those_of_the_order():
    rng = np.random.default_rng(3)
    keys = np.concatenate([np.arange(8), rng.integers(0, 8, 60)])
    trace = hs.AccessTrace.build(keys, SIZE, {"object_class": 0, "group": 0}, classes=("kv",))
    for order, told in ((np.arange(68), in_trace_order(trace)), (shuffled := rng.permutation(68), None)):
        told = told or in_order(trace, shuffled)
        later, first = by_hand(trace.object[order], 8)
        assert told.next_use[order].tolist() == later
        assert told.first.tolist() == first


@pytest.mark.parametrize("streams", [1, 4, 16])
@pytest.mark.parametrize("seed", [1, 2])
def test_the_optimum_hits_more_than_lru_however_many_streams(seed, streams):
    trace = chats(seed)
    assert hits(trace, "opt", streams) > 1.2 * hits(trace, "lru", streams)


def test_only_who_asks_in_a_closed_loop_of_several_streams_is_told_by_another_run():
    trace, machine = chats(3, accesses=200), find_machine("rtx-4090")
    opt = {"gddr": TierRules(capacity=100 * SIZE, policy="opt"), "dram": TierRules(policy="fifo")}
    lru = {"gddr": TierRules(capacity=100 * SIZE), "dram": TierRules(policy="fifo")}

    def told(rules, **replay):
        return rehearse(machine, rules, {}, Replay(**replay), trace, 0)

    assert told(lru, streams=4) is None
    assert told(opt, streams=1) is None
    assert told(opt, mode="open", streams=4) is None
    some = told(opt, streams=4)
    assert sorted(np.unique(some.next_use))[-1] == np.iinfo(np.int64).max
    assert not np.array_equal(some.next_use, trace.next_use)
