"""What is known of a run's numbers: the same scenario on machines drawn from the ranges of their figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from hiersim.config import Scenario
from hiersim.errors import ConfigError
from hiersim.report.numbers import Number
from hiersim.sweep.doubt import CLASSES
from hiersim.sweep.draws import told
from hiersim.sweep.figures import Uncertain, uncertain
from hiersim.sweep.files import Setup
from hiersim.sweep.intervals import FEWEST, RATE, Interval, covered, intervals
from hiersim.sweep.point import Point
from hiersim.sweep.running import Progress, running
from hiersim.sweep.swept import parquet

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Uncertainty:
    """What is known of the numbers of a run.

    Attributes:
        figures: what was drawn.
        draws: the numbers of each drawn machine, by dotted name.
        intervals: of each number, its low and high end, in its own unit.
        rate: at which the intervals cover the truth, if it lies in the ranges as they say.
        failures: why draws failed, a line each; the intervals leave them out.
    """

    figures: Sequence[Uncertain]
    draws: Sequence[Mapping[str, Number]]
    intervals: Mapping[str, Interval]
    rate: float
    failures: Sequence[str] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return it as a document: ``draws``, ``rate``, ``intervals``, and the ``figures`` with their ranges."""
        classes = {figure.confidence for figure in self.figures if not figure.stated}
        return {
            "draws": len(self.draws),
            "failed": len(self.failures),
            "rate": self.rate,
            "intervals": {name: list(ends) for name, ends in self.intervals.items()},
            "figures": {
                figure.path: {
                    "value": figure.value,
                    "low": figure.low,
                    "high": figure.high,
                    "confidence": figure.confidence,
                    "range": "stated" if figure.stated else "class default",
                }
                for figure in self.figures
            },
            "class_defaults": {
                name: {"factor_of_rates": doubt.rate, "factor_of_others": doubt.other, "reason": doubt.reason}
                for name, doubt in CLASSES.items()
                if name in classes
            },
        }

    def table(self) -> pl.DataFrame:
        """Return a row per draw, a column per number."""
        import polars as pl

        return pl.DataFrame([dict(row) for row in self.draws], infer_schema_length=None).with_row_index("draw")

    def files(self) -> dict[str, Callable[[BinaryIO], None]]:
        """Return the tables of the draws and of the intervals as files to write."""
        import polars as pl

        names, ends = list(self.intervals), list(self.intervals.values())
        both = {"low": [float(low) for low, _ in ends], "high": [float(high) for _, high in ends]}
        found = pl.DataFrame({"number": names, **both}, schema_overrides={"number": pl.String})
        return {"tables/draws.parquet": parquet(self.table()), "tables/intervals.parquet": parquet(found)}

    def told(self) -> str:
        """Return in a sentence what was drawn, and what the intervals are worth."""
        text = f"{len(self.draws)} machines; {told(self.figures)}; intervals cover {self.rate:.0%}"
        return text + (f"; {len(self.failures)} more draws failed: {self.failures[0]}" if self.failures else "")


def draw_machines(
    setup: Setup, draws: int, values: Mapping[str, Any] | None = None, progress: Progress | None = None
) -> Uncertainty:
    """Run a scenario on machines drawn from the ranges of its figures; results are kept, as of a sweep.

    Args:
        setup: the scenario, where it runs, and where results are kept.
        draws: how many machines.
        values: what is set in the scenario, dotted path -> value.
        progress: called now and then with the draws that are done and their number in all.

    Raises:
        ConfigError: the scenario is wrong, or fewer than ``FEWEST`` draws came out.
    """
    points = [Point(i, values or {}, i) for i in range(draws)]
    rows: list[Mapping[str, Number]] = []
    failures: list[str] = []
    with running(setup) as run_all, closing(run_all(points)) as coming:
        for i, outcome in enumerate(coming):
            if outcome.error:
                failures.append(outcome.error)
            else:
                rows.append(outcome.numbers)
            if progress is not None:
                progress(i + 1, draws)
    if len(rows) < FEWEST:
        raise ConfigError(f"uncertainty: {len(failures)} of {draws} draws failed; the first: {failures[0]}")
    scenario: Scenario = setup.base.scenario(Point(0, values or {}))
    return Uncertainty(uncertain(scenario), rows, intervals(rows, RATE), covered(len(rows), RATE), failures)
