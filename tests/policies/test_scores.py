"""The heaps of the policies that score, and what tells those policies' variants apart, on traces made by hand."""

from typing import Any, NamedTuple

import numpy as np
import pytest
from oracle.policies import next_uses, replay
from policies.streams import sizes_of, stream, twin

from hiersim import jit, policies
from hiersim.drivers.cache_study import Study, study
from hiersim.policies import bits, heap, hooks, radix
from hiersim.policies.contract import NEVER, Setup

PUSH, MOVE, DROP, LOWEST = range(4)


def test_scores_that_double_at_every_hit_stay_in_range():
    keys = np.concatenate([np.tile(np.array([0, 1, 2], np.int32), 200), np.arange(3, 9, dtype=np.int32)])
    keys = np.tile(keys, 3)
    naive = twin("lfuda-lcs", 3)
    victims, misses, _ = replay(naive, keys.tolist(), [1] * 9, 3, [None] * len(keys))
    found = study(keys, None, "lfuda-lcs", 3, objects=9, victims=True)
    assert (found.victims.tolist(), found.misses) == (victims, misses)
    assert max(score for score, _ in naive.score.values()) >= 2**60


pytestmark = pytest.mark.xdist_group("policy-gdsf")


class Heap(NamedTuple):
    keys: Any
    held: Any
    slot: Any
    scores: Any
    filled: Any


@jit.kernel
def run_heap(state, script, found):
    for i in range(script.shape[0]):
        act, key, score = script[i]
        if act == PUSH:
            heap.push(state, key, float(score), i)
        elif act == MOVE:
            heap.grow(state, key, float(score), i)
        elif act == DROP:
            heap.drop(state, key)
        else:
            found[i] = heap.lowest(state)


@jit.kernel
def run_radix(links, scores, lows, script, found):
    for i in range(script.shape[0]):
        act, key, score = script[i]
        if act == PUSH:
            radix.push(links, scores, lows, key, score)
        elif act == MOVE:
            radix.move(links, scores, lows, key, score)
        elif act == DROP:
            radix.drop(links, lows, key)
        else:
            found[i] = radix.lowest(links, scores, lows)


def script_of(seed, objects, steps, grows):
    """Return (act, key, score) rows, and the key that each LOWEST must find; scores only grow if so asked."""
    rng = np.random.default_rng(seed)
    inside, script, wanted = {}, [], []
    for i in range(steps):
        act, key = int(rng.integers(4)), int(rng.integers(objects))
        score = int(2 ** rng.uniform(0, 40)) if rng.random() < 0.3 else int(rng.integers(6))
        if act in (PUSH, MOVE):
            act = MOVE if key in inside else PUSH
            score = max(score, inside[key][0]) if grows and act == MOVE else score
            inside[key] = (score, i)
        elif not inside:
            continue
        else:
            lowest = min(inside, key=inside.get)
            key = lowest if rng.random() < 0.5 else sorted(inside)[key % len(inside)]
            if act == DROP:
                del inside[key]
        wanted.append(lowest if act == LOWEST else -1)
        script.append((act, key, score))
        if act in (PUSH, MOVE):
            inside[key] = (score, len(script))
    return np.array(script, np.int64), wanted


@pytest.mark.parametrize("seed", range(6))
def test_the_heap_finds_the_lowest(seed):
    script, wanted = script_of(seed, 30, 3_000, grows=True)
    found = np.full(len(script), -1, np.int64)
    run_heap(Heap(*heap.empty(30, 30)), script, found)
    assert found.tolist() == wanted
    assert sum(each >= 0 for each in wanted) > 500


@pytest.mark.parametrize("seed", range(6))
def test_the_radix_heap_finds_the_lowest(seed):
    script, wanted = script_of(seed, 30, 3_000, grows=False)
    found = np.full(len(script), -1, np.int64)
    run_radix(*radix.empty(30), script, found)
    assert found.tolist() == wanted


def test_patterns_are_ordered_as_their_numbers():
    numbers = sorted([0.0, 5e-324, 1e-300, 0.1, 1.0, 1.5, 2.0, 3.0, 1e300])
    patterns = [jit_pattern(number) for number in numbers]
    assert patterns == sorted(patterns)
    assert [jit_value(pattern) for pattern in patterns] == numbers


@jit.kernel
def jit_pattern(number):
    return bits.pattern(number)


@jit.kernel
def jit_value(word):
    return bits.value(word)


@pytest.mark.parametrize("seed", range(3))
def test_where_sizes_and_costs_are_one_gdsf_is_lfuda(seed):
    keys = stream(seed, 2_000, 150)
    one, two = (study(keys, None, name, 40, victims=True) for name in ("gdsf", "lfuda"))
    assert one.victims.tolist() == two.victims.tolist()


@pytest.mark.parametrize("sized", [False, True])
def test_gdsf_with_costs(sized):
    """The callbacks on a state with costs against the twin with the same."""
    keys, sizes = stream(5, 1_500, 60).tolist(), sizes_of(5, 60) if sized else np.ones(60, np.int64)
    costs = np.random.default_rng(5).integers(1, 9, 60).astype(np.float64)
    policy = policies.find("gdsf")
    state = policy.init(Setup(30, 60, uniform=not sized, costs=costs))

    victims, _, _ = replay(twin("gdsf", 30, costs=costs.tolist()), keys, sizes.tolist(), 30, next_uses(keys))
    assert replay(Driven(policy, state), keys, sizes.tolist(), 30, next_uses(keys))[0] == victims
    free = study(np.array(keys, np.int32), sizes if sized else None, "gdsf", 30, victims=True).victims.tolist()
    assert free != victims


class Driven:
    """A policy's callbacks as a twin, for states that a replay does not make."""

    def __init__(self, policy, state):
        self.state, self.table = state, hooks.fields_table(state)
        self.addresses = hooks.bind_hooks(policy, state)

    def call(self, hook, key, size=1):
        address = int(self.addresses[hook])
        return call_hook(address, self.table.ctypes.data, key, size, 0, NEVER) if address else 0

    def miss(self, key):
        self.call(hooks.ON_MISS, key)

    def insert(self, key, size, next_use):
        self.size = getattr(self, "size", {})
        self.size[key] = size
        self.call(hooks.ON_INSERT, key, size)

    def hit(self, key, next_use):
        self.call(hooks.ON_HIT, key, self.size[key])

    def remove(self, key):
        self.call(hooks.ON_REMOVE, key)

    def victim(self, key, size):
        return self.call(hooks.VICTIM, key, size)


@jit.kernel
def call_hook(address, fields, key, size, now, next_use):
    return hooks.call_hook(address, fields, key, size, now, next_use)


def victims_of(name, keys, capacity, sizes=None):
    sizes = None if sizes is None else np.array(sizes, np.int64)
    return study(np.array(keys, np.int32), sizes, name, capacity, victims=True).victims.tolist()


def test_gdsf_lets_in_who_scores_least():
    """Key 2 comes in with score 1, below 2 and 3: the paper, and libcachesim 0.3.5, would not keep it; we evict 0."""
    assert victims_of("gdsf", [0, 0, 1, 1, 1, 2], 2) == [0]


def test_what_a_hit_counts_in_lfuda():
    """A hit on 0 counts in the paper; before the first eviction it is worth nothing in libcachesim."""
    assert victims_of("lfuda", [0, 0, 1, 2], 2) == [1]
    assert victims_of("lfuda-lcs", [0, 0, 1, 2], 2) == [0]


def test_of_equal_sizes_in_size():
    """After 0 has left, the last in the heap stands at its root: libcachesim evicts 2, who is newer than 1."""
    assert victims_of("size", [0, 1, 2, 3, 4], 3) == [0, 1]
    assert victims_of("size-lcs", [0, 1, 2, 3, 4], 3) == [0, 2]
    assert victims_of("size", [0, 1, 2, 3], 6, [1, 3, 2, 1]) == victims_of("size-lcs", [0, 1, 2, 3], 6, [1, 3, 2, 1])


def test_which_requests_count_in_wtinylfu():
    """Key 2 is hit in the window: that counts in the paper, so it takes the place of 0; not in libcachesim."""
    keys = [0, 1, 2, 3, 2, 4, 5]
    assert victims_of("wtinylfu:window=0.5", keys, 4) == [3, 0]
    assert victims_of("wtinylfu-lcs:window=0.5", keys, 4) == [3, 2]


def test_counters_of_wtinylfu_that_pass_a_byte():
    """They are halved rarely, so that some pass 255 several times over, and keys whose all do are compared."""
    keys = stream(2, 4_000, 12)
    naive = twin("wtinylfu-lcs", 6, objects=12, window=0.4, sample=500)
    victims, misses, _ = replay(naive, keys.tolist(), [1] * 12, 6, next_uses(keys.tolist()))
    name = "wtinylfu-lcs:window=0.4,sample=500"
    assert study(keys, None, name, 6, objects=12, victims=True).victims.tolist() == victims
    only = Study(name, 6, 12, accesses=len(keys), counts_only=True)
    only.feed(keys)
    assert only.result().misses == misses
    assert max(naive.counters) > 1_000
    assert min(naive.estimate(key) for key in range(12)) > 128


@pytest.mark.parametrize("uniform", [True, False])
def test_lhd_learns(uniform):
    """Short periods: counts fade, densities follow from them, and ages are made finer after 5 and 25 of them."""
    keys, sizes = stream(3, 900, 60), None if uniform else sizes_of(3, 60)
    naive = twin("lhd", 40, uniform, period=30)
    plain = [1] * 60 if uniform else sizes.tolist()
    victims, _, _ = replay(naive, keys.tolist(), plain, 40, next_uses(keys.tolist()))
    assert study(keys, sizes, "lhd:period=30", 40, victims=True).victims.tolist() == victims
    assert naive.periods > 25
    assert victims != study(keys, sizes, "lhd", 40, victims=True).victims.tolist()
