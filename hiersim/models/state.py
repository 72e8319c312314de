"""Layers that keep a state of fixed size instead of keys and values: Mamba, Mamba-2 and gated delta rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hiersim.models.matrix import Matrix, share

UPDATE_FLOPS = {"mamba": 7, "mamba2": 5, "deltanet": 7}
"""FLOPs of one recurrent step per number of the state, counted from the recurrences: ``mamba`` (arXiv 2312.00752,
equation 2) decays by its own exponential (2), scales and adds the input (3), reads (2); ``mamba2`` (arXiv 2405.21060)
has one decay per head (1), else the same less the exponential (4); ``deltanet`` (arXiv 2412.06464, equation 10) decays
(1), reads by the key (2), corrects by the difference (2), reads by the query (2)."""


@dataclass(frozen=True)
class State:
    """The shapes of a layer with a fixed state.

    Attributes:
        kind: ``mamba``, ``mamba2`` or ``deltanet`` (gated).
        inner: channels that carry the state; of all heads.
        size: numbers of state per channel (the width of a key head for ``deltanet``).
        conv: width of the convolution over the last tokens.
        heads: heads of the channels (``mamba2``, ``deltanet``).
        groups: heads of the input and output projections of the state (``mamba2``), of queries and keys (``deltanet``).
        rank: rank of the step size (``mamba``).
        norms: step size, input and output projections have norms of their own (``mamba``).
    """

    kind: Literal["mamba", "mamba2", "deltanet"]
    inner: int
    size: int
    conv: int
    heads: int = 0
    groups: int = 0
    rank: int = 0
    norms: bool = False

    def on_rank(self, ranks: int) -> State:
        """Return what one of ``ranks`` ranks holds: a part of the channels, whole groups."""
        return State(
            self.kind, share(self.inner, ranks), self.size, self.conv, share(self.heads, ranks),
            share(self.groups, ranks), self.rank, self.norms,
        )  # fmt: skip

    @property
    def _keys(self) -> int:
        """Numbers of a token that write and read the state beside its channels."""
        return 2 * self.groups * self.size

    @property
    def channels(self) -> int:
        """Channels that the convolution runs over."""
        return self.inner + (self._keys if self.kind != "mamba" else 0)

    @property
    def values(self) -> int:
        """Numbers that one sequence keeps in one layer: the state, and the tokens that the convolution still needs."""
        return self.inner * self.size + self.channels * (self.conv - 1)

    @property
    def flops_per_token(self) -> int:
        """FLOPs of one recurrent step and its convolution, without the matrices."""
        return UPDATE_FLOPS[self.kind] * self.inner * self.size + 2 * self.conv * self.channels

    def matrices(self, hidden: int) -> tuple[Matrix, ...]:
        """Return the matrices of one layer in a model of this width."""
        out = Matrix("state_out", self.inner, hidden)
        if self.kind == "mamba":
            return (
                Matrix("state_in", hidden, 2 * self.inner),
                Matrix("state_keys", self.inner, self.rank + 2 * self.size),
                Matrix("state_step", self.rank, self.inner, bias=self.inner),
                out,
            )
        gates = self.heads * (2 if self.kind == "deltanet" else 1)
        return Matrix("state_in", hidden, 2 * self.inner + self._keys + gates), out

    @property
    def other_parameters(self) -> int:
        """Parameters outside of the matrices: convolution, decay, skip, step bias and norms."""
        if self.kind == "mamba":
            inside = self.inner * self.size + self.inner + (self.rank + 2 * self.size) * self.norms
            return self.channels * (self.conv + 1) + inside
        if self.kind == "mamba2":
            return self.channels * (self.conv + 1) + 3 * self.heads + self.inner
        return self.channels * self.conv + 2 * self.heads + self.inner // self.heads
