"""The working set against every window of the trace, one by one."""

import json

import numpy as np
import pytest
from oracle.curves import mean_working_set, stack_distances
from policies.streams import sizes_of, stream
from report.look import faults

from hiersim.errors import ConfigError
from hiersim.report.working_set_plot import working_set_plot
from hiersim.traces import AccessTrace
from hiersim.traces.working_set import working_set


def trace_of(seed, accesses=500, timed=True):
    times = np.cumsum(np.random.default_rng(seed).integers(0, 5_000, accesses)) * timed
    return AccessTrace.build(stream(seed, accesses, 60), sizes_of(seed, 60), {"time_ps": times - times[0]})


@pytest.mark.parametrize("seed", range(3))
def test_working_sets_are_the_means_of_all_windows(seed):
    trace = trace_of(seed, 300)
    for window in working_set(trace).windows:
        plain = mean_working_set(trace.object.tolist(), trace.size.tolist(), window.accesses)
        assert (window.objects, window.bytes) == pytest.approx(plain)


@pytest.mark.parametrize("timed", [False, True])
def test_parts_are_counted_one_by_one(timed):
    trace, seen = trace_of(4, timed=timed), set()
    found = working_set(trace, parts=7)
    assert len(found.parts) == 7
    assert sum(part.accesses for part in found.parts) == len(trace)
    for part in found.parts:
        keys = trace.object[part.start : part.start + part.accesses].tolist()
        assert part.objects == len(set(keys))
        assert part.bytes == sum(int(trace.size[key]) for key in set(keys))
        assert part.first_uses == len(set(keys) - seen)
        seen |= set(keys)
    if timed:
        step = -(-(trace.duration_ps + 1) // 7)
        inside = [np.count_nonzero(trace.time_ps // step == i) for i in range(7)]
        assert [part.accesses for part in found.parts] == inside


def test_bins_hold_every_reuse():
    trace = trace_of(5)
    found, keys = working_set(trace), trace.object.tolist()
    others = [distance - 1 for distance in stack_distances(keys) if distance]
    for each in found.distance:
        assert each.accesses == sum(each.low <= distance < each.high for distance in others)
    last, gaps = {}, []
    for key, now in zip(keys, trace.time_ps.tolist(), strict=True):
        gaps += [now - last[key]] if key in last else []
        last[key] = now
    for each in found.gap_ps:
        assert each.accesses == sum(each.low <= gap < each.high for gap in gaps)
    for bins in (found.distance, found.gap_ps):
        assert sum(each.accesses for each in bins) + found.first_uses == len(trace)


@pytest.mark.parametrize("keys", [[], [0], [0, 0, 0]])
def test_small_traces(keys):
    found = working_set(AccessTrace.build(keys, [5] if keys else []))
    assert json.loads(json.dumps(found.as_dict(), allow_nan=False))["accesses"] == len(keys)
    assert found.gap_ps == ()


def test_mistakes_are_told():
    with pytest.raises(ConfigError, match="must be 1 to 10,000, got 0"):
        working_set(trace_of(1), parts=0)


@pytest.mark.parametrize("parts", [1, 7, 40])
@pytest.mark.parametrize("timed", [False, True])
def test_the_picture_has_a_bar_for_each_part(parts, timed):
    found = working_set(trace_of(6, timed=timed), parts)
    ax = working_set_plot(found)
    known, fresh = ax.containers
    assert [bar.get_height() for bar in fresh] == [part.first_uses for part in found.parts]
    assert [bar.get_height() + bar.get_y() for bar in fresh] == [part.objects for part in found.parts]
    assert [bar.get_height() for bar in known] == [part.objects - part.first_uses for part in found.parts]
    assert faults(ax) == []
