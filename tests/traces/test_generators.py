"""Generators: reproducible, with the statistics they promise; the samples in traces/ are made again."""

import itertools
import re
import shlex
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from hiersim.errors import ConfigError
from hiersim.traces import GENERATORS, generate, open_trace, trace_info, write_trace
from hiersim.traces.generators.operations import OPERATIONS

SAMPLES = Path(__file__).parents[2] / "traces"
PLAIN = [name for name in GENERATORS if name not in OPERATIONS]  # those of operations have tests of their own
SMALL = {name: {"accesses": 20_000, "objects": 2_000} for name in PLAIN}
SMALL["scan"] |= {"scans": 3, "scan_objects": 1_000}
SMALL |= {"chat": {"sessions": 200}, "requests": {"requests": 500}, "agents": {"tasks": 50}, "rag": {"requests": 300}}
REQUESTS = ("chat", "requests", "agents", "rag")
SMALL["moe_routing"] = {"tokens": 625, "layers": 4, "active": 8}


@pytest.mark.parametrize("kind", PLAIN)
def test_the_seed_decides_everything(kind):
    first, second, other = (generate(kind, seed=seed, **SMALL[kind]) for seed in (5, 5, 6))
    assert first.fingerprint() == second.fingerprint()
    assert first.fingerprint() != other.fingerprint()
    assert first.notes[0].startswith(f"generated: {kind}")


@pytest.mark.parametrize("kind", [k for k in PLAIN if k not in REQUESTS])
def test_objects_are_numbered_by_first_appearance(kind):
    trace = generate(kind, seed=5, **SMALL[kind])
    _, first = np.unique(trace.object, return_index=True)
    assert len(trace) == 20_000
    assert (np.diff(first) > 0).all()
    assert len(first) == trace.objects


@pytest.mark.parametrize("alpha", [0.0, 0.7, 1.0, 1.3])
def test_zipf_counts_follow_the_law(alpha):
    trace = generate("zipf", seed=1, accesses=200_000, objects=50, alpha=alpha)
    counts = np.zeros(50)
    np.add.at(counts, trace.original_id[trace.object], 1)
    weight = np.arange(1, 51.0) ** -alpha
    expected = 200_000 * weight / weight.sum()
    assert (np.abs(counts - expected) < 5 * np.sqrt(expected)).all()
    assert np.corrcoef(trace.object[:-1], trace.object[1:])[0, 1] == pytest.approx(0, abs=0.02)


def test_sizes_times_and_writes():
    trace = generate("zipf", seed=1, accesses=100_000, objects=5_000, interval="2 us", write_share=0.25, size="1 MiB")
    assert trace.duration_ps == pytest.approx(100_000 * 2e6, rel=0.02)
    assert trace.write.mean() == pytest.approx(0.25, abs=0.01)
    assert set(trace.size.tolist()) == {1 << 20}
    uniform = generate(
        "zipf", seed=1, accesses=100_000, objects=5_000, alpha=0, sizes="uniform", size=1000, size_spread=0.5
    )
    assert (uniform.size.min(), uniform.size.max()) == (500, 1500)
    lognormal = generate("zipf", seed=1, accesses=100_000, objects=5_000, alpha=0, sizes="lognormal", size=1000)
    assert np.median(lognormal.size) == pytest.approx(1000, rel=0.06)
    assert np.log(lognormal.size).std() == pytest.approx(1.0, abs=0.05)


def test_loop_scan_and_phases():
    loop = generate("loop", accesses=25, objects=10)
    assert loop.object.tolist() == (list(range(10)) * 3)[:25]
    scan = generate("scan", accesses=20_000, objects=100, scans=3, scan_objects=1_000)
    none = generate("scan", accesses=2_000, objects=100, scans=0)
    assert none.object.max() < 100
    counts = np.bincount(scan.object)
    assert (counts == 1).sum() >= 3_000
    cold = np.flatnonzero(scan.original_id[scan.object] >= 100)
    assert (np.diff(cold) == 1).sum() == 2_997
    phases = generate("phase_change", accesses=50_000, objects=500, phases=5, kept=0.2, alpha=0)
    sets = [set(phases.object[i * 10_000 : (i + 1) * 10_000].tolist()) for i in range(5)]
    assert [len(a & b) for a, b in itertools.pairwise(sets)] == [100] * 4
    assert phases.objects == 500 + 4 * 400


def chosen_experts(**parameters):
    """Experts of each token as a bool table, tokens x experts, of one layer."""
    trace = generate("moe_routing", seed=3, layers=1, tokens=2_000, experts=32, active=4, **parameters)
    table = np.zeros((2_000, 32), bool)
    table[trace.group, trace.original_id[trace.object]] = True
    return table


def test_routing_uses_so_many_experts_of_each_layer():
    trace = generate("moe_routing", seed=3, tokens=50, layers=3, experts=16, active=2, size="336 MiB")
    layers = trace.original_id[trace.object].reshape(50, 3, 2) // 16
    assert (layers == np.arange(3)[:, None]).all()
    assert all(len(set(row)) == 6 for row in trace.object.reshape(50, 6).tolist())
    assert (trace.classes, trace.size[0]) == (("expert",), 336 * 2**20)


@pytest.mark.parametrize(("locality", "low", "high"), [(0.0, 0.11, 0.14), (0.5, 0.2, 0.5), (1.0, 0.75, 1.0)])
def test_locality_is_what_neighbours_share(locality, low, high):
    """Independent tokens share active / experts = 1/8 of their experts."""
    table = chosen_experts(locality=locality, span=50)
    shared = (table[1:] & table[:-1]).sum() / table[1:].sum()
    far = (table[1_000:] & table[:-1_000]).sum() / table[1_000:].sum()
    assert low < shared < high
    assert far == pytest.approx(1 / 8, abs=0.05)


def test_imbalance_of_experts_stays_for_ever():
    even, uneven = (chosen_experts(locality=0.3, span=5, imbalance=i).mean(axis=0) for i in (0.0, 2.0))
    assert even.std() < 0.03 < 0.1 < uneven.std()


def test_chat_blocks_form_an_exact_prefix_tree():
    chat = generate("chat", seed=2, sessions=300, block_tokens=32)
    parent, depth = {}, {}
    by_session = defaultdict(list)
    for r in range(len(chat)):
        blocks = chat.block_ids[chat.block_offsets[r] : chat.block_offsets[r + 1]].tolist()
        assert len(blocks) == -(-chat.prompt_tokens[r] // 32)
        for place, (before, block) in enumerate(zip([-1, *blocks], blocks, strict=False)):
            assert parent.setdefault(block, before) == before
            assert depth.setdefault(block, place) == place
        by_session[int(chat.session[r])].append(r)
    assert (np.diff(chat.time_ps) >= 0).all()
    for turns in by_session.values():
        for earlier, later in itertools.pairwise(turns):
            grown = chat.prompt_tokens[earlier] + chat.output_tokens[earlier]
            assert chat.prompt_tokens[later] > grown
            shared = int(chat.prompt_tokens[earlier] // 32)
            first, second = chat.block_offsets[earlier], chat.block_offsets[later]
            assert chat.block_ids[first : first + shared].tolist() == chat.block_ids[second : second + shared].tolist()


def test_chat_shares_system_prompts_between_sessions_only_as_far_as_they_go():
    chat = generate("chat", seed=2, sessions=50, system_prompts=1, system_tokens=320, system_spread=0, block_tokens=32)
    firsts = [r for r in range(len(chat)) if chat.session[r] not in chat.session[:r]]
    lists = [chat.block_ids[chat.block_offsets[r] : chat.block_offsets[r + 1]].tolist() for r in firsts]
    assert {tuple(blocks[:10]) for blocks in lists} == {tuple(lists[0][:10])}
    own = [block for blocks in lists for block in blocks[10:]]
    assert len(own) == len(set(own))


def test_chat_respects_the_context():
    chat = generate("chat", seed=2, sessions=100, context=4096)
    assert (chat.prompt_tokens + chat.output_tokens).max() <= 4096
    with pytest.raises(ConfigError, match="no request fits into a context of 1 tokens"):
        generate("chat", sessions=5, context=1)


MISTAKES = {
    "kind": (("zpif", {}), "unknown generator `zpif`; did you mean `zipf`?"),
    "name": (("zipf", {"alpah": 1}), "zipf.alpah  unknown parameter; did you mean `alpha`?"),
    "unit": (("zipf", {"size": "4 Kib"}), "unknown unit `Kib`; did you mean `KiB`?"),
    "word": (("zipf", {"accesses": "many"}), "zipf.accesses  expected a number, got `many`"),
    "bounds": (("zipf", {"accesses": 0}), "zipf.accesses  must be 1 to"),
    "more than all": (("moe_routing", {"experts": 4, "active": 5}), "active  must be at most the 4 experts, got `5`"),
    "fraction": (("zipf", {"accesses": 1.5}), "expected a whole number, got `1.5`"),
    "nan": (("zipf", {"alpha": "nan"}), "expected a number, got `nan`"),
    "choice": (("zipf", {"sizes": "big"}), "`big` is not one of fixed, uniform, lognormal"),
    "list": (("zipf", {"alpha": [1]}), "expected a number, got `[1]`"),
    "seed": (("zipf", {"seed": -1}), "seed must be a whole number from 0, got `-1`"),
    "days": (("requests", {"requests": 10**5, "interval": "1000 s"}), "the trace lasts 1,1"),
    "pauses": (("chat", {"sessions": 9, "turns": 1000.0, "think_time": "27 h"}), "the trace lasts"),
    "process": (("requests", {"arrivals": "poison"}), "`poison` is not one of poisson, gamma, weibull, constant"),
    "pieces": (
        ("rag", {"chunk_tokens": 100}),
        "rag.chunk_tokens  must be a multiple of the 128 tokens of a block, got 100",
    ),
    "pool": (("rag", {"documents": 1, "document_chunks": 4}), "rag.chunks  must be at most the 4 of all documents"),
    "scans": (("scan", {"accesses": 10}), "10 scans of 20,000 objects exceed 10 accesses"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_named(name):
    (kind, given), message = MISTAKES[name]
    with pytest.raises(ConfigError) as caught:
        generate(kind, **given)
    assert message in str(caught.value)


def test_all_mistakes_at_once():
    with pytest.raises(ConfigError) as caught:
        generate("zipf", alpah=1, accesses=0)
    assert len(caught.value.mistakes) == 2


def commands():
    text = (SAMPLES / "README.md").read_text()
    return {Path(shlex.split(c)[4]).name: shlex.split(c) for c in re.findall(r"`(hiersim trace generate [^`]*)`", text)}


@pytest.mark.parametrize("name", sorted(commands()))
def test_samples_are_what_their_command_makes(tmp_path, name):
    words = commands()[name]
    pairs = [words[i + 1].split("=", 1) for i, word in enumerate(words) if word == "--set"]
    trace = generate(words[3], seed=int(words[words.index("--seed") + 1]), **dict(pairs))
    again, sample = open_trace(write_trace(trace, tmp_path / name)), open_trace(SAMPLES / name)
    assert again.fingerprint() == sample.fingerprint()


def test_every_sample_has_a_command_and_all_are_small():
    files = [path for path in SAMPLES.iterdir() if path.name != "README.md"]
    assert {path.name for path in files} == set(commands())
    assert sum(path.stat().st_size for path in files) < 1_500_000


def test_the_readme_states_the_samples_figures():
    text = (SAMPLES / "README.md").read_text()
    chat = trace_info(open_trace(SAMPLES / "chat_sample.parquet"))
    zipf = trace_info(open_trace(SAMPLES / "zipf_sample.oracleGeneral.bin.zst"))
    for figure in (chat.records, chat.accesses, chat.objects, zipf.accesses, zipf.objects):
        assert f"{figure:,}" in text
    assert f"{chat.prefix_reuse_share:.1%}" in text
    assert f"{zipf.footprint_bytes / 2**20:.0f} MiB" in text
