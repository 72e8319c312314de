"""Section 10: rows that a transfer opens in a DRAM tier."""

from __future__ import annotations

from typing import Any


def activations(activation: Any, size: int) -> int:
    """One row per visit, until every bank has its row open; then one per row and bank."""
    visits = -(-size // activation.visit)
    rows = activation.banks * -(-size // (activation.row * activation.banks))
    return min(visits, rows)
