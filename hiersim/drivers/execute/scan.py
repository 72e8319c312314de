"""Compiled passes over all uses of objects, to find what cannot be run."""

from __future__ import annotations

from typing import Any

from hiersim.jit import hot, kernel
from hiersim.traces.operation import COMPUTE, FETCH


@kernel
def mark_written(piece: Any, there: Any) -> None:
    """Set ``there`` (uint8 by object) of every object that an operation writes."""
    offsets, reads, uses, _, _ = piece
    for i in range(reads.shape[0]):
        for u in range(offsets[i] + reads[i], offsets[i + 1]):
            there[uses[u]] = 1


@kernel
def first_orphan(piece: Any, there: Any) -> Any:
    """Return the place among all uses of the first one that a compute or fetch reads and that is not there, or -1."""
    offsets, reads, uses, action, _ = piece
    for i in range(reads.shape[0]):
        if action[i] == COMPUTE or action[i] == FETCH:
            for u in range(offsets[i], offsets[i] + reads[i]):
                if there[uses[u]] == 0:
                    return u
    return -1


@kernel
def first_too_large(piece: Any, size: Any, home: Any, room: Any) -> Any:
    """Return the first operation whose objects do not fit near, or -1.

    Args:
        piece: offsets, reads, uses, action and near tier of the operations.
        size: int64 by object.
        home: int64 by object, the tier that is its home.
        room: int64 by tier, what is free of what is at home there.
    """
    offsets, reads, uses, action, near = piece
    for i in range(reads.shape[0]):
        if action[i] == COMPUTE or action[i] == FETCH:
            total = 0
            for u in range(offsets[i], offsets[i + 1]):
                if home[uses[u]] != near[i]:
                    total += size[uses[u]]
            if (
                total > room[near[i]]
                and needed(uses, offsets[i], offsets[i + 1], (size, home, near[i])) > room[near[i]]
            ):
                return i
    return -1


@hot
def needed(uses: Any, start: int, stop: int, objects: Any) -> int:
    """Return the bytes that an operation's objects take near, each once."""
    size, home, near = objects
    total = 0
    for u in range(start, stop):
        seen = home[uses[u]] == near
        for v in range(start, u):
            seen = seen or uses[v] == uses[u]
        if not seen:
            total += size[uses[u]]
    return total
