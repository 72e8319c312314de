"""FlexGen's schedule against sums by hand, its placement against the code's rule, and the measured throughputs."""

import csv
from pathlib import Path

import pytest
from workloads.rig import GPU, PCIE, loaded, machine, run, tier

from hiersim.errors import ConfigError
from hiersim.models import find_model
from hiersim.studies.papers import find
from hiersim.workloads import generate
from hiersim.workloads.flexgen import placed

DOCS = Path(__file__).parents[2] / "docs"
MEASURED = Path(__file__).parents[3] / "shared" / "measured" / "flexgen_t4.csv"
H, LAYERS, VOCABULARY, POSITIONS = 768, 12, 50272, 2050
MATRIX, VECTORS = 2 * H * H, {"attention": 2 * (4 * H + 2 * H), "feed": 2 * (5 * H + 2 * H)}


def parts():
    """Return (kind, bytes) of OPT-125M's parts in order, by hand."""
    layer = [("attention", 4 * MATRIX + VECTORS["attention"]), ("feed", 8 * MATRIX + VECTORS["feed"])]
    head = 2 * (H * VOCABULARY + 2 * H)
    return [("embedding", 2 * H * (VOCABULARY + POSITIONS)), *layer * LAYERS, ("head", head)]


def flops_of(kind, batch, tokens, context):
    """Return the FLOPs of one part for one batch; a prompt attends to all pairs."""
    pairs = tokens * context
    return {
        "embedding": 0,
        "attention": batch * (2 * 4 * H * H * tokens + 4 * H * pairs),
        "feed": batch * 2 * 8 * H * H * tokens,
        "head": batch * 2 * H * VOCABULARY * tokens,
    }[kind]


def test_the_parts_are_the_models():
    model = find_model("opt-125m")
    tied = 2 * H * VOCABULARY  # stored for the head once more
    assert sum(size for _, size in parts()) == model.weight_bytes("fp16") + tied


@pytest.mark.parametrize("batches", [2, 3])
def test_weights_come_during_the_first_batch(batches):
    batch, prompt, output = 2, 16, 4
    params = {"model": "opt-125m", "prompt": prompt, "output": output, "gpu_batch": batch, "gpu_batches": batches}
    places = {"weight_gpu": 0, "weight_cpu": 100, "cache_gpu": 100, "cache_cpu": 0, "act_gpu": 100, "act_cpu": 0}
    result = run("flexgen", **params, **places, cpu_attention=False)
    model, seconds = parts(), parts()[0][1] / PCIE
    for token in range(output):
        tokens, context = (prompt, prompt) if token == 0 else (1, prompt + token)
        for j, (kind, _) in enumerate(model):
            compute = flops_of(kind, batch, tokens, context) / GPU
            load = model[(j + 1) % len(model)][1] / PCIE
            seconds += max(load, compute) + (batches - 1) * compute
    assert result.operations.makespan_ps / 1e12 == pytest.approx(seconds, rel=1e-4)
    moved = result.operations.kinds["load_weight"].moved_bytes
    assert moved == loaded(result) == output * sum(size for _, size in model) + model[0][1]


def test_what_is_moved_with_the_cache_on_disk_and_attention_on_the_cpu():
    batch, batches, prompt, output = 2, 3, 16, 4
    params = {"model": "opt-125m", "prompt": prompt, "output": output, "gpu_batch": batch, "gpu_batches": batches}
    kinds = run("flexgen", **params, cache_cpu=0).operations.kinds
    kv, sequences = 2 * 2 * H * LAYERS, batch * batches
    assert kinds["load_cache"].moved_bytes == sequences * kv * sum(prompt + token for token in range(output - 1))
    assert kinds["store_cache"].moved_bytes == sequences * kv * (prompt + output - 1)
    hidden = sequences * 2 * H * (prompt + output - 1)
    assert kinds["store_hidden"].moved_bytes == kinds["load_hidden"].moved_bytes == (2 * LAYERS + 1) * hidden
    assert kinds["queries"].moved_bytes == sequences * (output - 1) * LAYERS * (4 * H + 2 * 2 * H)
    seen = sequences * kv * sum(prompt + token for token in range(1, output))
    assert (kinds["cpu_attention"].read_bytes, kinds["cpu_attention"].written_bytes) == (6 * seen, 2 * seen)
    assert "fill_cache" not in kinds  # the threads that read the disk make fp32 of it


NEAR_BUT_CACHE = {"weight_gpu": 100, "weight_cpu": 0, "act_gpu": 100, "act_cpu": 0}


def test_the_cpu_first_copies_the_cache_that_lies_with_it_and_nothing_runs_meanwhile():
    batch, batches, prompt, output, rate = 2, 3, 64, 4, 1e8
    params = {"model": "opt-125m", "prompt": prompt, "output": output, "gpu_batch": batch, "gpu_batches": batches}
    quick = machine()
    slow = quick.model_copy(update={"tiers": quick.tiers | {"dram": tier("ddr", rate, 1e13)}})
    kv = batch * batches * 2 * 2 * H * LAYERS
    before = kv * sum(prompt + token - 1 for token in range(1, output))
    with_own = kv * sum(prompt + token for token in range(1, output))

    fast, result = (run("flexgen", on, **params, **NEAR_BUT_CACHE) for on in (quick, slow))
    fill = result.operations.kinds["fill_cache"]
    assert (fill.read_bytes, fill.written_bytes) == (3 * before, 2 * before)
    stored = kv * (prompt + output - 1)  # and queries and values, in fp32: little
    longer = (result.operations.makespan_ps - fast.operations.makespan_ps) / 1e12
    assert longer == pytest.approx((5 * before + 8 * with_own + stored) / rate, rel=0.03)

    sent = run("flexgen", slow, **params, **NEAR_BUT_CACHE, cpu_attention=False).operations.kinds
    assert (sent["pin_cache"].read_bytes, sent["pin_cache"].written_bytes) == (2 * before, before)
    assert sent["load_cache"].moved_bytes == before
    away = {**NEAR_BUT_CACHE, "weight_gpu": 0, "weight_cpu": 100}
    pageable = run("flexgen", slow, **params, **away, pin_weights=False).operations.kinds
    came = pageable["load_weight"].moved_bytes
    assert (pageable["pin_weight"].read_bytes, pageable["pin_weight"].written_bytes) == (2 * came, came)
    pinned = run("flexgen", slow, **params, **NEAR_BUT_CACHE, cpu_attention=False, pin_passes=0, pin_copies=0)
    assert "pin_cache" not in pinned.operations.kinds


@pytest.mark.skipif(not MEASURED.exists(), reason=f"the measurements ../shared/measured/{MEASURED.name} are not here")
def test_throughputs_are_near_those_measured():
    lines = [line for line in MEASURED.read_text().splitlines() if not line.startswith("#")]
    names = {"flexgen": "", "accelerate": "accelerate-", "zero_inference": "zero-"}
    rows = {
        names[row["system"]] + row["model"].removeprefix("opt-" if names[row["system"]] else ""): row
        for row in csv.DictReader(lines)
    }
    found = {finding.name: finding for finding in find("flexgen").run()}
    assert {name: found[name].claimed for name in rows} == {name: float(rows[name]["tokens_per_s"]) for name in rows}
    assert {name: found[name].deviation for name in rows if found[name].verdict != "holds"} == {}
    page = (DOCS / "weights.md").read_text()
    for name in ("opt-6.7b", "opt-30b", "opt-175b", "accelerate-30b", "zero-30b"):
        assert f"| {found[name].claimed:.2f} | {found[name].simulated:#.3g} |" in page
    three = ", ".join(f"{found[name].deviation:+.2g}" for name in ("opt-6.7b", "opt-30b", "opt-175b"))
    assert three == "+0.025, -0.13, -0.12"  # as docs/validation.md says


@pytest.mark.parametrize(
    ("sizes", "percents", "places"),
    [
        ([1, 1, 1, 1], (0, 80, 20), [1, 1, 1, 2]),
        ([4, 4], (0, 80, 20), [1, 1]),
        ([1, 1, 1, 1], (50, 50, 0), [0, 0, 1, 1]),
        ([4, 4], (50, 50, 0), [0, 1]),
        ([1, 1, 1, 1], (0, 0, 100), [2, 2, 2, 2]),
        ([1, 1, 1, 1], (100, 0, 0), [0, 0, 0, 0]),
    ],
)
def test_a_tensor_goes_where_its_middle_falls(sizes, percents, places):
    assert placed(sizes, percents) == places


@pytest.mark.parametrize(
    ("params", "what"),
    [
        ({"weight_gpu": 60, "weight_cpu": 60}, "more than 100 with `weight_gpu`"),
        ({"model": "mixtral-8x7b"}, "layer 0 has full and experts"),
        ({"model": "deepseek-v3"}, "multi-head latent attention"),
        ({"cpu_attention": "perhaps"}, "expected yes or no"),
        ({"gpu_batchs": 3}, "did you mean `gpu_batch"),
    ],
)
def test_mistakes(params, what):
    with pytest.raises(ConfigError, match=what):
        generate("flexgen", **params)
