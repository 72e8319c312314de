"""Turns that repeat are those that were made one by one."""

import dataclasses

import numpy as np
import pytest

from hiersim.errors import TraceError
from hiersim.models import find_model
from hiersim.traces.operation import PER_OPERATION
from hiersim.traces.operation_builder import OperationBuilder
from hiersim.workloads import flexgen, generate, weight_steps, weight_streaming
from hiersim.workloads.flexgen_steps import Steps as FlexGenSteps
from hiersim.workloads.repeat import repeated
from hiersim.workloads.weight_objects import stored

TOKENS = 7


def by_hand_flexgen(params):
    p = flexgen.FlexGenParameters(**params)
    model, builder = find_model(p.model), OperationBuilder(ordered=False)
    steps = FlexGenSteps(p, builder, flexgen.objects(p, model, builder), model)
    flexgen.begin(steps)
    for token in range(p.output):
        flexgen.turn(steps, token)
    return builder.build()


def by_hand_streaming(params):
    p = weight_streaming.StreamingParameters(**params)
    model, builder = find_model(p.model), OperationBuilder(ordered=False)
    steps = weight_steps.Steps(p, builder, model, stored(p, model, builder))
    for token in range(p.output):
        steps.turn(token)
    return builder.build()


CASES = [
    ("flexgen", {"gpu_batch": 3, "gpu_batches": 2}),
    ("flexgen", {"gpu_batch": 3, "gpu_batches": 1, "weight_gpu": 100, "weight_cpu": 0, "cpu_attention": False}),
    ("flexgen", {"gpu_batch": 2, "gpu_batches": 3, "cache_gpu": 40, "cache_cpu": 30, "act_gpu": 50, "act_cpu": 20}),
    ("weight_streaming", {"resident": 30}),
    ("weight_streaming", {"resident": 30, "lock": "front", "ahead": 3, "bounce": True, "copy_rate": 1e9}),
    ("weight_streaming", {"load": "demand", "pages": 1 << 20, "ahead": 0}),
    ("weight_streaming", {"ahead": 99, "expand": "near", "sparsity": 0.5, "planes": 4, "planes_read": 2}),
]


@pytest.mark.parametrize(("kind", "params"), CASES)
@pytest.mark.parametrize("output", [1, 2, 3, TOKENS])
def test_turns_repeat(kind, params, output, monkeypatch):
    monkeypatch.setattr("hiersim.workloads.repeat.PIECE", 400)  # a few turns in a piece
    params = {"model": "opt-125m", "prompt": 20, "output": output} | params
    made = generate(kind, **params)
    expected = (by_hand_flexgen if kind == "flexgen" else by_hand_streaming)(params)
    assert len(made) == len(expected)
    whole = made.whole()
    for key in (*PER_OPERATION, "offsets", "uses", "after_offsets", "after", "use_bytes"):
        assert np.array_equal(getattr(whole.operations, key), getattr(expected.operations, key)), key
    assert made.header.objects.size.tolist() == expected.objects.size.tolist()


def turns(**second):
    """Return a trace of two turns of two operations, the second of which has other columns where given."""
    build = OperationBuilder(ordered=False)
    obj = build.object(10, kept=second.pop("kept", True))
    for turn in range(2):
        more = second if turn else {}
        build.add("a", unit="u", reads=[obj], flops=5 + turn, after=more.pop("after", ()))
        build.add("b", unit="u", near_read=7 + 2 * turn, **more)
    return build.build()


def test_what_grows_goes_on_growing():
    whole = repeated(turns(), 0, 4).whole().operations
    assert whole.flops.tolist() == [5, 0, 6, 0, 7, 0, 8, 0]
    assert whole.near_read.tolist() == [0, 7, 0, 9, 0, 11, 0, 13]


def test_what_shrinks_is_checked_to_the_end(monkeypatch):
    monkeypatch.setattr("hiersim.workloads.repeat.PIECE", 2)  # a turn in a piece
    build = OperationBuilder(ordered=False)
    for flops in (9, 5):
        build.add("a", unit="u", flops=flops)
        build.add("b", unit="u")
    with pytest.raises(TraceError, match="flops may not be negative, got -3"):
        repeated(build.build(), 0, 5).whole()


@pytest.mark.parametrize(
    ("trace", "start", "what"),
    [
        (turns(stream="other"), 0, "differ in `stream`"),
        (turns(near_class="kv"), 0, "differ in `near_class`"),
        (turns(kept=False), 0, "object #0 ends in a turn that repeats"),
        (turns(), 1, "3 operations are not two turns"),
        (dataclasses.replace(turns()), 4, "0 operations are not two turns"),
    ],
)
def test_turns_that_cannot_repeat(trace, start, what):
    with pytest.raises(TraceError, match=what):
        repeated(trace, start, 4)
