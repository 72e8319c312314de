"""Compiled loops over the columns of a trace."""

from __future__ import annotations

from typing import Any

from hiersim.jit import kernel


@kernel
def next_use(objects: Any, upcoming: Any, out: Any) -> None:
    """Fill ``out`` with the index of each object's next access; ``upcoming`` is one scratch cell an object."""
    for back in range(objects.shape[0]):
        i = objects.shape[0] - 1 - back
        out[i] = upcoming[objects[i]]
        upcoming[objects[i]] = i


@kernel
def next_use_before(objects: Any, start: Any, upcoming: Any, out: Any) -> None:
    """Fill ``out`` as `next_use`, for accesses from number ``start`` on, after those that follow them."""
    for back in range(objects.shape[0]):
        i = objects.shape[0] - 1 - back
        out[i] = upcoming[objects[i]]
        upcoming[objects[i]] = start + i


@kernel
def largest(objects: Any, sizes: Any, table: Any) -> Any:
    """Raise each object's size in ``table`` to the largest seen; return how many accesses differ from it."""
    changed = 0
    for i in range(objects.shape[0]):
        if sizes[i] != table[objects[i]]:
            changed += 1
            if sizes[i] > table[objects[i]]:
                table[objects[i]] = sizes[i]
    return changed


@kernel
def count(objects: Any, table: Any) -> None:
    """Add up in ``table`` how often each object is accessed."""
    for i in range(objects.shape[0]):
        table[objects[i]] += 1


@kernel
def reuse_gaps(objects: Any, last: Any, out: Any) -> Any:
    """Write the number of accesses between reuses of an object to ``out``; return how many there are.

    ``last`` holds -1 for each object.
    """
    found = 0
    for i in range(objects.shape[0]):
        if last[objects[i]] >= 0:
            out[found] = i - last[objects[i]] - 1
            found += 1
        last[objects[i]] = i
    return found


@kernel
def spread(offsets: Any, values: Any, out: Any) -> None:
    """Repeat ``values[r]`` over the entries ``offsets[r]`` to ``offsets[r + 1]`` of ``out``."""
    for r in range(values.shape[0]):
        for i in range(offsets[r], offsets[r + 1]):
            out[i] = values[r]


@kernel
def positions(offsets: Any, out: Any) -> None:
    """Number the entries of each row of a CSR table from 0."""
    for r in range(offsets.shape[0] - 1):
        for i in range(offsets[r], offsets[r + 1]):
            out[i] = i - offsets[r]
