"""What a table of a report is made of: heads, and cells with the number by which their column is sorted."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Head:
    """A column's head, whether it has numbers, and whether it is left out in print."""

    text: str
    number: bool
    more: bool = False


@dataclass(frozen=True)
class Cell:
    """What is shown, the number to sort by (none for texts), and whether it is the best of its column."""

    text: str
    value: float | int | None = None
    number: bool = False
    best: bool = False


@dataclass(frozen=True)
class Table:
    """A table that sorts; ``id`` is unique in the page. A long one stays on the screen, it is not printed."""

    id: str
    title: str
    heads: list[Head]
    rows: list[list[Cell]]
    text: str = ""

    @property
    def long(self) -> bool:
        """Whether it has more rows than paper is for."""
        return len(self.rows) > PRINTED


PRINTED = 100
"""Rows of a table that is printed."""
