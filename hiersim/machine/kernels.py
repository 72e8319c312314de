"""The constants of a unit's kernels: what is left of the sheet's bandwidth and FLOP/s, and what every kernel costs.

docs/step_cost.md has the closed forms that they go into; ``hiersim calibrate`` fits them to measured kernels.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from hiersim.machine.record import Sourced
from hiersim.units import Picoseconds, PositiveBytes

Factor = Annotated[float, Field(gt=0, le=10, allow_inf_nan=False)]
"""A share of a figure of the sheet, or a multiple of it."""

Passes = Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]
"""How often a kernel reads or writes what it works on, or a number of tokens; may be 0."""

Rows = Annotated[float, Field(ge=1, le=4096, allow_inf_nan=False)]
"""Rows of a matrix that are worked on together."""

Exponent = Annotated[float, Field(ge=1, le=64, allow_inf_nan=False)]
"""The p of a smooth maximum of times, (sum of time^p)^(1/p): 1 adds them up, more comes closer to the larger one."""


class LinearKernels(Sourced):
    """Products of activations with weights."""

    overhead: Picoseconds
    """Of every kernel, in picoseconds."""
    bandwidth: Factor
    """Share of the near tier's read bandwidth at which weights are read, for 16 tokens at most."""
    wide_bandwidth: Factor
    """The same for more than 16 tokens."""
    flops: Factor
    """Share of the FLOP/s that large products reach."""
    rows: Rows
    """Tokens are rounded up to this many."""
    sharpness: Exponent
    """How reading weights and computing overlap."""
    depth: Passes = 0.0
    """For each number that is summed up into one of the output, in picoseconds."""


class DecodeKernels(Sourced):
    """Attention of one new token per sequence, in a batch without prefill."""

    overhead: Picoseconds
    """Of every kernel that reads at least twice the L2, in picoseconds."""
    bandwidth: Factor
    """Share of the near tier's read bandwidth at which it reads keys and values."""
    l2_overhead: Picoseconds
    """Of every kernel that reads no more than the L2, in picoseconds."""
    l2_bandwidth: Factor
    """Its speed as a multiple of the near tier's read bandwidth."""
    sequence: Picoseconds
    """For each sequence and head of keys and values, in picoseconds."""
    sharpness: Exponent
    """How that and reading overlap."""


class PrefillKernels(Sourced):
    """Attention of many new tokens of a sequence, in tiles of rows over blocks of the unit that work side by side."""

    overhead: Picoseconds
    """Of every kernel, in picoseconds."""
    flops: Factor
    """Share of the FLOP/s that long sequences reach."""
    rows: Rows
    """Rows of a tile; what is left of the last one is computed all the same."""
    block: Passes
    """What a tile costs to begin and to end, as tokens of context."""
    lanes: Rows
    """Tiles that are computed side by side; a single one takes this many times longer than its share."""
    sharpness: Exponent
    """How all tiles together and the longest one bind."""
    passes: Passes
    """How often the queries, keys, values and outputs of the new tokens pass the near tier."""


class MixedKernels(Sourced):
    """What decoding costs in a batch that has prefill too, which one kernel computes together."""

    rows: Rows
    """Rows that a decoding token takes in a tile, per query head."""
    empty: Picoseconds
    """For each tile of the longest chunk that another sequence does not have, per head, in picoseconds."""
    reuse: Passes
    """Keys and values of one head, as a share of the L2, up to which the query heads of a group read them once."""


class ElementwiseKernels(Sourced):
    """Norms, rotary positions, activation functions: what reads and writes activations."""

    overhead: Picoseconds
    """Of every kernel, in picoseconds."""
    bandwidth: Factor
    """Share of the near tier's read bandwidth, where the activations are larger than the L2."""
    l2_bandwidth: Factor
    """Its speed where they fit into the L2, as a multiple of the near tier's read bandwidth."""


class SamplingKernels(Sourced):
    """Choosing the next token from the logits."""

    overhead: Picoseconds
    """Of every step, in picoseconds."""
    passes: Passes
    """How often the logits, of 4 B each, are read or written."""


class Kernels(Sourced):
    """The kernels of a unit; groups that are absent are taken from the cards of its class that were measured."""

    l2_capacity: PositiveBytes | None = None
    """Bytes of the L2; nothing is served by it when absent."""
    step: Picoseconds = 0
    """Between two steps, when the unit waits for its host, in picoseconds."""
    linear: LinearKernels | None = None
    """Products with weights of 16 bits and more."""
    linear_8bit: LinearKernels | None = None
    """Products with weights of 8 bits and less; as ``linear`` when absent."""
    decode: DecodeKernels | None = None
    """Decode attention over keys and values of 16 bits."""
    decode_8bit: DecodeKernels | None = None
    """Decode attention over keys and values of 8 bits and less; as ``decode`` when absent."""
    prefill: PrefillKernels | None = None
    """Prefill attention."""
    mixed: MixedKernels | None = None
    """Both in one batch."""
    elementwise: ElementwiseKernels | None = None
    """What reads and writes activations."""
    sampling: SamplingKernels | None = None
    """Choosing the next token."""


GROUPS = ("linear", "decode", "prefill", "mixed", "elementwise", "sampling")
"""The groups without which no step has a time."""
