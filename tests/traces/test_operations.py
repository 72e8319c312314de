"""Operation traces: built, checked, written and read back; every mistake is one line with the operation's name."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from strategies.operations import task

from hiersim.api.sources import open_any
from hiersim.errors import TraceError
from hiersim.traces.operation import OperationStream
from hiersim.traces.operation_builder import OperationBuilder
from hiersim.traces.operation_files import objects_path
from hiersim.traces.operation_reading import open_operations
from hiersim.traces.writing import write_trace


def small(name="small"):
    build = OperationBuilder(name)
    w = build.object(100, "weight", home="dram", name="w")
    x, y = build.object(10, name="x"), build.object(10, name="y")
    build.add("load", unit="gpu0", stream="copy", action="fetch", reads=[w], name="load")
    build.add("layer", unit="gpu0", reads=[w], writes=[x], after=[0], flops=5, name="a")
    build.add("layer", unit="gpu0", reads=[(w, 30), x], writes=[y], name="b")
    return build


def test_what_is_built():
    trace = small().build()
    assert len(trace) == 3
    assert [trace.label(i) for i in range(3)] == ["load", "a", "b"]
    assert trace.objects.last_use.tolist() == [-1, 2, 2]  # what has a home stays
    assert trace.header.stream_units == (-1, 0)
    assert trace.operations.use_bytes.tolist() == [100, 100, 10, 30, 10, 10]
    assert trace.operations.after.tolist() == [0]


def test_what_is_read_comes_after_who_wrote_it_in_another_stream():
    build = OperationBuilder()
    x = build.object(1)
    for stream in ("s", "t", "u", "s"):
        build.add("k", unit="u", stream=stream, reads=[x] if stream == "t" else (), writes=[x] if stream != "t" else ())
    o = build.build().operations
    ends = o.after_offsets
    assert [o.after[ends[i] : ends[i + 1]].tolist() for i in range(4)] == [[], [0], [0, 1], [2]]


@pytest.mark.parametrize("seed", range(12))
def test_parquet_gives_back_what_was_written(seed, tmp_path):
    trace = task(seed).trace
    path = write_trace(trace, tmp_path / "t.parquet")
    again = open_any(path)
    assert again.fingerprint() == trace.fingerprint()
    assert again.names == trace.names
    assert objects_path(path).exists()
    first = path.read_bytes()
    write_trace(trace, path)
    assert path.read_bytes() == first


def test_names_survive_and_streams_are_written_whole(tmp_path):
    trace = small().build()
    lazy = OperationStream(trace.header, trace.chunks, len(trace))
    write_trace(lazy, tmp_path / "lazy.parquet")
    write_trace(trace, tmp_path / "named.parquet")
    again = open_operations(tmp_path / "named.parquet")
    assert again.names == trace.names
    assert again.objects.names == ("w", "x", "y")
    assert open_operations(tmp_path / "lazy.parquet").fingerprint() == trace.fingerprint()
    with pytest.raises(TraceError, match="written as Parquet only"):
        write_trace(trace, tmp_path / "named.bin")


def test_a_table_of_others_needs_little(tmp_path):
    pl.DataFrame({"kind": ["a", "b"], "unit": ["gpu0", "gpu0"], "flops": [1.0, 2.0]}).write_parquet(
        tmp_path / "t.parquet"
    )
    with pytest.raises(TraceError, match="column `flops` holds Float64"):
        open_operations(tmp_path / "t.parquet")
    frame = {"id": ["p", "q"], "kind": ["a", "b"], "unit": ["gpu0", "gpu0"], "flops": [1, 2], "after": [["q"], []]}
    pl.DataFrame(frame).write_parquet(tmp_path / "t.parquet")
    with pytest.raises(TraceError, match="operation p: it waits for itself: p after q after p"):
        open_operations(tmp_path / "t.parquet")
    pl.DataFrame(frame | {"stream": ["s", "t"]}).write_parquet(tmp_path / "t.parquet")
    assert open_operations(tmp_path / "t.parquet").operations.after.tolist() == [1]


GRAPH = {
    "objects": {"w": {"size": "1 KiB", "class": "weight", "home": "dram"}, "x": {"size": 16}},
    "operations": [
        {"id": "load", "unit": "gpu0", "stream": "copy", "action": "fetch", "reads": ["w"]},
        {"id": "mul", "unit": "gpu0", "reads": ["w"], "writes": ["x"], "after": ["load"], "flops": 1e6},
    ],
}


def graph(tmp_path, change=lambda data: None):
    data = json.loads(json.dumps(GRAPH))
    change(data)
    (tmp_path / "g.json").write_text(json.dumps(data))
    return tmp_path / "g.json"


def test_a_graph_by_hand(tmp_path):
    trace = open_any(graph(tmp_path))
    assert trace.names == ("load", "mul")
    assert trace.objects.size.tolist() == [1024, 16]
    assert trace.header.kinds == ("fetch", "compute")
    assert open_any(f"graph:{tmp_path / 'g.json'}").fingerprint() == trace.fingerprint()


MISTAKES = [
    (lambda d: d["operations"][1].update(flops=-1), "operation mul: flops: expected a number from 0 to"),
    (
        lambda d: d["operations"][1].update(flops=1e40),
        "operation mul: flops: expected a number from 0 to 4.61e+18, got",
    ),
    (
        lambda d: d["operations"][1].update(reads=[["w"]]),
        "operation mul: reads: expected a list of names, got `[['w']]`",
    ),
    (lambda d: d["operations"][1].update(reads="w"), "operation mul: reads: expected a list of names, got `w`"),
    (lambda d: d["operations"][1].update(stream=["a"]), "operation mul: stream: expected a text, got `['a']`"),
    (lambda d: d["operations"][1].update(id=None), "operation #1: id: expected a text, got `None`"),
    (lambda d: d["operations"].append("load"), "operation #2 must be a mapping"),
    (lambda d: d["objects"]["x"].update(home=["dram"]), "object x: home: expected a text, got `['dram']`"),
    (lambda d: d["objects"]["x"].update(flops=-3), "object x: flops: expected a number from 0 to"),
    (lambda d: d["objects"]["x"].update(kept="no"), "object x: kept: expected true or false, got `no`"),
    (lambda d: d["objects"]["x"].update(size=2**63), "object x: size: expected bytes from 0 to"),
    (lambda d: d.update(ordered="no"), "ordered: expected true or false, got `no`"),
    (lambda d: d["operations"][1].update(flosp=1), "operation mul: unknown key `flosp`; did you mean `flops`?"),
    (lambda d: d["operations"][1].update(reads=["v"]), "operation mul: no object `v`"),
    (lambda d: d["operations"][1].update(after=["laod"]), "operation mul: no operation `laod`; did you mean `load`?"),
    (lambda d: d["operations"][1].update(id="load"), "operation load: there are two of this id"),
    (
        lambda d: d["operations"][0].update(after=["mul"]),
        "operation load: it waits for itself: load after mul after load",
    ),
    (lambda d: d["operations"][1].update(after=["mul"]), "operation mul: it comes after itself"),
    (
        lambda d: d["operations"][0].update(action="fetsh"),
        "operation load: unknown action `fetsh`; did you mean `fetch`?",
    ),
    (lambda d: d["operations"][0].update(writes=["x"]), "operation load: only what computes writes objects"),
    (
        lambda d: d["operations"][0].update(action="carry", kind="c"),
        "operation load: a carry needs two tiers and at least",
    ),
    (lambda d: d["operations"][1].pop("unit"), "operation mul: needs a `unit`"),
    (lambda d: d["objects"]["x"].update(size=0), "object x: needs a `size` in whole bytes"),
    (lambda d: d["objects"]["x"].update(size="1 KiBB"), "object x: size: "),
    (lambda d: d.update(ops=[]), "unknown key `ops`"),
    (lambda d: d.update(operations=[]), "`operations` must be a list of at least one operation"),
]


def test_a_name_that_is_there_twice_is_no_silent_choice(tmp_path):
    path = graph(tmp_path)
    path.write_text(path.read_text().replace('"x": {', '"x": {"size": 7}, "x": {', 1))
    with pytest.raises(TraceError, match="`x` is there twice"):
        open_operations(path)


@pytest.mark.parametrize(("change", "what"), MISTAKES)
def test_a_mistake_is_one_line_with_the_operations_name(change, what, tmp_path):
    with pytest.raises(TraceError) as caught:
        open_operations(graph(tmp_path, change))
    assert what in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("column", "value", "what"),
    [
        ("flops", -2, "operation load: flops may not be negative, got -2"),
        ("duration_ps", -5, "operation load: duration_ps may not be negative"),
        ("kind", 9, "operation load: its kind has no name"),
        ("unit", 7, "operation load: its unit has no name"),
        ("stream", 5, "operation load: its stream has no name"),
        ("dtype", 8, "operation load: its dtype has no name"),
        ("reads", 4, "operation load: it reads more objects than it names"),
        ("uses", 5, "operation load: objects are numbered 0 to 2"),
        ("after", 9, "operation a: it comes after an operation that does not exist"),
        ("use_bytes", -1, "operation load: bytes may not be negative"),
        ("offsets", 0, "`offsets` must rise from 0 to 6 in 4 steps"),
    ],
)
def test_impossible_columns(column, value, what):
    trace = small().build()
    wrong = np.full_like(getattr(trace.operations, column), value)
    with pytest.raises(TraceError) as caught:
        replace(trace, operations=replace(trace.operations, **{column: wrong}))
    assert str(caught.value) == what


def test_objects_are_checked_too():
    objects = small().build().objects
    with pytest.raises(TraceError, match="object w: a size is at least 1 byte"):
        replace(objects, size=np.zeros(3, np.int64))
    with pytest.raises(TraceError, match="object w: its home has no name"):
        replace(objects, tiers=())
    build = small()
    build.object(1, name="w")
    with pytest.raises(TraceError, match="object w: there are two of this name"):
        build.build()
    with pytest.raises(TraceError, match="operations of kind load have two actions, fetch and drop"):
        build.add("load", unit="gpu0", action="drop")
    with pytest.raises(TraceError, match="operation layer: no column `flosp`; did you mean `flops`"):
        build.add("layer", unit="gpu0", flosp=3)
