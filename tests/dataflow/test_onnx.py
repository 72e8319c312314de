"""Operator graphs from ONNX models: sizes, kinds and FLOPs as the shapes say; what cannot be read is told in a line."""

from __future__ import annotations

import sys

import pytest

from hiersim.cli.main import execute
from hiersim.errors import ConfigError
from hiersim.scratchpad.orders import scheduled
from hiersim.scratchpad.reading import read_graph
from hiersim.scratchpad.replace import plan

onnx = pytest.importorskip("onnx", reason="the package onnx is not installed")
helper, numpy_helper, FLOAT = onnx.helper, onnx.numpy_helper, onnx.TensorProto.FLOAT


def value(name, shape, kind=FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def weight(name, *shape):
    import numpy as np

    return numpy_helper.from_array(np.zeros(shape, np.float32), name)


@pytest.fixture
def model(tmp_path):
    """A convolution, a ReLU, a sum with the convolution's output, pooling, and a classifier."""

    def made(nodes=None, inputs=None, name="net"):
        nodes = nodes or [
            helper.make_node("Conv", ["x", "w"], ["c"], "conv", pads=[1, 1, 1, 1]),
            helper.make_node("Relu", ["c"], ["r"]),
            helper.make_node("Add", ["c", "r"], ["a"], "add"),
            helper.make_node("GlobalAveragePool", ["a"], ["p"], "pool"),
            helper.make_node("Flatten", ["p"], ["f"], "flat"),
            helper.make_node("Gemm", ["f", "v"], ["y"], "classify"),
        ]
        inputs = inputs or [value("x", [1, 3, 8, 8])]
        graph = helper.make_graph(
            nodes, name, inputs, [value("y", None)], [weight("w", 16, 3, 3, 3), weight("v", 16, 10)]
        )
        domains = [helper.make_opsetid("", 18), helper.make_opsetid("mine", 1)]
        path = tmp_path / "net.onnx"
        path.write_bytes(helper.make_model(graph, opset_imports=domains).SerializeToString())
        return path

    return made


def test_a_model_is_read(model):
    g = read_graph(model())
    assert (g.name, [o.name for o in g.operators]) == ("net", ["conv", "Relu #1", "add", "pool", "flat", "classify"])
    sizes = {t.name: (t.size_bytes, t.kind) for t in g.tensors}
    assert sizes["x"] == (3 * 64 * 4, "input")
    assert sizes["w"] == (16 * 27 * 4, "weight")
    assert sizes["c"] == sizes["r"] == (16 * 64 * 4, "intermediate")
    assert sizes["y"] == (40, "output")
    assert [o.flops for o in g.operators] == [2 * 16 * 64 * 27, 16 * 64, 16 * 64, 16, 16, 2 * 10 * 16]
    assert g.compulsory_bytes == 4 * (3 * 64 + 16 * 27 + 160 + 10)
    assert plan(scheduled(g), scheduled(g).peak_bytes).extra_bytes == 0


def test_constants_and_empty_inputs(model):
    """A constant node is a weight; an input that is left out, or has no elements, is none."""
    nodes = [
        helper.make_node("Constant", [], ["k"], value=weight("k", 1, 3, 8, 8)),
        helper.make_node("Constant", [], ["none"], value=weight("none", 0)),
        helper.make_node("Add", ["x", "k"], ["a"], "add"),
        helper.make_node("Resize", ["a", "none", "s"], ["y"], "larger"),
        helper.make_node(
            "Constant", [], ["s"], value=numpy_helper.from_array(__import__("numpy").array([1, 1, 2, 2], "f"))
        ),
    ]
    nodes = [nodes[0], nodes[1], nodes[4], nodes[2], nodes[3]]
    g = read_graph(model(nodes))
    assert [t.name for t in g.tensors] == ["x", "k", "a", "s", "y"]
    assert {t.name for t in g.tensors if t.kind == "weight"} == {"k", "s"}
    assert g.operators[1].flops == 3 * 16 * 16


@pytest.mark.parametrize(
    ("attribute", "size"),
    [({"value_int": 3}, 8), ({"value_ints": [2, 8]}, 16), ({"value_float": 1.0}, 4), ({"value_floats": [1.0] * 3}, 12)],
)
def test_constants_may_be_numbers(model, attribute, size):
    nodes = [helper.make_node("Constant", [], ["k"], **attribute), helper.make_node("Cast", ["k"], ["y"], to=FLOAT)]
    assert {t.name: (t.size_bytes, t.kind) for t in read_graph(model(nodes)).tensors}["k"] == (size, "weight")


def test_the_command_reads_it(model, capsys):
    assert execute(["scratchpad", str(model()), "-c", "13KiB", "--order", "given", "--json", "-"]) == 0
    assert '"order": "given"' in capsys.readouterr().out


def test_what_cannot_be_read_is_a_line(model, tmp_path, monkeypatch):
    (tmp_path / "text.onnx").write_text("no model")
    body = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "inside", [], [value("y", [1])])
    unknown = [helper.make_node("Mystery", ["x"], ["h"], domain="mine"), helper.make_node("Relu", ["h"], ["y"])]
    text = [helper.make_node("Constant", [], ["k"], "k", value_string="a"), helper.make_node("Identity", ["k"], ["y"])]
    pieces = [helper.make_node("SplitToSequence", ["x"], ["s"]), helper.make_node("SequenceAt", ["s", "i"], ["y"])]
    branch = [helper.make_node("If", ["x"], ["y"], "choose", then_branch=body, else_branch=body)]
    for path, told in (
        (tmp_path / "none.onnx", "none.onnx  cannot be read: No such file"),
        (tmp_path / "text.onnx", "text.onnx  is no ONNX model"),
        (model(inputs=[value("x", ["batch", 3, 8, 8])]), "tensor x: its dimension `batch` has no size"),
        (lambda: model(unknown), "tensor h: its shape is not known, nor can it be inferred"),
        (lambda: model(text), "operator k: a constant with `value_string` is not read"),
        (
            lambda: model(pieces, [value("x", [4]), value("i", [], onnx.TensorProto.INT64)]),
            "tensor s: it is a sequence",
        ),
        (lambda: model(branch, [value("x", [], onnx.TensorProto.BOOL)]), "choose: If has graphs inside"),
    ):
        with pytest.raises(ConfigError) as caught:
            read_graph(path() if callable(path) else path)
        assert told in str(caught.value)
        assert len(str(caught.value).splitlines()) == 1
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ConfigError, match=r"pip install 'hiersim\[onnx\]'"):
        read_graph(tmp_path / "net.onnx")
