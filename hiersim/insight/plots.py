"""Pictures of several runs: each takes Matplotlib's axes, or makes new ones, and returns them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hiersim.errors import ConfigError
from hiersim.report.numbers import shown, unknown

if TYPE_CHECKING:
    from hiersim.insight.planned import Run


class Plots:
    """What can be drawn of several runs."""

    def __init__(self, runs: Sequence[Run]) -> None:
        self.runs = tuple(runs)

    def stalls(self, ax: Any = None, share: bool | None = None) -> Any:
        """Draw where the time of each run went, one below the other.

        Args:
            ax: where to draw; new axes when absent.
            share: in percent of each run's time; by default in time where there are several.
        """
        from hiersim.report.stall_stack import stall_stack

        return stall_stack([replace(run.result, name=run.name) for run in self.runs], ax, share)

    def number(self, name: str = "elapsed_ps", ax: Any = None) -> Any:
        """Draw one number of each run as a bar, the best in the colour of what to look at.

        Args:
            name: its dotted name, such as ``energy_j.total``.
            ax: where to draw; new axes when absent.

        Raises:
            ConfigError: results have no such number.
        """
        from hiersim.insight.compare import SHORT, winners
        from hiersim.report.ranking import ranking

        name = SHORT.get(name, name)
        values = [run.numbers().get(name) for run in self.runs]
        if all(value is None for value in values):
            raise ConfigError(unknown(name, self.runs[0].numbers()))
        best = winners(name, values)
        rows = [
            (run.name, float(value or 0), shown(name, value), i in best)
            for i, (run, value) in enumerate(zip(self.runs, values, strict=True))
        ]
        return ranking(rows, ax, name)
