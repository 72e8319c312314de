"""What a policy's state grows with is stated, is what its arrays hold, and is small where the policy is simple."""

import numpy as np
import pytest
from policies.streams import NAMES

from hiersim import policies
from hiersim.policies.contract import Setup
from hiersim.policies.footprint import facts, footprint

SIMPLE = 64  # bytes an object at most
NOT_SIMPLE = {"wtinylfu-lcs", "lhd", "cacheus", "cacheus-lcs", "lecar"}  # sketches, or several policies at once


@pytest.mark.parametrize("name", [name for name in NAMES if name not in NOT_SIMPLE])
@pytest.mark.parametrize("uniform", [True, False])
def test_simple_policies_keep_little(name, uniform):
    assert footprint(policies.find(name), uniform=uniform).most <= SIMPLE


@pytest.mark.parametrize("name", ["lru", "sieve", "s3fifo", "arc", "opt"])
@pytest.mark.parametrize(("objects", "capacity", "accesses"), [(100_000, 1_000, 0), (50_000, 80_000, 300_000)])
def test_a_footprint_is_what_the_arrays_hold(name, objects, capacity, accesses):
    policy = policies.find(name)
    state = policy.init(Setup(capacity, objects, accesses))
    expected = footprint(policy).bytes(objects, capacity, accesses)
    assert sum(array.nbytes for array in state) == pytest.approx(expected, rel=0.02)


def test_lru_keeps_two_links_and_opt_what_comes():
    assert facts(policies.find("lru")) == {
        "bytes_per_object": 8.0,
        "most_bytes_per_object": 8.0,
        "most_bytes_per_object_with_sizes": 8.0,
    }
    assert np.isclose(footprint(policies.find("opt")).per_access, 4 + 8 / 63, atol=0.01)
