"""Usable hits, orphans and the order of touches, against plain lists and facts of a real trace; policies of trees."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from oracle.policies import next_uses as naive_next_uses
from oracle.policies import replay as naive_replay
from oracle.policies.recompute_cost import Twin as RecomputeCost
from oracle.policies.sink_window import Twin as SinkWindow
from policies.streams import forest, sizes_of, stream, twin

import hiersim as hs
from hiersim import jit, policies
from hiersim.drivers.cache_study import Study, study
from hiersim.drivers.prefix import touch_order, usable_hits
from hiersim.errors import ConfigError, PolicyError, TraceError
from hiersim.traces import RequestTrace

MOONCAKE = Path(__file__).parents[3] / "shared/traces/mooncake_conversation.jsonl"
TREES = ("leaf-lru", "recompute-cost", "length-aware", "sink-window")


def group(name):
    """Run in the process that has compiled the policy."""
    return pytest.mark.xdist_group(f"policy-{name}")


def requests_over(objects, count, seed):
    """Return lists of blocks: paths from a root of a random forest to some node; and the forest's parents."""
    parents = forest(objects, seed)
    paths = []
    for node in (objects * np.random.default_rng(seed).random(count) ** 2).astype(int).tolist():
        path = [node]
        while parents[path[0]] >= 0:
            path.insert(0, int(parents[path[0]]))
        paths.append(path)
    return paths, parents


def trace_of(paths, objects):
    """Return a request trace whose prompts have these blocks."""
    offsets = np.cumsum([0, *map(len, paths)])
    zeros, tokens = np.zeros(len(paths), np.int64), np.diff(offsets) * 16
    blocks, names = np.concatenate(paths).astype(np.int32), np.arange(objects)
    return RequestTrace(zeros, tokens, zeros, zeros.astype(np.int32) - 1, offsets, blocks, names, 16)


def counted(naive, paths, objects, capacity, order="head"):
    """Replay with a twin and count by hand: (hits, usable hits)."""
    keys = [key for path in paths for key in (path if order == "head" else path[::-1])]
    inside, rows = set(), []
    for key, later in zip(keys, naive_next_uses(keys), strict=True):
        rows.append(key in inside)
        if key in inside:
            naive.hit(key, later)
            continue
        naive.miss(key)
        if len(inside) == capacity:
            gone = naive.victim(key, 1)
            naive.remove(gone)
            inside.remove(gone)
        naive.insert(key, 1, later)
        inside.add(key)
    hits, usable = sum(rows), 0
    for path in paths:
        mine, rows = rows[: len(path)], rows[len(path) :]
        mine = mine if order == "head" else mine[::-1]
        usable += mine.index(False) if False in mine else len(mine)
    return hits, usable


@pytest.mark.parametrize("order", ["head", "tail"])
@pytest.mark.parametrize("name", [pytest.param(name, marks=group(name)) for name in ("fifo", "opt", "leaf-lru")])
def test_usable_hits_are_those_of_plain_lists(name, order):
    orphans = 0
    for seed in range(3):
        paths, _ = requests_over(40, 150, seed)
        trace = trace_of(paths, 40)
        for capacity in (7, 20):
            naive = twin(name, capacity, parents=trace.blocks().parents.tolist())
            [result] = hs.replay(trace, policy=name, capacity=capacity, order=order)
            assert (result.hits, result.usable) == counted(naive, paths, 40, capacity, order)
            assert result.orphans == result.hits - result.usable
            orphans += result.orphans
    assert orphans > 0 or name != "fifo"


@pytest.mark.xdist_group("policy-leaf-lru")
@pytest.mark.parametrize("seed", range(12))
def test_leaf_first_leaves_no_orphans_where_a_request_fits(seed):
    paths, _ = requests_over(60, 300, seed)
    trace, longest = trace_of(paths, 60), max(map(len, paths))
    for result in hs.replay(trace, policy="leaf-lru", capacity=[longest, longest + 1, 2 * longest]):
        assert result.orphans == 0
        assert result.evictions > 0 or result.capacity >= 60


@pytest.mark.xdist_group("policy-leaf-lru")
def test_leaf_first_orphans_of_a_request_that_does_not_fit():
    [result] = hs.replay(trace_of([[0, 1, 2, 3], [0, 1, 2, 3]], 4), policy="leaf-lru", capacity=3, hits=True)
    assert result.hit_map.tolist() == [False] * 4 + [True, True, False, False]  # 3 took the place of 2, its parent
    [result] = hs.replay(trace_of([[0, 1, 2, 3, 4], [0, 1, 2, 3, 4]], 5), policy="leaf-lru", capacity=3, hits=True)
    assert result.hit_map.tolist() == [False] * 5 + [True, False, False, False, False]


def test_usable_hits_by_hand():
    hits = np.array([1, 1, 0, 1, 0, 1, 1, 1], bool)
    requests = np.array([0, 0, 0, 0, 1, 1, 2, 2], np.int32)
    assert usable_hits(hits, requests).tolist() == [True, True, False, False, False, False, True, True]
    assert usable_hits(hits[:0], requests[:0]).tolist() == []
    assert touch_order(requests).tolist() == [3, 2, 1, 0, 5, 4, 7, 6]
    assert touch_order(requests[:0]).tolist() == []


@pytest.mark.xdist_group("policy-fifo")
def test_hits_come_in_the_order_of_the_trace_and_only_when_asked_for():
    trace = trace_of([[0, 1, 2], [0, 1, 3], [0, 1, 2]], 4)
    for order, expected in (("head", "000111000"), ("tail", "000110110")):
        [plain] = hs.replay(trace, policy="fifo", capacity=3, order=order)
        [asked] = hs.replay(trace, policy="fifo", capacity=3, order=order, hits=True)
        [packed] = hs.replay(trace, policy="fifo", capacity=3, order=order, hits="packed")
        assert plain.hit_map is None
        found = "".join(str(int(hit)) for hit in asked.hit_map)
        assert np.unpackbits(packed.hit_map)[:9].tolist() == [int(hit) for hit in found]
        assert len(found) == len(expected)
        assert plain.hits == found.count("1")


@cache
def mooncake():
    """Return the hour of conversations as (accesses, requests)."""
    lines = [json.loads(line) for line in MOONCAKE.read_text().splitlines()]
    return hs.open(MOONCAKE).blocks(), [line["hash_ids"] for line in lines]


needs_mooncake = pytest.mark.skipif(not MOONCAKE.exists(), reason="the reference trace is not beside this checkout")


@needs_mooncake
def test_mooncake_is_an_exact_prefix_tree():
    trace, requests = mooncake()
    parents = dict(zip(trace.original_id.tolist(), trace.parents.tolist(), strict=True))
    names = trace.original_id.tolist()
    assert len(requests) == 12_031
    for blocks in requests:
        assert [parents[block] for block in blocks[:1]] == [-1] * len(blocks[:1])
        assert [names[parents[block]] for block in blocks[1:]] == blocks[:-1]


ORPHANS = {  # percent of hits at 5,000, 10,000 and 30,000 blocks, as libCacheSim's policies leave them
    "lru": (0, 0, 0),
    "s3fifo": (0, 0.1, 0.2),
    "arc": (1.1, 0.2, 0),
    "fifo": (1.3, 2.7, 2.5),
    "clock": (0, 0.4, 0),
    "sieve": (0, 0, 0),
    "leaf-lru": (0, 0, 0),
    "wtinylfu-lcs": (25, 16, 7),
    "random": (56, 63, 57),
}


@needs_mooncake
@pytest.mark.skipif(jit.DISABLED, reason="too slow as plain Python")
@pytest.mark.parametrize("name", [pytest.param(name, marks=group(name)) for name in ORPHANS])
def test_orphans_on_mooncake(name):
    found = hs.replay(mooncake()[0], policy=name, capacity=[5_000, 10_000, 30_000])
    shares = [100 * result.orphans / result.hits for result in found]
    tolerance = {"random": 1.5, "wtinylfu-lcs": 0.5}.get(name, 0.05)  # percent given; random draws otherwise than ours
    assert shares == pytest.approx(ORPHANS[name], abs=tolerance)


@needs_mooncake
@pytest.mark.skipif(jit.DISABLED, reason="too slow as plain Python")
@pytest.mark.xdist_group("policy-lru")
def test_the_order_within_requests_hardly_matters_to_lru():
    ratios = [
        [result.miss_ratio for result in hs.replay(mooncake()[0], policy=name, capacity=[5_000, 30_000], order=order)]
        for name, order in (("lru", "head"), ("lru", "tail"), ("leaf-lru", "head"))
    ]
    assert 0 < np.ptp(ratios, axis=0).max() <= 0.002


@pytest.mark.xdist_group("policy-recompute-cost")
@pytest.mark.parametrize("seed", range(4))
def test_costs_that_are_told(seed):
    keys, sizes, parents = stream(seed, 400, 50), sizes_of(seed, 50), forest(50, seed)
    costs = np.random.default_rng(seed).integers(1, 9, 50) / 4.0
    for given, options in ((costs, {}), (None, {"attention": 0.5})):
        naive = RecomputeCost(60, False, parents, None if given is None else costs.tolist(), **options)
        victims, _, _ = naive_replay(naive, keys.tolist(), sizes.tolist(), 60, naive_next_uses(keys.tolist()))
        spec = "recompute-cost" + "".join(f":{key}={value}" for key, value in options.items())
        result = study(keys, sizes, spec, 60, objects=50, parents=parents, costs=given, victims=True)
        assert result.victims.tolist() == victims
        assert len(victims) > 50


@pytest.mark.xdist_group("policy-recompute-cost")
def test_what_is_dear_to_recompute_stays():
    """Of two leaves used alike, the one that more blocks lead to stays, if attention over them costs something."""
    parents = np.array([-1, 0, 1, 2, -1, -1, -1, -1], np.int32)  # one chain of four; four that stand alone
    keys = np.array([0, 1, 2, 3, 4, 5, 6, 7], np.int32)
    dear = study(keys, None, "recompute-cost:attention=1", 6, objects=8, parents=parents, victims=True)
    assert dear.victims.tolist() == [4, 5]  # LRU among leaves would take 3 and 2 first
    cheap = study(keys, None, "recompute-cost:attention=0", 6, objects=8, parents=parents, victims=True)
    assert cheap.victims.tolist() == [3, 2]


@pytest.mark.xdist_group("policy-sink-window")
@pytest.mark.parametrize("sinks", [0, 1, 4])
def test_a_single_sequence_keeps_its_beginning_and_its_latest_blocks(sinks):
    parents = np.arange(-1, 99, dtype=np.int32)
    one = Study(f"sink-window:sinks={sinks}", 12, 100, parents=parents)
    one.feed(np.arange(100, dtype=np.int32))
    assert one.resident().tolist() == [*range(sinks), *range(100 - 12 + sinks, 100)]
    keys, tree = stream(sinks, 400, 50), forest(50, 3)
    naive = SinkWindow(20, True, tree, sinks)
    victims, _, _ = naive_replay(naive, keys.tolist(), [1] * 50, 20, naive_next_uses(keys.tolist()))
    result = study(keys, None, f"sink-window:sinks={sinks}", 20, objects=50, parents=tree, victims=True)
    assert result.victims.tolist() == victims


@pytest.mark.parametrize(("mine", "known"), [("lra", "lru"), ("lfa", "lfu")])
def test_attended_is_used(mine, known):
    assert policies.find(mine).module is policies.find(known).module


@pytest.mark.parametrize("name", TREES)
def test_a_trace_without_prefix_blocks_is_refused(name):
    message = f"policy `{name}` needs a trace of prefix blocks, which says which block each one extends"
    with pytest.raises(PolicyError, match=message):
        study(np.array([0, 1], np.int32), None, name, 2)
    assert policies.find(name).needs_parents


def test_all_leaves_out_what_needs_prefix_blocks(monkeypatch):
    monkeypatch.setattr(policies, "NAMES", ("lru", "leaf-lru"))
    chat = trace_of([[0, 1], [0, 2]], 3)
    plain = hs.traces.AccessTrace.build([0, 1, 0])
    assert [result.policy for result in hs.replay(plain, policy="all", capacity=2)] == ["lru"]
    assert [result.policy for result in hs.replay(chat, policy="all", capacity=2)] == ["lru", "leaf-lru"]


def test_mistakes_about_what_is_told():
    keys, chat = np.array([0, 1], np.int32), trace_of([[0, 1], [0, 2]], 3)
    for told, message in (
        ({"parents": np.array([-1], np.int32)}, "parents must have one entry for each of 2 objects, got 1"),
        ({"parents": np.array([-1, 2], np.int32)}, "parents must be -1 to 1, got -1 to 2"),
        ({"costs": np.array([1.0, np.nan])}, "costs must be numbers from 0, got nan for object 1"),
        ({"costs": np.array([-1.0, 1.0])}, "costs must be numbers from 0, got -1.0 for object 0"),
        ({"costs": np.array([np.inf, 1.0])}, "costs must be numbers from 0, got inf for object 0"),
    ):
        with pytest.raises(TraceError, match=message):
            study(keys, None, "lru", 2, **told)
    with pytest.raises(TraceError, match="parents must lead to an object without one"):
        study(keys, None, "length-aware", 2, parents=np.array([1, 0], np.int32))
    with pytest.raises(ConfigError, match=r"order  no order `tial`; did you mean `tail`\?"):
        hs.replay(chat, capacity=2, order="tial")
    with pytest.raises(ConfigError, match="order  needs a trace of prefix blocks"):
        hs.replay(hs.traces.AccessTrace.build([0, 1, 0]), capacity=2, order="tail")
    with pytest.raises(PolicyError, match="attention must be a number from 0, got -1"):
        policies.find("recompute-cost:attention=-1")
    with pytest.raises(PolicyError, match="sinks must be at least 0, got -1"):
        policies.find("sink-window:sinks=-1")


def test_a_users_policy_may_need_parents(tmp_path):
    file = tmp_path / "tree.py"
    file.write_text(Path(policies.find("leaf-lru").module.__file__).read_text())
    paths, parents = requests_over(40, 100, 1)
    keys = np.concatenate(paths).astype(np.int32)
    mine, theirs = (
        study(keys, None, name, 20, objects=40, parents=parents, victims=True) for name in (str(file), "leaf-lru")
    )
    assert mine.victims.tolist() == theirs.victims.tolist()
    with pytest.raises(PolicyError, match=r"tree\.py` needs a trace of prefix blocks"):
        study(keys, None, str(file), 20)
