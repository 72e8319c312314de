"""Mixing numbers into one whose middle bits say where in a table of a few rows something may be remembered."""

from __future__ import annotations

from hiersim.jit import hot

LOW = (1 << 31) - 1  # products with FACTOR stay within 63 bits, also where nothing is compiled
FACTOR = 0x5BD1E995


@hot
def mix(mixed: int, number: int) -> int:
    """Return a number mixed with another one."""
    return int((((mixed ^ number) & LOW) * FACTOR) >> 15)
