"""The requests of a serving run, read back from its folder: one row each, and what the JSON says of them all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from hiersim.engine.requests import WAITS, Promise, RequestsResult
from hiersim.report.reading_tables import FOLDER, read_table

PLAIN = (
    "arrived_ps", "started_ps", "first_ps", "last_ps", "prompt_tokens", "output_tokens", "computed_tokens",
    "preemptions",
)  # fmt: skip


def read_requests(folder: Path, found: Mapping[str, Any] | None, tiers: Sequence[str]) -> RequestsResult | None:
    """Return the requests of a run; ``None`` where there were none, or the table of them is not there.

    Args:
        folder: of the run.
        found: what its JSON says of them; what came later than the file is nothing.
        tiers: names of the managed tiers.

    Raises:
        KeyError, TypeError, polars.exceptions.PolarsError: something is missing, or is of another type.
    """
    path = folder / FOLDER / "requests.parquet"
    if found is None or not path.is_file():
        return None
    frame, set_ = read_table(path), found.get("settings", {})
    return RequestsResult(
        **{name: frame[name].to_numpy() for name in PLAIN},
        rejected=frame["rejected"].to_numpy().astype(np.uint8),
        reused_tokens=frame.select(f"reused_{name}" for name in (*tiers, "remembered")).to_numpy(),
        waits_ps=frame.select(f"wait_{name}_ps" for name in WAITS).to_numpy(),
        steps=int(found["steps"]),
        step_tokens=round(found["tokens_per_step"] * found["steps"]),
        held_share=1.0 - found["internal_fragmentation"],
        apart_share=float(found["external_fragmentation"]),
        samples=_samples(folder),
        promise=Promise(set_.get("ttft_ps"), set_.get("tpot_ps"), set_.get("latency_ps")),
        machine_per_hour=float(set_.get("machine_per_hour", 0.0)),
        energy_per_kwh=float(set_.get("energy_per_kwh", 0.0)),
        kv_bytes_per_token=int(set_.get("kv_bytes_per_token", 0)),
        pool_bytes=int(set_.get("pool_bytes", 0)),
    )


def _samples(folder: Path) -> dict[str, np.ndarray[Any, np.dtype[np.int64]]]:
    path = folder / FOLDER / "occupancy.parquet"
    frame = read_table(path) if path.is_file() else pl.DataFrame()
    return {name: frame[name].to_numpy() for name in frame.columns}
