"""Samples of a trace by object: a hash of the object's number says whether it is in, with all its accesses.

A sample at a lower rate with the same seed lies within one at a higher rate. Objects are told apart by their dense
numbers, which follow the order of their first appearance, so the ids that a source happens to use change nothing.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hiersim import jit
from hiersim.errors import ConfigError

ALL = 2**64


class Sample(NamedTuple):
    """The accesses to the objects that were drawn, with new dense numbers in the order of the old."""

    keys: NDArray[np.int32]  # [accesses of the sample]
    chosen: NDArray[np.int64]  # [objects of the sample]: their old numbers


def check_rate(rate: float) -> float:
    """Return a rate that is more than 0 and at most 1.

    Raises:
        ConfigError: it is not.
    """
    if not (isinstance(rate, int | float | np.number) and 0 < rate <= 1):  # NaN is not either
        got = f"{rate:g}" if isinstance(rate, int | float | np.number) else repr(rate)
        raise ConfigError(f"must be more than 0 and at most 1, got {got}")
    return float(rate)


def draw(keys: NDArray[np.int32], objects: int, rate: float, seed: int) -> Sample:
    """Return the accesses to a share of the objects.

    Args:
        keys: int32 [accesses], dense numbers of objects.
        objects: how many objects there are.
        rate: the share of the objects to expect in the sample.
        seed: which sample.
    """
    number = np.empty(objects, np.int32)
    _number(number, salt_of(seed), np.uint64(min(ALL, round(check_rate(rate) * ALL)) - 1))
    kept = np.empty(len(keys), np.int32)
    kept = kept[: _pick(keys, number, kept)]
    return Sample(kept, np.flatnonzero(number >= 0))


def salt_of(seed: int) -> np.uint64:
    """Return what sets the hashes of one seed apart from those of others."""
    return np.uint64(np.random.default_rng([0x5A, seed]).integers(0, ALL, dtype=np.uint64))


if jit.DISABLED:

    def scramble(key: Any, salt: Any) -> Any:
        """Return the hash of a key, as the compiled one does."""
        word = (int(key) + int(salt)) % ALL
        word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) % ALL
        word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) % ALL
        return np.uint64(word ^ (word >> 31))

else:

    @jit.hot
    def scramble(key: Any, salt: Any) -> Any:
        """Return the hash of a key: uint64, one to one (the finalizer of SplitMix64; Steele, Lea and Flood, 2014)."""
        word = np.uint64(key) + salt
        word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return word ^ (word >> np.uint64(31))


@jit.kernel
def _number(number: Any, salt: Any, highest: Any) -> None:
    """Give the keys whose hash is at most ``highest`` new numbers, the others -1."""
    found = np.int64(0)
    for key in range(number.shape[0]):
        number[key] = -1
        if scramble(key, salt) <= highest:
            number[key] = found
            found += 1


@jit.kernel
def _pick(keys: Any, number: Any, kept: Any) -> Any:
    """Write the new numbers of the keys that have one to ``kept``; return how many there are."""
    found = np.int64(0)
    for i in range(keys.shape[0]):
        kept[found] = number[keys[i]]
        found += number[keys[i]] >= 0
    return found
