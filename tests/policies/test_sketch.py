"""The sketch that counts and ages, against its naive twin and the laws of its paper."""

import numpy as np
import pytest
from oracle.policies.sketch import Sketch

from hiersim import jit
from hiersim.policies import sketch

pytestmark = pytest.mark.xdist_group("policy-sketch")


@jit.kernel
def add_all(table, tally, keys):
    for key in keys:
        sketch.add(table, tally, key)


@jit.kernel
def estimates(table, keys, answer):
    for i in range(keys.shape[0]):
        answer[i] = sketch.estimate(table, keys[i])


def ask(table, keys):
    keys = np.asarray(keys, np.int32)
    answer = np.empty(len(keys), np.int64)
    estimates(table, keys, answer)
    return answer.tolist()


def many(*keys):
    return np.array(keys, np.int32)


@pytest.mark.parametrize(("entries", "sample"), [(1, 1), (5, 8), (40, 3), (100, 15)])
def test_equals_its_twin(entries, sample):
    rng = np.random.default_rng(entries)
    table, tally = sketch.empty(entries, sample)
    naive, everyone = Sketch(entries, sample), list(range(400))
    for length in rng.integers(1, 300, 12):
        keys = (400 * rng.random(length) ** 3).astype(np.int32)
        add_all(table, tally, keys)
        for key in keys.tolist():
            naive.add(key)
        assert ask(table, everyone) == [naive.estimate(key) for key in everyone]
        assert tally[sketch.ADDITIONS] == naive.additions


def test_ages_as_published():
    """Section 3.3: when W additions have been made, all counters and their number are halved."""
    table, tally = sketch.empty(1_000, 8)
    add_all(table, tally, many(*[7] * 6, 8, 8, 8, 9))
    assert ask(table, [7, 8, 9]) == [6, 3, 1]
    tally[sketch.ADDITIONS] = 8 * 1_000 - 2
    add_all(table, tally, many(7))
    assert ask(table, [7, 8, 9]) == [7, 3, 1]
    add_all(table, tally, many(8))
    assert ask(table, [7, 8, 9]) == [3, 2, 0]
    assert tally[sketch.ADDITIONS] == 4 * 1_000


def test_a_counter_stops_at_its_bound():
    """Section 3.4: no counter needs to pass W / C."""
    table, tally = sketch.empty(1_000, 8)
    add_all(table, tally, many(*[7] * 50))
    assert ask(table, [7]) == [8]


def test_never_too_low_and_seldom_too_high():
    rng = np.random.default_rng(4)
    table, tally = sketch.empty(2_000, 15)
    keys = (4_000 * rng.random(12_000) ** 2).astype(np.int32)
    add_all(table, tally, keys)
    real = np.minimum(np.bincount(keys, minlength=4_000), 15)
    found = np.array(ask(table, range(4_000)))
    assert (found >= real).all()
    assert (found > real).mean() < 0.02


def test_blocks_are_lines_of_memory():
    for entries in (1, 9, 1_000):
        table, _ = sketch.empty(entries)
        assert table.ctypes.data % 64 == 0
        assert len(table) == 8 * -(-entries // 8)
