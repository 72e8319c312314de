"""The counting Bloom filter of libCacheSim, to the counter: for the variant of W-TinyLFU that reproduces it.

A key has ten counters, at (a + i b mod 2^32) mod n for i from 0 to 9; a and b are the lower halves of its XXH64 with
two seeds. Its estimate is the least of them; `add` raises all of them. ``spots`` is uint32[10 * objects]: where those
of each key are. ``table`` is uint8[n], small so that it stays close to the processor, and ``carried`` int32[n]: a
counter at 255 that is raised keeps 128 and carries 128, so that it is ``table`` plus 128 times ``carried``, which is 0
where ``table`` is below 128.

XXH64: Collet: xxHash fast digest algorithm, https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from hiersim.jit import hot, inner, kernel
from hiersim.policies import memory

HASHES = 10  # ceil(ln 2 * PER_ENTRY)
PER_ENTRY = -math.log(0.001) / math.log(2) ** 2  # counters, for one false answer in a thousand
SEEDS = (0x12345678, 0x12344321)
WRAP = 2**32
CARRY = 7  # a counter carries 2^CARRY at once,
LARGE = 1 << CARRY  # and may have done so if `table` says this or more
PRIMES = (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5)


def empty(objects: int, entries: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return ``table``, ``carried`` and ``spots`` for ``entries`` of the keys 0 to ``objects`` - 1."""
    counters = math.ceil(PER_ENTRY * entries)
    counters = counters if counters >= HASHES else 2 * HASHES
    keys = np.arange(objects, dtype=np.uint64)
    words, steps = ((hash_of(keys, seed) & np.uint64(WRAP - 1)).astype(np.uint32) for seed in SEEDS)
    spots = np.empty(HASHES * objects, np.uint32)
    spread(words, steps, counters, spots)
    return np.zeros(counters, np.uint8), np.zeros(counters, np.int32), spots


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
def add(table: np.ndarray, carried: np.ndarray, spots: np.ndarray, key: int) -> None:
    """Count one request for ``key``."""
    first = np.uint64(HASHES * key)
    for i in range(HASHES):
        raise_one(table, carried, spots[first + np.uint64(i)])


@inner
def estimate(table: np.ndarray, carried: np.ndarray, spots: np.ndarray, key: int) -> int:
    """Return how often ``key`` was asked for lately, at least."""
    first, least = np.uint64(HASHES * key), np.int64(2 * LARGE)
    for i in range(HASHES):
        least = min(least, np.int64(table[spots[first + np.uint64(i)]]))
    return least if least < LARGE else whole(table, carried, spots, key)  # type: ignore[return-value]


@inner
def add_and_estimate(table: np.ndarray, carried: np.ndarray, spots: np.ndarray, key: int) -> int:
    """Count one request for ``key``, and return how often it was asked for before."""
    first, least = np.uint64(HASHES * key), np.int64(2 * LARGE)
    if table[spots[first]] >= LARGE:
        least = np.int64(estimate(table, carried, spots, key))
        add(table, carried, spots, key)
        return least  # type: ignore[return-value]
    for i in range(HASHES):
        spot = spots[first + np.uint64(i)]
        least = min(least, np.int64(table[spot]))  # where two of its counters are one, the first look counts
        raise_one(table, carried, spot)
    return least  # type: ignore[return-value]


@hot
def raise_one(table: np.ndarray, carried: np.ndarray, spot: Any) -> None:
    """Raise a counter."""
    value = (int(table[spot]) + 1) & (2 * LARGE - 1)
    table[spot] = value
    if value == 0:
        table[spot] = LARGE
        carried[spot] += 1


@inner
def whole(table: np.ndarray, carried: np.ndarray, spots: np.ndarray, key: int) -> int:
    """Return the least of the counters of ``key`` with what they carried."""
    first, least = np.uint64(HASHES * key), np.int64(2**62)
    for i in range(HASHES):
        spot = spots[first + np.uint64(i)]
        least = min(least, np.int64(table[spot]) + (np.int64(carried[spot]) << CARRY))
    return least  # type: ignore[return-value]


@hot
def fetch(spots: np.ndarray, key: int) -> None:
    """Ask for the memory that says where a key's counters are."""
    memory.prefetch(spots, HASHES * key)
    memory.prefetch(spots, HASHES * key + HASHES - 1)


@kernel
def spread(words: np.ndarray, steps: np.ndarray, length: int, spots: np.ndarray) -> None:
    """Fill in where the counters of each key are."""
    for key in range(words.shape[0]):
        word, step = np.uint64(words[key]), np.uint64(steps[key])
        for i in range(HASHES):
            spots[HASHES * key + i] = word % np.uint64(length)
            word = (word + step) & np.uint64(WRAP - 1)


@inner
def age(table: np.ndarray, carried: np.ndarray) -> None:
    """Halve all counters."""
    for i in range(table.shape[0]):
        value = (np.int64(table[i]) + (np.int64(carried[i]) << CARRY)) >> 1
        more = max(np.int64(0), value - LARGE) >> CARRY
        table[i], carried[i] = value - (more << CARRY), more
