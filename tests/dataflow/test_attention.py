"""Attention as tile loops: what crosses to the chip is what the papers' closed forms say, walked, run and bounded."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from dataflow.walked import counted, made, room, run
from oracle import dataflow as form

from hiersim.errors import ConfigError
from hiersim.traces.generators import generate
from hiersim.traces.generators.attention.bound import least_words
from hiersim.traces.generators.operations import OPERATIONS

GRID = [(n, d, kib * 1024) for n in (70, 150) for d in (8, 32) for kib in (1, 2, 4)]
"""Tokens, elements of a head, on-chip bytes: from less than d^2 elements to more, and lengths that no tile divides."""
yes = {True: "yes", False: "no"}


def options(kind, **given):
    return OPERATIONS[kind].parameters(**given)


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize(("n", "d", "m"), GRID)
def test_flash_attention_moves_what_its_paper_says(n, d, m, backward):
    for kind, formula in (("flash_attention", form.flash_1), ("flash_attention_2", form.flash_2)):
        p = {"tokens": n, "keys": n + 13, "head_dim": d, "sram": m, "backward": yes[backward]}
        loads, stores, _ = counted(made(kind, **p))
        assert (loads, stores) == formula(n, n + 13, d, 2, *options(kind, **p).tile, backward)


@pytest.mark.parametrize("extra", [{}, {"backward": "yes"}, {"mask": "yes", "dropout": "yes", "backward": "yes"}])
@pytest.mark.parametrize(("n", "d", "m"), [*GRID, (70, 8, 8192)])
def test_standard_attention_moves_what_its_kernels_say(n, d, m, extra):
    p = {"tokens": n, "keys": n + 13, "head_dim": d, "sram": m, **extra}
    tile = options("standard_attention", **p).tile
    loads, stores, _ = counted(made("standard_attention", **p))
    fits = 2 * tile[0] * (n + 13) <= m // 2
    assert (loads, stores) == form.standard(n, n + 13, d, 2, tile, fits, **dict.fromkeys(extra, True))


@pytest.mark.parametrize("spill", [False, True])
@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize(("n", "d", "m"), GRID)
def test_passes_read_keys_as_often_as_they_count(n, d, m, count, spill):
    p = {"tokens": n, "head_dim": d, "sram": m, "passes": count, "spill": yes[spill]}
    known = options("attention_passes", **p)
    loads, stores, _ = counted(made("attention_passes", **p))
    assert (loads, stores) == form.passes(n, n, d, 2, *known.tile, count, known.holds, spill)


@pytest.mark.parametrize("together", [False, True])
def test_a_shared_prompt_is_read_once_or_by_each(together):
    p = {"requests": 5, "shared": 300, "own": 70, "query_heads": 4, "kv_heads": 2, "head_dim": 16, "tile": 64}
    loads, stores, _ = counted(made("relay_attention", relay=yes[together], **p))
    query, token, partial = 4 * 16 * 2, 2 * 2 * 16 * 2, 4 * (16 * 2 + 4)
    assert (loads, stores) == form.relay(5, 300, 70, query, token, partial, together)


@pytest.mark.parametrize(("pattern", "share"), [("butterfly", (1 + 4) / 16), ("local", 46 / 256)])
def test_a_sparse_pattern_saves_its_tiles(pattern, share):
    p = {"tokens": 1024, "head_dim": 16, "queries_tile": 64, "keys_tile": 64}
    dense, sparse = (made(kind, **p, **more) for kind, more in (
        ("flash_attention", {}), ("block_sparse_attention", {"pattern": pattern})))  # fmt: skip
    assert sparse.operations.flops.sum() == share * dense.operations.flops.sum()
    nd, statistics = 1024 * 16 * 2, 8 * 1024
    loads, stores, _ = counted(sparse)
    tiles = 16 * share
    assert loads <= 2 * nd + tiles * (2 * nd + statistics)  # a tile of queries may stay
    assert loads > 2 * nd + 0.8 * tiles * (2 * nd + statistics)
    assert stores > nd


def test_causal_attention_leaves_out_later_keys():
    p = {"tokens": 512, "head_dim": 16, "queries_tile": 32, "keys_tile": 32}
    for kind in ("flash_attention", "flash_attention_2"):
        whole, causal = made(kind, **p), made(kind, causal="yes", **p)
        assert causal.operations.flops.sum() * 32 == whole.operations.flops.sum() * 17


RUNS = [
    ("flash_attention", {"backward": "yes"}),
    ("flash_attention_2", {"backward": "yes", "heads": 3}),
    ("flash_attention_2", {"heads": 6, "streams": 3}),
    ("standard_attention", {"backward": "yes", "dropout": "yes", "mask": "yes"}),
    ("block_sparse_attention", {"pattern": "random", "seed": 3}),
    ("attention_passes", {"passes": 3, "spill": "yes"}),
    ("relay_attention", {"requests": 5, "shared": 300, "own": 70, "layers": 2}),
]


@pytest.mark.parametrize(("kind", "p"), RUNS, ids=lambda value: value if isinstance(value, str) else None)
def test_a_run_moves_what_the_loop_does(kind, p):
    """On a machine whose on-chip memory is as large as the trace says; prefetches change no byte."""
    shape = {} if kind == "relay_attention" else {"tokens": 150, "head_dim": 16, "sram": 2048}
    trace = made(kind, **shape, **p)
    loads, stores, most = counted(trace)
    needs = room(trace)
    streams = p.get("streams", 1)
    assert most <= needs * p.get("heads", 1)
    for capacity, ahead in ((needs * streams, 0), (2 * needs * streams, 4)):
        result = run(trace, capacity, ahead)
        hbm = result.tiers["hbm"]
        assert (hbm.read_total, hbm.written_total) == (loads, stores)
        assert result.links["bus"].backward_total == loads
        assert result.tiers["sram"].peak_bytes <= capacity
        assert result.operations.bound_ps <= result.operations.makespan_ps


@pytest.mark.parametrize(("n", "d", "m"), [*GRID, (96, 64, 1024), (512, 64, 65536)])
def test_nothing_moves_less_than_the_bound(n, d, m):
    for kind in ("flash_attention", "flash_attention_2", "standard_attention", "attention_passes"):
        trace = made(kind, tokens=n, head_dim=d, sram=m)
        loads, stores, _ = counted(trace)
        assert (loads + stores) / 2 >= least_words(n, n, d, room(trace) // 2)


def test_the_slopes_are_those_of_the_two_regimes():
    """Traffic over on-chip memory, both as logarithms: -1 with more than d^2 elements on chip, -1/2 with less."""

    def slope(kind, n, d, sizes, once):
        moved = [sum(counted(made(kind, tokens=n, head_dim=d, sram=2 * m))[:2]) / 2 - once for m in sizes]
        return np.polyfit(np.log(sizes), np.log(moved), 1)[0]

    sizes = [16 * 16 * 16 * 2**i for i in range(3)]
    assert slope("flash_attention_2", 512, 16, sizes, 2 * 512 * 16) == pytest.approx(-1)
    once = 4 * 64 * 64 + 64 * 64  # the scores stored, the passes of the softmax, and the output
    assert slope("standard_attention", 64, 64, [3 * side * side for side in (4, 8, 16)], once) == pytest.approx(-0.5)


@pytest.mark.parametrize("chunks", [(32, 64), (0, 0), (100, 30)])
@pytest.mark.parametrize("backward", ["no", "yes"])
def test_chunks_need_memory_for_a_pair_of_them(chunks, backward):
    """Peak beside inputs and outputs: the scores of a pair, and partial results of all chunks of keys."""
    n, d, (q, k) = 256, 8, chunks
    p = {"tokens": n, "head_dim": d, "query_chunk": q, "key_chunk": k, "backward": backward, "near": "sram"}
    trace = made("chunked_attention", **p)
    peak = run(trace, 1 << 30).tiers["sram"].peak_bytes
    assert peak == counted(trace, near=True)[2]
    q, k, given = q or n, k or n, 3 * n * d * 4
    partial = -(-n // k) * (q * d * 4 + 8 * q)
    whole = n // q * q  # queries of whole chunks, which the largest pair is among
    if backward == "no" and n % q == 0:
        assert peak == given + q * k * 4 + partial + (whole - q) * d * 4


@pytest.mark.parametrize("kind", OPERATIONS)
def test_every_parameter_says_what_it_is(kind):
    known = {f.name: f for f in fields(OPERATIONS[kind].parameters)}
    assert all(f.metadata["about"] for f in known.values())
    assert "unit" in known


@pytest.mark.parametrize(
    ("kind", "given", "told"),
    [
        ("flash_atention", {}, "unknown generator `flash_atention`; did you mean `flash_attention`?"),
        ("flash-attention", {"tokns": 3}, "flash_attention.tokns  unknown parameter; did you mean `tokens`?"),
        ("flash_attention", {"sram": "2 s"}, "flash_attention.sram"),
        ("flash_attention", {"tokens": 0}, "flash_attention.tokens  must be 1 to 1e+07, got `0`"),
        ("flash_attention", {"causal": "maybe"}, "`maybe` is not one of no, yes"),
        ("flash_attention", {"unit": 3}, "flash_attention.unit  expected a name, got `3`"),
        ("attention_passes", {"passes": 4}, "attention_passes.passes  must be 1 to 3, got `4`"),
        ("block_sparse_attention", {"tokens": 10**7}, "block_sparse_attention.tokens  make 156,250 x 26,042 tiles"),
        ("flash_attention", {"tokens": 10**5}, "flash_attention.tokens  have more than 1,000 steps of tiles"),
    ],
)
def test_bad_input_is_told_in_a_line(kind, given, told, monkeypatch):
    monkeypatch.setattr("hiersim.traces.generators.tiles.STEPS", 1_000)
    with pytest.raises(ConfigError) as caught:
        generate(kind, **given)
    assert told in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
