"""How keys and values are stored in fewer bits: quantised in groups, some of them in full, perhaps entropy-coded."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction

from hiersim.errors import ConfigError
from hiersim.models.work import Work


@dataclass(frozen=True)
class Codec:
    """A form of storing numbers, from which its size follows.

    Attributes:
        bits: of one number.
        group: numbers that share metadata; 0 where there is none.
        metadata_bits: of each group, such as 32 for a scale and a zero point in 16 bits.
        full_share: share of the numbers that are kept in full, as a window of recent tokens or outliers.
        entropy: how many times smaller an entropy coder makes the rest.
    """

    bits: float
    group: int = 0
    metadata_bits: int = 0
    full_share: float = 0.0
    entropy: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.bits <= 64 or self.group < 0 or self.metadata_bits < 0 or not 0 <= self.full_share <= 1:
            raise ConfigError(f"a codec has 0 to 64 bits, no negative group or metadata, and a share of 0 to 1: {self}")
        if not self.entropy > 0:
            raise ConfigError(f"an entropy coder makes things a positive number of times smaller, got {self.entropy}")
        if self.metadata_bits and not self.group:
            raise ConfigError("metadata needs `group`, the numbers that share it")

    def bits_per_number(self, full_bits: float = 16) -> float:
        """Return the bits that a number takes on average, metadata included.

        Args:
            full_bits: of a number in full.
        """
        coded = (self.bits + (self.metadata_bits / self.group if self.group else 0.0)) / self.entropy
        return self.full_share * full_bits + (1.0 - self.full_share) * coded

    def ratio(self, full_bits: float = 16) -> Fraction:
        """Return the size of what is stored over its size in full, to a millionth."""
        return Fraction(self.bits_per_number(full_bits) / full_bits).limit_denominator(1_000_000)


def coded(work: Work, ratio: Fraction) -> Work:
    """Return the work of a rank whose keys and values take ``ratio`` of their bytes, rounded up per layer and token."""
    mixings = tuple(
        replace(each, kv_bytes_per_token=math.ceil(each.kv_bytes_per_token * ratio)) for each in work.mixings
    )
    return replace(work, mixings=mixings, kv_bytes_per_token=sum(m.layers * m.kv_bytes_per_token for m in mixings))
