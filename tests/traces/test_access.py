"""Access and request traces: their laws, slices, tables and what they show."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from hiersim.errors import TraceError
from hiersim.models import find_model
from hiersim.traces import NEVER, AccessTrace, RequestTrace, generate


@pytest.fixture(scope="module")
def zipf():
    return generate("zipf", seed=3, accesses=2000, objects=300, sizes="uniform", write_share=0.3)


@pytest.fixture(scope="module")
def chat():
    return generate("chat", seed=3, sessions=40, block_tokens=64)


def test_columns_have_the_types_that_the_core_takes(zipf):
    kinds = {"object": "i4", "time_ps": "i8", "write": "u1", "stream": "i4", "group": "i4", "size": "i8"}
    kinds |= {"object_class": "u1", "flops": "f8"}
    for name, kind in kinds.items():
        column = getattr(zipf, name)
        assert column.dtype == np.dtype(kind), name
        assert column.flags.c_contiguous
        assert column.flags.writeable


def test_next_use_is_the_next_index_of_the_same_object(zipf):
    upcoming = {}
    for i in range(len(zipf) - 1, -1, -1):
        assert zipf.next_use[i] == upcoming.get(zipf.object[i], NEVER)
        upcoming[zipf.object[i]] = i


def test_fingerprint_depends_on_columns_alone(zipf):
    assert zipf.with_about(name="other", notes=("x",)).fingerprint() == zipf.fingerprint()
    changed = AccessTrace.build(zipf.object, zipf.size + 1)
    assert changed.fingerprint() != AccessTrace.build(zipf.object, zipf.size).fingerprint()
    assert len(zipf.fingerprint()) == 64


def test_fingerprint_is_stable_between_versions():
    trace = AccessTrace.build([0, 1, 0], [10, 20], {"time_ps": [0, 5, 9]})
    assert trace.fingerprint() == "3f385cdd98139758ad59810381b03ae6875d2f2a4115453804c47c0f89450711"


def test_slices_keep_what_an_access_means(zipf):
    part = zipf[500:900]
    assert len(part) == 400
    assert (part.original_id[part.object] == zipf.original_id[zipf.object[500:900]]).all()
    assert (part.size[part.object] == zipf.size[zipf.object[500:900]]).all()
    assert (part.time_ps == zipf.time_ps[500:900]).all()
    assert part.objects == len(set(zipf.object[500:900].tolist()))
    assert zipf.limit(10).fingerprint() == zipf[:10].fingerprint()


def test_requests_slice_like_accesses(chat):
    part = chat[10:30]
    for r in range(20):
        mine = part.original_block_id[part.block_ids[part.block_offsets[r] : part.block_offsets[r + 1]]]
        theirs = chat.block_ids[chat.block_offsets[r + 10] : chat.block_offsets[r + 11]]
        assert mine.tolist() == chat.original_block_id[theirs].tolist()
    assert (part.prompt_tokens == chat.prompt_tokens[10:30]).all()


def test_polars_round_trips(zipf, chat):
    assert AccessTrace.from_polars(zipf.to_polars()).fingerprint() == zipf.fingerprint()
    again = RequestTrace.from_polars(chat.to_polars(), block_tokens=64)
    assert again.fingerprint() == chat.fingerprint()


def test_from_polars_needs_ids():
    with pytest.raises(TraceError, match="no column holds the object ids"):
        AccessTrace.from_polars(pl.DataFrame({"time": [1], "bytes": [2]}))


def test_footprint_beyond_int64_does_not_overflow():
    trace = AccessTrace.build(np.arange(300), 2**56)
    assert trace.footprint == trace.bytes_accessed == 300 * 2**56


def test_blocks_touch_each_prefix_in_order_with_the_models_bytes_and_flops(chat):
    model = find_model("llama-3.1-8b")
    trace = chat.blocks(model)
    assert trace.object.tolist() == chat.block_ids.tolist()
    assert set(trace.size.tolist()) == {64 * 131072}
    assert trace.classes == ("kv",)
    assert not trace.write.any()
    for r in (0, 7, len(chat) - 1):
        span = slice(chat.block_offsets[r], chat.block_offsets[r + 1])
        assert set(trace.group[span].tolist()) == set(trace.stream[span].tolist()) == {r}
        assert set(trace.time_ps[span].tolist()) == {chat.time_ps[r]}
        depth = np.arange(span.stop - span.start) * 64
        assert trace.flops[trace.object[span]] == pytest.approx(model.prefill_flops(depth, 64))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"object": [0, 2]}, "object numbers run from 0 to 1, got 0 to 2"),
        ({"size": [0, 1]}, "sizes are 1 to 2\\^56 bytes, got 0 to 1"),
        ({"size": [1, 2**56 + 1]}, "sizes are 1 to 2\\^56 bytes"),
        ({"columns": {"time_ps": [5, 4]}}, "never decrease"),
        ({"columns": {"object_class": [0, 3]}}, "object class 3 has no name among page"),
        ({"columns": {"colour": 1}}, "no column `colour`"),
    ],
)
def test_impossible_traces_are_refused(changes, message):
    with pytest.raises(TraceError, match=message):
        AccessTrace.build(**{"object": [0, 1], "size": [1, 1], **changes})


def test_a_model_name_is_not_a_model(chat):
    with pytest.raises(TraceError, match=r"find_model\(name\)"):
        chat.blocks("llama-3.1-8b")


def test_traces_show_themselves(zipf, chat):
    assert repr(zipf).startswith("<AccessTrace zipf: accesses 2,000, objects ")
    assert "blocks seen before" in repr(chat)
    for trace in (zipf, chat):
        page = trace._repr_html_()
        assert page.count("<svg") == 2
        assert "generated:" in page


def test_empty_and_single_traces_show_themselves():
    assert "accesses 0" in repr(AccessTrace.build([], []))
    assert AccessTrace.build([0], [5])._repr_html_().count("<svg") == 1


def test_parents_are_the_blocks_before(chat):
    trace = chat.blocks()
    parents, seen = trace.parents, {}
    for r in range(len(chat)):
        before = -1
        for block in chat.block_ids[chat.block_offsets[r] : chat.block_offsets[r + 1]].tolist():
            assert parents[block] == seen.setdefault(block, before)
            before = block
    assert parents.dtype == np.int32
    assert 0 < (parents < 0).sum() < len(parents)


def test_parents_are_numbered_anew_with_their_objects(chat):
    trace = chat.blocks()
    part = trace[len(trace) // 3 : len(trace) // 2]
    names = trace.original_id
    for child, parent in enumerate(part.parents.tolist()):
        whole = trace.parents[int(np.flatnonzero(names == part.original_id[child])[0])]
        here = part.original_id[parent] if parent >= 0 else None
        assert here == (names[whole] if whole >= 0 and names[whole] in part.original_id else None)
    assert replace(trace, parents=None).fingerprint() != trace.fingerprint()


@pytest.mark.parametrize(
    ("parents", "message"),
    [
        ([-1, 0], r"parents must be int32 \[3\], got int32 \[2\]"),
        ([-1, 0, 3], "parents are -1 to 2, got -1 to 3"),
        ([-1, 2, 1], "parents must lead to an object without one"),
    ],
)
def test_wrong_parents_are_told(parents, message):
    trace = AccessTrace.build([0, 1, 2])
    with pytest.raises(TraceError, match=message):
        replace(trace, parents=np.array(parents, np.int32))
