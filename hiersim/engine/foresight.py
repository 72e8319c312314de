"""What policies that know the future are told: when each object is asked for next, as a place in the order of accesses.

In an open loop, and of one stream, that is the order of the trace. In a closed loop of several streams it is an outcome
of the run, and has to come from another one (`drivers.rehearsal`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hiersim.engine.world import I64
from hiersim.traces.access import NEVER
from hiersim.traces.kernels import next_use

if TYPE_CHECKING:
    from hiersim.traces import AccessTrace


UNKNOWN = 1 << 62
"""The first access of an object that nobody asks for."""


class Foresight(NamedTuple):
    """Places in the order of accesses.

    Attributes:
        next_use: int64 [accesses of the trace]: of the object's next access, or ``NEVER``.
        first: int64 [objects]: of the object's first access.
    """

    next_use: I64
    first: I64


def in_trace_order(trace: AccessTrace) -> Foresight:
    """Return what is asked for next when accesses come as the trace lists them."""
    return Foresight(trace.next_use, _first(trace.object, trace.objects))


def unknown(trace: AccessTrace) -> Foresight:
    """Return what a run needs in which nobody asks for the future."""
    return Foresight(np.zeros(1, np.int64), np.full(trace.objects, UNKNOWN, np.int64))


def in_order(trace: AccessTrace, order: I64) -> Foresight:
    """Return what is asked for next when accesses come in another order.

    Args:
        trace: the accesses.
        order: their numbers in the trace, in the order in which they come.
    """
    asked = np.ascontiguousarray(trace.object[order])
    later = np.empty(len(trace), np.int64)
    next_use(asked, np.full(trace.objects, NEVER, np.int64), later)
    of_trace = np.empty_like(later)
    of_trace[order] = later
    return Foresight(of_trace, _first(asked, trace.objects))


def _first(asked: np.ndarray, objects: int) -> I64:
    first = np.full(objects, UNKNOWN, np.int64)
    first[asked[::-1]] = np.arange(len(asked))[::-1]  # the last one that is written stays
    return first
