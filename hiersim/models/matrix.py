"""The matrices that every token is multiplied with: shapes from which parameters, bytes and FLOPs follow."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Tokens = Literal["all", "expert", "last"]


@dataclass(frozen=True)
class Matrix:
    """One weight matrix, or several that are read at once as a single one (queries, keys and values).

    Attributes:
        name: what it makes, such as ``qkv`` or ``gate_up``.
        rows: numbers of a token that go in.
        columns: numbers of a token that come out.
        bias: numbers added to what comes out.
        tokens: which tokens it is for: ``all``, those routed to one ``expert``, or each sequence's ``last``.
    """

    name: str
    rows: int
    columns: int
    bias: int = 0
    tokens: Tokens = "all"

    @property
    def parameters(self) -> int:
        """Its numbers, bias included."""
        return self.rows * self.columns + self.bias

    @property
    def flops_per_token(self) -> int:
        """FLOPs per token: a multiplication and an addition per number; the bias is left out."""
        return 2 * self.rows * self.columns


def parameters_of(matrices: Iterable[Matrix]) -> int:
    """Return the numbers in matrices, biases included."""
    return sum(each.parameters for each in matrices)


def share(whole: int, ranks: int) -> int:
    """Return the largest part of ``whole`` when ranks divide it as evenly as they can."""
    return -(-whole // ranks)
