"""Hooks behind the one signature of C callbacks: the state is made of a table of fields, arguments of numbers."""

# mypy: disallow-untyped-calls=false
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import types
from numba.core import cgutils
from numba.core.extending import intrinsic
from numba.np.arrayobj import make_array, populate_array

from hiersim.policies.contract import Request
from hiersim.policies.prefetch.contract import Access


def with_answer(hook: Any, state_at: Any) -> Callable[..., int]:
    """Wrap ``hook(state, key, req)`` that answers yes or no."""

    def call(fields, key, size, now, next_use):  # type: ignore[no-untyped-def]
        return 1 if hook(state_at(fields), key, Request(key, size, now, next_use)) else 0

    return call


def with_victim(hook: Any, state_at: Any, behind: Any) -> Callable[..., int]:
    """Wrap ``hook(state, key, victim, req)``; the victim lies in the array behind the state's."""

    def call(fields, key, size, now, next_use):  # type: ignore[no-untyped-def]
        victim = behind(fields)[0][0]
        return 1 if hook(state_at(fields), key, victim, Request(key, size, now, next_use)) else 0

    return call


def with_access(hook: Any, state_at: Any, behind: Any) -> Callable[..., int]:
    """Wrap a prefetcher's ``hook(state, key, req, out)``; what it is told and ``out`` lie behind the state."""

    def call(fields, key, size, now, next_use):  # type: ignore[no-untyped-def]
        told, out = behind(fields)
        return hook(state_at(fields), key, Access(key, size, now, told[0], told[1], told[2], told[3]), out)

    return call


def with_request(hook: Any, state_at: Any) -> Callable[..., int]:
    """Wrap ``hook(state, key, req)`` without a result."""

    def call(fields, key, size, now, next_use):  # type: ignore[no-untyped-def]
        hook(state_at(fields), key, Request(key, size, now, next_use))
        return 0

    return call


def with_key(hook: Any, state_at: Any) -> Callable[..., int]:
    """Wrap ``hook(state, key)`` without a result."""

    def call(fields, key, size, now, next_use):  # type: ignore[no-untyped-def]
        hook(state_at(fields), key)
        return 0

    return call


def with_result(hook: Any, state_at: Any) -> Callable[..., int]:
    """Wrap ``hook(state, req)`` that returns a key."""

    def call(fields, key, size, now, next_use):  # type: ignore[no-untyped-def]
        return hook(state_at(fields), Request(key, size, now, next_use))

    return call


WRAPPERS = {
    "on_miss": with_request,
    "on_insert": with_request,
    "on_hit": with_request,
    "on_remove": with_key,
    "victim": with_result,
    "admit": with_answer,
}


def arrays_at(kind: Any, first: int = 0) -> Any:
    """Make the compiled function that turns a fields table, from field ``first`` on, into a tuple of type ``kind``."""

    @intrinsic
    def read_arrays(typing_context, fields):  # type: ignore[no-untyped-def]
        def code(context, builder, signature, args):  # type: ignore[no-untyped-def]
            read = lambda i: builder.load(cgutils.gep_inbounds(builder, args[0], i))  # noqa: E731
            arrays = []
            for i, each in enumerate(kind.types, start=first):
                array = make_array(each)(context, builder)
                size = context.get_abi_sizeof(context.get_data_type(each.dtype))
                width = context.get_constant(types.intp, size)
                data = builder.inttoptr(read(2 * i), array.data.type)
                populate_array(
                    array, data=data, shape=(read(2 * i + 1),), strides=(width,), itemsize=width, meminfo=None
                )
                arrays.append(array._getvalue())
            return context.make_tuple(builder, kind, arrays)

        return kind(fields), code

    return read_arrays
