"""How compiled code sees a World: as one pointer to a table of addresses and shapes.

Passing the arrays themselves would mean hundreds of words with every call, and inlining everything to avoid the calls
takes minutes to compile. With a pointer every function of the core is compiled once and called cheaply. The table does
not change while compiled code runs, so its loads are marked invariant and the compiler keeps them in registers.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, misc, override, attr-defined"
from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core.extending import NativeValue, models, register_model, typeof_impl, unbox
from numba.core.imputils import lower_getattr_generic
from numba.core.typing.templates import AttributeTemplate, infer_getattr
from numba.np.arrayobj import make_array, populate_array

from hiersim import jit
from hiersim.engine import columns as c
from hiersim.engine.world import World

WIDTH = 6  # words of the table per array: its address and up to five lengths
COLUMNS = {  # tables whose number of columns is known when they are compiled
    "heap": 3,
    "jobs": c.JOB_COLUMNS,
    "accesses": c.ACCESS_COLUMNS,
    "groups": c.GROUP_COLUMNS,
    "rates": c.RATE_COLUMNS,
    "first_group": c.CLASSES,
    "tiers": c.TIER_COLUMNS,
    "hops": c.HOP_COLUMNS,
    "byte_cost": 2,
    "op_cost": 2,
    "latency": 2,
    "packet": c.PACKET_COLUMNS,
    "loaded": c.LOADED_COLUMNS,
    "die_cost": 2,
    "cache": c.CACHE_COLUMNS,
    "cache_at": c.CACHE_PLACES,
    "wire": 2,
    "routes": c.ROUTE_COLUMNS,
    "limit": c.CLASSES,
    "units": c.UNIT_COLUMNS,
    "operate": 4,
    "streams": c.STREAM_COLUMNS,
    "hooks": 6,
    "gates": c.GATE_COLUMNS,
    "ahead": c.AHEAD_COLUMNS,
    "watches": c.WATCH_COLUMNS,
    "journal": c.JOURNAL_COLUMNS,
    "timeline": c.TIMELINE_COLUMNS,
    "victims": c.VICTIM_COLUMNS,
    "spans": c.SPAN_COLUMNS,
    "levels": c.LEVEL_COLUMNS,
}
MEASURED = {"ready", "tiers", "units", "streams", "budget", "bound_hop", "size", "trace_object", "trace_next"}
MEASURED |= {
    "payload",
    "heard",
    "hit_count",
    "cache",
    "amplification",
    "together",
    "watches",
    "journal",
    "timeline",
    "victims",
    "spans",
    "levels",
}
"""Arrays whose length the kernels ask for. Of the others they see length 0: an index then counts from the start only,
and the test for one that counts from the end, which no kernel uses, costs nothing."""
SHAPES = {  # dtype and number of dimensions, where they are not int64 and 2
    "clock": ("int64", 1),
    "ready": ("int64", 1),
    "flow_end": ("float64", 1),
    "rates": ("float64", 2),
    "group_cost": ("float64", 2),
    "area": ("float64", 1),
    "byte_cost": ("float64", 2),
    "op_cost": ("float64", 2),
    "loaded": ("float64", 2),
    "die_cost": ("float64", 2),
    "amplification": ("float64", 2),
    "programmed": ("float64", 1),
    "cache": ("float64", 2),
    "cache_cost": ("float64", 1),
    "rule": ("int64", 1),
    "span": ("int64", 1),
    "together": ("int64", 1),
    "sharpness": ("int64", 1),
    "turnaround": ("float64", 1),
    "payload": ("int64", 3),
    "bound_hop": ("int64", 1),
    "bound_kind": ("int64", 1),
    "budget": ("float64", 1),
    "limit": ("float64", 2),
    "class_weight": ("float64", 1),
    "residual": ("float64", 1),
    "room": ("float64", 1),
    "load": ("float64", 1),
    "marked": ("int64", 1),
    "in_use": ("int64", 1),
    "open": ("int64", 1),
    "share": ("float64", 2),
    "crosses": ("uint8", 2),
    "near_read": ("int64", 1),
    "near_write": ("int64", 1),
    "compute": ("int64", 1),
    "stall": ("int64", 5),
    "state": ("uint8", 2),
    "dirty": ("uint8", 2),
    "home": ("uint8", 2),
    "pins": ("int32", 2),
    "hit_count": ("int32", 2),
    "transit": ("int32", 1),
    "aside": ("int32", 1),
    "next_use": ("int64", 1),
    "size": ("int64", 1),
    "object_class": ("uint8", 1),
    "trace_object": ("int32", 1),
    "trace_write": ("uint8", 1),
    "trace_time": ("int64", 1),
    "trace_next": ("int64", 1),
    "order": ("int64", 1),
    "stream_of": ("int32", 1),
    "setup": ("int64", 1),
    "fields": ("int64", 1),
    "flops_of": ("int64", 1),
    "against": ("int64", 1),
    "early": ("uint8", 2),
    "hearing": ("int64", 1),
    "heard": ("int64", 1),
    "named": ("int64", 1),
    "told": ("int64", 1),
    "issued": ("int64", 1),
    "done": ("int64", 1),
    "served": ("int64", 1),
}


class Handle:
    """A World as compiled code takes it: the ``address`` of a table, which lives as long as the handle."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.table = np.zeros((len(world), WIDTH), np.int64)
        for i, (name, array) in enumerate(zip(World._fields, world, strict=True)):
            kind, dimensions = SHAPES.get(name, ("int64", 2))
            if array.dtype != kind or array.ndim != dimensions or not array.flags.c_contiguous:
                raise TypeError(f"{name} must be a contiguous {kind}[{dimensions}d], got {array.dtype}[{array.ndim}d]")
            self.table[i, 0] = array.ctypes.data
            self.table[i, 1 : 1 + array.ndim] = array.shape
        self.address = int(self.table.ctypes.data)


def handle(world: World) -> Any:
    """Return what the kernels take: a Handle, or the World itself when nothing is compiled."""
    return world if jit.DISABLED else Handle(world)


class WorldType(types.Type):
    """Numba's type of a Handle."""

    def __init__(self) -> None:
        super().__init__(name="hiersim.World")


WORLD = WorldType()
INT = ir.IntType(64)


@typeof_impl.register(Handle)
def _typeof(value, context):
    return WORLD


@register_model(WorldType)
class _Model(models.PrimitiveModel):
    def __init__(self, manager, kind):
        super().__init__(manager, kind, INT.as_pointer())


@unbox(WorldType)
def _unbox(kind, value, context):
    address = context.pyapi.object_getattr_string(value, "address")
    number = context.pyapi.long_as_longlong(address)
    context.pyapi.decref(address)
    return NativeValue(context.builder.inttoptr(number, INT.as_pointer()))


PLACES = {name: place for place, name in enumerate(World._fields)}


def _array_type(name: str) -> Any:
    kind, dimensions = SHAPES.get(name, ("int64", 2))
    return types.Array(getattr(types, kind), dimensions, "C")


@infer_getattr
class _Attributes(AttributeTemplate):
    key = WorldType

    def generic_resolve(self, world, name):
        return _array_type(name) if name in PLACES else None


@lower_getattr_generic(WorldType)
def _read(context, builder, kind, pointer, name):
    """Make the array of a field from its words in the table."""
    array_type = _array_type(name)
    array = make_array(array_type)(context, builder)

    def word(offset):
        loaded = builder.load(builder.gep(pointer, [INT(PLACES[name] * WIDTH + offset)]))
        loaded.set_metadata("invariant.load", builder.module.add_metadata([]))
        return loaded

    shape = [word(1 + i) for i in range(array_type.ndim)]
    if name not in MEASURED:
        shape[0] = INT(0)
    if name in COLUMNS:
        shape[1] = INT(COLUMNS[name])
    strides = [INT(context.get_abi_sizeof(context.get_data_type(array_type.dtype)))]
    for length in shape[:0:-1]:
        strides.insert(0, builder.mul(strides[0], length))
    data = builder.inttoptr(word(0), array.data.type)
    populate_array(array, data, shape, strides, strides[-1], meminfo=None)
    return array._getvalue()
