"""Prefix semantics of a replay: which hits a request can use, and in which order it touches its blocks.

Keys and values of a prefix block are of use only with those of all blocks before it: a request takes the blocks up to
the first that is missing and computes the rest anew. A hit behind a miss of the same request is an orphan.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from hiersim import jit
from hiersim.drivers.cache_record import PACKED
from hiersim.drivers.cache_result import CacheResult
from hiersim.errors import ConfigError, Mistake, nearest

if TYPE_CHECKING:
    from hiersim.traces.access import AccessTrace

ORDERS = ("head", "tail")


class Prefixes:
    """How a trace is replayed if it is of prefix blocks, and what its hits are worth; of other traces nothing changes.

    Attributes:
        hits: whether a replay must note its hits, as ``Study`` takes it.
    """

    def __init__(self, trace: AccessTrace, order: str, hits: bool | str) -> None:
        """Prepare for replays of a trace.

        Args:
            trace: of prefix blocks if its objects have parents.
            order: in which a request touches its blocks: ``head`` or ``tail`` first.
            hits: what the user asked for: no hits, one bool each, or ``packed`` one bit.

        Raises:
            ConfigError: no such order, or the trace is not of prefix blocks and so has none.
        """
        check_order(order, trace.parents is not None)
        self._order = touch_order(trace.group) if order == "tail" else None
        self._requests = None if trace.parents is None else trace.group
        self._wanted = hits
        self.hits = hits if self._requests is None else True

    def ordered(self, column: np.ndarray) -> np.ndarray:
        """Return a column of the trace's accesses in the order in which they are replayed."""
        return column if self._order is None or len(column) != len(self._order) else column[self._order]

    def judged(self, result: CacheResult) -> CacheResult:
        """Return the result with its usable hits, and with the hits as asked for, in the order of the trace."""
        if self._requests is None or result.hit_map is None or len(result.hit_map) < len(self._requests):
            return result  # of another trace, or stopped half-way
        hits = self.ordered(result.hit_map)  # there and back is the same way
        usable = int(usable_hits(hits, self._requests).sum())
        kept = np.packbits(hits) if self._wanted == PACKED else hits if self._wanted else None
        return replace(result, usable=usable, hit_map=kept)


def usable_hits(hits: np.ndarray, requests: np.ndarray) -> np.ndarray:
    """Return bool[accesses]: the hits of each request before its first miss.

    Args:
        hits: bool[accesses], in the order of the trace; each request's blocks from the first to the last.
        requests: int32[accesses], the request that each access belongs to; those of one lie side by side.
    """
    usable = np.zeros(len(hits), np.bool_)
    _leading(np.ascontiguousarray(hits, np.bool_), np.ascontiguousarray(requests, np.int32), usable)
    return usable


@jit.kernel
def _leading(hits: np.ndarray, requests: np.ndarray, usable: np.ndarray) -> None:
    """Fill ``usable`` with the hits of each request up to its first miss."""
    unbroken = True
    for i in range(hits.shape[0]):
        if i == 0 or requests[i] != requests[i - 1]:
            unbroken = True
        unbroken = unbroken and hits[i]
        usable[i] = unbroken


def check_order(order: str, blocks: bool) -> None:
    """Refuse an order that does not exist, or one of ``blocks`` that a trace does not have.

    Raises:
        ConfigError: no such order, or the trace is not of prefix blocks.
    """
    what = ""
    if order not in ORDERS:
        what = f"no order `{order}`{nearest(str(order), ORDERS)}; `head` and `tail` are, and the policy `leaf-lru`"
    elif order != "head" and not blocks:
        what = "needs a trace of prefix blocks, as of requests; here each access stands alone"
    if what:
        raise ConfigError([Mistake("order", what)])


def touch_order(requests: np.ndarray) -> np.ndarray:
    """Return int64[accesses]: each request's accesses from the last to the first; applied twice it changes nothing.

    Args:
        requests: int32[accesses], the request that each access belongs to; those of one lie side by side.
    """
    if not len(requests):
        return np.zeros(0, np.int64)
    begins = np.flatnonzero(np.concatenate([[True], requests[1:] != requests[:-1]]))
    lengths = np.diff(np.append(begins, len(requests)))
    return np.repeat(2 * begins + lengths - 1, lengths) - np.arange(len(requests))
