"""Random streams of keys for the tests of policies: skewed, looping, and with scans, so that queues turn over."""

import importlib
import inspect

import numpy as np
import pytest

from hiersim.policies import NAMES, find

OPTIONS = {  # a variant's twin: its module, and the parameters that make it the variant
    "s3fifo-2023": ("s3fifo", {"overflow": False}),
    "size-lcs": ("size", {"recency": False}),
    "lfuda-lcs": ("lfuda", {"step": True}),
    "lra": ("lru", {}),
    "lfa": ("lfu", {}),
    "gclock": ("clock", {"bits": 8, "start": 1}),
    "2q": ("two_q", {}),
    "slru-lcs": ("slru", {"early": True}),
    "lirs-lcs": ("lirs", {"early": True}),
    "clock2q+": ("clock2q_plus", {}),
    "clock-pro-lcs": ("clock_pro", {"cold": 0.5, "refuse": True}),
    "lru-2": ("lru_k", {"retained": 0}),
}


def group(name):
    """Return the mark of tests that need a policy's compiled code: they all run in the process that has it already."""
    return pytest.mark.xdist_group(f"policy-{OPTIONS.get(name, (name,))[0].replace('_', '-')}")


def of(name, *more):
    """Return parameters of a test that belong to a policy, marked with its group."""
    return pytest.param(name, *more, marks=group(name))


EACH = [of(name) for name in NAMES]
SLOW = ("hyperbolic", "belady-size", "lhd")  # their twins draw many keys for each victim: fewer seeds do
EACH_SEEDED = [of(name, seed) for name in NAMES for seed in range(2 if name in SLOW else 5)]
HASHED = ("wtinylfu", "wtinylfu-lcs")  # policies that hash ids, so that other ids may collide otherwise


def twin(name, capacity, uniform=True, objects=None, parents=None, **options):
    """Make the naive twin of a policy; ``objects`` and ``parents`` are for those that must know them."""
    module, more = OPTIONS.get(name, (name.replace("-", "_"), {}))
    kind = importlib.import_module(f"oracle.policies.{module}").Twin
    for key, value in (("objects", objects), ("parents", parents)):
        if value is not None and key in inspect.signature(kind).parameters:
            options[key] = value
    return kind(capacity, uniform, **more, **options)


def forest(objects, seed=0):
    """Return int32 parents of a random forest, -1 for none: sequences that branch, in no order of keys."""
    rng = np.random.default_rng([seed, 2])
    names = rng.permutation(objects).astype(np.int32)
    parents = np.full(objects, -1, np.int32)
    for i in range(1, objects):
        kind = rng.random()  # the next of its sequence, a branch, or the first of another
        if kind < 0.9:
            parents[names[i]] = names[i - 1] if kind < 0.6 else names[rng.integers(i)]
    return parents


def told(name, objects, seed=0):
    """Return what a replay must be told of its objects for this policy: parents, or nothing."""
    return {"parents": forest(objects, seed)} if find(name).needs_parents else {}


def stream(seed, requests, objects):
    """Return int32 keys: a third skewed, a third looping, a third scanning, in pieces of random length."""
    rng = np.random.default_rng(seed)
    keys, at = [], 0
    while len(keys) < requests:
        length = int(rng.integers(1, 60))
        kind = rng.integers(3)
        if kind == 0:
            keys += list((objects * rng.random(length) ** 3).astype(int))
        elif kind == 1:
            loop = rng.integers(0, objects, int(rng.integers(1, 12)))
            keys += [int(loop[i % len(loop)]) for i in range(length)]
        else:
            keys += [(at + i) % objects for i in range(length)]
            at += length
    return np.array(keys[:requests], np.int32)


def sizes_of(seed, objects, most=12):
    """Return int64 sizes from 1 to ``most`` bytes, small ones more often."""
    return 1 + (most * np.random.default_rng([seed, 1]).random(objects) ** 2).astype(np.int64)
