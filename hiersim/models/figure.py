"""A figure that somebody published, to hold the formulas against."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A figure that somebody published.

    Attributes:
        value: the figure, as published.
        source: the document that states it.
        confidence: measured, simulated, datasheet, vendor or estimate.
        within: by how much the formulas may differ from it, as a share of it; 0 where they must agree exactly.
        beyond: what it counts that the formulas leave out.
        why: what the difference is, where there is one.
    """

    value: float
    source: str
    confidence: str
    within: float = 0.0
    beyond: float = 0.0
    why: str = ""
