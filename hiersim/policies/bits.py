"""A set of small integers whose largest member is found fast: a tree of bits, 64 to a word; and the bits of a number.

``words`` is int64, all levels one after the other, the finest first; ``level`` is int64[levels], where each starts. A
bit of a coarser level says that the word below it is not empty.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.core.extending import intrinsic

from hiersim import jit


def empty(members: int) -> tuple[np.ndarray, np.ndarray]:
    """Return ``words`` and ``level`` for an empty set of numbers from 0 to ``members`` - 1."""
    sizes = [max(1, -(-members // 64))]
    while sizes[-1] > 1:
        sizes.append(-(-sizes[-1] // 64))
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
    return np.zeros(sum(sizes), np.int64), starts


@jit.hot
def put(words: np.ndarray, level: np.ndarray, member: int) -> None:
    """Put a number into the set."""
    for start in level:
        place = start + (member >> 6)
        before = words[place]
        words[place] = before | (np.int64(1) << (member & 63))
        if before != 0:
            return
        member >>= 6


@jit.hot
def drop(words: np.ndarray, level: np.ndarray, member: int) -> None:
    """Take a number out of the set."""
    for start in level:
        place = start + (member >> 6)
        after = words[place] & ~(np.int64(1) << (member & 63))
        words[place] = after
        if after != 0:
            return
        member >>= 6


@jit.hot
def lowest_bit(word: int) -> int:
    """Return the number of the lowest bit of a word that is not 0."""
    return highest_bit(word & -word)


@jit.hot
def highest(words: np.ndarray, level: np.ndarray) -> int:
    """Return the largest number in the set, which is not empty."""
    member = np.int64(0)
    for i in range(level.shape[0] - 1, -1, -1):
        member = (member << 6) | highest_bit(words[level[i] + member])
    return member  # type: ignore[return-value]


if jit.DISABLED:

    def highest_bit(word: Any) -> int:
        """Return the number of the highest bit of a word that is not 0."""
        return (int(word) & (2**64 - 1)).bit_length() - 1

    def ones(word: Any) -> int:
        """Return how many bits of a word are set."""
        return (int(word) & (2**64 - 1)).bit_count()

    def pattern(value: Any) -> int:
        """Return the bits of a float64 as an integer; of numbers from 0 on, the larger has the larger pattern."""
        return int(np.float64(value).view(np.int64))

    def value(word: Any) -> float:
        """Return the float64 that has these bits."""
        return float(np.int64(word).view(np.float64))

else:

    @intrinsic
    def highest_bit(typing_context, word):  # type: ignore[no-untyped-def]
        """Return the number of the highest bit of a word that is not 0."""

        def code(context, builder, signature, args):  # type: ignore[no-untyped-def]
            zeros = builder.ctlz(args[0], context.get_constant(types.boolean, True))
            return builder.sub(context.get_constant(types.int64, 63), zeros)

        return types.int64(types.int64), code

    @intrinsic
    def ones(typing_context, word):  # type: ignore[no-untyped-def]
        """Return how many bits of a word are set."""

        def code(context, builder, signature, args):  # type: ignore[no-untyped-def]
            return builder.ctpop(args[0])

        return types.int64(types.int64), code

    @intrinsic
    def pattern(typing_context, value):  # type: ignore[no-untyped-def]
        """Return the bits of a float64 as an integer; of numbers from 0 on, the larger has the larger pattern."""

        def code(context, builder, signature, args):  # type: ignore[no-untyped-def]
            return builder.bitcast(args[0], context.get_value_type(types.int64))

        return types.int64(types.float64), code

    @intrinsic
    def value(typing_context, word):  # type: ignore[no-untyped-def]
        """Return the float64 that has these bits."""

        def code(context, builder, signature, args):  # type: ignore[no-untyped-def]
            return builder.bitcast(args[0], context.get_value_type(types.float64))

        return types.float64(types.int64), code
