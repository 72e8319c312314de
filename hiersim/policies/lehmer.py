"""The random numbers of libCacheSim 0.3.5, so that the variant of Cacheus that reproduces it draws what it draws.

A state of 128 bits is multiplied by a constant; its upper half is the number. ``random`` is uint64[4]: the state in
pieces of 32 bits, the lowest first. A process of libCacheSim starts with `FIRST` below and 0 above, as seed 0 does
here; other seeds have other upper halves.

The multiplier: Steele, Vigna: Computationally easy, spectrally good multipliers for congruential pseudorandom number
generators. Software: Practice and Experience 52(2), 2022.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hiersim.jit import hot
from hiersim.policies import dice

FIRST = 0xDEADBEEF
MULTIPLIER = 0xDA942042E4DD58B5
PIECE = np.uint64(32)
MASK = np.uint64(2**32 - 1)
LOW, HIGH = np.uint64(MULTIPLIER & 0xFFFFFFFF), np.uint64(MULTIPLIER >> 32)


def start(seed: int) -> tuple[int, np.ndarray]:
    """Return the first number of a new generator, and its state after that."""
    whole = ((dice.splitmix(seed) if seed else 0) << 64 | FIRST) * MULTIPLIER % 2**128
    return whole >> 64, np.array([whole >> 32 * i & 0xFFFFFFFF for i in range(4)], np.uint64)


@hot
def draw(random: np.ndarray) -> Any:
    """Return the next number, uint64."""
    carry = np.uint64(0)
    a, b, c = random[0], random[1], random[2]
    for i in range(4):  # times the lower half of the multiplier; no sum exceeds 64 bits
        carry += random[i] * LOW
        random[i] = carry & MASK
        carry >>= PIECE
    carry = np.uint64(0)
    for i in range(1, 4):
        carry += (a if i == 1 else b if i == 2 else c) * HIGH + random[i]
        random[i] = carry & MASK
        carry >>= PIECE
    return random[3] << PIECE | random[2]
