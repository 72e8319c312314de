"""Formats: what is written is read back, chunks equal the whole, and the real traces give the known figures."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hiersim.traces import AccessTrace, generate, iter_chunks, open_trace, write_trace
from hiersim.traces.formats import FORMATS
from hiersim.traces.formats.oracle_general import RECORD

REAL = Path(__file__).parents[2].parent / "shared" / "traces"
real = pytest.mark.skipif(not REAL.is_dir(), reason="the real traces are not beside the repository (../shared/traces)")


@st.composite
def traces(draw):
    accesses = draw(st.integers(1, 60))
    ids = draw(st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=20, unique=True))
    objects = draw(st.lists(st.integers(0, len(ids) - 1), min_size=accesses, max_size=accesses))
    column = lambda low, high, n: np.array(draw(st.lists(st.integers(low, high), min_size=n, max_size=n)))  # noqa: E731
    columns = {
        "original_id": np.array(ids, np.int64),
        "time_ps": np.sort(column(0, 2**50, accesses)),
        "write": column(0, 1, accesses),
        "stream": column(0, 3, accesses),
        "group": column(0, 9, accesses),
        "object_class": column(0, 2, len(ids)),
        "flops": column(0, 2, len(ids)) * 0.5,
    }
    columns["time_ps"] -= columns["time_ps"][0]
    size = column(1, 2**56, len(ids))
    return AccessTrace.build(objects, size, columns, classes=("kv", "weight", "page"), notes=("a note",)).compact()


@settings(derandomize=True, deadline=None, max_examples=40)
@given(trace=traces())
def test_parquet_keeps_everything(trace, tmp_path_factory):
    path = write_trace(trace, tmp_path_factory.mktemp("round") / "t.parquet")
    again = open_trace(path)
    assert again.fingerprint() == trace.fingerprint()
    assert again.notes == trace.notes
    assert again.classes == trace.classes


def test_parquet_keeps_requests_and_string_ids(tmp_path):
    chat = generate("chat", seed=5, sessions=30)
    assert open_trace(write_trace(chat, tmp_path / "c.parquet")).fingerprint() == chat.fingerprint()
    words = AccessTrace.build([0, 1, 0], [1, 2], {"original_id": np.array(["a", "b\u00e9"], object)})
    again = open_trace(write_trace(words, tmp_path / "w.parquet"))
    assert again.original_id.tolist() == ["a", "b\u00e9"]
    assert again.fingerprint() == words.fingerprint()


def test_the_same_trace_gives_the_same_bytes(tmp_path):
    for name in ("a.parquet", "a.oracleGeneral.bin.zst"):
        made = [write_trace(generate("zipf", seed=1, accesses=5000), tmp_path / f"{i}{name}") for i in range(2)]
        assert made[0].read_bytes() == made[1].read_bytes()


@pytest.mark.parametrize("ending", [".bin", ".bin.zst"])
def test_oracle_general_round_trip(tmp_path, ending):
    trace = generate("zipf", seed=2, accesses=3000, objects=500, sizes="lognormal", interval="1 ms")
    path = write_trace(trace, tmp_path / f"t{ending}")
    again = open_trace(path)
    assert again.object.tolist() == trace.object.tolist()
    assert again.size.tolist() == trace.size.tolist()
    assert again.original_id.tolist() == trace.original_id.tolist()
    assert again.time_ps.tolist() == (trace.time_ps // 10**12 * 10**12).tolist()


CSVS = {
    "names": "time,id,size,op\n0,7,10,read\n1,8,20,write\n2,7,10,get\n",
    "other names, order and unit": "obj_size,Op,time_ms,Obj_ID\n10,r,0,7\n20,W,1000,8\n10,R,2000,7\n",
    "no names": "0,7,10,read\n1,8,20,write\n2,7,10,read\n",
    "tabs, blanks and a blank line": "time\tid\tsize\top\n\n0\t7\t10\tread\n 1\t8 \t20\twrite\r\n\n2\t7\t10\tread",
    "fractions of seconds": "time,id,size,write\n0.0,7,10,0\n1.0,8,20,1\n2.0,7,10,0\n",
    "dates": "time,id,size,op\n2024-05-01 00:00:00,7,10,0\n2024-05-01 00:00:01.0,8,20,1\n2024-05-01T00:00:02Z,7,10,0\n",
    "years of seconds": "time,id,size,op\n1700000000,7,10,0\n1700000001,8,20,1\n1700000002,7,10,0\n",
    "further columns": "x,time,id,size,op,y\na,0,7,10,0,b\n,1,8,20,1,\nc,2,7,10,0,d\n",
}


@pytest.mark.parametrize("chunk", [1 << 20, 1])
@pytest.mark.parametrize("name", CSVS)
def test_csv_in_many_shapes(tmp_path, name, chunk):
    path = tmp_path / "t.csv"
    path.write_text(CSVS[name])
    trace = open_trace(path, chunk=chunk)
    assert trace.object.tolist() == [0, 1, 0]
    assert trace.original_id.tolist() == [7, 8]
    assert trace.size.tolist() == [10, 20]
    assert trace.write.tolist() == [0, 1, 0]
    assert trace.time_ps.tolist() == [0, 10**12, 2 * 10**12]


def test_csv_with_mapped_columns_and_words_as_ids(tmp_path):
    path = tmp_path / "t.log"
    path.write_text("when;what;much\n1;x;5\n2;y;6\n3;x;5\n")
    mapping = {"time": "when", "id": "what", "size": 2}
    trace = open_trace(f"csv:{path}", columns=mapping, time_unit="us")
    assert trace.original_id.tolist() == ["x", "y"]
    assert trace.object.tolist() == [0, 1, 0]
    assert trace.size.tolist() == [5, 6]
    assert trace.time_ps.tolist() == [0, 10**6, 2 * 10**6]


def test_ids_of_2_to_the_63_and_more(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(f"id,size\n5,1\n{2**64 - 1},1\n5,1\n")
    for chunk in (1 << 20, 1):
        trace = open_trace(path, chunk=chunk)
        assert trace.original_id.tolist() == [5, 2**64 - 1]
        assert trace.object.tolist() == [0, 1, 0]


def test_foreign_parquet(tmp_path):
    table = {"timestamp": [1.5, 2.5], "key": ["a", "b"], "bytes": [4, 5], "is_write": [True, False]}
    pl.DataFrame(table).write_parquet(tmp_path / "f.parquet")
    trace = open_trace(tmp_path / "f.parquet")
    assert trace.time_ps.tolist() == [0, 10**12]
    assert trace.size.tolist() == [4, 5]
    assert trace.write.tolist() == [1, 0]


def test_changing_sizes_keep_the_largest_and_say_so(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("id,size\n1,10\n1,30\n1,20\n2,5\n")
    trace = open_trace(path)
    assert trace.size.tolist() == [30, 5]
    assert trace.notes == ("object sizes changed at 2 accesses: the largest of each object is used",)


@pytest.mark.parametrize("name", ["t.csv", "t.bin", "t.bin.zst", "t.parquet"])
@pytest.mark.parametrize("chunk", [1, 7, 1000])
def test_chunks_equal_the_whole(tmp_path, name, chunk):
    trace = generate("zipf", seed=4, accesses=300, objects=80, sizes="uniform", interval="1 s", write_share=0.5)
    if name == "t.csv":
        trace.to_polars().drop("class", "flops").write_csv(tmp_path / name)
    else:
        write_trace(trace, tmp_path / name)
    whole, chunks = open_trace(tmp_path / name), list(iter_chunks(tmp_path / name, chunk=chunk))
    assert open_trace(tmp_path / name, chunk=chunk).fingerprint() == whole.fingerprint()
    for key in ("object", "time_ps", "write", "stream", "group"):
        assert np.concatenate([getattr(c, key) for c in chunks]).tolist() == getattr(whole, key).tolist(), key
    assert np.concatenate([c.size for c in chunks]).tolist() == whole.size[whole.object].tolist()
    assert [c.start for c in chunks] == np.cumsum([0, *(len(c) for c in chunks)])[:-1].tolist()
    assert chunks[-1].objects == whole.objects


@pytest.mark.parametrize("name", ["t.csv", "t.bin", "t.parquet"])
def test_limit_is_a_slice(tmp_path, name):
    trace = generate("zipf", seed=4, accesses=300, objects=80, interval="1 s")
    if name == "t.csv":
        trace.to_polars().drop("class", "flops").write_csv(tmp_path / name)
    else:
        write_trace(trace, tmp_path / name)
    whole = open_trace(tmp_path / name)
    for limit in (1, 100, 300, 999):
        assert open_trace(tmp_path / name, limit=limit, chunk=50).fingerprint() == whole[:limit].fingerprint()


@pytest.mark.parametrize("name", [n for n, known in FORMATS.items() if known.write])
def test_the_name_before_a_colon_chooses_the_format(tmp_path, name):
    trace = generate("loop", accesses=50, objects=10)
    path = write_trace(trace, tmp_path / "odd.name", format=name)
    assert len(open_trace(f"{name}:{path}")) == 50


def test_mooncake_requests_without_blocks(tmp_path):
    line = '{"timestamp": %d, "input_length": 10, "output_length": 5, "hash_ids": %s}\n'
    (tmp_path / "t.jsonl").write_text(
        line % (0, "[]") + "\n" + line % (7, "[9, 4]") + line % (9, "[]") + line % (9, "[9]")
    )
    trace = open_trace(tmp_path / "t.jsonl")
    assert trace.block_offsets.tolist() == [0, 0, 2, 2, 3]
    assert trace.block_ids.tolist() == [0, 1, 0]
    assert trace.original_block_id.tolist() == [9, 4]
    assert trace.time_ps.tolist() == [0, 7 * 10**9, 9 * 10**9, 9 * 10**9]
    again = open_trace(write_trace(trace, tmp_path / "t.parquet"))
    assert again.fingerprint() == trace.fingerprint()


@real
def test_mooncake_golden():
    trace = open_trace(REAL / "mooncake_conversation.jsonl")
    assert (len(trace), len(trace.block_ids), trace.blocks_distinct) == (12_031, 288_500, 182_790)
    assert int(trace.output_tokens.sum()) == 4_122_048
    assert trace.block_tokens == 512
    assert (np.diff(trace.block_offsets) == -(-trace.prompt_tokens // 512)).all()
    accesses = open_trace(REAL / "mooncake_conversation.jsonl", block_bytes=1 << 20, limit=100)
    assert len(accesses) == trace.block_offsets[100]
    assert accesses.size[0] == 1 << 20


@real
def test_cloudphysics_golden(tmp_path):
    path = REAL / "cloudPhysicsIO.oracleGeneral.bin"
    trace = open_trace(path)
    assert (len(trace), trace.objects, trace.footprint) == (113_872, 48_974, 2_029_769_728)
    copy = write_trace(trace, tmp_path / "copy.oracleGeneral.bin")
    ours, theirs = np.fromfile(copy, RECORD), np.fromfile(path, RECORD)
    for column in ("id", "size", "next"):
        assert (ours[column] == theirs[column]).all(), column
    assert (ours["time"] == theirs["time"] - theirs["time"][0]).all()


@real
@pytest.mark.parametrize(("name", "requests"), [("conv", 19_366), ("code", 8_819)])
def test_azure_golden(name, requests):
    trace = open_trace(REAL / f"azure_llm_2023_{name}.csv")
    assert len(trace) == requests
    assert trace.format == "azure"
    assert not len(trace.block_ids)
    if name == "conv":
        assert trace.time_ps[1] == 4_314_579_000_000
        assert trace.prompt_tokens[:2].tolist() == [374, 396]
