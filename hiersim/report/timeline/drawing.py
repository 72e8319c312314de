"""What the tracks of a timeline share while they are drawn: the file, the threshold, arrows between them."""

from __future__ import annotations

from dataclasses import dataclass, field

from hiersim.report.timeline.arrows import Awaited
from hiersim.report.timeline.packets import Packets


@dataclass
class Drawing:
    """A timeline that is being drawn.

    Attributes:
        packets: the trace that is being written.
        shortest_ps: slices shorter than this, in picoseconds, are folded.
        targets: for each transfer and hop that a stall waited for, the numbers of the arrows that go there.
    """

    packets: Packets
    shortest_ps: int
    targets: dict[Awaited, list[int]] = field(default_factory=dict)
    _arrows: int = 0

    def arrow(self, to: Awaited | None) -> tuple[int, ...]:
        """Begin an arrow to what a stall waited for; return its number, or nothing where there is nothing."""
        if to is None:
            return ()
        self._arrows += 1
        self.targets.setdefault(to, []).append(self._arrows)
        return (self._arrows,)
