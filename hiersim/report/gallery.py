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
    """

    name: str
    title: str
    caption: str
    fits: Callable[[Result], bool] = _always
    full: bool = False

    def draw(self, shown: Any, ax: Axes | None = None) -> Axes:
        """Draw it into axes; a new figure of the fitting size when absent."""
        drawn: Axes = getattr(self._module(), self.name)(shown, ax)
        return drawn

    def file(self, shown: Any, ending: str) -> bytes:
        """Return it as ``png`` or ``svg``."""
        from hiersim.report.style import detached, figure_of, save, settle, styled

        with styled():
            width, height = self._module().size(shown)
            ax = self.draw(shown, detached(width, height, full=self.full))
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
)
FLOW = Picture(
    "flow",
    "What moved",
    "Boxes are tiers and units; pipes are links, as wide as the bytes that they carried and the darker the busier.",
    full=True,
)
OF_A_RUN: tuple[Picture, ...] = (STALLS, FLOW)
"""Pictures of one run."""
COMPARED: tuple[Picture, ...] = (STALLS,)
"""Pictures of several runs side by side."""
