"""KV by layer and head, and attention where the KV lies: bytes, peaks and times against closed forms."""

from __future__ import annotations

from math import ceil

import pytest

from hiersim.drivers.execute.run import run_operations
from hiersim.drivers.execute.setup import Setting
from hiersim.errors import ConfigError
from hiersim.machine import Execute, Link, Machine, Tier, TierRules, Unit
from hiersim.models import find_model
from hiersim.traces.generators import generate
from hiersim.traces.generators.near import headwise, in_memory, in_storage, pool

RATE = {"near": 10**12, "far": 10**11, "link": 10**10}
"""Bytes per second; FLOP/s are 10^12 in units near the first tier, 10^11 in those near the second."""


def machine(near, far, unit="gpu0", other="other"):
    """Two tiers and a link without latency, a unit near each."""

    def tier(kind, rate):
        rates = {"read_bandwidth": rate, "write_bandwidth": rate, "read_latency": 0, "write_latency": 0}
        return Tier(kind=kind, capacity=1 << 50, duplex="full", **rates)

    return Machine(
        tiers={near: tier("hbm", RATE["near"]), far: tier("ddr", RATE["far"])},
        links={"link": Link(kind="bus", between=(near, far), bandwidth=RATE["link"], latency=0, duplex="full")},
        units={
            unit: Unit(kind="gpu", tier=near, flops={"fp16": 1e12}),
            other: Unit(kind="near-memory", tier=far, flops={"fp16": 1e11}),
        },
    )


def run(on, trace, **execute):
    rules = {name: TierRules(inclusion="exclusive" if i == 0 else "inclusive") for i, name in enumerate(on.tiers)}
    return run_operations(Setting(on, rules, {}, Execute(**execute)), trace, trace.name, {})


SMALL = {"layers": 3, "heads": 8, "kv_heads": 4, "head_dim": 16, "context": 1000, "layer_weights": 4096}


@pytest.mark.parametrize(("group", "buffers"), [(1, 1), (1, 2), (2, 2), (3, 2), (4, 2)])
def test_a_few_heads_at_a_time_are_near(group, buffers):
    """The peak is the weights and as many buffers as there are; KV crosses once for each token, a token's own back."""
    p = SMALL | {"group": group, "buffers": buffers, "requests": 2, "steps": 2}
    trace = generate("headwise_kv", **p)
    result = run(machine("gddr", "dram"), trace)
    kv = 2 * 1000 * 2 * 4 * 16 * 2  # requests, tokens, keys and values, heads, elements, bytes: of a layer
    sizes = [kv * n // 4 for n in headwise.HeadwiseParameters(**p).groups] * 3
    most = max(sum(sizes[i : i + buffers]) for i in range(len(sizes)))
    assert result.tiers["gddr"].peak_bytes == 3 * 4096 + most
    assert result.links["link"].backward_total == 2 * 3 * kv
    assert result.links["link"].forward_total == 2 * 3 * kv // 1000
    assert sum(kind.flops for kind in result.operations.kinds.values()) == 2 * 3 * 2 * (2 * 2048 + 4 * 1000 * 8 * 16)


@pytest.mark.parametrize("chunk", [250, 300, 1000])
def test_a_prompt_in_chunks_brings_what_came_before_back(chunk):
    """And its own KV goes out once; near are at most the weights, two buffers, and the KV of a chunk of a layer."""
    p = SMALL | {"chunk": chunk, "requests": 2}
    result = run(machine("gddr", "dram"), generate("headwise_kv", **p))
    token = 2 * 2 * 4 * 16 * 2  # requests, keys and values, heads, elements, bytes: of a layer
    chunks = [min(chunk, 1000 - start) for start in range(0, 1000, chunk)]
    before = [sum(chunks[:i]) for i in range(len(chunks))]
    link = result.links["link"]
    assert link.backward_total == 3 * token * (sum(before) + 1000)  # in the prompt, and of the token behind it
    assert link.forward_total == 3 * token * (1000 + 1)
    buffers = 2 * token * 1000 // 4
    assert 3 * 4096 + buffers <= result.tiers["gddr"].peak_bytes <= 3 * 4096 + buffers + token * chunk * 2
    pairs = 1000 * 1001 // 2 + 1000
    flops = sum(kind.flops for kind in result.operations.kinds.values())
    assert flops == 2 * 3 * (1001 * 2 * 2048 + 4 * pairs * 8 * 16)


def test_two_buffers_overlap_and_one_does_not():
    """Uploads take a hundred times as long as attention: with two buffers attention hides, and more gain no more."""
    p = {"layers": 1, "heads": 64, "kv_heads": 64, "head_dim": 50, "context": 5 * 10**6, "layer_weights": 0}
    took = [
        run(machine("gddr", "dram"), generate("headwise_kv", buffers=n, **p)).operations.makespan_ps for n in (1, 2, 3)
    ]
    upload, attend = 10**11, 10**9  # picoseconds: 1e9 B at 1e10 B/s; 1e9 FLOPs at 1e12 FLOP/s, and as long the bytes
    assert took[0] == pytest.approx(64 * (upload + attend), rel=1e-3)
    assert took[1] == pytest.approx(64 * upload + attend, rel=1e-3)
    assert took[2] == pytest.approx(took[1], rel=1e-3)


def test_headinfer_has_a_gibibyte_near():
    p = headwise.HeadwiseParameters()
    model = find_model("llama-3-8b")
    assert (p.layers, p.heads, p.kv_heads, p.head_dim) == (model.layers, model.heads, model.kv_heads, model.head_dim)
    assert p.layers * p.layer_weights == model.weight_bytes("fp16")
    assert p.layers * p.token_kv == model.kv_bytes(1, "fp16")
    assert 2 * p.buffer_bytes == 1 << 30
    result = run(machine("gddr", "dram"), generate("headwise_kv"))
    assert result.tiers["gddr"].peak_bytes - model.weight_bytes("fp16") == 1 << 30
    assert result.links["link"].backward_total == 128 << 30


@pytest.mark.parametrize("weights", [0, 4096])
@pytest.mark.parametrize("kept", [1, 4])
def test_attention_in_the_drive_moves_vectors(weights, kept):
    p = SMALL | {"requests": 5, "kept": kept, "layer_weights": weights}
    inside, outside = (run(machine("vram", "flash", other="csd0"), generate("in_storage_attention", inside=how, **p))
                       for how in ("yes", "no"))  # fmt: skip
    token, vector, kv = 2 * 4 * 16 * 2, 8 * 16 * 2, 1000 * 2 * 4 * 16 * 2
    assert inside.links["link"].forward_total == 3 * 5 * (vector + token)
    assert inside.links["link"].backward_total == 3 * 5 * vector
    assert inside.tiers["flash"].read_bytes["kv"] == 3 * 5 * kv // kept
    assert outside.links["link"].backward_total == 3 * 5 * kv
    assert outside.links["link"].forward_total == 0
    assert outside.tiers["vram"].peak_bytes == kv


def test_the_drive_gains_its_bandwidth():
    """Nothing but attention, vectors of no weight: as many times as the drive reads faster than its link."""
    p = {"requests": 4, "layers": 4, "context": 100_000, "heads": 8, "kv_heads": 8, "head_dim": 16, "layer_weights": 0}
    took = [run(machine("vram", "flash", other="csd0"), generate("in_storage_attention", inside=how, **p), ahead=2)
            for how in ("yes", "no")]  # fmt: skip
    assert took[1].elapsed_ps / took[0].elapsed_ps == pytest.approx(RATE["far"] / RATE["link"], rel=0.01)


def channels(count):
    rates = {"read_latency": 0, "write_latency": 0}
    tier = {"read_bandwidth": 10**10, "write_bandwidth": 10**10, **rates}
    fast = {"read_bandwidth": 10**15, "write_bandwidth": 10**15, **rates}
    names = [f"channel{i}" for i in range(count)]
    pins = {"kind": "bus", "bandwidth": 10**9, "latency": 0}
    return Machine(
        tiers={
            "asic": Tier(kind="sram", capacity=10**6, duplex="full", **fast),
            **{name: Tier(kind="gddr", capacity=10**12, **tier) for name in names},
        },
        links={f"pins{i}": Link(between=("asic", name), **pins) for i, name in enumerate(names)},
        units={f"pim{i}": Unit(kind="near-memory", tier=name, flops={"fp16": 1e13}) for i, name in enumerate(names)},
    )  # fmt: skip


@pytest.mark.parametrize(("count", "skew"), [(1, 0.0), (4, 0.0), (4, 0.5), (3, 2.0)])
def test_the_fullest_channel_sets_the_pace(count, skew):
    """Of each matrix a vector in over a channel's pins, what the fullest channel has, and its result out."""
    p = in_memory.InMemoryParameters(layers=2, width=96, context=50, channels=count, skew=skew)
    result = run(
        channels(count), generate("in_memory_decode", layers=2, width=96, context=50, channels=count, skew=skew)
    )
    total = 0
    for kind, (rows, columns, size) in p.matrices.items():
        into, out = (96, 96) if kind == "attention" else (columns, rows)
        parts = [
            ceil(into * 2 * 1000) + max(1, p.share(c, size) * 100) + p.share(c, out * 2) * 1000 for c in range(count)
        ]
        total += max(parts)
    assert result.operations.makespan_ps == pytest.approx(2 * total, rel=0.001)
    weights = 2 * (12 * 96 * 96 + 2 * 50 * 96) * 2
    assert (
        sum(result.tiers[f"channel{c}"].read_bytes.get("weight", 0) for c in range(count))
        + sum(result.tiers[f"channel{c}"].read_bytes.get("kv", 0) for c in range(count))
        == weights
    )
    assert sum(p.share(c, 12345) for c in range(count)) == 12345


@pytest.mark.parametrize("parts", [1, 2, 3])
def test_a_pool_gets_queries_and_sends_outputs(parts):
    p = SMALL | {"requests": 7, "parts": parts, "steps": 2}
    away = run(machine("hbm", "pool", other="mem0"), generate("attention_pool", **p))
    here = run(machine("hbm", "pool", other="mem0"), generate("attention_pool", away="no", **p))
    token, vector, kv = 2 * 4 * 16 * 2, 8 * 16 * 2, 1000 * 2 * 4 * 16 * 2
    assert away.links["link"].forward_total == 2 * 3 * 7 * (vector + token)
    assert away.links["link"].backward_total == 2 * 3 * 7 * vector
    assert away.tiers["pool"].read_bytes["kv"] == 2 * 3 * 7 * kv == here.tiers["hbm"].read_bytes["kv"]
    assert away.tiers["hbm"].read_bytes["weight"] == parts * 2 * 3 * 4096
    assert here.tiers["hbm"].read_bytes["weight"] == 2 * 3 * 4096
    assert here.links["link"].forward_total == here.links["link"].backward_total == 0


def test_lamina_s_and_instinfer_s_defaults_are_the_catalogue_s():
    for p, name in ((pool.PoolParameters(), "llama-3-70b"), (in_storage.InStorageParameters(), "opt-13b")):
        model = find_model(name)
        assert (p.layers, p.heads, p.kv_heads, p.head_dim) == (
            model.layers,
            model.heads,
            model.kv_heads,
            model.head_dim,
        )
        assert p.layers * p.token_kv == model.kv_bytes(1, "fp16")
        assert p.layers * p.layer_weights == pytest.approx(model.weight_bytes("fp16"), rel=0.03)


@pytest.mark.parametrize(
    ("kind", "given", "told"),
    [
        ("headwise_kv", {"buffers": 0}, "headwise_kv.buffers  must be 1 to 1024, got `0`"),
        ("headwise_kv", {"groups": 2}, "headwise_kv.groups  unknown parameter; did you mean `group`?"),
        ("headwise_kv", {"chunk": 256}, "headwise_kv.chunk  is too small: the uploads of 4,096 chunks have"),
        ("in_storage_attention", {"inside": "maybe"}, "in_storage_attention.inside  `maybe` is not one of yes, no"),
        ("in_memory_decode", {"skew": -1}, "in_memory_decode.skew  must be 0 to 1024, got `-1`"),
        ("attention_pool", {"requests": 1.5}, "attention_pool.requests  expected a whole number, got `1.5`"),
        ("attention_pools", {}, "unknown generator `attention_pools`; did you mean `attention_pool`?"),
    ],
)  # fmt: skip
def test_bad_parameters_are_told_in_a_line(kind, given, told):
    with pytest.raises(ConfigError) as caught:
        generate(kind, **given)
    assert told in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
