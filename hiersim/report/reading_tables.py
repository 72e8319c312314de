"""The tables of a run's folder that a result is read back from: its accesses, its timeline."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hiersim.engine.timeline import KINDS, Cause, Levels, Spans, Timeline
from hiersim.errors import ConfigError, Mistake
from hiersim.report.tables import CAUSE, TRAFFIC

FOLDER = "tables"
I64 = NDArray[np.int64]


def read_table(path: Path) -> pl.DataFrame:
    """Return a table that a run left.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        return pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError):
        what = "is damaged: it does not read as Parquet; run the scenario again"
        raise ConfigError([Mistake("", what, file=str(path))]) from None


def read_accesses(folder: Path, tiers: Sequence[str]) -> tuple[I64, NDArray[np.int8]]:
    """Return each access's latency in picoseconds and the tier that served it; nothing without the table."""
    path = folder / FOLDER / "accesses.parquet"
    if not path.is_file():
        return np.empty(0, np.int64), np.empty(0, np.int8)
    frame = read_table(path)
    return frame["latency_ps"].to_numpy().astype(np.int64), _places(frame["served_by"], tiers).astype(np.int8)


def read_timeline(folder: Path, about: Any) -> Timeline | None:
    """Return the timeline of a run's folder; ``None`` where the run kept none, or its tables are not there.

    Args:
        folder: of the run.
        about: what the JSON says of it: its window.
    """
    paths = [folder / FOLDER / f"{name}.parquet" for name in ("timeline", "spans", "levels")]
    if not isinstance(about, dict) or not all(path.is_file() for path in paths):
        return None
    moved, spans, levels = (read_table(path) for path in paths)
    routes = moved["hops"].cast(pl.String).unique(maintain_order=True).to_list()
    places = tuple(about["places"])
    start, end = about["window_ps"]
    numbers = {name: moved[name].to_numpy() for name in ("created_ps", "slots_ps", "flow_ps", "done_ps", "bytes")}
    return Timeline(
        places=places,
        **numbers,
        object=moved["object"].to_numpy(),
        near_bytes=moved.select("near_read_bytes", "near_written_bytes").to_numpy(),
        source=_places(moved["source"], places).astype(np.int16),
        target=_places(moved["target"], places).astype(np.int16),
        traffic=_places(moved["traffic"], TRAFFIC).astype(np.int8),
        kind=_places(moved["kind"], KINDS).astype(np.int8),
        route=_places(moved["hops"], routes).astype(np.int16),
        routes=tuple(tuple(route.split()) for route in routes),
        spans=_spans(spans, tuple(about["units"])),
        levels=_levels(levels, tuple(about["tiers"])),
        window_ps=(int(start), int(end)),
    )


def _spans(frame: pl.DataFrame, units: tuple[str, ...]) -> Spans:
    named = frame.select(pl.concat_str(pl.col("state", *CAUSE).cast(pl.String), separator="|").alias("cause"))["cause"]
    causes = named.unique(maintain_order=True).to_list()
    return Spans(
        units=units,
        causes=tuple(Cause(*cause.split("|")) for cause in causes),
        unit=_places(frame["unit"], units).astype(np.int16),
        start_ps=frame["start_ps"].to_numpy(),
        end_ps=frame["end_ps"].to_numpy(),
        cause=_places(named, causes).astype(np.int32),
        access=_or_none(frame["access"]),
        object=_or_none(frame["object"]).astype(np.int32),
        transfer=_or_none(frame["transfer"]),
    )


def _levels(frame: pl.DataFrame, tiers: tuple[str, ...]) -> Levels:
    tier = _places(frame["tier"], tiers).astype(np.int16)
    return Levels(tiers, tier, frame["time_ps"].to_numpy(), frame["used_bytes"].to_numpy())


def _places(names: pl.Series, known: Sequence[str]) -> I64:
    """Return for each name its place among the known ones; -1 for null."""
    numbers = names.cast(pl.String).replace_strict(list(known), range(len(known)), default=-1, return_dtype=pl.Int64)
    return numbers.fill_null(-1).to_numpy()


def _or_none(numbers: pl.Series) -> I64:
    return numbers.cast(pl.Int64).fill_null(-1).to_numpy()
