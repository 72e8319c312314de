"""How often keys were asked for lately, counted in little memory: a count-min sketch whose counters age (TinyLFU).

A key has four counters of four bits, one in each quarter of one block of 128, so that all lie in one line of memory.
Its estimate is the least of them, never below the count but for what ageing has taken. `add` raises only those that are
least (minimal increment), and none above its bound. When the sample is full, after W additions, all counters are
halved, rounded down, and the number of additions too.

``table`` is uint64[8 * blocks], 16 counters to a word; ``tally`` is int64[3]: additions in the sample, its size W, and
the bound of a counter, which is W / C: who is asked for more often than that in a sample belongs into a cache of C.

Einziger, Friedman, Manes: TinyLFU: a highly efficient cache admission policy. ACM Transactions on Storage 13(4), 2017.
Cormode, Muthukrishnan: An improved data stream summary: the count-min sketch. Journal of Algorithms 55(1), 2005.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hiersim import jit
from hiersim.jit import hot, inner
from hiersim.policies import memory

ADDITIONS, SAMPLE, BOUND = range(3)  # what `tally` holds
MOST_SAMPLE = 15  # samples per entry: four bits count so far
ROWS, WORDS = 4, 8  # counters of a key; words of a block, two for each row
COUNTERS = 16  # per entry, as in Caffeine; and in a word
HALF = 0x7777777777777777  # keeps the bit that one counter shifts down out of the next one


def empty(entries: int, sample: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Return ``table`` and ``tally`` for a cache of ``entries`` keys.

    Args:
        entries: C, how many keys the cache holds.
        sample: W / C, from 1 to ``MOST_SAMPLE``; the paper's example is a sample of 16 K for a cache of 2 K.
    """
    blocks = max(1, -(-entries * COUNTERS // (WORDS * 16)))
    words = np.zeros(WORDS * blocks + WORDS, np.uint64)
    skip = -words.ctypes.data % 64 // 8  # a block is one line of memory
    return words[skip : skip + WORDS * blocks], np.array([0, sample * max(1, entries), sample], np.int64)


@hot
def add(table: np.ndarray, tally: np.ndarray, key: int) -> None:
    """Count one request for ``key``; age all counters when the sample is full."""
    spread = mix(key)
    block = first_word(table, spread)
    least = least_of(table, spread, block)
    if least < tally[BOUND]:
        for row in range(ROWS):
            place = (spread >> np.uint64(5 * row)) & np.uint64(31)
            word, shift = block + 2 * row + int(place >> np.uint64(4)), (place & np.uint64(15)) << np.uint64(2)
            if int((table[word] >> shift) & np.uint64(15)) == least:
                table[word] += np.uint64(1) << shift
    tally[ADDITIONS] += 1
    if tally[ADDITIONS] >= tally[SAMPLE]:
        age(table, tally)


@hot
def estimate(table: np.ndarray, key: int) -> int:
    """Return how often ``key`` was asked for lately, at least."""
    spread = mix(key)
    return least_of(table, spread, first_word(table, spread))


@hot
def fetch(table: np.ndarray, key: int) -> None:
    """Ask for the memory of a key's counters."""
    memory.prefetch(table, first_word(table, mix(key)))


@hot
def least_of(table: np.ndarray, spread: Any, block: int) -> int:
    """Return the least of a key's counters."""
    least = MOST_SAMPLE
    for row in range(ROWS):
        place = (spread >> np.uint64(5 * row)) & np.uint64(31)
        word, shift = block + 2 * row + int(place >> np.uint64(4)), (place & np.uint64(15)) << np.uint64(2)
        least = min(least, int((table[word] >> shift) & np.uint64(15)))
    return least


@hot
def first_word(table: np.ndarray, spread: Any) -> int:
    """Return where a key's block starts."""
    blocks = np.uint64(table.shape[0] // WORDS)
    return WORDS * int(((spread >> np.uint64(32)) * blocks) >> np.uint64(32))


@inner
def age(table: np.ndarray, tally: np.ndarray) -> None:
    """Halve all counters."""
    for word in range(table.shape[0]):
        table[word] = (table[word] >> np.uint64(1)) & np.uint64(HALF)
    tally[ADDITIONS] //= 2


if jit.DISABLED:

    def mix(key: int) -> Any:
        """Spread a key over 64 bits (the finaliser of SplitMix64)."""
        word = int(key) + 1
        word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
        word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) % 2**64
        return np.uint64(word ^ (word >> 31))

else:

    @hot
    def mix(key: int) -> Any:
        """Spread a key over 64 bits (the finaliser of SplitMix64)."""
        word = np.uint64(key + 1)
        word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return word ^ (word >> np.uint64(31))
