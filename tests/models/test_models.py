"""Models: the formulas reproduce what the publishers state."""

import numpy as np
import pytest

from hiersim.errors import ConfigError
from hiersim.models import find_model, model_names
from hiersim.models.catalogue import model_from

FIGURES = [(name, key) for name in model_names() for key, _ in find_model(name).published]


def computed(model, key):
    if key == "parameters_without_embedding":
        return model.parameters - 2 * model.embedding_parameters
    value = getattr(model, key)
    return value() if callable(value) else value


@pytest.mark.parametrize(("name", "key"), FIGURES)
def test_published_figures(name, key):
    model = find_model(name)
    stated = dict(model.published)[key]
    exact = isinstance(stated.value, int)
    assert computed(model, key) == pytest.approx(stated.value, rel=0 if exact else 0.016)
    assert stated.source


@pytest.mark.parametrize("name", model_names())
def test_every_model_states_its_parameters_and_source(name):
    model = find_model(name)
    assert "parameters" in dict(model.published)
    assert "arXiv" in model.source
    assert "config.json" in model.source


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
    without_lookup = model.active_parameters - tables - model.hidden * (1 + model.norm_bias)
    assert model.flops_per_token(0) == 2 * without_lookup
    width = model.head_dim + model.rope_dim + (model.value_dim or model.head_dim)
    slope = model.flops_per_token(1001) - model.flops_per_token(1000)
    assert slope == 2 * model.layers * model.heads * width


@pytest.mark.parametrize("name", model_names())
def test_prefill_adds_up_token_by_token(name):
    model = find_model(name)
    head = 2 * model.embedding_parameters
    one_by_one = sum(model.flops_per_token(100 + k) - head for k in range(1, 33))
    assert float(model.prefill_flops(100, 32)) == pytest.approx(one_by_one, rel=1e-12)
    whole = model.prefill_flops(0, 64)
    assert float(model.prefill_flops(np.array([0, 16, 32, 48]), 16).sum()) == pytest.approx(float(whole), rel=1e-12)


def test_a_mixture_of_experts_uses_few_of_them():
    model = find_model("deepseek-v3")
    assert model.layer_parameters(0) == model.layer_parameters(0, active=True)
    saved = model.layer_parameters(3) - model.layer_parameters(3, active=True)
    assert saved == (256 - 8) * 3 * 7168 * 2048


def test_names_are_found_and_typos_named():
    assert find_model("Llama-3.1-8B") is find_model("llama-3.1-8b")
    with pytest.raises(
        ConfigError, match=r"unknown model `lama-3.1-8b`; did you mean `llama-3.1-8b`\? \(the models are"
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
    "word": ({"attention": "abc"}, "`abc` is not one of mha, gqa, mla"),
    "type": ({"layers": "two"}, "expected a whole number, got `two`"),
    "boolean": ({"gated": 1}, "expected true or false, got `1`"),
    "zero": ({"layers": 0}, "tiny.layers  must be at least 1, got 0"),
    "heads": ({"kv_heads": 3}, "must divide heads (4), got 3"),
    "mha": ({"attention": "mha"}, "mha has as many as heads (4), got 2"),
    "mla": ({"attention": "mla"}, "mla needs the rank of its latent"),
    "experts": ({"experts": 4, "experts_active": 5}, "more than experts (4)"),
    "figure": ({"published": {"parameters": 5}}, "parameters: expected {value, source, confidence}"),
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
