"""Experts that are cached near the unit, and compositions of whole models: misses, traffic and prediction."""

import pytest
from workloads.rig import loaded, machine, run

from hiersim.errors import ConfigError
from hiersim.machine import TierRules
from hiersim.models import find_model
from hiersim.workloads import generate

EXPERT = 3 * 4096 * 14336 * 2
REST = {"model": "mixtral-8x7b", "tokens": 6, "context": 4}


def capacity(experts):
    """Return bytes that hold all but the experts, and so many of them."""
    trace = generate("expert_offload", **REST)
    weights = trace.objects
    near = [name == "gddr" for name in (weights.tiers[home] for home in weights.home)]
    return int(weights.size[near].sum()) + experts * EXPERT


@pytest.mark.parametrize("policy", ["lru", "fifo", "lfu", "arc", "sieve", "s3fifo", "gdsf", "random", "opt"])
def test_traffic_is_misses(policy):
    result = run("expert_offload", machine(capacity(100)), {"gddr": TierRules(policy=policy)}, **REST)
    moved = loaded(result)
    needed = result.operations.kinds["load"].moved_bytes
    assert moved % EXPERT == 0
    assert 0 < moved < needed == EXPERT * 6 * 32 * 2


def test_the_optimum_is_never_worse():
    moved = {}
    for policy in ("lru", "fifo", "opt"):
        rules = {"gddr": TierRules(policy=policy)}
        moved[policy] = loaded(run("expert_offload", machine(capacity(60)), rules, **REST))
    assert moved["opt"] <= min(moved.values())


def test_prediction_hides_loads_behind_what_is_computed():
    room = machine(capacity(40))
    plain = run("expert_offload", room, **REST).operations
    right = run("expert_offload", room, ahead=1, right=1.0, **REST).operations
    wrong = run("expert_offload", room, ahead=1, right=0.0, **REST).operations
    assert right.makespan_ps <= plain.makespan_ps < wrong.makespan_ps
    assert right.kinds["preload"].moved_bytes == EXPERT * 6 * 31 * 2


def test_experts_of_fewer_bits():
    result = run("expert_offload", bits=8, low_bits=4, low_share=0.5, **REST)
    trace = generate("expert_offload", bits=8, low_bits=4, low_share=0.5, **REST)
    objects = trace.objects
    sizes = {
        int(size)
        for size, kind in zip(objects.size, objects.object_class, strict=True)
        if objects.classes[kind] == "expert"
    }
    assert sizes == {EXPERT // 2, EXPERT // 4}
    assert result.operations.kinds["expert"].count == 6 * 32 * 2


def test_a_batch_touches_each_expert_once():
    trace = generate("expert_offload", batch=16, **REST)
    o = trace.operations
    flops = o.flops[o.kind == trace.header.kinds.index("expert")]
    assert flops.sum() == 16 * 6 * 32 * 2 * 2 * 3 * 4096 * 14336
    assert len(flops) <= 6 * 32 * 8


def test_models_without_experts():
    with pytest.raises(ConfigError, match="has no routed experts"):
        generate("expert_offload", model="opt-30b")


@pytest.mark.parametrize(("kept", "switches"), [(1, None), (5, 5)])
def test_a_switch_copies_a_model_that_is_not_near(kept, switches):
    size = find_model("llama-3.2-1b").weight_bytes("fp16")
    params = {"model": "llama-3.2-1b", "models": 5, "requests": 30, "output": 3, "near": "gddr", "pieces": 4}
    result = run("composition", machine(kept * size), **params)
    moved = loaded(result)
    assert moved % size == 0
    assert moved == switches * size if switches else moved > 10 * size
    assert result.operations.kinds["decode"].count == 60
