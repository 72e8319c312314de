"""How fast traces are read, numbered, made and described; run ``python benchmarks/traces.py [accesses]``."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from hiersim.traces import generate, iter_chunks, open_trace, trace_info, write_trace
from hiersim.traces.ids import Numbering

REAL = Path(__file__).parents[1].parent / "shared" / "traces"
REPEATS = 3


def best(action: Callable[[], Any]) -> float:
    """Return the least seconds of a few runs, the first of which compiles."""
    spent = []
    for _ in range(REPEATS + 1):
        begin = time.perf_counter()
        action()
        spent.append(time.perf_counter() - begin)
    return min(spent[1:])


def number(ids: np.ndarray[Any, Any]) -> None:
    """Number ids in chunks, as a reader does."""
    numbering = Numbering()
    for at in range(0, len(ids), 1 << 20):
        numbering.add(ids[at : at + (1 << 20)])


def id_streams(accesses: int) -> dict[str, np.ndarray[Any, Any]]:
    """Return streams of ids that a numbering finds easy and hard."""
    rng = np.random.default_rng(0)
    zipf = generate("zipf", accesses=accesses, objects=1_000_000, interval=0)
    names = rng.integers(0, 2**63, 1_000_001)
    return {
        "zipf 1.0 over 1 M random ids": names[zipf.original_id][zipf.object],
        "zipf 1.0 over 1 M ranks": zipf.original_id[zipf.object].astype(np.int64),
        "uniform over 100 k random ids": names[rng.integers(0, 100_000, accesses)],
        "uniform over 1 M random ids": names[rng.integers(0, 1_000_000, accesses)],
        "all distinct": np.arange(accesses),
    }


def files(accesses: int, folder: Path) -> dict[str, Path]:
    """Write the same trace in every format that is read."""
    trace = generate("zipf", seed=1, accesses=accesses, objects=1_000_000, interval="1 us", write_share=0.1)
    made = {n: write_trace(trace, folder / n) for n in ("t.oracleGeneral.bin", "t.oracleGeneral.bin.zst", "t.parquet")}
    made["t.csv"] = folder / "t.csv"
    trace.to_polars().select("time_ps", "id", "size", "write").write_csv(made["t.csv"])
    return made


def main(accesses: int) -> None:
    """Print a table of rates."""
    print(f"{accesses:,} accesses; best of {REPEATS} after a first run; million records a second")
    for name, ids in id_streams(accesses).items():
        print(f"number   {name:34s} {accesses / best(lambda ids=ids: number(ids)) / 1e6:8.1f}")
    with tempfile.TemporaryDirectory() as folder:
        for name, path in files(accesses, Path(folder)).items():
            print(f"open     {name:34s} {accesses / best(lambda p=path: open_trace(p)) / 1e6:8.1f}")
            print(f"stream   {name:34s} {accesses / best(lambda p=path: sum(map(len, iter_chunks(p)))) / 1e6:8.1f}")
    for kind in ("zipf", "loop", "scan", "phase_change"):
        print(f"generate {kind:34s} {accesses / best(lambda k=kind: generate(k, accesses=accesses)) / 1e6:8.1f}")
    trace = generate("zipf", accesses=accesses, objects=1_000_000)
    print(f"describe {'zipf':34s} {accesses / best(lambda: trace_info(trace)) / 1e6:8.1f}")
    if REAL.is_dir():
        seconds = best(lambda: open_trace(REAL / "mooncake_conversation.jsonl"))
        print(f"open     {'Mooncake, 12,031 requests':34s} {1000 * seconds:8.1f} ms")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000)
