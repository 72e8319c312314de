"""Every policy against its naive twin, victim for victim; compiled, with reference counts, and as plain Python."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle.policies import next_uses as naive_next_uses
from oracle.policies import replay
from policies.streams import EACH, EACH_SEEDED, sizes_of, stream, told, twin

from hiersim import jit, policies
from hiersim.drivers.cache_study import next_uses, study

FEW = " or ".join(f"{name}-0" for name in ("lru", "arc"))
SMALL = {
    "NUMBA_DISABLE_JIT": "test_uniform and -0 or test_sizes and -0",
    "HIERSIM_REFCOUNT": f"test_uniform and ({FEW})",
}
FAST = settings(max_examples=30, derandomize=True, deadline=None)


def compare(name, keys, sizes, capacity, objects, **options):
    later = naive_next_uses(keys.tolist())
    known = told(name, objects, capacity)
    naive = twin(name, capacity, sizes is None, objects, **options, **known)
    plain_sizes = [1] * objects if sizes is None else sizes.tolist()
    victims, misses, inside = replay(
        naive, keys.tolist(), plain_sizes, capacity, later, getattr(naive, "largest", None)
    )
    seed = options.get("seed", 0)
    result = study(keys, sizes, name, capacity, objects=objects, victims=True, seed=seed, **known)
    assert result.victims.tolist() == victims
    assert (result.misses, result.evictions, result.resident) == (misses, len(victims), len(inside))


def test_every_policy_has_a_twin():
    assert all(hasattr(twin(name, 8), "victim") for name in policies.NAMES)


@pytest.mark.parametrize(("name", "seed"), EACH_SEEDED)
def test_uniform(name, seed):
    keys = stream(seed, 400, 60)
    for capacity in (1, 2, 7, 20, 45, 60):
        compare(name, keys, None, capacity, 60)


@pytest.mark.parametrize(("name", "seed"), EACH_SEEDED)
def test_sizes(name, seed):
    keys, sizes = stream(seed, 400, 60), sizes_of(seed, 60)
    for capacity in (5, 13, 60, 130, 250):
        compare(name, keys, sizes, capacity, 60)


@pytest.mark.parametrize("name", EACH)
@FAST
@given(keys=st.lists(st.integers(0, 9), max_size=60), capacity=st.integers(1, 10))
def test_uniform_any_trace(name, keys, capacity):
    compare(name, np.array(keys, np.int32), None, capacity, 10)


@pytest.mark.parametrize("name", EACH)
@FAST
@given(
    keys=st.lists(st.integers(0, 9), max_size=60),
    sizes=st.lists(st.integers(1, 9), min_size=10, max_size=10),
    capacity=st.integers(1, 60),
)
def test_sizes_any_trace(name, keys, sizes, capacity):
    compare(name, np.array(keys, np.int32), np.array(sizes, np.int64), capacity, 10)


@pytest.mark.parametrize("seed", range(4))
def test_seed_of_random(seed):
    compare("random", stream(9, 400, 60), None, 20, 60, seed=seed)


@pytest.mark.parametrize("seed", range(4))
def test_counter_of_clock(seed):
    keys = stream(seed, 400, 60)
    naive = twin("clock", 20, bits=2)
    victims, _, _ = replay(naive, keys.tolist(), [1] * 60, 20, [None] * len(keys))
    assert study(keys, None, "clock:bits=2", 20, victims=True).victims.tolist() == victims


def test_next_uses():
    keys = stream(3, 300, 40)
    assert next_uses(keys, 40).tolist() == [-1 if later is None else later for later in naive_next_uses(keys.tolist())]


@pytest.mark.skipif(jit.DISABLED or jit.REFCOUNT, reason="this is the run inside the run")
@pytest.mark.parametrize("mode", ["NUMBA_DISABLE_JIT", "HIERSIM_REFCOUNT"])
def test_other_modes(mode):
    here = Path(__file__)
    command = [sys.executable, "-m", "pytest", "-x", "-p", "no:cacheprovider", str(here), "-k", SMALL[mode]]
    run = subprocess.run(
        command,
        env=os.environ | {mode: "1"},
        cwd=here.parent.parent.parent,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "passed" in run.stdout
