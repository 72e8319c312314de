"""Models: the formulas reproduce what the publishers state."""

import numpy as np
import pytest

from hiersim.errors import ConfigError
from hiersim.models import find_model, model_names
from hiersim.models.catalogue import model_from

FIGURES = [(name, key) for name in model_names() for key, _ in find_model(name).published]


@pytest.mark.parametrize(("name", "key"), FIGURES)
def test_published_figures(name, key):
    model = find_model(name)
    stated = dict(model.published)[key]
    found = getattr(model, key)
    found = (found() if callable(found) else found) + stated.beyond
    assert abs(found - stated.value) <= stated.within * stated.value  # exactly, unless the entry says why not
    assert stated.source
    assert bool(stated.why) == bool(stated.within or stated.beyond)


def test_the_catalogue_is_broad():
    models = [find_model(name) for name in model_names()]
    assert len(models) >= 40
    assert {model.attention for model in models} == {"mha", "gqa", "mla", "none"}
    assert {kind for model in models for kind in model.mixers} == {"full", "window", "state"}
    exact = [model for model in models if dict(model.published)["parameters"].within == 0]
    assert len(exact) >= 70


@pytest.mark.parametrize("name", model_names())
def test_every_model_states_its_parameters_and_source(name):
    model = find_model(name)
    assert "parameters" in dict(model.published)
    assert any(word in model.source for word in ("arXiv", "model card", "OpenAI"))
    assert "config.json" in model.source or name.startswith(("gpt-3", "opt-175b"))


def test_kv_bytes_by_type():
    model = find_model("llama-3.1-8b")
    assert model.kv_bytes_per_token() == 131_072
    assert model.kv_bytes_per_token("fp8") == 65_536
    assert model.kv_bytes_per_token("int4") == 32_768
    assert find_model("deepseek-v3").kv_bytes_per_token() == 61 * (512 + 64) * 2
    assert find_model("llama-2-7b").kv_bytes_per_token() == 4 * model.kv_bytes_per_token()
    with pytest.raises(ConfigError, match="unknown data type `bf61`; did you mean `bf16`"):
        model.kv_bytes_per_token("bf61")


def test_weight_bytes():
    assert find_model("llama-3.1-8b").weight_bytes() == 2 * 8_030_261_248
    assert find_model("opt-30b").weight_bytes("int4") == 29_974_540_288 // 2


@pytest.mark.parametrize("name", model_names())
def test_flops_are_twice_the_active_parameters_and_attention(name):
    model = find_model(name)
    tables = model.embedding_parameters * (0 if model.tied else 1) + model.positions * model.hidden
    outside = (1 + model.embedding_norm) * model.hidden * (1 + model.norm_bias) + model.vocabulary * model.head_bias
    state = model.mixers.count("state") * model.layers // len(model.mixers)
    state *= (model.state.flops_per_token - 2 * model.state.other_parameters) if model.state else 0
    assert model.flops_per_token(0) == 2 * (model.active_parameters - tables - outside) + state
    width = model.head_dim + model.rope_dim + (model.value_dim or model.head_dim)
    within = [{"full": 10**9, "window": model.window, "state": 0}[model.mixer_of(i)] for i in range(model.layers)]
    for context in (1, 100, 1001, 5000):
        slope = model.flops_per_token(context) - model.flops_per_token(context - 1)
        assert slope == 2 * model.heads * width * sum(context <= most for most in within)


@pytest.mark.parametrize("name", model_names())
def test_prefill_adds_up_token_by_token(name):
    model = find_model(name)
    head = 2 * model.embedding_parameters
    for start in (100, 1020, 4092):
        one_by_one = sum(model.flops_per_token(start + k) - head for k in range(1, 9))
        assert float(model.prefill_flops(start, 8)) == pytest.approx(one_by_one, rel=1e-12)
    whole = model.prefill_flops(0, 64)
    assert float(model.prefill_flops(np.array([0, 16, 32, 48]), 16).sum()) == pytest.approx(float(whole), rel=1e-12)


def test_windows_saturate_and_states_do_not_grow():
    gemma = find_model("gemma-3-27b")
    assert [gemma.mixer_of(i) for i in range(7)] == ["window"] * 5 + ["full", "window"]
    one = 2 * 16 * 128 * 2
    assert gemma.kv_bytes(1000) == 62 * 1000 * one == 1000 * gemma.kv_bytes_per_token()
    assert gemma.kv_bytes(10_000) == (10 * 10_000 + 52 * 1024) * one
    assert find_model("mistral-7b").kv_bytes(100_000) == 4096 * 131_072
    mamba = find_model("mamba-2.8b")
    assert (mamba.kv_bytes_per_token(), mamba.kv_bytes(1), mamba.kv_bytes(10**6)) == (0, 12_451_840, 12_451_840)
    jamba = find_model("jamba-52b")
    assert jamba.kv_bytes(262_144) - jamba.state_bytes() == 4 * 2**30  # the 4 GB of its paper's table 1
    assert jamba.layers_with("experts") == 16
    oss = find_model("gpt-oss-20b")
    assert oss.kv_bytes(131_072) == 12 * (131_072 + 128) * 2048


def test_a_mixture_of_experts_uses_few_of_them():
    model = find_model("deepseek-v3")
    assert model.layer_parameters(0) == model.layer_parameters(0, active=True)
    saved = model.layer_parameters(3) - model.layer_parameters(3, active=True)
    assert saved == (256 - 8) * 3 * 7168 * 2048


def test_names_are_found_and_typos_named():
    assert find_model("Llama-3.1-8B") is find_model("llama-3.1-8b")
    with pytest.raises(
        ConfigError, match=r"unknown model `lama-3.1-8b`; did you mean `llama-3.1-8b`\? \(`hiersim models` lists all"
    ):
        find_model("lama-3.1-8b")


GOOD = {
    "about": "x",
    "source": "y",
    "confidence": "estimate",
    "attention": "gqa",
    "layers": 2,
    "hidden": 64,
    "heads": 4,
}
GOOD |= {"kv_heads": 2, "head_dim": 16, "intermediate": 128, "vocabulary": 100, "context": 512}

MISTAKES = {
    "unknown": ({"layrs": 3}, "tiny.layrs  unknown key; did you mean `layers`?"),
    "word": ({"attention": "abc"}, "`abc` is not one of mha, gqa, mla, none"),
    "type": ({"layers": "two"}, "expected a whole number, got `two`"),
    "boolean": ({"gated": 1}, "expected true or false, got `1`"),
    "zero": ({"layers": 0}, "tiny.layers  must be at least 1, got 0"),
    "heads": ({"kv_heads": 3}, "must divide heads (4), got 3"),
    "mha": ({"attention": "mha"}, "mha has as many as heads (4), got 2"),
    "mla": ({"attention": "mla"}, "mla needs the rank of its latent"),
    "experts": ({"experts": 4, "experts_active": 5}, "more than experts (4)"),
    "figure": ({"published": {"parameters": 5}}, "parameters: expected {value, source, confidence}"),
    "figure's value": (
        {"published": {"parameters": {"value": "5", "source": "x", "confidence": "estimate"}}},
        "published  parameters: value: value `5` is not a number",
    ),
    "mixer": ({"mixers": ["full", "windw"]}, "tiny.mixers  `windw` is not one of full, window, state"),
    "mixers": ({"mixers": "window"}, "tiny.mixers  expected a list of full, window, state"),
    "window": ({"mixers": ["window"]}, "tiny.window  layers with a window need its tokens"),
    "state": ({"mixers": ["state", "full"]}, "tiny.state  layers with a fixed state need its shapes"),
    "state's shapes": ({"state": {"kind": "mamba"}}, "tiny.state  inner: missing; size: missing; conv: missing"),
    "none": ({"attention": "none"}, "tiny.mixers  without attention all layers have a fixed state"),
    "mixture": ({"feeds": ["dense", "experts"]}, "a mixture needs experts, experts_active and expert_intermediate"),
    "dense": ({"feeds": ["dense"], "intermediate": 0}, "tiny.intermediate  dense blocks need their width"),
    "dtype": ({"expert_dtype": "bf61"}, "`bf61` is not one of fp32"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_wrong_entry_says_what_is_wrong(name):
    changes, message = MISTAKES[name]
    with pytest.raises(ConfigError) as caught:
        model_from("tiny", GOOD | changes, "mine.yaml")
    assert message in str(caught.value)
    assert str(caught.value).startswith("mine.yaml")


def test_missing_keys_are_all_named():
    with pytest.raises(ConfigError) as caught:
        model_from("tiny", {"about": "x"})
    assert len(caught.value.mistakes) == 11
    assert model_from("tiny", GOOD).parameters > 0
