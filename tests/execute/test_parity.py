"""The execute driver and its naive twin agree to the picosecond and to the byte on random machines and operations."""

from __future__ import annotations

from collections import Counter

import pytest
from core.mutating import run_broken
from execute.mutations import BROKEN
from execute.parity import disagreement, make_twin
from hypothesis import given, settings
from oracle.core.calendar import StuckError
from oracle.execute.twin import LostError
from strategies.operations import task, tasks

CHUNK = 50


@pytest.mark.parametrize("first", [pytest.param(0, marks=pytest.mark.xdist_group("engine")), *range(CHUNK, 500, CHUNK)])
def test_driver_and_twin_agree(first):
    wrong = {seed: found[:3] for seed in range(first, first + CHUNK) if (found := disagreement(task(seed)))}
    assert not wrong


@pytest.mark.parametrize("first", range(0, 200, CHUNK))
def test_driver_and_twin_agree_where_memory_is_tight(first):
    wrong = {s: found[:3] for s in range(first, first + CHUNK) if (found := disagreement(task(s, tight=True)))}
    assert not wrong


@given(tasks(tight=True))
@settings(max_examples=60, deadline=None)
def test_driver_and_twin_agree_on_examples_that_shrink(drawn):
    assert not disagreement(drawn)


HAPPENED = """
turn, waiting, created, lost, dropped, written_back, merged, in_time, late, unused, bytes, near, two units
stuck, lost error
compute, fetch, offload, store, drop, carry
stall room write-back, stall room arrivals, stall slot demand, stall latency, stall bandwidth bandwidth
stall bandwidth operations, stall bandwidth dies, stall joined demand, stall joined write-back, stall joined prefetch
"""


def happened(task):
    """What a run of the twin brings about, in words."""
    twin = make_twin(task)
    found = {op.action for op in twin.ops} | ({"two units"} if len(task.machine.units) > 1 else set())
    for name in ("_consider", "_copy"):
        setattr(twin, name, _watched(getattr(twin, name), found))
    try:
        outcome = twin.run()
    except StuckError:
        return found | {"stuck"}
    except LostError:
        return found | {"lost error"}
    for tier in outcome.tiers.values():
        counted = {
            name: getattr(tier, name) for name in ("lost", "dropped", "written_back", "merged")
        } | tier.prefetches
        found |= {name for name, count in counted.items() if count}
    found |= {" ".join(("stall", key[0], key[2])).strip() for unit in outcome.units.values() for key in unit.stalls}
    return found | ({"created"} if outcome.created else set()) | ({"near"} if twin.stalls.active else set())


def _watched(method, found):
    def run(op):
        method(op)
        found.add(op.phase)

    return run


def test_the_tasks_bring_about_every_kind_of_event():
    count = Counter(
        word for seed in range(200) for tight in (False, True) for word in happened(task(seed, tight=tight))
    )
    words = {word.strip() for line in HAPPENED.strip().splitlines() for word in line.split(",")}
    assert {word: count[word] for word in words if count[word] < 2} == {}


def test_a_broken_line_shows():
    assert run_broken("execute.mutations", list(BROKEN)) == dict.fromkeys(BROKEN, True)
