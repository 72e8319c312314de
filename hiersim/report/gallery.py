"""All pictures of runs, a few lines each: what draws it, what it shows, and of which runs it can be drawn."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from hiersim.engine.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def _always(result: Result) -> bool:
    return True


@dataclass(frozen=True)
class Picture:
    """A picture of a run, or of several.

    Attributes:
        name: of its module in ``hiersim.report`` and of the function in it that draws: ``name(shown, ax)``; the
            module's ``size(shown)`` says how many inches it takes.
        title: what it is called.
        caption: how to read it, in a sentence or two.
        fits: whether there is something to draw of a run.
        full: it fills its figure, without room for axes.
        of_machine: it needs to know the ``machine``, and the ``dtype`` in which a replay computed, besides the run.
        known: its function takes ``intervals`` of the numbers, and shows them.
    """

    name: str
    title: str
    caption: str
    fits: Callable[[Result], bool] = _always
    full: bool = False
    of_machine: bool = False
    known: bool = False

    def draw(self, shown: Any, ax: Axes | None = None, **more: Any) -> Axes:
        """Draw it into axes, a new figure of the fitting size when absent; ``more`` is what it needs besides."""
        drawn: Axes = getattr(self._module(), self.name)(shown, ax, **more)
        return drawn

    def file(self, shown: Any, ending: str, **more: Any) -> bytes:
        """Return it as ``png`` or ``svg``."""
        from hiersim.report.style import detached, figure_of, save, settle, styled

        with styled():
            width, height = self._module().size(shown)
            ax = self.draw(shown, detached(width, height, full=self.full), **more)
            figure_of(ax).draw_without_rendering()  # lays it out
            settle(figure_of(ax))
        file = io.BytesIO()
        save(figure_of(ax), file, ending)
        return file.getvalue()

    def _module(self) -> Any:
        return import_module(f"hiersim.report.{self.name}")


STALLS = Picture(
    "stall_stack",
    "Where the time went",
    "Each bar is a unit's time: computing, on its near tier, stalled by cause, idle. The colour is of the tier or link "
    "that was waited for, the hatch says why.",
    known=True,
)
FLOW = Picture(
    "flow",
    "What moved",
    "Boxes are tiers and units; pipes are links, as wide as the bytes that they carried and the darker the busier.",
    full=True,
    known=True,
)
TRAFFIC = Picture(
    "traffic_by_class",
    "Traffic by class",
    "The bytes through each tier's ports and over each link, by what they were of.",
    known=True,
)
ENERGY = Picture(
    "energy_split",
    "Where the energy went",
    "What moved and computed, in the colour of the tier, link or unit; hatched is what flows whether anything is done.",
    fits=lambda result: result.total_energy_j > 0,
    known=True,
)
BANDWIDTH = Picture(
    "bandwidth_over_time",
    "Bandwidth over time",
    "Each strip is as high as the highest rate beside it; bytes are spread over the time in which they flowed.",
    fits=lambda result: result.timeline is not None,
    known=True,
)
OCCUPANCY = Picture(
    "occupancy_over_time",
    "Occupancy over time",
    "Each strip is full where the tier is full: resident, arriving and leaving bytes.",
    fits=lambda result: result.timeline is not None,
    known=True,
)
LOAD = Picture(
    "load_over_time",
    "Load over time",
    "Requests that run and that wait, and the room for KV that the running ones hold: the first two are as high as the "
    "most beside them, the third is full where the room is.",
    fits=lambda result: result.requests is not None and len(result.requests.samples.get("time_ps", ())) > 0,
    known=True,
)
ROOFLINE = Picture(
    "roofline",
    "Roofs",
    "What the unit can compute for each byte, with a roof for each tier. Dots are the run: its FLOPs for each byte "
    "read of a tier, or near the unit for each kind of operation, and the FLOP/s reached; one on a roof is bound so.",
    fits=lambda result: (
        any(unit.busy_compute_ps for unit in result.units.values())
        or (result.operations is not None and any(kind.flops for kind in result.operations.kinds.values()))
    ),
    of_machine=True,
    known=True,
)
OF_A_RUN: tuple[Picture, ...] = (STALLS, FLOW, TRAFFIC, ENERGY, LOAD, BANDWIDTH, OCCUPANCY, ROOFLINE)
"""Pictures of one run."""
COMPARED: tuple[Picture, ...] = (STALLS, TRAFFIC, ENERGY)
"""Pictures of several runs side by side."""
