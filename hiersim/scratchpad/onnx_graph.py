"""Reading a graph of operators from an ONNX model, with the package `onnx`, which infers the shapes of tensors."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Any

from hiersim.errors import ConfigError, Mistake
from hiersim.scratchpad.graph import Graph, Operator, Tensor

Shape = tuple[int, ...]


def read_onnx(path: str | Path) -> Graph:
    """Read the graph of an ONNX model.

    FLOPs are counted of convolutions and matrix products (2 for each multiplication); every other operator counts one
    for each element that it makes.

    Args:
        path: the model's file.

    Raises:
        ConfigError: the package `onnx` is missing; the file is no model; a shape is not known; it branches or loops.
    """
    try:
        import onnx
    except ImportError:
        what = "an ONNX model needs the package `onnx`: pip install 'hiersim[onnx]'"
        raise ConfigError([Mistake("", what, str(path))]) from None
    try:
        model = onnx.load(str(path), load_external_data=False)
        model = onnx.shape_inference.infer_shapes(model, data_prop=True)
    except OSError as why:
        raise ConfigError([Mistake("", f"cannot be read: {why.strerror}", str(path))]) from None
    except Exception as why:  # of protobuf and of onnx, each with its own
        what = f"is no ONNX model: {str(why).strip().splitlines()[0][:100] if str(why).strip() else type(why).__name__}"
        raise ConfigError([Mistake("", what, str(path))]) from None
    try:
        return _Reader(model.graph, onnx).graph(model.graph.name or Path(path).stem)
    except ConfigError as why:
        raise ConfigError([Mistake(each.where, each.what, str(path)) for each in why.mistakes]) from None


class _Reader:
    """Turns tensors and nodes of an ONNX graph into tensors and operators."""

    def __init__(self, graph: Any, onnx: Any) -> None:
        self.source, self.onnx = graph, onnx
        self.shapes: dict[str, Shape] = {}
        self.types: dict[str, int] = {}
        self.kinds: dict[str, str] = {}
        self.nodes: list[Any] = []
        for tensor in graph.initializer:
            self._constant(tensor.name, tensor)
        for group, kind in ((graph.input, "input"), (graph.output, "output"), (graph.value_info, "intermediate")):
            for value in group:
                self._value(value, kind)
        for node in graph.node:
            if node.op_type == "Constant":
                self._constant(node.output[0], self._stated(node))
            else:
                self.nodes.append(node)

    def _stated(self, node: Any) -> Any:
        """Return the tensor of a constant node, which states one, or a number or a list of them."""
        (attribute,) = node.attribute
        if attribute.name == "value":
            return attribute.t
        kinds = {"value_float": ("f", "FLOAT"), "value_floats": ("floats", "FLOAT"),
                 "value_int": ("i", "INT64"), "value_ints": ("ints", "INT64")}  # fmt: skip
        if attribute.name not in kinds:
            raise ConfigError(f"operator {node.name or node.output[0]}: a constant with `{attribute.name}` is not read")
        field, kind = kinds[attribute.name]
        found, number = getattr(attribute, field), getattr(self.onnx.TensorProto, kind)
        shape, values = ([len(found)], found) if field.endswith("s") else ([], [found])
        return self.onnx.helper.make_tensor(node.output[0], number, shape, values)

    def _constant(self, name: str, tensor: Any) -> None:
        self.shapes[name], self.types[name], self.kinds[name] = tuple(tensor.dims), tensor.data_type, "weight"

    def _value(self, value: Any, kind: str) -> None:
        if self.kinds.setdefault(value.name, kind) != kind:
            return  # a weight that is an input, too, or an output that has been seen
        if not value.type.HasField("tensor_type"):
            raise ConfigError(
                f"tensor {value.name}: it is a {value.type.WhichOneof('value') or 'thing'} of no known size"
            )
        about = value.type.tensor_type
        for dimension in about.shape.dim:
            if not dimension.HasField("dim_value"):
                size = dimension.dim_param or "?"
                raise ConfigError(f"tensor {value.name}: its dimension `{size}` has no size; fix the shapes first")
        self.shapes[value.name] = tuple(each.dim_value for each in about.shape.dim)
        self.types[value.name] = about.elem_type

    def size_bytes(self, name: str) -> int:
        """Return a tensor's bytes; half a byte for each element of 4 bits."""
        kind = self.onnx.TensorProto.DataType.Name(self.types[name])
        if kind == "STRING":
            raise ConfigError(f"tensor {name}: a tensor of texts has no size")
        bits = 4 if kind in ("INT4", "UINT4", "FLOAT4E2M1") else 8 * self._itemsize(self.types[name])
        return -(-prod(self.shapes[name]) * bits // 8)

    def _itemsize(self, number: int) -> int:
        return int(self.onnx.helper.tensor_dtype_to_np_dtype(number).itemsize)

    def graph(self, name: str) -> Graph:
        """Return the graph, of the tensors that its operators use and that are not empty."""
        used = dict.fromkeys(each for node in self.nodes for each in (*node.input, *node.output) if each)
        for each in used:
            if each not in self.shapes:
                raise ConfigError(f"tensor {each}: its shape is not known, nor can it be inferred")
        kept = [each for each in used if prod(self.shapes[each])]
        numbers = {each: i for i, each in enumerate(kept)}
        tensors = tuple(Tensor(each, self.size_bytes(each), self.kinds[each]) for each in kept)
        return Graph(name, tensors, tuple(self._operator(node, i, numbers) for i, node in enumerate(self.nodes)))

    def _operator(self, node: Any, place: int, numbers: dict[str, int]) -> Operator:
        name = node.name or f"{node.op_type} #{place}"
        if any(attribute.HasField("g") for attribute in node.attribute):
            raise ConfigError(f"operator {name}: {node.op_type} has graphs inside, which are not read")
        reads, writes = (tuple(dict.fromkeys(numbers[each] for each in group if each in numbers))
                         for group in (node.input, node.output))  # fmt: skip
        return Operator(name, reads, writes, self._flops(node))

    def _flops(self, node: Any) -> int:
        """Return the FLOPs of a node: twice the multiplications of what multiplies, else an element each."""
        made = sum(prod(self.shapes[each]) for each in node.output if each)
        if node.op_type in ("Conv", "ConvInteger"):
            return 2 * made * prod(self.shapes[node.input[1]][1:])
        if node.op_type == "ConvTranspose":
            return 2 * prod(self.shapes[node.input[0]]) * prod(self.shapes[node.input[1]][1:])
        if node.op_type in ("MatMul", "MatMulInteger", "Gemm"):
            turned = any(attribute.name == "transA" and attribute.i for attribute in node.attribute)
            return 2 * made * self.shapes[node.input[0]][0 if turned else -1]
        return int(made)
