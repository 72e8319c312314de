"""Which call of a user's policy a timed run makes: noted before it is made, so that a failure can name its line.

Compiled code that fails inside a C callback knows neither its line nor its arguments. So the last call is noted in one
array of the process, and when one fails it is made again at once, as plain Python, over the same state.
"""

# mypy: disallow-untyped-calls=false
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core.extending import intrinsic

from hiersim.policies import checks
from hiersim.policies.contract import Request

if TYPE_CHECKING:
    from hiersim.policies.loader import Policy

Bound = tuple["Policy", Any, np.ndarray]
"""A policy, its state, and the table of the state's fields that its callbacks are given."""

_NOTE = np.zeros(6, np.int64)  # address of the table of fields, place of the hook, and the four numbers of the call


@intrinsic
def _note(typing_context, fields, place, key, size, now, next_use):  # type: ignore[no-untyped-def]
    """Write down a call."""

    def code(context, builder, signature, args):  # type: ignore[no-untyped-def]
        word = ir.IntType(64)
        for i, value in enumerate((builder.ptrtoint(args[0], word), *args[1:])):
            place = ir.Constant(word, _NOTE.ctypes.data + _NOTE.itemsize * i)
            builder.store(value, builder.inttoptr(place, word.as_pointer()))
        return context.get_dummy_value()

    return types.void(types.CPointer(types.int64), *[types.int64] * 5), code


def noting(call: Callable[..., int], place: int) -> Callable[..., int]:
    """Return a wrapper that first notes the call of the hook at this place."""
    inner = numba.njit(call)

    def noted(fields, key, size, now, next_use):  # type: ignore[no-untyped-def]
        _note(fields, place, key, size, now, next_use)  # type: ignore[call-arg]
        return inner(fields, key, size, now, next_use)

    return noted


def told(bound: Sequence[Bound], order: Sequence[str]) -> str:
    """Make the call that was noted last again; return what fails and where in one line, or "" if nothing does.

    Args:
        bound: the policies whose call it may be.
        order: the names of the hooks by place.
    """
    fields, place, key, size, now, next_use = _NOTE.tolist()
    for policy, state, table in bound:
        if table.ctypes.data == fields and not policy.builtin:
            given = {"state": state, "key": key, "req": Request(key, size, now, next_use)}
            arguments = [given[each] for each in policy.family.hooks[order[place]]]
            return checks.failure_in(policy, [(order[place], arguments)])
    return ""
