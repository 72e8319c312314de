"""Replay speed of each policy beside libcachesim, in one run: same traces, same miss counts, one thread, CPU time.

    python benchmarks/policies.py                        20 M accesses, Zipf(1.0) over 1 M objects; caches of 10 and 1 %
    python benchmarks/policies.py --requests 2000000     smaller
    python benchmarks/policies.py --mooncake TRACE.jsonl the Mooncake block stream, too
    python benchmarks/policies.py --out results/policies.md   the tables also into a file

libcachesim runs as shipped (a hash table of 2^24 buckets) and tuned (one that suits the cache, which the user must
know how to choose).

libcachesim reads an oracleGeneral file through its fastest path (`process_trace`), sizes ignored. hiersim replays dense
ids in memory, numbered by first appearance as its trace readers number them; reading and numbering are timed apart.
Both are given the next uses for the optimum, libcachesim in the file, so that finding them is in neither time. Only the
number of misses is asked.
They take turns --repeat times and the best run of each counts. Where both draw random numbers, or the two are known to
differ in detail, miss counts agree to 2 % and the table says by how much they differ.
"""

import argparse
import json
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from tables import machine

from hiersim import policies
from hiersim.drivers.cache_study import Study, next_uses

PEERS = {  # the policies of libcachesim, and the names that each may have here, the first that there is
    "LRU": ("lru",),
    "FIFO": ("fifo",),
    "Clock": ("clock",),
    "Sieve": ("sieve",),
    "LFU": ("lfu",),
    "LFUDA": ("lfuda-lcs", "lfuda"),
    "SLRU": ("slru-lcs", "slru"),
    "TwoQ": ("2q-lcs", "2q", "twoq"),
    "MQ": ("mq-lcs", "mq"),
    "LRUK": ("lru-2",),
    "ARC": ("arc",),
    "LIRS": ("lirs-lcs", "lirs"),
    "ClockPro": ("clock-pro-lcs", "clock-pro", "clockpro"),
    "S3FIFO": ("s3fifo",),
    "WTinyLFU": ("wtinylfu-lcs", "w-tinylfu-lcs", "wtinylfu", "w-tinylfu"),
    "Hyperbolic": ("hyperbolic-lcs", "hyperbolic"),
    "GDSF": ("gdsf-lcs", "gdsf"),
    "LHD": ("lhd-lcs", "lhd"),
    "LeCaR": ("lecar-lcs", "lecar"),
    "Cacheus": ("cacheus-lcs", "cacheus"),
    "Size": ("size-lcs", "size"),
    "Random": ("random",),
    "Belady": ("opt",),
}
SLACK = 0.02  # by which miss counts may differ where they need not be equal
EXACT = {
    *("LRU", "FIFO", "Clock", "Sieve", "LFU", "LFUDA", "SLRU", "TwoQ", "MQ", "LRUK", "ARC", "LIRS", "ClockPro"),
    *("S3FIFO", "Cacheus", "Size", "Belady"),
}
RECORD = np.dtype([("time", "<u4"), ("id", "<u8"), ("size", "<u4"), ("next", "<i8")])


def zipf(requests, objects, seed):
    """Return int32 keys, Zipf(1.0), numbered by first appearance."""
    rng = np.random.default_rng(seed)
    share = 1.0 / np.arange(1, objects + 1)
    drawn = np.searchsorted(np.cumsum(share) / share.sum(), rng.random(requests))
    _, first, keys = np.unique(drawn, return_index=True, return_inverse=True)
    number = np.empty(len(first), np.int32)
    number[np.argsort(first)] = np.arange(len(first))
    return number[keys]


def write_oracle_general(path, keys, later):
    """Write the trace as libcachesim reads it, with ids spread over 63 bits."""
    rows = np.zeros(len(keys), RECORD)
    rows["id"] = ((keys.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(1)
    rows["size"], rows["next"] = 1, np.where(later < 0, -1, later.astype(np.int64) + 1)
    rows.tofile(path)


def mooncake(path):
    """Return int32 keys, the prefix blocks of each request in order, numbered by first appearance."""
    blocks = [block for line in path.read_text().splitlines() for block in json.loads(line)["hash_ids"]]
    _, first, keys = np.unique(np.array(blocks), return_index=True, return_inverse=True)
    number = np.empty(len(first), np.int32)
    number[np.argsort(first)] = np.arange(len(first))
    return number[keys]


def ours(name, keys, later, objects, capacity):
    """Return (CPU seconds, misses) of one replay."""
    one = Study(name, capacity, objects, accesses=len(keys), counts_only=True)
    start = time.process_time()
    one.feed(keys, later if one.policy.needs_future else None)
    return time.process_time() - start, one.result().misses


def theirs(*replay):
    """Return (CPU seconds, misses) of one replay by libcachesim, whose random numbers start anew with each thread."""
    with ThreadPoolExecutor(1) as alone:
        return alone.submit(replay_theirs, *replay).result()


def replay_theirs(peer, path, requests, capacity, hashpower):
    """Return (CPU seconds, misses) of one replay by libcachesim."""
    import libcachesim as lib

    reader = lib.TraceReader(str(path), lib.TraceType.ORACLE_GENERAL_TRACE, lib.ReaderInitParam(ignore_obj_size=True))
    cache = getattr(lib, peer)(capacity, hashpower=hashpower)
    start = time.process_time()
    miss_ratio, _ = cache.process_trace(reader)
    return time.process_time() - start, round(miss_ratio * requests)


def row(name, peer, capacity, keys, later, objects, path, repeat):
    """Measure one policy at one capacity; return the cells of its row."""
    sizes = (24, max(10, capacity.bit_length() + 1))
    turns = [
        [
            ours(name, keys, later, objects, capacity),
            *(theirs(peer, path, len(keys), capacity, hashpower) for hashpower in sizes),
        ]
        for _ in range(repeat)
    ]
    (mine, misses), *peers = (min(runs) for runs in zip(*turns, strict=True))
    cells = [name, f"{capacity:,}", f"{misses / len(keys):.6f}", f"{len(keys) / mine / 1e6:.1f}"]
    for seconds, _ in peers:
        cells += [f"{len(keys) / seconds / 1e6:.2f}", f"{seconds / mine:.1f}x"]
    apart = misses - peers[0][1]
    if abs(apart) > (0 if peer in EXACT else SLACK * misses):
        print(f"{name} at {capacity}: {misses} misses, libcachesim {peers[0][1]}", file=sys.stderr)
    return [*cells, "equal" if not apart else f"{apart / peers[0][1]:+.2%}"]


def table(title, keys, footprint, chosen, repeat):
    """Measure all policies on one trace at 10 and 1 % of its footprint, and print the table as it grows."""
    objects = int(keys.max()) + 1
    later = next_uses(keys, objects)
    head = ["policy", "capacity", "miss ratio", "M/s", "as shipped M/s", "ratio", "tuned M/s", "ratio", "misses"]
    lines = [f"## {title}", "", "| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    print("\n".join(lines), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.oracleGeneral.bin"
        write_oracle_general(path, keys, later)
        for share in (0.1, 0.01):
            for name, peer in chosen.items():
                cells = row(name, peer, round_off(footprint * share), keys, later, objects, path, repeat)
                lines.append("| " + " | ".join(cells) + " |")
                print(lines[-1], flush=True)
    return [*lines, ""]


def round_off(capacity):
    """Return a capacity with one leading digit, as 91,486 becomes 90,000."""
    unit = 10 ** (len(str(int(capacity))) - 1)
    return max(1, round(capacity / unit) * unit)


def both(names):
    """Return hiersim's name -> libcachesim's of the policies that both have; of ``names`` alone, if there are any."""
    found = {}
    for peer, here in PEERS.items():
        name = next((each for each in here if each in policies.NAMES), None)
        if name and (not names or name in names):
            found[name] = peer
    return found


def main():
    """Measure, print tables, and write them if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=20_000_000)
    parser.add_argument("--objects", type=int, default=1_000_000)
    parser.add_argument("--mooncake", type=Path, help="the conversation trace as published, JSON lines")
    parser.add_argument("--policies", default="", help="names, separated by commas; all that both have when absent")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, help="write the tables to this file, too")
    options = parser.parse_args()
    chosen = both([name for name in options.policies.split(",") if name])
    lines = ["# Replay speed beside libcachesim", "", machine("libcachesim"), ""]
    lines += ["One thread, CPU time, contenders in turns, best of " + f"{options.repeat}.", ""]
    print("\n".join(lines))
    if options.mooncake:
        keys = mooncake(options.mooncake)
        title, footprint = f"Mooncake conversation trace, {len(keys):,} block accesses", int(keys.max()) + 1
        lines += table(title, keys, footprint, chosen, options.repeat + 2)
    keys = zipf(options.requests, options.objects, options.seed)
    title = f"Zipf(1.0), {len(keys):,} accesses over {options.objects:,} objects"
    lines += table(title, keys, options.objects, chosen, options.repeat)
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text("\n".join(lines))


if __name__ == "__main__":
    main()
