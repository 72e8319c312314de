"""How compiled code sees a NamedTuple of many arrays: as one pointer to a table of addresses and shapes.

Passing the arrays themselves would mean hundreds of words with every call, and inlining everything to avoid the calls
takes minutes to compile. With a pointer every function of the core is compiled once and called cheaply. The table does
not change while compiled code runs, so its loads are marked invariant and the compiler keeps them in registers.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, misc, override, attr-defined"
from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import types
from numba.core.extending import NativeValue, models, register_model, typeof_impl, unbox
from numba.core.imputils import lower_getattr_generic
from numba.core.typing.templates import AttributeTemplate, infer_getattr
from numba.np.arrayobj import make_array, populate_array

from hiersim import jit

WIDTH = 6  # words of the table per array: its address and up to five lengths
INT = ir.IntType(64)
PLAIN = ("int64", 2)  # dtype and number of dimensions of an array of which nothing is said


class Layout(NamedTuple):
    """What is known of the arrays when they are compiled.

    Attributes:
        shapes: dtype and number of dimensions by field, where they are not int64 and 2.
        columns: number of columns by field, of tables where it is fixed.
        measured: fields whose length kernels ask for. Of the others they see length 0: an index then counts from the
            start only, and the test for one that counts from the end, which no kernel uses, costs nothing.
    """

    shapes: Mapping[str, tuple[str, int]]
    columns: Mapping[str, int]
    measured: frozenset[str]


def pointed(kind: type, layout: Layout, module: str) -> Callable[[Any], Any]:
    """Return a function that turns an instance of a NamedTuple of arrays into what kernels take.

    Args:
        kind: the NamedTuple's class.
        layout: what is known of its arrays.
        module: where that is written, so that compiled code is known to depend on it.
    """
    pointer = Pointer(f"{kind.__module__}.{kind.__qualname__}", (kind.__module__, module))
    fields: tuple[str, ...] = kind._fields
    _KINDS[pointer.owner] = {name: place for place, name in enumerate(fields)}, layout

    class Handle:
        """The ``address`` of a table, which lives as long as the handle."""

        def __init__(self, arrays: Any) -> None:
            self.arrays = arrays
            self.table = np.zeros((len(arrays), WIDTH), np.int64)
            for i, (name, array) in enumerate(zip(fields, arrays, strict=True)):
                dtype, dimensions = layout.shapes.get(name, PLAIN)
                if array.dtype != dtype or array.ndim != dimensions or not array.flags.c_contiguous:
                    is_ = f"{array.dtype}[{array.ndim}d]"
                    raise TypeError(f"{name} must be a contiguous {dtype}[{dimensions}d], got {is_}")
                self.table[i, 0] = array.ctypes.data
                self.table[i, 1 : 1 + array.ndim] = array.shape
            self.address = int(self.table.ctypes.data)

    typeof_impl.register(Handle)(lambda value, context: pointer)

    def handle(arrays: Any) -> Any:
        """Return what the kernels take: a handle, or the arrays themselves when nothing is compiled."""
        return arrays if jit.DISABLED else Handle(arrays)

    return handle


_KINDS: dict[str, tuple[dict[str, int], Layout]] = {}  # by the type's owner: places of the fields, and their layout


class Pointer(types.Type):
    """Numba's type of a handle: a pointer to the table of one kind of NamedTuple.

    Args:
        owner: full name of that kind.
        defined_in: the modules that compiled code depends on when it reads through the pointer.
    """

    def __init__(self, owner: str, defined_in: tuple[str, ...]) -> None:
        self.owner = owner
        self.defined_in = defined_in
        super().__init__(name=owner)


def _array_type(owner: str, name: str) -> Any:
    dtype, dimensions = _KINDS[owner][1].shapes.get(name, PLAIN)
    return types.Array(getattr(types, dtype), dimensions, "C")


@infer_getattr
class _Attributes(AttributeTemplate):
    key = Pointer

    def generic_resolve(self, value, name):
        return _array_type(value.owner, name) if name in _KINDS[value.owner][0] else None


@register_model(Pointer)
class _Model(models.PrimitiveModel):
    def __init__(self, manager, kind):
        super().__init__(manager, kind, INT.as_pointer())


@unbox(Pointer)
def _unbox(kind, value, context):
    address = context.pyapi.object_getattr_string(value, "address")
    number = context.pyapi.long_as_longlong(address)
    context.pyapi.decref(address)
    return NativeValue(context.builder.inttoptr(number, INT.as_pointer()))


@lower_getattr_generic(Pointer)
def _read(context, builder, kind, pointer, name):
    """Make the array of a field from its words in the table."""
    places, layout = _KINDS[kind.owner]
    array_type = _array_type(kind.owner, name)
    array = make_array(array_type)(context, builder)

    def word(offset):
        loaded = builder.load(builder.gep(pointer, [INT(places[name] * WIDTH + offset)]))
        loaded.set_metadata("invariant.load", builder.module.add_metadata([]))
        return loaded

    shape = [word(1 + i) for i in range(array_type.ndim)]
    if name not in layout.measured:
        shape[0] = INT(0)
    if name in layout.columns:
        shape[1] = INT(layout.columns[name])
    strides = [INT(context.get_abi_sizeof(context.get_data_type(array_type.dtype)))]
    for length in shape[:0:-1]:
        strides.insert(0, builder.mul(strides[0], length))
    data = builder.inttoptr(word(0), array.data.type)
    populate_array(array, data, shape, strides, strides[-1], meminfo=None)
    return array._getvalue()
