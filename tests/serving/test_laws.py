"""Laws of serving runs: what capacity, reuse, preemption and speed may and may not change."""

import itertools

import numpy as np
import pytest
from serving.rig import (
    BLOCK,
    FAR_APART,
    KV,
    SECOND,
    SIZE,
    costs,
    machine,
    random_trace,
    rules,
    run,
    server,
    step_time,
    trace,
)

from hiersim.drivers.serve import columns as c
from hiersim.engine import columns as e
from hiersim.machine.serving import KvCodec
from hiersim.models import find_model

SEEDS = range(8)


def reused(result):
    return result.requests.reused_tokens.sum(axis=1)


@pytest.mark.parametrize("seed", SEEDS)
def test_more_capacity_never_lowers_the_hits_of_lru(seed):
    requests = random_trace(np.random.default_rng(seed), 40, FAR_APART)
    pages = SIZE // 16
    for tiers in (rules(), rules({"write": "back"}, dram={"capacity": 6 * BLOCK})):  # together one longer list
        hits = [reused(run(requests, tiers, kv_pages=n * pages)) for n in (10, 12, 15, 20, 40, 200)]
        assert all((more >= less).all() for less, more in itertools.pairwise(hits))
        assert hits[-1].sum() > hits[0].sum()
    far = [reused(run(requests, rules(dram={"capacity": n * BLOCK}), kv_pages=40)).sum() for n in (1, 3, 10, 100)]
    assert far == sorted(far)
    assert far[-1] > far[0]


@pytest.mark.parametrize("fetch", ["blocking", "layered"])
@pytest.mark.parametrize("place", ["hbm", "dram", "flash"])
def test_a_hit_bills_fewer_prompt_tokens_and_comes_sooner(place, fetch):
    """Between two equal prompts others fill the tiers that are nearer than the place."""
    prompt = [f"p{i}" for i in range(30)]
    others = [(FAR_APART * (1 + i), [f"o{i}.{j}" for j in range(30)], 1, 2) for i in range(4)]
    requests = trace((0, prompt, 5, 2), *(others if place != "hbm" else ()), (9 * FAR_APART, prompt, 5, 2))
    room = {"dram": {"capacity": (200 if place != "flash" else 40) * BLOCK}, "flash": {"capacity": 400 * BLOCK}}
    tiers = rules(**(room if place != "hbm" else {}))
    result = run(requests, tiers, kv_pages=(40 if place != "hbm" else 400) * SIZE // 16, fetch=fetch)
    found = result.requests
    names = (*result.tiers, "remembered")
    assert dict(zip(names, found.reused_tokens[-1], strict=True))[place] == 30 * SIZE
    assert found.computed_tokens[-1] == found.computed_tokens[0] - 30 * SIZE == 5 + 1
    assert found.waits_ps[-1, 1] == 0 if place == "hbm" or fetch == "layered" else found.waits_ps[-1, 1] > 0
    if place != "flash":  # which is slower than to compute them
        assert found.ttft_ps[-1] < found.ttft_ps[0]


def test_a_block_is_fetched_only_where_that_is_faster():
    prompt = [f"p{i}" for i in range(30)]
    others = [(FAR_APART * (1 + i), [f"o{i}.{j}" for j in range(30)], 1, 2) for i in range(4)]
    requests = trace((0, prompt, 5, 2), *others, (9 * FAR_APART, prompt, 5, 2))
    tiers = rules(dram={"capacity": 40 * BLOCK}, flash={"capacity": 400 * BLOCK})
    always, faster = (run(requests, tiers, kv_pages=160, fetch_if=which).requests for which in ("found", "faster"))
    assert reused_last(always) == 30 * SIZE
    assert reused_last(faster) == 0
    assert faster.ttft_ps[-1] < always.ttft_ps[-1]


def reused_last(found):
    return int(found.reused_tokens[-1].sum())


def test_the_time_of_a_request_on_an_idle_machine_is_that_of_its_steps():
    """A hit is taken off the prompt once: the chunk has the tokens that are left, behind those that are there."""
    prompt = [f"p{i}" for i in range(8)]
    found = run(trace((0, prompt, 40, 5), (FAR_APART, prompt, 40, 5)), kv_pages=400).requests
    packed = costs()
    tokens = 8 * SIZE + 40
    first = step_time(packed, chunks=[(tokens, 0)])[0]
    again = step_time(packed, chunks=[(40, 8 * SIZE)])[0]
    rest = sum(step_time(packed, decoding=[tokens + i])[0] for i in range(4))
    assert found.ttft_ps.tolist() == [first, again]
    assert found.latency_ps.tolist() == [first + rest, again + rest]
    assert found.waits_ps[:, 2:4].tolist() == [[first, rest], [again, rest]]


def test_blocks_behind_a_missing_one_are_of_no_use_unless_they_are_of_use_anywhere():
    requests = trace((0, ["a", "b"], 1, 1), (FAR_APART, ["x", "b"], 1, 1), (2 * FAR_APART, ["a", "b"], 1, 1))
    assert reused(run(requests, kv_pages=400)).tolist() == [0, 0, 2 * SIZE]
    anywhere = run(requests, kv_pages=400, reuse="anywhere", recomputed_share=0.25)
    assert reused(anywhere).tolist() == [0, SIZE, 2 * SIZE]
    whole = run(requests, kv_pages=400, reuse="anywhere")
    assert anywhere.requests.ttft_ps[1] > whole.requests.ttft_ps[1], "the share that is computed again takes time"


@pytest.mark.parametrize("remember", [True, False])
def test_preemption_frees_what_it_took(remember):
    """At any time the room in use is that of the blocks that are there and of what requests have of their own."""
    rng = np.random.default_rng(1)
    run_ = server(random_trace(rng, 60, SECOND // 10), rules(), kv_pages=60, remember_preempted=remember)
    w, s = run_.core.world, run_.state
    while run_.run(budget=20) == e.PAUSE:
        rows = s.queries
        blocks = int(w.tiers[0, e.T_PLACED] - w.tiers[0, e.T_REMOVED])
        assert w.tiers[0, e.T_USED] == rows[:, c.Q_BYTES].sum() + blocks
        assert not rows[np.isin(rows[:, c.Q_STATE], (c.WAITING, c.DONE))][:, [c.Q_BYTES, c.Q_HELD]].any()
        held = (w.size * (w.pins[0] > 0)).sum()
        assert w.tiers[0, e.T_PINNED] == held
        assert rows[:, c.Q_HELD].sum() == w.pins[0].sum()
        assert w.tiers[0, e.T_USED] <= w.tiers[0, e.T_CAPACITY]
    assert s.queries[:, c.Q_PREEMPTIONS].sum() > 5
    assert w.tiers[0, e.T_PINNED] == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_tokens_computed_and_reused_are_the_tokens_needed(seed):
    tiers = rules(dram={"capacity": 8 * BLOCK, "inclusion": "inclusive"}, flash={"capacity": 30 * BLOCK})
    result = run(random_trace(np.random.default_rng(seed), 60, SECOND // 10), tiers, kv_pages=80, fetch="layered")
    found = result.requests
    needed = found.prompt_tokens + found.output_tokens - 1
    got = found.computed_tokens + reused(result)
    once = found.preemptions == 0
    assert (got[once] == needed[once]).all()
    assert (got[~once] >= needed[~once]).all()
    assert (found.waits_ps.sum(axis=1) == found.last_ps - found.arrived_ps).all()
    computed = found.step_tokens
    assert computed == found.computed_tokens.sum()


def test_halving_every_speed_doubles_every_time():
    requests = random_trace(np.random.default_rng(3), 60, SECOND // 10)
    twice = random_trace(np.random.default_rng(3), 60, SECOND // 10)
    object.__setattr__(twice, "time_ps", 2 * requests.time_ps)
    tiers = rules(dram={"capacity": 8 * BLOCK, "inclusion": "inclusive"}, flash={"capacity": 30 * BLOCK})
    options = {"kv_pages": 80, "fetch": "layered", "fetch_if": "faster"}
    slow, fast = run(twice, tiers, machine(slower=2), **options), run(requests, tiers, **options)
    assert slow.requests.steps == fast.requests.steps
    assert reused(slow).sum() > 0
    assert (slow.requests.reused_tokens == fast.requests.reused_tokens).all()
    assert (slow.requests.preemptions == fast.requests.preemptions).all()
    for name in ("first_ps", "last_ps", "waits_ps"):
        ones, others = getattr(slow.requests, name), getattr(fast.requests, name)
        assert np.abs(ones - 2 * others).max() <= 4 * fast.requests.steps, name  # each step is rounded up
    stalled = [result.units["gpu"].stalled_ps for result in (slow, fast)]
    assert stalled[0] == pytest.approx(2 * stalled[1], rel=1e-6)


def test_bytes_of_keys_and_values_that_a_request_reads_and_writes():
    """Decoding reads the whole context in every step; each token is written once."""
    result = run(trace((0, [], 500, 20)), kv_pages=400)
    steps = sum(500 + i + 1 for i in range(19))
    assert result.tiers["hbm"].read_bytes["kv"] == (500 + steps) * KV
    assert result.tiers["hbm"].written_bytes["kv"] == (500 + 19) * KV
    longer = run(trace((0, [], 50_000, 20)), kv_pages=4000).requests
    assert longer.tpot_ps[0] - result.requests.tpot_ps[0] > 49_500 * KV / 3.35e12 * SECOND


def test_windows_keep_the_last_tokens_of_what_is_not_shared():
    """Shared blocks have all layers; of the 100 tokens behind them and the answer half of the layers keep 128."""
    layer, window = 2 * 8 * 64 * 2, 128
    page = 16 * 12 * layer  # of the layers with windows, and of the others
    requests = trace((0, ["a", "b"], 100, 200), (FAR_APART, ["a", "b"], 100, 2))
    result = run(requests, model=find_model("gpt-oss-20b"), kv_pages=400)
    blocks, behind = 2 * SIZE // 16, -(-299 // 16)
    assert result.tiers["hbm"].peak_bytes == (2 * blocks + behind + window // 16) * page
    assert reused(result).tolist() == [0, 2 * SIZE]
    alone = run(trace((0, [], 2 * SIZE + 100, 200)), model=find_model("gpt-oss-20b"), kv_pages=400)
    assert alone.tiers["hbm"].peak_bytes == (blocks + behind + window // 16) * page
    assert 0 < alone.requests.held_share <= 1


def test_a_codec_of_the_near_tier_makes_pages_and_reads_smaller_to_the_byte():
    """Two bits with a scale and a zero point in 16 bits for 32 numbers are 3 of 16 bits; DRAM keeps the same form."""
    coded = {"hbm": KvCodec(bits=2, group=32, metadata_bits=32)}
    requests = trace((0, ["a", "b"], 372, 20))
    plain, small = (run(requests, rules(dram={}), kv_pages=400, codecs=codecs) for codecs in ({}, coded))
    assert small.requests.kv_bytes_per_token * 16 == plain.requests.kv_bytes_per_token * 3
    for name in ("read_bytes", "written_bytes"):
        assert getattr(small.tiers["hbm"], name)["kv"] * 16 == getattr(plain.tiers["hbm"], name)["kv"] * 3
    assert small.links["pcie"].forward_total * 16 == plain.links["pcie"].forward_total * 3 == 2 * BLOCK * 3
    full = run(requests, rules(dram={}), kv_pages=400, codecs=coded | {"dram": KvCodec(bits=16)})
    assert full.links["pcie"].forward_total == small.links["pcie"].forward_total, "it moves in the smaller form"
    assert full.tiers["dram"].placed_bytes == 2 * BLOCK
