"""Caches that move, blocks that are coded, units that wait for room, and who makes way for whom."""

from __future__ import annotations

import numpy as np
import pytest
from serving.test_scheduler import MACHINE, MODEL, requests

from hiersim.drivers.serve.run import serve
from hiersim.machine import Link, TierRules
from hiersim.machine.serving import Disaggregation, KvCodec, Serving
from hiersim.traces.request import RequestTrace

KV = MODEL.kv_bytes_per_token("bf16")
GIB = 1 << 30


def run(trace, machine=MACHINE, tiers=None, **rules):
    tiers = tiers or {"gddr": TierRules(), "dram": TierRules(capacity=32 * GIB)}
    return serve(machine, tiers, Serving(max_tokens=100_000, **rules), MODEL, trace)


def tight(seed=1):
    return requests(np.random.default_rng(seed), 40, 300, 200, 10**12)


def test_swapped_caches_come_back_and_nothing_is_computed_twice():
    trace = tight()
    result = run(trace, kv_pages=60, max_batched_tokens=256, preemption="swap")
    found = result.requests
    assert found.preemptions.sum() > 0
    assert (found.computed_tokens == trace.prompt_tokens + trace.output_tokens - 1).all()
    link = result.links["pcie"]
    assert link.forward_total == link.backward_total > 0  # what went out came back
    assert link.forward_total % (16 * KV) == 0
    assert found.waits_ps[found.preemptions > 0, 5].min() > 0
    again = run(trace, kv_pages=60, max_batched_tokens=256, remember_preempted=False)
    assert again.requests.computed_tokens.sum() > found.computed_tokens.sum()
    assert again.links["pcie"].forward_total == 0


def two_cards():
    gpu, gddr = MACHINE.units["gpu0"], MACHINE.tiers["gddr"]
    link = Link(kind="network", between=("gddr", "gddr1"), bandwidth=25_000_000_000, latency=5_000_000)
    return MACHINE.model_copy(
        update={
            "tiers": {"gddr": gddr, "gddr1": gddr, **{k: v for k, v in MACHINE.tiers.items() if k != "gddr"}},
            "units": {**MACHINE.units, "gpu1": gpu.model_copy(update={"tier": "gddr1"})},
            "links": {**MACHINE.links, "between": link},
        }
    )


def test_prompts_are_computed_here_and_answers_there_and_the_cache_crosses_once():
    trace = requests(np.random.default_rng(2), 30, 500, 60, 10**11)
    tiers = {"gddr": TierRules(), "gddr1": TierRules()}
    apart = Disaggregation(prefill="gpu0", decode="gpu1")
    result = run(trace, two_cards(), tiers, kv_pages=2000, disaggregate=apart)
    crossed = np.flatnonzero(trace.output_tokens > 1)
    pages = -(-trace.prompt_tokens[crossed] // 16) * 16 * KV
    assert result.links["between"].forward_total == pages.sum()  # keys and values, once, in whole pages
    assert result.requests.done.all()
    assert (result.requests.computed_tokens == trace.prompt_tokens + trace.output_tokens - 1).all()
    assert result.tiers["gddr1"].read_bytes["kv"] > result.tiers["gddr"].read_bytes["kv"]


def test_who_got_most_makes_way():
    """One session asks for long answers, another for short ones: with fairness the short ones wait less."""
    count = 24
    session = np.array([0] * 16 + [1] * 8, np.int32)
    none = np.zeros(0, np.int32)
    output = np.where(session == 0, 400, 20)
    trace = RequestTrace(np.zeros(count, np.int64), np.full(count, 64), output, session, np.zeros(count + 1, np.int64),
                         none, none.astype(np.int64), block_tokens=0)  # fmt: skip
    plain, fair = (run(trace, kv_pages=4000, max_sequences=8, fair_every=every) for every in (0, 10))
    mean = [result.requests.last_ps[session == 1].mean() for result in (plain, fair)]
    assert mean[1] < 0.7 * mean[0]
    assert fair.requests.preemptions[session == 0].sum() > 0
    assert fair.requests.preemptions[session == 1].sum() == 0


def shared(turns=3, size=128):
    """Two sessions in turn, each prompt beginning with the one before: their blocks push each other out."""
    rows = [(t, s) for t in range(turns) for s in range(6)]
    blocks = [[100 * s + i for i in range(4 * (t + 1))] for t, s in rows]
    offsets = np.cumsum([0] + [len(each) for each in blocks])
    ids, where = np.unique(np.concatenate(blocks), return_inverse=True)
    times = np.arange(len(rows), dtype=np.int64) * 2 * 10**12
    prompt = np.array([len(each) * size + 1 for each in blocks])
    return RequestTrace(times, prompt, np.full(len(rows), 4), np.array([s for _, s in rows], np.int32), offsets,
                        where.astype(np.int32), ids, block_tokens=size)  # fmt: skip


@pytest.mark.parametrize("bits", [8, 4])
def test_coded_blocks_take_less_room_and_less_of_the_link(bits):
    trace = shared()
    rules = {"kv_pages": 20 * 8, "max_batched_tokens": 4096}
    full = run(trace, **rules)
    coded = run(trace, **rules, codecs={"dram": KvCodec(bits=bits)})
    assert full.requests.reuse(tuple(full.tiers))["dram"] > 0
    assert (coded.requests.reused_tokens == full.requests.reused_tokens).all()
    for way in ("forward_total", "backward_total"):
        assert getattr(coded.links["pcie"], way) * 16 == getattr(full.links["pcie"], way) * bits
    assert coded.tiers["dram"].peak_bytes * 16 == full.tiers["dram"].peak_bytes * bits
    slow = run(trace, **rules, codecs={"dram": KvCodec(bits=bits, decode_rate=10**9, encode_rate=10**9)})
    assert slow.requests.ttft_ps.mean() > coded.requests.ttft_ps.mean()


def test_a_unit_that_waits_for_room_says_so():
    """All blocks are pushed out to a slow tier: nothing can be computed until they have left."""
    tiers = {"gddr": TierRules(), "dram": TierRules(capacity=32 * GIB)}
    trace = shared(turns=2)
    result = run(trace, MACHINE, tiers, kv_pages=9 * 8, max_batched_tokens=4096)
    unit = result.units["gpu0"]
    room = [stall for stall in unit.stalls if stall.kind == "room" and stall.detail == "write-back"]
    assert sum(stall.ps for stall in room) > 0
    assert unit.busy_ps + unit.stalled_ps + unit.idle_ps == result.elapsed_ps


def test_layered_fetches_hide_behind_computing():
    trace = shared()
    rules = {"kv_pages": 20 * 8, "max_batched_tokens": 4096}
    blocking, layered = (run(trace, **rules, fetch=how) for how in ("blocking", "layered"))
    assert (blocking.requests.reused_tokens == layered.requests.reused_tokens).all()
    assert layered.requests.ttft_ps.mean() < blocking.requests.ttft_ps.mean()
    assert blocking.requests.waits_ps[:, 1].sum() > 0
    assert layered.requests.waits_ps[:, 1].sum() == 0
