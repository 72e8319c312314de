"""What a file of measured kernels comes to: rows of one sort of kernel, as the compiled closed forms take them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Sort = Literal["linear", "decode", "attention", "elementwise", "sampling"]
"""Products with weights, attention of decoding sequences alone, attention with prefill, activations, sampling."""

Floats = NDArray[np.float64]

TOKENS, ROWS, COLUMNS, WEIGHTS = range(4)
"""Columns of ``linear``; bytes of weights last."""
DECODES, KEYS, CHUNKS, NEW, BEFORE, HEADS, KV_HEADS, PAIR, KV = range(9)
"""Columns of ``decode`` and ``attention``, as ``drivers.serving.rows`` says."""
READ, WRITTEN = range(2)
"""Columns of ``elementwise``; ``sampling`` has bytes of logits."""


@dataclass(frozen=True)
class Table:
    """Measured kernels of one sort.

    Attributes:
        sort: which closed form they follow.
        file: where they are from.
        unit: what the file calls the card; empty where it does not.
        bits: of a weight, or of a number of the keys and values.
        values: float64[rows, columns].
        time_us: float64[rows], what was measured.
        setting: int64[rows], numbers of the settings that are held out together.
        alone: nothing else ran between two repetitions, so that a small working set stayed in the L2.
    """

    sort: Sort
    file: str
    unit: str
    bits: int
    values: Floats
    time_us: Floats
    setting: NDArray[np.int64]
    alone: bool

    def bytes(self) -> Floats:
        """Return what the near tier must deliver for each row: weights, keys and values, or activations; bytes."""
        v = self.values
        if self.sort == "linear":
            return v[:, WEIGHTS]
        if self.sort in ("decode", "attention"):
            keys = v[:, DECODES] * v[:, KEYS] + v[:, CHUNKS] * (v[:, NEW] + v[:, BEFORE])
            found: Floats = keys * v[:, KV]
            return found
        return np.asarray(v.sum(axis=1), np.float64)


def numbered(*columns: NDArray[np.float64] | list[str]) -> NDArray[np.int64]:
    """Return a number for each distinct combination of values, in sorted order."""
    keys = list(zip(*(list(column) for column in columns), strict=True))
    order = {key: i for i, key in enumerate(sorted(set(keys)))}
    return np.array([order[key] for key in keys], np.int64)
