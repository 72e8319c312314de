"""The sorts of kernels: which constants of a unit they determine, where a fit begins, and how a row is computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hiersim.drivers.serving import columns as c
from hiersim.drivers.serving import rows
from hiersim.drivers.serving.packing import Formats, fill_unit
from hiersim.drivers.serving.packing import Sheet as Rates
from hiersim.studies.kernels.sheet import Sheet
from hiersim.studies.kernels.table import CHUNKS, TOKENS, Floats, Table

DECODING = 64
"""Tokens of a step in which all sequences decode, at most."""
OFTEN = 3.0
"""How many times a row counts that is of such a step."""
US = 1e6
"""Picoseconds of a microsecond; rows of a table are in microseconds."""


@dataclass(frozen=True)
class Bound:
    """A constant that is fitted: where it begins, and what it cannot leave."""

    start: float
    low: float
    high: float


@dataclass(frozen=True)
class Kind:
    """A group of constants that is fitted to tables of one sort.

    Attributes:
        name: of the group in ``machine.kernels.Kernels``.
        bounds: the constants by ``group.field``.
        taken: constants that are not fitted.
        tried: such constants of which each value is tried.
    """

    name: str
    bounds: Mapping[str, Bound]
    taken: Mapping[str, float] = field(default_factory=dict)
    tried: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


SHARE = Bound(0.85, 0.1, 1.05)
LINEAR = Kind(
    "linear",
    {
        "linear.overhead": Bound(5 * US, 0, 100 * US),
        "linear.bandwidth": SHARE,
        "linear.wide_bandwidth": SHARE,
        "linear.flops": Bound(0.8, 0.1, 1.2),
        "linear.sharpness": Bound(3.0, 1.0, 20.0),
        "linear.depth": Bound(100.0, 0.0, 20_000.0),
    },
    {"linear.rows": 64.0},
    {"linear.rows": (64.0, 128.0)},
)
DECODE = Kind(
    "decode",
    {
        "decode.overhead": Bound(20 * US, 0, 200 * US),
        "decode.bandwidth": SHARE,
        "decode.l2_overhead": Bound(12 * US, 0, 200 * US),
        "decode.l2_bandwidth": Bound(0.85, 0.1, 3.0),
        "decode.sequence": Bound(0.025 * US, 0, 1 * US),
        "decode.sharpness": Bound(1.7, 1.0, 20.0),
    },
)
PREFILL = Kind(
    "prefill",
    {
        "prefill.overhead": Bound(8 * US, 0, 100 * US),
        "prefill.flops": Bound(0.7, 0.1, 1.2),
        "prefill.block": Bound(80.0, 0.0, 1000.0),
        "prefill.sharpness": Bound(2.0, 1.0, 20.0),
        "prefill.passes": Bound(1.0, 0.0, 20.0),
    },
    {"prefill.rows": 64.0},
    {"prefill.rows": (64.0, 128.0)},
)
GROUPS = ("linear", "decode", "prefill", "mixed", "elementwise", "sampling")
"""Of ``Kernels``, those that a step needs."""
LANES = {"prefill.lanes": Bound(128.0, 16.0, 1024.0)}
MIXED = Kind(
    "mixed",
    {
        "mixed.rows": Bound(64.0, 1.0, 256.0),
        "mixed.empty": Bound(0.002 * US, 0, 0.1 * US),
        "mixed.reuse": Bound(0.4, 0.0, 4.0),
    },
)
ELEMENTWISE = Kind(
    "elementwise",
    {
        "elementwise.overhead": Bound(2 * US, 0, 50 * US),
        "elementwise.bandwidth": SHARE,
        "elementwise.l2_bandwidth": Bound(2.0, 0.3, 10.0),
    },
)
SAMPLING = Kind("sampling", {"sampling.overhead": Bound(20 * US, 0, 1000 * US), "sampling.passes": Bound(2, 0.1, 50)})


@dataclass
class Evaluator:
    """Computes tables with constants.

    Attributes:
        sheet: what the constants are shares of.
        known: constants by ``group.field``; what is fitted is laid on them.
        bits: of weights, or of keys and values.
    """

    sheet: Sheet
    known: dict[str, float]
    bits: int = 16

    def packed(self, constants: Mapping[str, float]) -> Floats:
        """Return the array of a unit with these constants."""
        p = np.zeros(c.TABLES + rows.WORKING, np.float64)
        rates = Rates(self.sheet.bandwidth_bytes_per_s, self.sheet.flops, self.sheet.weight_flops(self.bits))
        fill_unit(p, _kernels(self.known | dict(constants), self.sheet.l2_bytes), rates, Formats())
        return p

    def times_us(self, table: Table, constants: Mapping[str, float], rows_of: Any = slice(None)) -> Floats:
        """Return what the closed form says of the rows of a table, in microseconds."""
        p, values = self.packed(constants), np.ascontiguousarray(table.values[rows_of])
        times, out = np.zeros(len(values)), np.zeros(c.OUT)
        if table.sort == "linear":
            rows.linear_rows(p, values, out, times)
        elif table.sort in ("decode", "attention"):
            most = int(values[:, CHUNKS].max(initial=0)) + 1
            work = np.zeros(c.BATCH, np.int64), np.zeros(most, np.int64), np.zeros(most, np.int64)
            rows.attention_rows(p, values, work, out, times)
        elif table.sort == "elementwise":
            rows.elementwise_rows(p, values, out, times)
        else:
            rows.sampling_rows(p, values, out, times)
        return times / US

    def weights(self, table: Table) -> Floats:
        """Return how much each row counts: thrice where most steps of a served model are.

        Those are products for as many tokens as sequences decode, and decoding over more than the L2 holds.
        """
        if table.sort == "linear":
            return np.where(table.values[:, TOKENS] <= DECODING, OFTEN, 1.0)
        if table.sort == "decode":
            return np.where(beyond_l2(table, self.sheet), OFTEN, 1.0)
        return np.ones(len(table.values))


def beyond_l2(table: Table, sheet: Sheet) -> NDArray[np.bool_]:
    """Return which rows read more than twice the L2."""
    return np.asarray(table.bytes() > 2 * sheet.l2_bytes)


def _kernels(constants: Mapping[str, float], l2: float) -> SimpleNamespace:
    """Return constants by ``group.field`` as something with the fields of ``Kernels``."""
    groups: dict[str, Any] = dict.fromkeys(
        ("linear", "linear_8bit", "decode", "decode_8bit", "prefill", "mixed", "elementwise", "sampling")
    )
    for name, value in constants.items():
        group, _, key = name.partition(".")
        groups[group] = groups[group] or SimpleNamespace()
        setattr(groups[group], key, value)
    return SimpleNamespace(l2_capacity=l2, **groups)
