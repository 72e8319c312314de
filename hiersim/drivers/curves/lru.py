"""The exact miss-ratio curve of LRU: all capacities in one pass over the trace, fed piece by piece."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hiersim import jit
from hiersim.errors import ConfigError, TraceError
from hiersim.traces.byte_stack import ByteStack
from hiersim.traces.stack import LruStack

PIECE = 1 << 16  # accesses whose distances are held at once
MOST = 2**62  # no capacity is larger


class LruCurve:
    """Counts what LRU caches of every capacity miss; the pieces of a trace give what the whole would.

    Where all objects count the same, any capacity can be asked for at the end. Where they have sizes, the capacities
    must be known before, and those below the largest object count too many misses (`byte_stack` says why).

    Attributes:
        accesses: how many were fed.
        bytes: of all accesses fed; equals ``accesses`` where all objects count the same.
    """

    def __init__(
        self, sizes: NDArray[np.int64] | None = None, capacities: Sequence[int] = (), *, inflate: float = 1.0
    ) -> None:
        """Start with an empty trace.

        Args:
            sizes: int64 [objects], bytes of each; ``None`` if all count the same.
            capacities: in bytes, at which misses will be asked for; of no use without ``sizes``.
            inflate: how many objects stand behind each that is fed: 1, or one by the rate of a sample.

        Raises:
            TraceError: an object has less than one byte.
            ConfigError: there are sizes but no capacities.
        """
        self.accesses = self.bytes = 0
        self._sizes, self._inflate = sizes, inflate
        self._stack: ByteStack | LruStack
        if sizes is None:
            self._stack, self._hits = LruStack(), np.zeros(1, np.int64)
            return
        if len(sizes) and sizes.min() < 1:
            raise TraceError(f"sizes are at least one byte, got {sizes.min()}")
        if not len(capacities):
            raise ConfigError("capacities must be given where objects have sizes")
        self._edges = np.unique(np.asarray(capacities, np.int64))
        self._stack = ByteStack(sizes)
        self._hits, self._hit_bytes = np.zeros(len(self._edges) + 1, np.int64), np.zeros(len(self._edges) + 1, np.int64)

    @property
    def first_uses(self) -> int:
        """How many objects were seen: the misses that no capacity avoids."""
        return self._stack.live

    @property
    def nbytes(self) -> int:
        """Bytes of memory that it takes, bound by the number of objects."""
        return self._stack.nbytes + self._hits.nbytes

    def feed(self, keys: NDArray[np.int32]) -> None:
        """Count the next piece of the trace; ``keys`` are dense numbers of objects."""
        keys = np.ascontiguousarray(keys, np.int32)
        if len(keys) and keys.min() < 0:
            raise TraceError(f"keys are 0 or more, got {keys.min()}")
        if self._sizes is not None and len(keys) and keys.max() >= len(self._sizes):
            raise TraceError(f"keys must be 0 to {len(self._sizes) - 1}, got {keys.max()}")
        for start in range(0, len(keys), PIECE):
            self._count(keys[start : start + PIECE])
        self.accesses += len(keys)

    def _count(self, keys: NDArray[np.int32]) -> None:
        if self._sizes is None:
            distances = self._stack.feed(keys)
            if self._stack.live >= len(self._hits):
                more = max(self._stack.live + 1, 2 * len(self._hits)) - len(self._hits)
                self._hits = np.concatenate([self._hits, np.zeros(more, np.int64)])
            _tally(distances, self._hits)
            self.bytes += len(keys)
            return
        distances, sizes = self._stack.feed(keys), self._sizes[keys]
        if self._inflate != 1.0:
            others = (distances - sizes) * self._inflate
            distances = np.where(distances > 0, sizes + np.rint(np.minimum(others, MOST)).astype(np.int64), 0)
        _tally_bytes(distances, sizes, self._edges, self._hits, self._hit_bytes)
        self.bytes += int(sizes.sum())

    def misses(self, capacities: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the misses of caches of these capacities: objects, or bytes where there are sizes."""
        return self.accesses - self._within(self._hits, capacities)

    def missed_bytes(self, capacities: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the bytes that caches of these capacities miss, or their misses where all objects count the same."""
        if self._sizes is None:
            return self.misses(capacities)
        return self.bytes - self._within(self._hit_bytes, capacities)

    def _within(self, hits: NDArray[np.int64], capacities: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how many hits lie within each capacity."""
        asked = np.asarray(capacities, np.int64)
        if self._sizes is None:  # the distance that a cache of so many objects reaches, among the objects fed
            reach = np.floor(1 + (asked - 1) / self._inflate + 1e-9).astype(np.int64) if self._inflate != 1 else asked
            return np.asarray(np.cumsum(hits)[np.minimum(reach, len(hits) - 1)])
        place = np.searchsorted(self._edges, asked)
        if (self._edges[np.minimum(place, len(self._edges) - 1)] != asked).any():
            raise ConfigError("where objects have sizes, misses are counted only at the capacities given before")
        return np.asarray(np.cumsum(hits)[place])

    def histogram(self) -> NDArray[np.int64]:
        """Return int64 [objects seen + 1]: how many accesses were at each distance in objects; 0 stands for first uses.

        Raises:
            ConfigError: the objects have sizes.
        """
        if self._sizes is not None:
            raise ConfigError("distances in objects are not counted where objects have sizes")
        found = self._hits[: self.first_uses + 1].copy()
        found[0] = self.first_uses
        return found


@jit.kernel
def _tally(distances: Any, hits: Any) -> None:
    """Count distances; those of 0 are first uses and no hits."""
    for i in range(distances.shape[0]):
        if distances[i] > 0:
            hits[distances[i]] += 1


@jit.kernel
def _tally_bytes(distances: Any, sizes: Any, edges: Any, hits: Any, hit_bytes: Any) -> None:
    """Count accesses and their bytes by the smallest edge that is not below the distance; the last cell is beyond."""
    for i in range(distances.shape[0]):
        if distances[i] > 0:
            low, high = 0, edges.shape[0]
            while low < high:
                middle = (low + high) >> 1
                if edges[middle] < distances[i]:
                    low = middle + 1
                else:
                    high = middle
            hits[low] += 1
            hit_bytes[low] += sizes[i]
