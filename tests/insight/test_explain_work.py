"""Explanations of operations and of requests where the answer is known: what they say is held against other runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from execute.machines import plain, run

import hiersim as hs
from hiersim.engine.requests import WAITS
from hiersim.insight.explain import explain
from hiersim.report.outputs import write_all
from hiersim.traces.operation_builder import OperationBuilder

SERVED = Path(__file__).parents[2] / "configs" / "vllm_rtx4090.yaml"


def operations(*added, size=1000):
    """Operations of (unit, stream, after, FLOPs), each a kind ``k0``, ``k1`` ..., that read an object of their own."""
    build = OperationBuilder()
    for i, (unit, stream, after, flops) in enumerate(added):
        reads = [build.object(size, start="hbm")] if size else []
        build.add(f"k{i}", unit=unit, stream=stream, after=after, reads=reads, flops=flops)
    return build.build()


@pytest.mark.parametrize(
    ("flops", "told", "path"),
    [
        (10**6, "its bytes at hbm alone take 1 ns, its computing 1 us, so more bandwidth of hbm", "tiers.hbm"),
        (10, "its bytes at hbm alone take 1 ns, its computing 10 ps, so more FLOP/s", "units.gpu"),
    ],
)
def test_what_would_not_help_an_operation_does_not(flops, told, path):
    trace = operations(("gpu", "s", (), flops))
    result = run(trace)
    assert f"`k0` is 100% of gpu's work: {told} would not help it." in explain(result)
    machine = plain()
    group, name = path.split(".")
    part = getattr(machine, group)[name]
    better = {"read_bandwidth": 10 * part.read_bandwidth, "write_bandwidth": 10 * part.write_bandwidth} if (
        group == "tiers") else {"flops": {key: 10 * rate for key, rate in part.flops.items()}}  # fmt: skip
    parts = dict(getattr(machine, group)) | {name: part.model_copy(update=better)}
    assert run(trace, machine.model_copy(update={group: parts})).elapsed_ps == result.elapsed_ps


def test_a_balanced_operation_gets_no_advice():
    assert "would not help" not in str(explain(run(operations(("gpu", "s", (), 900)))))


def test_a_chain_leaves_what_it_says_and_no_less():
    """Three in a row beside one that is done in between: nothing but a faster link of the chain shortens it."""
    chain = [("gpu", "a", (), 3000), ("cpu", "b", (0,), 4000), ("gpu", "a", (1,), 3000), ("cpu", "c", (), 1000)]
    result = run(operations(*chain, size=0))
    assert (
        "The longest chain of operations takes 100% of the time by itself: as long as none of it is faster or left "
        "out, all else can save 0% at most." in explain(result)
    )
    assert run(operations(*chain[:3], size=0)).elapsed_ps == result.elapsed_ps == 10_000
    wide = run(operations(*[("gpu", f"s{i}", (), 1000) for i in range(4)], size=0))
    assert "longest chain" not in str(explain(wide))


def test_waiting_for_another_unit_says_so():
    told = explain(run(operations(("cpu", "a", (), 9000), ("gpu", "b", (0,), 1000), size=0)))
    assert "gpu waits 90.0% of the time and computes 10.0%." in told
    assert "All of gpu's waiting is for what cpu is at work on." in told
    assert "100% of all waiting is in `k1`, or before it can begin." in told


def served(*changes):
    return hs.load(SERVED, ["trace.limit=120", *changes]).run()


def queued(result):
    return result.requests.waits_ps[:, 0].sum()


def test_requests_that_wait_for_room(tmp_path):
    small = served("serve.kv_pages=600")
    told = explain(small)
    assert told[0].startswith("The requests spent ")
    assert "waiting for a turn" in told[0]
    assert "those that run hold more than 90% of the room for KV" in told[1]
    assert f"{small.requests.preemptions.sum():,} times one of them had to give its room up: more room" in told[1]
    assert queued(served("serve.kv_pages=1200")) < 0.7 * queued(small)
    write_all(small, tmp_path / "kept", pictures=False)
    assert hs.explain(tmp_path / "kept") == told


def test_requests_that_wait_for_the_batch():
    few = served("serve.max_sequences=4")
    assert explain(few)[1] == (
        "Whenever some wait, there is room for the KV of any prompt; at most 4 ran at once: the limits of a batch, or "
        "faster steps, would help, more room would not."
    )
    assert served("serve.max_sequences=4", "serve.kv_pages=2400").elapsed_ps == few.elapsed_ps
    assert queued(served("serve.max_sequences=8")) < 0.7 * queued(few)


def test_nothing_is_said_of_room_that_some_prompt_may_lack():
    """Those that run hold little of it, but the largest prompt would need all that there is."""
    result = served("serve.max_sequences=4")
    requests = result.requests
    wide = replace(requests, prompt_tokens=requests.prompt_tokens * 20)
    assert "more room would not" not in str(explain(replace(result, requests=wide)))


def test_requests_that_do_not_wait():
    told = explain(served("trace.rate_scale=0.02"))
    assert told[1] == "They hardly wait for a turn: how long they take is how long their steps take."


def test_requests_that_wait_for_blocks_are_not_said_to_wait_for_steps_alone():
    result = served("trace.rate_scale=0.02")
    waits = result.requests.waits_ps.copy()
    waits[:, WAITS.index("fetch")] = waits[:, WAITS.index("decode")]
    told = explain(replace(result, requests=replace(result.requests, waits_ps=waits)))
    assert "waiting for blocks" in told[0]
    assert "how long their steps take" not in str(told)
