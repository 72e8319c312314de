"""What a better resource does to a run: by how much each measure falls, at the margin and when it is twice as good."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hiersim.insight.knobs import Knob
from hiersim.report.numbers import Number

Measures = Mapping[str, float]
"""``time`` and ``stalls`` (picoseconds), ``energy`` (joules), ``cost`` (a currency): what is looked at of a run."""


@dataclass(frozen=True)
class Effect:
    """What a better resource does to a run.

    Attributes:
        knob: the resource.
        slope: measure -> elasticity: per cent saved by each per cent by which the resource is better; the share of the
            measure that hangs on it. ``None`` where the measure is 0, or the change is lost in the jitter of the runs.
        doubled: measure -> share saved when the resource is twice as good; less than 0 is lost.
        error: why a run with it could not end; mostly empty.
    """

    knob: Knob
    slope: Mapping[str, float | None]
    doubled: Mapping[str, float | None]
    error: str = ""

    @property
    def saves(self) -> float:
        """The share of the time that is saved when the resource is twice as good."""
        return self.doubled.get("time") or 0.0

    def row(self) -> dict[str, Any]:
        """Return the effect as one flat mapping; shares of 1, the figure in its base unit."""
        first = {"resource": self.knob.name, "path": self.knob.path, "value": float(self.knob.value)}
        slopes = {f"slope_{name}": value for name, value in self.slope.items()}
        return first | slopes | {f"doubled_{name}": value for name, value in self.doubled.items()}


def measures(found: Mapping[str, Number], number: str = "elapsed_ps") -> dict[str, float]:
    """Return time (picoseconds, or what ``number`` is), stalls (picoseconds) and energy (joules) of a run."""
    stalled = [name for name in found if name.startswith("units.") and name.endswith(".stalled_ps")]
    return {
        "time": float(found[number]),
        "stalls": float(sum(found[name] for name in stalled)),
        "energy": float(found.get("energy_j.total", 0)),
    }


def saved(base: Measures, other: Measures, name: str, sign: int = -1) -> float | None:
    """Return by which share a measure got better; ``None`` where it was 0.

    Args:
        base: the measures before.
        other: the measures after.
        name: the measure.
        sign: 1 if more of what counts as time is better.
    """
    before, after = base[name], other[name]
    if not before:
        return 0.0 if not after else None
    return (after - before) / before if name == "time" and sign > 0 else (before - after) / before
