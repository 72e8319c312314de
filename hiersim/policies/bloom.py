"""The counting Bloom filter of libCacheSim, to the counter: for the variant of W-TinyLFU that reproduces it.

A key has ten counters, at (a + i b mod 2^32) mod n for i from 0 to 9; a and b are the lower halves of its XXH64 with
two seeds. Its estimate is the least of them; `add` raises all of them. ``table`` is int32[n], ``pairs`` is
uint32[2 * objects]: a and b of each key; ``inverse`` is uint64[1]: what stands for dividing by n (see `remainder`).

XXH64: Collet: xxHash fast digest algorithm, https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from hiersim import jit
from hiersim.jit import hot, inner
from hiersim.policies import bits, memory

HASHES = 10  # ceil(ln 2 * PER_ENTRY)
PER_ENTRY = -math.log(0.001) / math.log(2) ** 2  # counters, for one false answer in a thousand
SEEDS = (0x12345678, 0x12344321)
WRAP = 2**32
PRIMES = (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5)


def empty(objects: int, entries: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return ``table``, ``pairs`` and ``inverse`` for ``entries`` of the keys 0 to ``objects`` - 1."""
    counters = math.ceil(PER_ENTRY * entries)
    pairs = np.empty(2 * objects, np.uint32)
    for i, seed in enumerate(SEEDS):
        pairs[i::2] = (hash_of(np.arange(objects, dtype=np.uint64), seed) & np.uint64(WRAP - 1)).astype(np.uint32)
    counters = counters if counters >= HASHES else 2 * HASHES
    return np.zeros(counters, np.int32), pairs, np.array([(2**64 - 1) // counters + 1], np.uint64)


def hash_of(words: np.ndarray, seed: int) -> np.ndarray:
    """Return the XXH64 of each of the words, uint64, as eight bytes."""
    first, second, third, fourth, fifth = (np.uint64(prime) for prime in PRIMES)
    mixed = turn(words * second, 31) * first
    value = turn(mixed ^ np.uint64((seed + int(fifth) + 8) % 2**64), 27) * first + fourth
    value = (value ^ (value >> np.uint64(33))) * second
    value = (value ^ (value >> np.uint64(29))) * third
    return value ^ (value >> np.uint64(32))


def turn(words: np.ndarray, by: int) -> np.ndarray:
    """Rotate the bits of each word to the left."""
    return (words << np.uint64(by)) | (words >> np.uint64(64 - by))


@inner
def add(table: np.ndarray, pairs: np.ndarray, inverse: np.ndarray, key: int) -> None:
    """Count one request for ``key``."""
    word, step, length, times = pair_of(table, pairs, inverse, key)
    for _ in range(HASHES):
        table[remainder(word, length, times)] += 1
        word = (word + step) & np.uint64(WRAP - 1)


@inner
def estimate(table: np.ndarray, pairs: np.ndarray, inverse: np.ndarray, key: int) -> int:
    """Return how often ``key`` was asked for lately, at least."""
    word, step, length, times = pair_of(table, pairs, inverse, key)
    least = int(table[remainder(word, length, times)])
    for _ in range(HASHES - 1):
        word = (word + step) & np.uint64(WRAP - 1)
        least = min(least, int(table[remainder(word, length, times)]))
    return least


@inner
def add_and_estimate(table: np.ndarray, pairs: np.ndarray, inverse: np.ndarray, key: int) -> int:
    """Count one request for ``key``, and return how often it was asked for before."""
    word, step, length, times = pair_of(table, pairs, inverse, key)
    least = np.int64(2**31 - 1)
    for _ in range(HASHES):
        place = remainder(word, length, times)
        least = min(least, np.int64(table[place]))  # where two of its counters are one, the first look counts
        table[place] += 1
        word = (word + step) & np.uint64(WRAP - 1)
    return least  # type: ignore[return-value]


@hot
def pair_of(table: np.ndarray, pairs: np.ndarray, inverse: np.ndarray, key: int) -> Any:
    """Return a key's first word, the step to the next, the length of the table and what stands for dividing by it."""
    return np.uint64(pairs[2 * key]), np.uint64(pairs[2 * key + 1]), np.uint64(table.shape[0]), inverse[0]


if jit.DISABLED:

    def remainder(word: Any, by: Any, inverse: Any) -> int:
        """Return ``word`` modulo ``by``."""
        return int(word) % int(by)

else:

    @hot
    def remainder(word: Any, by: Any, inverse: Any) -> int:
        """Return ``word`` modulo ``by``, both below 2^32, ``inverse`` being 2^64 / ``by`` rounded up.

        Lemire, Kaser, Kurz: Faster remainder by direct computation. Software: Practice and Experience 49(6), 2019.
        """
        return int(bits.upper(word * inverse, by))  # the product is taken modulo 2^64


@hot
def fetch(pairs: np.ndarray, key: int) -> None:
    """Ask for the memory that says where a key's counters are."""
    memory.prefetch(pairs, 2 * key)


@inner
def age(table: np.ndarray) -> None:
    """Halve all counters."""
    for i in range(table.shape[0]):
        table[i] >>= 1
