"""What random scenarios are drawn with: a few choices over ``random.Random``, which hypothesis can stand in for."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """Draws from short tables; the first entry is the plain one, to which hypothesis shrinks."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def pick(self, options: Sequence[T]) -> T:
        return options[self._random.randint(0, len(options) - 1)]

    def number(self, low: int, high: int) -> int:
        return self._random.randint(low, high)

    def often(self, option: T, others: Sequence[T], times: int = 3) -> T:
        """The option ``times`` as likely as each of the others."""
        return self.pick((*(option,) * times, *others))

    def chance(self, one_in: int) -> bool:
        return self._random.randint(1, one_in) == one_in
