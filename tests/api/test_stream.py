"""A streamed replay is the plain one, result for result, whatever the pieces, the memory and the workers."""

from pathlib import Path

import numpy as np
import pytest
from policies.streams import EACH, sizes_of, stream

import hiersim as hs
from hiersim import policies
from hiersim.api import replay_stream
from hiersim.drivers.cache_stream import batches, feed_all
from hiersim.drivers.cache_study import Study, next_uses, study
from hiersim.errors import ConfigError, TraceError
from hiersim.traces import spool as spool_module

SAMPLE = Path(__file__).parent.parent.parent / "traces" / "zipf_sample.oracleGeneral.bin.zst"


def same(one, other):
    strip = [
        {key: value for key, value in row.items() if "second" not in key}
        for found in (one, other)
        for row in found.rows()
    ]
    return strip[: len(one)] == strip[len(one) :] and (one.unit, one.trace) == (other.unit, other.trace)


@pytest.mark.parametrize("name", EACH)
def test_pieces_give_what_the_whole_gives(name):
    keys, objects = stream(11, 400, 60), 60
    if policies.find(name).needs_parents:
        pytest.skip("needs prefix blocks, which are never streamed")
    for sizes, capacity in ((None, 17), (sizes_of(11, objects), 90)):
        whole = study(keys, sizes, name, capacity, objects=objects, victims=True)
        later = next_uses(keys, objects)
        some = [Study(name, capacity, objects, sizes=sizes, accesses=len(keys), victims=True) for _ in range(3)]
        cuts = [1, 2, 50, 51, 180]
        feed_all(some, zip(np.split(keys, cuts), np.split(later, cuts), strict=True), workers=2)
        for each in some:
            assert each.result().victims.tolist() == whole.victims.tolist()
            assert (each.result().misses, each.result().resident) == (whole.misses, whole.resident)


@pytest.mark.parametrize("ignore_size", [False, True])
def test_streaming_changes_no_result(monkeypatch, ignore_size):
    monkeypatch.setattr(spool_module, "BLOCK", 30_000)
    chosen = {"policy": "lru,s3fifo,opt", "capacity": ["1%", "10%"], "ignore_size": ignore_size, "limit": 70_000}
    plain = hs.replay(SAMPLE, **chosen)
    for workers, memory in ((1, "1 MiB"), (2, "1 GiB")):
        assert same(plain, hs.replay(SAMPLE, stream=True, workers=workers, memory=memory, chunk=9_999, **chosen))


def test_outputs_and_progress_of_a_stream(monkeypatch):
    monkeypatch.setattr(spool_module, "BLOCK", 30_000)
    asked, told = {"hits": "packed", "victims": True, "interval": 7_000}, []
    plain = hs.replay(SAMPLE, "lru", "5%", **asked)[0]
    found = hs.replay(SAMPLE, ["lru", "fifo"], "5%", stream=True, progress=lambda *at: told.append(at), **asked)[0]
    assert np.array_equal(plain.hit_map, found.hit_map)
    assert np.array_equal(plain.victims, found.victims)
    assert plain.series.table().equals(found.series.table())
    assert told[-1] == (200_000, 200_000)
    assert len(told) == 4


def test_large_files_are_streamed_by_themselves(tmp_path, monkeypatch):
    assert not replay_stream.wants_stream(SAMPLE, None, {})
    assert replay_stream.wants_stream(SAMPLE, True, {})
    size = SAMPLE.stat().st_size
    monkeypatch.setattr(replay_stream, "LARGE", 4 * size - 1)
    assert replay_stream.wants_stream(SAMPLE, None, {})
    assert not replay_stream.wants_stream(SAMPLE, False, {})
    monkeypatch.setattr(replay_stream, "LARGE", 4 * size)
    assert not replay_stream.wants_stream(SAMPLE, None, {})
    monkeypatch.setattr(replay_stream, "LARGE", 4)
    hs.write_trace(hs.generate("chat", sessions=2), tmp_path / "chat.parquet")
    assert not replay_stream.wants_stream(tmp_path / "chat.parquet", None, {})


def test_batches_fit_into_memory():
    assert list(batches([5, 5, 5, 30, 1, 1], 10)) == [[0, 1], [2], [3], [4, 5]]
    assert list(batches([], 10)) == []


def test_a_failing_cache_ends_the_pass():
    one = Study("lru", 4, 10)
    with pytest.raises(TraceError, match="keys must be 0 to 9, got 3 to 12"):
        feed_all([one, one], [(np.array([3, 12], np.int32), None)] * 3, workers=2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"memory": "12"}, "memory  `12` has no unit; expected a size"),
        ({"memory": "1 KiB"}, "memory  must be at least 1 MiB, got `1 KiB`"),
        ({"predictions": "adversarial"}, "predictions  have errors, which a streamed replay does not give"),
        (
            {"policy": "mark-discard"},
            "policy  `mark-discard` takes discard bits, which a streamed replay",
        ),
        ({"policy": "lri"}, "policy  no policy `lri`"),
    ],
)
def test_impossible_streams(options, message):
    with pytest.raises(ConfigError, match=message):
        hs.replay(SAMPLE, stream=True, **options)


def test_an_open_trace_is_not_streamed():
    with pytest.raises(ConfigError, match="stream  is for files; this trace is in memory already"):
        hs.replay(hs.AccessTrace.build([0, 1]), capacity=1, stream=True)
