"""What a replay gives on request: hits, victims and counts per interval, against lists kept by hand."""

from dataclasses import replace

import numpy as np
import pytest
from oracle.policies import next_uses as naive_next_uses
from policies.streams import EACH, sizes_of, stream, told, twin

import hiersim as hs
from hiersim.drivers.cache_study import Study, study
from hiersim.errors import ConfigError

OBJECTS, ACCESSES = 40, 300


def by_hand(twin, keys, sizes, capacity):
    """Replay with the naive twin, noting per access: hit, bytes, and the number of evictions."""
    later, largest = naive_next_uses(keys), getattr(twin, "largest", capacity)
    inside, used, rows, victims = set(), 0, [], []
    for i, key in enumerate(keys):
        hit, before = key in inside, len(victims)
        if hit:
            twin.hit(key, later[i])
        else:
            twin.miss(key)
            if sizes[key] <= largest:
                while used + sizes[key] > capacity:
                    gone = twin.victim(key, sizes[key])
                    twin.remove(gone)
                    inside.remove(gone)
                    used -= sizes[gone]
                    victims.append(gone)
                twin.insert(key, sizes[key], later[i])
                inside.add(key)
                used += sizes[key]
        rows.append((hit, sizes[key], len(victims) - before))
    return rows, victims


@pytest.mark.parametrize("name", ["lru", "arc", "opt"])
@pytest.mark.parametrize("interval", [1, 7, 100, 300, 1000])
def test_hits_victims_and_series_are_the_twins(name, interval):
    keys, sizes = stream(5, ACCESSES, OBJECTS), sizes_of(5, OBJECTS)
    rows, victims = by_hand(twin(name, 60, False), keys.tolist(), sizes.tolist(), 60)
    result = study(keys, sizes, name, 60, victims=True, hits=True, interval=interval)
    assert result.hit_map.dtype == np.bool_
    assert result.hit_map.tolist() == [hit for hit, _, _ in rows]
    assert result.victims.tolist() == victims
    parts = [rows[i : i + interval] for i in range(0, ACCESSES, interval)]
    expected = {
        "requests": [len(part) for part in parts],
        "misses": [sum(not hit for hit, _, _ in part) for part in parts],
        "bytes": [sum(size for _, size, _ in part) for part in parts],
        "missed_bytes": [sum(size for hit, size, _ in part if not hit) for part in parts],
        "evictions": [sum(gone for _, _, gone in part) for part in parts],
    }
    assert {key: getattr(result.series, key).tolist() for key in expected} == expected
    assert result.series.table().columns == ["start", *expected]


@pytest.mark.parametrize("cuts", [(), (1,), (3, 5, 8, 120), tuple(range(300))])
def test_outputs_do_not_depend_on_the_pieces(cuts):
    keys = stream(6, ACCESSES, OBJECTS)
    whole = study(keys, None, "lru", 9, victims=True, hits="packed", interval=64)
    one = Study("lru", 9, OBJECTS, victims=True, hits="packed", interval=64)
    for piece in np.split(keys, cuts):
        one.feed(piece)
    parts = one.result()
    assert np.array_equal(parts.hit_map, np.packbits(study(keys, None, "lru", 9, hits=True).hit_map))
    assert np.array_equal(parts.hit_map, whole.hit_map)
    assert np.array_equal(parts.victims, whole.victims)
    assert parts.series.table().equals(whole.series.table())
    assert parts == whole or parts.seconds != whole.seconds


@pytest.mark.parametrize("name", EACH)
def test_asking_changes_no_total(name):
    trace = replace(hs.AccessTrace.build(stream(7, ACCESSES, OBJECTS)), **told(name, OBJECTS))
    plain = hs.replay(trace, name, [5, 20])
    asked = hs.replay(trace, name, [5, 20], interval=50, victims=True, workers=2)
    for one, other in zip(plain, asked, strict=True):
        assert (one.misses, one.evictions, one.resident) == (other.misses, other.evictions, other.resident)
        assert other.series.misses.sum() == one.misses
        assert len(other.victims) == one.evictions
        assert (one.victims, one.hit_map, one.series, other.hit_map) == (None, None, None, None)


def test_an_empty_trace_gives_empty_outputs():
    result = study(np.zeros(0, np.int32), None, "lru", 4, victims=True, hits="packed", interval=5)
    assert [len(result.victims), len(result.hit_map), len(result.series)] == [0, 0, 0]


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        ({"hits": "pack"}, "hits  must be True, False or `packed`, got `pack`; did you mean `packed`?"),
        ({"interval": 0}, "interval  must be a number of accesses, at least 1, got 0"),
        ({"interval": 1.5}, "interval  must be a number of accesses, at least 1, got 1.5"),
    ],
)
def test_impossible_outputs(outputs, message):
    with pytest.raises(ConfigError) as caught:
        hs.replay(hs.AccessTrace.build([0, 1]), "lru", 1, **outputs)
    assert str(caught.value) == message
