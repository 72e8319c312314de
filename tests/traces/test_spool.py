"""A trace kept on disk has the numbers, sizes and next accesses of one opened whole, also with ids out of core."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hiersim as hs
from hiersim.errors import HiersimError, OutputError, TraceError
from hiersim.traces import spool as spool_module
from hiersim.traces.ids import Numbering
from hiersim.traces.partitions import Partitions
from hiersim.traces.spool import spool

FAST = settings(derandomize=True, deadline=None, max_examples=30)


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(spool_module, "PARTITIONS", 3)


def by_dictionary(ids):
    table = {}
    return [table.setdefault(i, len(table)) for i in ids], list(table)


@FAST
@given(
    before=st.lists(st.integers(0, 60), max_size=60),
    after=st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 90), max_size=200),
    partitions=st.integers(1, 5),
    chunk=st.integers(9, 50),
)
def test_out_of_core_equals_a_dictionary(tmp_path_factory, before, after, partitions, chunk):
    known = Numbering(slots=8)
    known.add(np.array(before, np.uint64))
    aside = Partitions(tmp_path_factory.mktemp("ids"), known, partitions)
    ids = np.array(after, np.uint64)
    for at in range(0, len(ids), chunk):
        aside.add(ids[at : at + chunk])
    numbers, appeared = [], []
    for part, first in aside.numbers():
        appeared += (len(numbers) + first).tolist()
        numbers += part.tolist()
    expected, originals = by_dictionary(before + after)
    assert numbers == expected[len(before) :]
    assert aside.count == len(originals)
    assert [after[i] for i in appeared] == originals[len(set(before)) :]


def text(rows, sizes):
    """Return a CSV of accesses."""
    return "time,id,size\n" + "".join(f"{i},{key},{sizes[key % len(sizes)]}\n" for i, key in enumerate(rows))


@pytest.mark.parametrize("memory", [1 << 30, 1 << 20])
@pytest.mark.parametrize("sizes", [[7], [7, 7, 9, 1]])
def test_equals_the_trace_opened_whole(tmp_path, monkeypatch, memory, sizes):
    monkeypatch.setattr(spool_module, "BLOCK", 1000)
    used, merge = [], Partitions.numbers
    monkeypatch.setattr(Partitions, "numbers", lambda self: used.append(True) or merge(self))
    rows = (100_000 * np.random.default_rng(3).random(120_000) ** 2).astype(int).tolist()
    (tmp_path / "trace.csv").write_text(text(rows, sizes))
    whole = hs.open(tmp_path / "trace.csv")
    with spool(tmp_path / "trace.csv", memory=memory, chunk=7000) as found:
        pieces = list(found.pieces(future=True))
        assert used == ([] if memory > 1 << 20 else [True])
        assert [len(found), found.objects, found.footprint] == [len(whole), whole.objects, whole.footprint]
        assert np.array_equal(np.concatenate([keys for keys, _ in pieces]), whole.object)
        never = np.iinfo(np.int64).max
        later = np.concatenate([later for _, later in pieces]).astype(np.int64)
        assert np.array_equal(np.where(later < 0, never, later), whole.next_use)
        assert np.array_equal(found.size, whole.size)
        assert all(later is None for _, later in found.pieces())
    assert not found.folder.exists()


@FAST
@given(st.data())
def test_sizes_are_the_largest_whenever_they_change(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("trace")
    keys = data.draw(st.lists(st.integers(0, 30), min_size=1, max_size=80))
    sizes = data.draw(st.lists(st.sampled_from([5, 5, 5, 8, 3]), min_size=len(keys), max_size=len(keys)))
    lines = [f"{key},{size},{i + 1}\n" for i, (key, size) in enumerate(zip(keys, sizes, strict=True))]
    (folder / "trace.csv").write_text("id,size,flops\n" + "".join(lines))
    with spool(folder / "trace.csv", memory=256, chunk=data.draw(st.integers(1, 20))) as found:
        whole = hs.open(folder / "trace.csv")
        assert np.array_equal(found.size, whole.size)
        assert np.array_equal(found.costs, whole.costs)
        assert np.array_equal(np.concatenate([keys for keys, _ in found.pieces()]), whole.object)


@pytest.mark.parametrize(
    "content",
    [
        "time,id\n5,1\n4,1\n",
        "id,size\n1,0\n",
        "id\n-1\n18446744073709551615\n",
        "id\n",
    ],
)
def test_complaints_are_those_of_opening_whole(tmp_path, content):
    (tmp_path / "trace.csv").write_text(content)
    with pytest.raises(HiersimError) as whole:
        hs.open(tmp_path / "trace.csv", ignore_size="size" not in content)
    with pytest.raises(HiersimError) as streamed:
        spool(tmp_path / "trace.csv", memory=1 << 20, ignore_size="size" not in content)
    assert str(streamed.value) == str(whole.value)


def test_words_are_numbered_in_memory(tmp_path):
    (tmp_path / "trace.csv").write_text("id\nb\na\nb\nc\n")
    with spool(tmp_path / "trace.csv", memory=1, ignore_size=True) as found:
        assert [keys.tolist() for keys, _ in found.pieces()] == [[0, 1, 0, 2]]


def test_requests_are_refused(tmp_path):
    hs.write_trace(hs.generate("chat", sessions=2), tmp_path / "chat.parquet")
    with pytest.raises(TraceError, match="holds requests, which are opened whole, not streamed"):
        spool(tmp_path / "chat.parquet", memory=1 << 20)


def test_a_full_disk_is_one_line(tmp_path, monkeypatch):
    (tmp_path / "trace.csv").write_text("id\n1\n")

    def full(*given):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(spool_module._Numberer, "_keep", full)
    monkeypatch.setattr(spool_module.tempfile, "tempdir", str(tmp_path))
    with pytest.raises(OutputError, match="No space left on device; TMPDIR names the folder"):
        spool(tmp_path / "trace.csv", memory=1 << 20, ignore_size=True)
    assert not list(tmp_path.glob("hiersim-*"))
