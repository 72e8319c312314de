"""Types of numbers, and the bytes that they take."""

from __future__ import annotations

from fractions import Fraction

from hiersim.errors import ConfigError, nearest

DTYPE_BITS: dict[str, float] = {
    "fp32": 32, "bf16": 16, "fp16": 16, "fp8": 8, "int8": 8, "mxfp4": 4.25, "fp4": 4, "int4": 4,
}  # fmt: skip
"""Bits of one number, by the name of its type. ``mxfp4`` has an 8-bit scale for 32 numbers, which is part of the type
(OCP Microscaling Formats 1.0, section 5.2); other scales and metadata are a codec's business."""


def bits_of(dtype: str) -> float:
    """Return the bits of one number of a type.

    Raises:
        ConfigError: an unknown type, with the nearest one.
    """
    if dtype not in DTYPE_BITS:
        raise ConfigError(f"unknown data type `{dtype}`{nearest(dtype, DTYPE_BITS)} (one of {', '.join(DTYPE_BITS)})")
    return DTYPE_BITS[dtype]


def bytes_of(values: int, dtype: str) -> int:
    """Return the bytes of so many numbers of a type, rounded up.

    Raises:
        ConfigError: an unknown type.
    """
    return int(-(-values * Fraction(bits_of(dtype)) // 8))
