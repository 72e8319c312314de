"""Where the energy went: a bar per run, its parts tiers, links and units; what flows always is hatched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hiersim.engine.result import Result
from hiersim.report import bars
from hiersim.report.format import duration, joules, percent, shorten
from hiersim.report.known import Given, each_of, ends_of, words
from hiersim.report.style import HATCHES, STATES, colour_of_place, new_axes, paler, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ALWAYS = ("background", "idle")
"""Energy that flows without anything being done."""
COLUMNS = 3


def energy_split(results: Result | Sequence[Result], ax: Axes | None = None, intervals: Given = None) -> Axes:
    """Draw what part of the machine took how much energy: moving and computing plain, background and idle hatched.

    Args:
        results: one run, or several to compare.
        ax: where to draw; a new figure when absent.
        intervals: of the numbers of each run, where they are known; the whole gets a line with caps.
    """
    runs = [results] if isinstance(results, Result) else list(results)
    with styled():
        ax = new_axes(*size(runs), ax)
        bars.draw(ax, _rows(runs, intervals), joules, COLUMNS)
        ax.set_xlabel(f"energy; hatched: background and idle{words(intervals)}")
        of = f"{shorten(runs[0].name, 40)}, {duration(runs[0].elapsed_ps)} simulated" if len(runs) == 1 else ""
        ax.set_title(f"Where the energy went: {of}" if of else f"Where the energy went, in {len(runs)} runs")
    return ax


def size(results: Result | Sequence[Result]) -> tuple[float, float]:
    """Return the width and height in inches that the picture needs."""
    return bars.size(_rows([results] if isinstance(results, Result) else list(results)), COLUMNS)


def _rows(runs: Sequence[Result], intervals: Given = None) -> list[bars.Row]:
    """Return a bar per run; parts that are below a thousandth in every run are one."""
    split = [_split(run) for run in runs]
    totals = [sum(each.values()) or 1.0 for each in split]
    parts = dict.fromkeys(part for each in split for part in each)
    kept = [
        p for p in parts if any(each.get(p, 0.0) >= 1e-3 * total for each, total in zip(split, totals, strict=True))
    ]
    rows = []
    for run, each, total, known in zip(runs, split, totals, each_of(intervals, len(runs)), strict=True):
        pieces = [_piece(run, part, each.get(part, 0.0), total if len(runs) == 1 else 0.0) for part in kept]
        rest = sum(value for part, value in each.items() if part not in kept)
        pieces.append(bars.Piece(rest, "others, each below 0.1%", paler(STATES["near"], 0.6)))
        rows.append(
            bars.Row(
                shorten(run.name, 28),
                tuple(piece for piece in pieces if piece.amount),
                ends_of(known, "energy_j.total"),
            )
        )
    return rows


def _split(run: Result) -> dict[tuple[str, bool], float]:
    """Return joules by the name of a part of the machine and whether they flow always; parts follow each other."""
    found: dict[tuple[str, bool], float] = {}
    for path, value in run.energy_j.items():
        _, name, *what = path.split(".")
        key = (name, (what[-1:] and what[-1] in ALWAYS) or False)
        found[key] = found.get(key, 0.0) + value
    order = list(dict.fromkeys(name for name, _ in found))
    return {key: found[key] for key in sorted(found, key=lambda key: (order.index(key[0]), key[1]))}


def _piece(run: Result, part: tuple[str, bool], amount: float, total: float) -> bars.Piece:
    name, always = part
    words = f"{name}, {'idle' if name in run.units else 'background'}" if always else name
    share = f"{percent(amount / total)}  " if total else ""
    colour = colour_of_place(name, run)
    return bars.Piece(
        amount, share + words, paler(colour, 0.2) if always else colour, HATCHES["latency"] if always else ""
    )
