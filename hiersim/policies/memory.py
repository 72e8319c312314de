"""Ask for memory before it is needed: a replay knows its future keys, and waiting for memory is most of its time."""

# mypy: disallow-untyped-calls=false
from __future__ import annotations

import ctypes
import functools
import mmap
import sys
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.extending import intrinsic
from numba.np.arrayobj import make_array

from hiersim import jit

LARGE = 1 << 20  # bytes from which an array is worth large pages


def spread(arrays: Iterable[np.ndarray]) -> None:
    """Ask for large pages below the larger arrays, where the system has them: a look at random then finds its page."""
    advise = _madvise()
    for array in arrays:
        if advise is not None and getattr(array, "nbytes", 0) >= LARGE:
            start = -(-array.ctypes.data // mmap.PAGESIZE) * mmap.PAGESIZE
            end = (array.ctypes.data + array.nbytes) // mmap.PAGESIZE * mmap.PAGESIZE
            advise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), mmap.MADV_HUGEPAGE)  # refused, it does no harm


@functools.cache
def _madvise() -> Callable[..., int] | None:
    """Return the C library's function; ``None`` where there is none."""
    if sys.platform != "linux" or not hasattr(mmap, "MADV_HUGEPAGE"):
        return None
    try:
        return ctypes.CDLL(None).madvise
    except (OSError, AttributeError):
        return None


if jit.DISABLED:

    def prefetch(array: Any, index: int) -> None:
        """Do nothing: plain Python has no such thing."""

else:

    @intrinsic
    def prefetch(typing_context, array, index):  # type: ignore[no-untyped-def]
        """Fetch the line of ``array[index]`` into the processor's caches; an index out of range does no harm."""

        def code(context, builder, signature, args):  # type: ignore[no-untyped-def]
            data = make_array(signature.args[0])(context, builder, args[0]).data
            flag, byte = ir.IntType(32), ir.IntType(8).as_pointer()
            kind = ir.FunctionType(ir.VoidType(), [byte, flag, flag, flag])
            function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
            place = builder.bitcast(builder.gep(data, [args[1]]), byte)
            builder.call(function, [place, flag(0), flag(3), flag(1)])  # to read, keep close, data
            return context.get_dummy_value()

        return types.none(array, types.int64), code
