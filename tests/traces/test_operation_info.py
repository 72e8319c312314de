"""What `hiersim trace info` says of operations adds up, and is what a run of them counts."""

import json

import pytest
from workloads.rig import run

from hiersim.cli.main import execute
from hiersim.traces import write_trace
from hiersim.traces.operation_builder import OperationBuilder
from hiersim.traces.operation_info import operations_info
from hiersim.workloads import generate


def small():
    """Return operations of every action, by hand."""
    build = OperationBuilder("small", ordered=False)
    w, x = build.object(100, "weight", home="dram"), build.object(30, "activation")
    build.add("load", unit="gpu0", stream="copies", action="fetch", reads=[w])
    build.add("use", unit="gpu0", flops=7, reads=[w], writes=[(x, 20)], near_read=5, near_written=3)
    build.add("again", unit="gpu0", flops=2, reads=[(w, 40), x])
    build.add("send", unit="gpu0", action="carry", near_read=11, source="gddr", target="dram")
    build.add("free", unit="gpu0", action="drop", reads=[w])
    return build.build()


def test_what_kinds_do():
    found = operations_info(small())
    told = {name: tuple(vars(kind).values()) for name, kind in found.kinds.items()}
    assert told == {
        "load": ("fetch", 1, 0, 0, 0, 100),
        "use": ("compute", 1, 7, 105, 23, 0),
        "again": ("compute", 1, 2, 70, 0, 0),
        "send": ("carry", 1, 0, 0, 0, 11),
        "free": ("drop", 1, 0, 0, 0, 0),
    }
    assert (found.operations, found.objects, found.object_bytes) == (5, 2, 130)
    assert found.classes == {"weight": (1, 100), "activation": (1, 30)}


def test_a_run_counts_the_same():
    params = {"model": "opt-125m", "output": 4, "prompt": 8}
    ran = run("flexgen", **params).operations.kinds
    for name, kind in operations_info(generate("flexgen", **params).whole()).kinds.items():
        if kind.action in ("compute", "fetch", "carry"):
            counted = (
                ran[name].count,
                ran[name].flops,
                ran[name].read_bytes,
                ran[name].written_bytes,
                ran[name].moved_bytes,
            )
            assert counted == tuple(vars(kind).values())[1:], name


@pytest.fixture
def file(tmp_path):
    return str(write_trace(small(), tmp_path / "small.parquet"))


def test_the_command(file, capsys):
    assert execute(["trace", "info", file]) == 0
    out = capsys.readouterr().out
    assert "5 of gpu0" in out
    assert "1 (compute), 105 B read, 23 B written, 7e-09 GFLOP" in out
    assert execute(["trace", "info", file, "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["kinds"]["load"]["copied_bytes"] == 100


def test_other_formats_have_no_operations(file, tmp_path, capsys):
    assert execute(["trace", "convert", file, str(tmp_path / "x.bin")]) == 2
    assert "holds operations, which `hiersim run` executes" in capsys.readouterr().err
    assert not (tmp_path / "x.bin").exists()
