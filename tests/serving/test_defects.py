"""Defects that other simulators of serving had: for each a test that would have caught it."""

import itertools

import numpy as np
import pytest
from serving.rig import BLOCK, FAR_APART, KV, MACHINE, SECOND, SIZE, costs, random_trace, rules, run, step_time, trace

from hiersim.models import find_model
from hiersim.traces.generators import generate


def chat(rng, turns=6, users=12, gap=SECOND // 2):
    """Conversations that grow: every turn's prompt begins with the one before, answer included."""
    requests = []
    for user in range(users):
        start = int(rng.integers(0, 4 * SECOND))
        for turn in range(1, turns + 1):
            blocks = [f"{user}.{i}" for i in range(8 * turn)]
            requests.append((start + turn * 20 * gap, blocks, int(rng.integers(1, SIZE)), 20))
    return trace(*sorted(requests))


def test_more_cache_shows_in_hits_and_in_latency():
    """Sixteen times the DRAM is not one more hit in a hundred, nor forty more without a faster answer."""
    requests = chat(np.random.default_rng(5))
    small, large = (
        run(requests, rules(dram={"capacity": n * BLOCK}), kv_pages=600, fetch_if="faster") for n in (40, 640)
    )
    hits = [result.requests.reused_tokens.sum() / result.requests.prompt_tokens.sum() for result in (small, large)]
    ttft = [result.requests.ttft_ps.mean() for result in (small, large)]
    assert hits[1] > hits[0] + 0.2
    assert ttft[1] < 0.8 * ttft[0]


@pytest.mark.parametrize("what", ["dram", "bandwidth"])
def test_more_of_a_resource_is_never_worse_on_an_idle_machine(what):
    requests = random_trace(np.random.default_rng(11), 60, FAR_APART, most=60, deep=16)
    means = []
    for n in (2, 8, 32, 128):
        tiers = rules({"write": "back"}, dram={"capacity": 16 * (n if what == "dram" else 12) * BLOCK})
        pcie = MACHINE.links["pcie"].model_copy(update={"bandwidth": 1e9 * (n if what == "bandwidth" else 8)})
        machine = MACHINE.model_copy(update={"links": MACHINE.links | {"pcie": pcie}})
        found = run(requests, tiers, machine, kv_pages=48 * 16, fetch_if="faster").requests
        means.append(found.ttft_ps.mean())
    assert means == sorted(means, reverse=True)
    assert means[-1] < means[0]


@pytest.mark.parametrize("name", ["fifo", "arc", "s3fifo", "lirs", "leaf-lru", "recompute-cost"])
def test_policies_that_are_listed_run_in_every_tier(name):
    """Those that adapt, and those that know which block extends which and what it costs."""
    requests = random_trace(np.random.default_rng(4), 40, SECOND // 10)
    found = run(
        requests, rules({"policy": {"name": name}}, {"capacity": 8 * BLOCK, "policy": {"name": name}}), kv_pages=60
    )
    assert found.requests.done.all()
    assert found.requests.reused_tokens[:, :2].sum(axis=0).min() > 0


def test_a_tier_evicts_no_more_than_it_must():
    """Whatever the number of ranks: one block leaves for one that comes."""
    room, count = 10, 40
    requests = trace(*((FAR_APART * i, [f"{i}.0", f"{i}.1"], 1, 1) for i in range(count // 2)))
    for ranks in (1, 2):
        tiers = rules({"write": "through"}, dram={"capacity": room * BLOCK // ranks, "inclusion": "inclusive"})
        result = run(requests, tiers, kv_pages=4000, ranks=ranks, rank_link="pcie")
        assert result.created == count
        assert result.tiers["hbm"].evictions == 0
        assert result.tiers["dram"].evictions == count - room
        assert result.created_bytes == count * BLOCK // ranks


@pytest.mark.parametrize(
    ("model", "kv", "dtype"),
    [("llama-3-8b", 131_072, "bf16"), ("llama-2-7b", 524_288, "bf16"), ("deepseek-v3", 70_272, "bf16"),
     ("llama-3-8b", 65_536, "fp8")],
)  # fmt: skip
def test_a_token_has_the_bytes_of_its_kind_of_attention(model, kv, dtype):
    """Groups share heads, a latent stands for all heads: 70 kB for DeepSeek-V3, not 1.7 MB."""
    ranks = 32 if model == "deepseek-v3" else 1  # each keeps the whole latent
    found = run(
        trace((0, [], 500, 3)), model=find_model(model), ranks=ranks, rank_link="pcie", kv_dtype=dtype, kv_pages=100
    )
    assert found.requests.kv_bytes_per_token == kv
    assert found.requests.pool_bytes == 100 * 16 * kv
    assert found.tiers["hbm"].written_bytes["kv"] == 502 * kv


def test_a_short_run_has_a_throughput():
    result = run(trace((0, [], 50, 7)), kv_pages=100)
    assert result.elapsed_ps < SECOND
    told = result.requests.summary(result.elapsed_ps, result.total_energy_j, tuple(result.tiers))
    assert told["output_tokens_per_s"] == pytest.approx(7 * SECOND / result.elapsed_ps)
    assert told["requests_per_s"] == pytest.approx(SECOND / result.elapsed_ps)


def test_decoding_reads_keys_and_values():
    contexts = (100, 10_000, 90_000)
    times = [run(trace((0, [], n, 10)), kv_pages=24_000).requests.tpot_ps[0] for n in contexts]
    read = [0.9 * (after - before) * KV / 3.35e12 * SECOND for before, after in itertools.pairwise(contexts)]
    assert all(later - sooner > least for sooner, later, least in zip(times, times[1:], read, strict=False))


def test_decoding_beside_a_prompt_is_slower_than_both_alone():
    packed = costs()
    decoding, chunk = [4000] * 64, [(512, 0)]
    together = step_time(packed, decoding, chunk, 65)[0]
    alone = max(step_time(packed, decoding, sampled=64)[0], step_time(packed, (), chunk)[0])
    assert together > 1.1 * alone


@pytest.mark.parametrize("kind", ["chat", "agents", "rag"])
def test_a_block_stands_for_its_tokens_and_all_before_them(kind):
    """No two prompts share a block behind different ones, which equal tokens alone would let them."""
    requests = generate(kind, seed=3, **({"requests": 150} if kind == "rag" else {}))
    assert requests.chained
    paths = np.split(requests.block_ids, requests.block_offsets[1:-1])
    before = {}
    for path in paths:
        for sooner, block in itertools.pairwise([-1, *path.tolist()]):
            assert before.setdefault(block, sooner) == sooner
    assert len(before) < sum(map(len, paths)), "nothing is shared"


def test_a_bandwidth_is_bytes_by_seconds_not_seconds_by_bytes():
    """30 blocks from flash of 2 GB/s: the time of their bytes, and the latency once; a reciprocal would be far off."""
    prompt = [f"p{i}" for i in range(30)]
    others = [(FAR_APART * (1 + i), [f"o{i}.{j}" for j in range(30)], 1, 2) for i in range(4)]
    requests = trace((0, prompt, 5, 2), *others, (9 * FAR_APART, prompt, 5, 2))
    tiers = rules(dram={"capacity": 40 * BLOCK}, flash={"capacity": 400 * BLOCK})
    found = run(requests, tiers, kv_pages=160, fetch="blocking").requests
    assert found.waits_ps[-1, 1] / SECOND == pytest.approx(30 * BLOCK / 2e9, rel=0.05)


def test_weights_take_room_that_keys_and_values_do_not_get():
    """The room for KV follows from the card's memory, its share, and the weights, to the byte."""
    result = run(trace((0, [], 5, 1)), memory_share=0.8)
    card = 80 << 30
    weights = 8_030_261_248 * 2
    assert result.requests.pool_bytes == int(card * 0.8) - weights - int(card * 0.02)
