"""Random numbers of a policy's own, so that a run repeats and no other part of it can change what a policy draws.

``random`` is uint64[1], the state of the generator. The seed passes through SplitMix64 (Steele, Lea, Flood 2014), then
each draw is a word of xorshift64 (Marsaglia: Xorshift RNGs. Journal of Statistical Software 8(14), 2003).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hiersim.jit import hot


def start(seed: int) -> np.ndarray:
    """Return the state of a new generator."""
    return np.array([splitmix(seed) or 1], np.uint64)


def several(seed: int, count: int) -> np.ndarray:
    """Return the states of as many new generators, uint64[count], apart from one another and from `start`'s."""
    first = splitmix(seed)
    return np.array([splitmix(first + i) or 1 for i in range(1, count + 1)], np.uint64)


def splitmix(seed: int) -> int:
    """Spread a seed over 64 bits."""
    mask = 2**64 - 1
    word = (seed + 0x9E3779B97F4A7C15) & mask
    word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & mask
    word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & mask
    return word ^ (word >> 31)


@hot
def draw(random: np.ndarray) -> Any:
    """Return the next word, uint64 and never 0."""
    word = after(random[0])
    random[0] = word
    return word


@hot
def after(word: Any) -> Any:
    """Return the word that follows another, for loops that keep the state of the generator themselves."""
    word ^= word << np.uint64(13)
    word ^= word >> np.uint64(7)
    word ^= word << np.uint64(17)
    return word


@hot
def below(random: np.ndarray, bound: int) -> int:
    """Return a number from 0 to ``bound`` - 1, each as likely but for a bias below ``bound`` / 2^32."""
    return scaled(draw(random), bound)


@hot
def scaled(word: Any, bound: int) -> int:
    """Return the number from 0 to ``bound`` - 1 that a word stands for."""
    return np.int64(((word >> np.uint64(32)) * np.uint64(bound)) >> np.uint64(32))  # type: ignore[return-value]


@hot
def share(random: np.ndarray) -> float:
    """Return a number from 0 to 1, 1 excluded: 53 bits."""
    return float(draw(random) >> np.uint64(11)) * 2.0**-53
