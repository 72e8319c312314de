"""Policies that know the future: operations one by one miss as a replay does, also when the trace comes in pieces."""

from itertools import pairwise

import numpy as np
import pytest
from execute.machines import plain, run

from hiersim.api.replay import replay
from hiersim.machine import TierRules
from hiersim.traces.access import AccessTrace
from hiersim.traces.operation import OperationStream
from hiersim.traces.operation_builder import OperationBuilder
from hiersim.workloads.repeat import piece

OBJECTS, ROOM, SIZE = 40, 12, 10
KEYS = (np.random.default_rng(3).zipf(1.3, 1500) % OBJECTS).astype(np.int32)


def operations():
    """Return an operation for each key, which reads its object."""
    build = OperationBuilder(ordered=False)
    build.objects([SIZE] * OBJECTS, home="dram")
    for key in KEYS.tolist():
        build.add("k", unit="gpu", reads=[key], duration_ps=50)
    return build.build()


def rules(policy):
    return {"hbm": TierRules(capacity=ROOM * SIZE, policy=policy, on_evict="drop"), "dram": TierRules()}


@pytest.mark.parametrize("policy", ["lru", "opt", "belady-size", "predicted-opt", "predictive-marker"])
def test_operations_one_by_one_miss_as_a_replay_does(policy):
    result = run(operations(), plain(), rules(policy))
    accesses = AccessTrace.build(KEYS, np.full(OBJECTS, SIZE))
    expected = replay(accesses, policy, capacity=ROOM, ignore_size=True)[0]
    assert result.tiers["hbm"].misses == expected.misses
    assert result.tiers["hbm"].hits == len(KEYS) - expected.misses


@pytest.mark.parametrize("policy", ["opt", "predicted-opt"])
def test_pieces_are_put_together_for_who_knows_the_future(policy):
    whole = operations()
    cuts = [*range(0, len(whole), 170), len(whole)]
    pieces = [piece(whole.operations, low, high) for low, high in pairwise(cuts)]
    stream = OperationStream(whole.header, lambda: iter(pieces), len(whole))
    in_pieces, at_once = run(stream, plain(), rules(policy)), run(whole, plain(), rules(policy))
    assert in_pieces.tiers["hbm"].misses == at_once.tiers["hbm"].misses
    assert in_pieces.elapsed_ps == at_once.elapsed_ps
