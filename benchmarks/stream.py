"""A billion accesses streamed through caches side by side: rate, and the most memory that it takes.

    python benchmarks/stream.py                             10^9 accesses to 20 M objects; lru and sieve, 10 %
    python benchmarks/stream.py --accesses 20000000         smaller
    python benchmarks/stream.py --out results/stream.md

Ids are drawn as they are read, as a file's reader gives them: 64 bits, not dense, skewed (id = hash of objects x u^3).
They are numbered (out of core where the table does not fit), kept on disk with 4 bytes each, and read back for all
caches at once. The folder that TMPDIR names needs 4 bytes an access, and 13 more out of core.
"""

import argparse
import resource
import time
from pathlib import Path

import numpy as np
from tables import machine

from hiersim import policies
from hiersim.api.replay_stream import bytes_of, replay_spool
from hiersim.traces.options import ReadOptions
from hiersim.traces.records import Records
from hiersim.traces.spool import Spool

RUN = 1 << 20
SPREAD = np.uint64(0x9E3779B97F4A7C15)  # odd: distinct numbers give distinct ids


def draw(accesses, objects, seed):
    """Yield runs of records with 64-bit ids."""
    rng = np.random.default_rng(seed)
    for start in range(0, accesses, RUN):
        drawn = objects * rng.random(min(RUN, accesses - start)) ** 3
        yield Records(drawn.astype(np.uint64) * SPREAD, "record {}".format)


def main():
    """Measure, print, and write it if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--accesses", type=int, default=1_000_000_000)
    parser.add_argument("--objects", type=int, default=20_000_000)
    parser.add_argument("--policies", default="lru,sieve")
    parser.add_argument("--shares", default="0.1", help="capacities as shares of the objects, separated by commas")
    parser.add_argument("--memory", default="2 GiB")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, help="write the table to this file, too")
    options = parser.parse_args()
    memory, start = bytes_of(options.memory), time.perf_counter()
    source = Spool(draw(options.accesses, options.objects, 1), ReadOptions(ignore_size=True), "drawn", "drawn", memory)
    with source as trace:
        read = time.perf_counter() - start
        pairs = [
            (policies.find(name), int(trace.objects * share))
            for name in options.policies.split(",")
            for share in map(float, options.shares.split(","))
        ]
        start = time.perf_counter()
        results = replay_spool(trace, pairs, True, {"costs": None}, memory, options.workers, None)
        ran, peak = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    lines = [
        "# A billion accesses in bounded memory" if options.accesses == 10**9 else "# Streaming",
        "",
        machine(),
        "",
    ]
    lines += [
        f"{options.accesses:,} accesses to {trace.objects:,} objects with 64-bit ids, drawn as they are read.",
        "",
    ]
    lines += ["| step | wall s | M accesses/s |", "|---|---|---|"]
    lines += [f"| draw and number the ids, keep them on disk | {read:.0f} | {options.accesses / read / 1e6:.1f} |"]
    total = len(pairs) * options.accesses / ran / 1e6
    lines += [f"| replay through {len(pairs)} caches, {options.workers} threads | {ran:.0f} | {total:.1f} in all |", ""]
    lines += [f"Most memory: {peak:.2f} GiB (interpreter and compiler included), asked to use {options.memory}.", ""]
    lines += ["| policy | capacity | miss ratio |", "|---|---|---|"]
    lines += [f"| {one.policy} | {one.capacity:,} | {one.miss_ratio:.6f} |" for one in results]
    print("\n".join(lines))
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
