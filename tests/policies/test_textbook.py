"""Facts of the textbooks and papers that a library of policies must show."""

import numpy as np
import pytest
from policies.streams import stream

from hiersim.drivers.cache_study import Study, study
from hiersim.policies.replacement import arc

BELADY = [1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5]
SEEDS = range(5)


def test_fifo_faults_more_with_more_frames():
    """Belady, Nelson, Shedler (1969): 9 faults with 3 frames, 10 with 4; LRU, a stack algorithm, cannot do so."""
    keys = np.array(BELADY, np.int32)
    assert [study(keys, None, "fifo", frames).misses for frames in (3, 4)] == [9, 10]
    three, four = (study(keys, None, "lru", frames).misses for frames in (3, 4))
    assert three >= four


@pytest.mark.xdist_group("policy-arc")
@pytest.mark.parametrize("seed", SEEDS)
def test_arc_keeps_its_lists_within_their_bounds(seed):
    """Megiddo, Modha (2003), section III: T1 + B1 hold at most c keys, all four lists at most 2c; T1 + T2 at most c.

    Ghosts are there only when the cache is full, and the target of T1 stays between 0 and c.
    """
    keys, capacity = stream(seed, 1_500, 120), 17
    cache = Study("arc", capacity, 120)
    totals = set()
    for piece in np.split(keys, len(keys) // 3):
        cache.feed(piece)
        t1, t2, b1, b2 = (int(amount) for amount in cache._state.amounts[: arc.B2 + 1])
        assert t1 + t2 == cache.result().resident <= capacity
        assert t1 + b1 <= capacity
        assert t1 + t2 + b1 + b2 <= 2 * capacity
        assert t1 + t2 == capacity or b1 + b2 == 0
        assert 0 <= cache._state.target[0] <= capacity
        for number, amount in ((arc.T1, t1), (arc.T2, t2), (arc.B1, b1), (arc.B2, b2)):
            assert int((cache._state.where == number).sum()) == amount
        totals.add(t1 + t2 + b1 + b2)
    assert max(totals) == 2 * capacity  # the bound is reached
