"""The work of a step: against plain loops, enumeration and closed forms."""

import json
from dataclasses import replace
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle import step as naive

from hiersim.errors import ConfigError
from hiersim.models import Dtypes, find_model, model_names, step_work, work_of
from hiersim.models.catalogue import model_from
from hiersim.models.reach import UNLIMITED, experts_touched, keys_read, keys_seen
from hiersim.models.shapes import kv_heads_on
from hiersim.models.work import TOKENS


@given(st.integers(0, 40), st.integers(1, 40), st.one_of(st.none(), st.integers(1, 60)))
def test_what_queries_see(start, tokens, window):
    seen = [naive.seen_by(position, window) for position in range(start, start + tokens)]
    most = UNLIMITED if window is None else window
    assert keys_seen(start, tokens, most) == sum(map(len, seen))
    assert keys_read(start, tokens, most) == len(set().union(*seen))
    both = keys_seen(np.array([start, start + 1]), np.array([tokens, 1]), most)
    assert both.tolist() == [keys_seen(start, tokens, most), keys_seen(start + 1, 1, most)]


def test_expected_experts_by_enumeration():
    experts, active, tokens = 5, 2, 3
    choices = list(product(combinations(range(experts), active), repeat=tokens))
    mean = sum(len(set().union(*choice)) for choice in choices) / len(choices)
    assert experts_touched(experts, active, tokens) == pytest.approx(mean, rel=1e-12)
    assert experts_touched(256, 8, 1) == pytest.approx(8)
    assert experts_touched(256, 8, 10**6) == pytest.approx(256)
    assert experts_touched(256, 8, np.array([0, 1]))[0] == 0


@given(st.data())
def test_a_step_is_what_plain_loops_count(data):
    draw = data.draw
    ranks, kv_heads = draw(st.sampled_from([1, 2, 4])), draw(st.sampled_from([1, 2, 4]))
    heads = draw(st.sampled_from([4, 8]))
    mixers = draw(st.lists(st.sampled_from(["full", "window"]), min_size=1, max_size=3))
    feeds = draw(st.lists(st.sampled_from(["dense", "experts"]), min_size=1, max_size=3))
    shape = {"layers": draw(st.integers(1, 4)), "hidden": 16, "heads": heads, "kv_heads": kv_heads, "head_dim": 8}
    shape |= {"intermediate": 32, "vocabulary": 64, "experts": 4, "experts_active": 2, "expert_intermediate": 24}
    window = draw(st.integers(1, 12))
    entry = {"about": "x", "source": "y", "confidence": "estimate", "attention": "gqa", "context": 99, **shape}
    model = model_from("tiny", {**entry, "mixers": mixers, "feeds": feeds, "window": window, "norms": 0})
    told = shape | {
        "window_of": lambda layer: window if mixers[layer % len(mixers)] == "window" else None,
        "is_mixture": lambda layer: feeds[layer % len(feeds)] == "experts",
    }
    batch = draw(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 9)), min_size=1, max_size=4))
    counted = [naive.step(told, batch, ranks, rank) for rank in range(ranks)]
    most = max(counted, key=lambda each: each["kv_read"])  # the rank with most heads of keys and values
    work = work_of(model, ranks)
    found = step_work(work, *np.array(batch).T)
    mixtures = sum(feeds[i % len(feeds)] == "experts" for i in range(model.layers))
    tokens = sum(new for _, new in batch)
    experts = mixtures * 4 * (1 - (1 - 2 / 4) ** tokens) * (16 * 48 + 24 * 16) * 2 / ranks
    assert (found.flops, found.attention_flops) == (most["flops"], most["attention_flops"])
    assert (found.kv_read_bytes, found.kv_written_bytes) == (most["kv_read"], most["kv_written"])
    assert found.weight_bytes - 16 * 2 == pytest.approx(most["weights"] + experts)  # 16: the last norm


@pytest.mark.parametrize("name", model_names())
def test_one_rank_holds_the_whole_model(name):
    model, work = find_model(name), work_of(find_model(name))
    assert work.weight_bytes == model.published_bytes
    assert work.kv_bytes_per_token == model.kv_bytes_per_token()
    assert work.state_bytes_per_sequence == model.state_bytes()
    assert (work.all_reduces, work.all_reduce_bytes_per_token, work.gather_bytes_per_sequence) == (0, 0, 0)
    matrices = sum(
        each.layers * each.weight_bytes * (work.experts if each.tokens == "expert" else 1) for each in work.projections
    )
    assert matrices + work.other_bytes + work.embedding_bytes == work.weight_bytes
    assert len(work.layer_bytes) == model.layers == sum(each.layers for each in work.mixings)
    json.dumps(work.__dict__, default=vars)  # plain numbers and texts only


@pytest.mark.parametrize("name", [name for name in model_names() if find_model(name).attention != "mla"])
def test_a_step_costs_what_the_model_says(name):
    model, work = find_model(name), work_of(find_model(name))
    others = model.flops_per_token(0) - step_work(work, 0, 1).flops + step_work(work, 0, 1).attention_flops
    state = model.state.flops_per_token * model.layers_with("state") if model.state else 0
    vectors = others - state  # norms and biases count in the model, which takes every parameter for a multiplication
    assert 0 <= vectors < 0.002 * model.flops_per_token(0)
    for start, tokens in ((0, 1), (3000, 1), (0, 5000), (1000, 700)):
        step = step_work(work, start, tokens, outputs=0)
        attention = model.prefill_flops(start, tokens) - model.prefill_flops(0, tokens)
        attention -= step.attention_flops - step_work(work, 0, tokens, outputs=0).attention_flops
        assert abs(attention) <= 1e-9 * step.flops


def test_a_latent_is_attended_to_in_two_ways():
    model, work = find_model("deepseek-v3"), work_of(find_model("deepseek-v3"))
    (mixing,) = work.mixings
    assert mixing.flops_per_pair == 2 * 128 * (128 + 64 + 128)
    assert mixing.decode_flops_per_pair == 2 * 128 * (512 + 64 + 512)
    decode = step_work(work, 999, 1, outputs=0)
    assert decode.attention_flops == 61 * 1000 * mixing.decode_flops_per_pair
    chunk = step_work(work, 999, 2, outputs=0)
    up = 2 * 512 * 128 * (128 + 128)
    assert chunk.attention_flops == 61 * ((1000 + 1001) * mixing.flops_per_pair + 999 * up)
    assert chunk.kv_read_bytes == 1001 * model.kv_bytes_per_token() == 1001 * 70_272
    assert work_of(model, 8).kv_bytes_per_token == 70_272  # every rank keeps the whole latent


def test_ranks_share_heads_and_widths():
    model = find_model("llama-3.1-70b")
    whole, part = work_of(model), work_of(model, 8)
    assert part.kv_bytes_per_token * 8 == whole.kv_bytes_per_token
    assert part.all_reduces == 2 * 80 + 1
    assert part.all_reduce_bytes_per_token == (2 * 80 + 1) * 8192 * 2
    assert part.gather_bytes_per_sequence == 128_256 * 2
    shared = sum(each.layers * each.weight_bytes for each in whole.projections) + whole.embedding_bytes
    assert 8 * (part.weight_bytes - part.other_bytes) == shared
    assert work_of(model, 16).kv_bytes_per_token == part.kv_bytes_per_token  # each head on two ranks
    assert work_of(find_model("gpt-j-6b"), 2).all_reduces == 28 + 1  # attention beside the feed-forward block
    assert work_of(find_model("mamba2-2.7b"), 2).all_reduces == 64 + 1
    small = 64 * (160 + 2 * 16) + 65 * 2560
    assert work_of(find_model("mamba-2.8b"), 2).all_reduce_bytes_per_token == 2 * small


@pytest.mark.parametrize(("name", "ranks", "heads"), [("phi-4", 4, 3), ("llama-3.1-8b", 16, 1), ("qwen2.5-7b", 4, 1)])
def test_heads_of_keys_that_do_not_divide_are_on_several_ranks(name, ranks, heads):
    model = find_model(name)
    told = {"heads": model.heads, "kv_heads": model.kv_heads}
    assert kv_heads_on(model, ranks) == heads
    assert heads == max(len(naive.kv_heads_of(told, rank, ranks)) for rank in range(ranks))


def test_types_of_numbers():
    model = find_model("mixtral-8x7b")
    types = Dtypes(weights="fp8", experts="int4", kv="int8", activations="fp16")
    work = work_of(model, 1, types)
    assert work.expert_bytes == 3 * 4096 * 14336 // 2
    assert work.kv_bytes_per_token == model.kv_bytes_per_token() // 2
    assert {each.name: each.weight_bytes for each in work.projections}["head"] == 4096 * 32000
    assert work_of(replace(model, expert_dtype="mxfp4")).expert_bytes == 3 * 4096 * 14336 * 17 // 32
    with pytest.raises(ConfigError, match="unknown data type `fp9`; did you mean `fp8`"):
        work_of(model, 1, Dtypes(kv="fp9"))


def test_ranks_that_cannot_be():
    with pytest.raises(ConfigError, match=r"llama-3\.1-8b: its 32 query heads cannot be split over 3 ranks"):
        work_of(find_model("llama-3.1-8b"), 3)
    with pytest.raises(ConfigError, match=r"mamba2-2\.7b: its 80 heads of state cannot be split over 3 ranks"):
        work_of(find_model("mamba2-2.7b"), 3)
    with pytest.raises(ConfigError, match="ranks must be at least 1, got 0"):
        work_of(find_model("llama-3.1-8b"), 0)


def test_arrays_for_compiled_code():
    work = work_of(find_model("qwen3-next-80b-a3b"), 2)
    arrays = work.arrays()
    assert all(isinstance(each, int) or each.dtype == np.int64 for each in arrays)
    assert [TOKENS[code] for code in arrays.projection_tokens] == [each.tokens for each in work.projections]
    assert arrays.mixing_layers.tolist() == [36, 12]
    assert arrays.mixing_window.tolist() == [0, UNLIMITED]
    assert int((arrays.mixing_layers * arrays.mixing_kv_bytes).sum()) == work.kv_bytes_per_token
