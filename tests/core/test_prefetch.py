"""Prefetchers in the timed core: what pen and paper say of what they are worth, limits, and mistakes."""

from __future__ import annotations

import numpy as np
import pytest
from core.machines import AT_HOME, FAR, NEAR, a_machine, done, run

from hiersim.drivers.replay import replay_timed
from hiersim.errors import ConfigError, PolicyError
from hiersim.machine import Replay, TierRules
from hiersim.traces.access import AccessTrace

SIZE = 100


def worth(objects, prefetch, room, *, policy="lru", think=100_000, count=None, **replay):
    """What the prefetches of a run were worth; ``room`` objects fit near, ``count`` there are in all."""
    sizes = SIZE if count is None else [SIZE] * count
    rules = {NEAR: TierRules(capacity=room * SIZE, policy=policy, prefetch=prefetch)}
    result = run(a_machine(link={"latency": 50}), objects, sizes, rules, {"think": think, **replay})
    return result.tiers[NEAR].prefetch, result


@pytest.mark.parametrize(
    ("prefetcher", "covers"),
    [("next-n", 0.99), ("next-n:n=3", 0.99), ("stride", 0.98), ("oracle:lookahead=2", 0.99), ("leap:window=4", 0.87)],
)
def test_a_sequence_is_prefetched(prefetcher, covers):
    """A few misses show the sequence, then nothing misses; but Leap fetches at misses only, eight objects at once."""
    found, _ = worth(range(200), prefetch=prefetcher, room=20)
    assert found.accuracy == 1.0
    assert covers <= found.coverage < 1.0
    assert found.timeliness == 1.0
    assert found.misses + found.in_time == 200


def test_next_1_on_a_sequence_to_the_picosecond():
    """The first access is fetched: 50 ps and 100 bytes; each further one reads near what came while it was thought."""
    found, result = worth(range(50), prefetch="next-n", room=4)
    assert done(result) == [150, *[100] * 49]
    assert (found.issued, found.in_time, found.misses, found.accuracy) == (49, 49, 1, 1.0)
    assert found.coverage == 49 / 50
    assert result.links["link"].forward_bytes["page"] == 50 * SIZE
    assert found.bytes == 49 * SIZE


def test_what_is_asked_for_at_once_joins_its_prefetch():
    """Without thought the next access is issued when the prefetch begins, and takes all of its time."""
    found, result = worth(range(50), prefetch="next-n", room=4, think=0)
    assert done(result) == [150] * 50
    assert (found.late, found.in_time, found.timeliness, found.accuracy) == (49, 0, 0.0, 1.0)
    assert result.tiers[NEAR].merged == 49


def test_an_oracle_makes_no_pollution():
    """With the optimum as the tier's policy, and room for more than the window, only the first access misses."""
    objects = np.random.default_rng(3).zipf(1.2, 800) % 60
    found, result = worth(objects, prefetch="oracle:lookahead=8", room=12, policy="opt")
    plain, _ = worth(objects, prefetch="oracle:lookahead=1", room=12, policy="lru")
    assert (found.pollution, result.tiers[NEAR].misses, found.accuracy) == (0, 1, 1.0)
    assert plain.accuracy == 1.0
    assert plain.misses == 1


@pytest.mark.parametrize("n", [2, 4, 6])
def test_next_n_on_a_random_trace_is_right_by_chance(n):
    """An unused object lives for ``room / (n + 1)`` accesses, and is asked for in each with chance 1 / objects.

    With room for n (n + 1) that is n / objects; of 20,000 accesses some hundred prefetches are used.
    """
    count, accesses = 1000, 20_000
    objects = np.random.default_rng(n).integers(0, count, accesses)
    found, _ = worth(objects, f"next-n:n={n},when=miss", n * (n + 1), count=count)
    used = found.accuracy * (found.issued - found.dropped)
    assert found.accuracy == pytest.approx(n / count, abs=4 * used**0.5 / found.issued)
    assert used > 70


def test_every_prefetch_is_accounted_for():
    """8 brings 9, which is used; 3 drives out 8, and 4 drives out 9, which then misses: pollution. 4 is left."""
    found, _ = worth([8, 9, 3, 9], "next-n:when=miss", 2, count=10)
    assert (found.named, found.issued, found.in_time, found.pollution, found.left) == (2, 2, 1, 1, 1)
    assert (found.unused, found.late, found.dropped, found.misses) == (0, 0, 0, 3)
    assert found.coverage == 1 / (1 + 3 - 1)


def test_no_prefetch_waits_for_room_that_nobody_can_give():
    """1 takes the room that is free, 2 that of 0, and the room that those on their way take is not given to 3 and 4."""
    found, _ = worth([0], "next-n:n=4", 2, count=10)
    assert (found.issued, found.dropped, found.left, found.bytes) == (4, 2, 2, 2 * SIZE)


def test_no_more_are_on_their_way_than_the_limit_allows():
    found, result = worth([0], "next-n:n=9,outstanding=3", 20, count=10)
    assert (found.named, found.issued, found.dropped, found.left) == (9, 9, 6, 3)
    assert sorted(result.timeline.object.tolist()) == [0, 1, 2, 3]
    assert result.timeline.traffic.tolist().count(2) == 3


def test_a_prefetch_gives_way_to_demand():
    """Three prefetches share the link with a demand fetch, which takes 100 ps of it and leaves them to wait."""
    trace = AccessTrace.build([0, 9], [SIZE] * 10, {"object_class": 0, "time_ps": [0, 160]}, classes=("page",))
    rules = {NEAR: TierRules(capacity=2000, prefetch="next-n:n=3"), FAR: TierRules()}
    result = replay_timed(a_machine(), rules, trace, Replay(mode="open"), classes=AT_HOME, timeline=True)
    assert done(result) == [100, 100]
    ends = dict(zip(result.timeline.object.tolist(), result.timeline.done_ps.tolist(), strict=True))
    assert ends == {0: 100, 9: 260, 1: 500, 2: 500, 3: 500}


def test_layers_are_told_by_ids():
    """Two tensors a layer, four layers, over and over, room for three: each comes while the one before is used."""
    ids = np.array([f"model.layers.{layer}.{part}" for layer in range(4) for part in ("attn", "mlp")])
    trace = AccessTrace.build(list(range(8)) * 10, SIZE, {"object_class": 0, "original_id": ids}, classes=("page",))
    rules = {NEAR: TierRules(capacity=6 * SIZE, prefetch="layer-ahead"), FAR: TierRules()}
    found = replay_timed(a_machine(), rules, trace, Replay(think=1000), classes=AT_HOME).tiers[NEAR].prefetch
    assert (found.misses, found.in_time, found.left, found.unused, found.pollution) == (2, 78, 2, 0, 0)
    nameless = AccessTrace.build([0, 1, 0], SIZE, {"object_class": 0}, classes=("page",))
    with pytest.raises(ConfigError, match=r"tiers.near.prefetch: no id of the trace names a layer .* per_layer=n"):
        replay_timed(a_machine(), rules, nameless, Replay(), classes=AT_HOME)


def test_without_prefetches_nothing_is_reported():
    _, result = worth([0, 1, 0], None, 2)
    assert result.tiers[NEAR].prefetch is None


MINE = """
from typing import NamedTuple
import numpy as np
class State(NamedTuple):
    seen: np.ndarray
def init(setup):
    return State(np.zeros(setup.objects, np.int64))
def on_access(state, key, req, out):
    state.seen[key] += 1
    out[0] = key + 1
    return 1 if key + 1 < state.seen.shape[0] else 0
"""


def mine(tmp_path, old="", new=""):
    assert old in MINE
    path = tmp_path / "ahead.py"
    path.write_text(MINE.replace(old, new))
    return worth(range(6), str(path), 20)[0]


def test_a_users_prefetcher(tmp_path):
    assert mine(tmp_path).in_time == 5


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "out[0] = key + 1",
            "out[0] = key + 9",
            r"prefetcher `.*ahead.py` of tier `near` named object 9; .* 0 to 5 \(line \d+\)",
        ),
        (
            "return 1 if",
            "return 2000 if",
            r"of tier `near` says that it named 2,000 objects; `out` holds 0 to 1,024 \(line \d+\)",
        ),
        ("state.seen[key]", "state.seen[key + 99]", r"prefetcher `.*ahead.py`: IndexError: .*"),
    ],
)
def test_what_a_users_prefetcher_may_not_do(tmp_path, old, new, says):
    with pytest.raises(PolicyError, match=says):
        mine(tmp_path, old, new)


def test_only_a_near_tier_prefetches():
    trace = AccessTrace.build([0], SIZE, {"object_class": 0}, classes=("page",))
    rules = {NEAR: TierRules(), FAR: TierRules(prefetch="leap")}
    with pytest.raises(ConfigError, match=r"tiers.far.prefetch: only the near tier of a unit prefetches"):
        replay_timed(a_machine(), rules, trace, Replay(), classes=AT_HOME)
