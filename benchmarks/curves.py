"""All LRU cache sizes in one pass beside a splay tree, with identical values; and what samples cost and miss.

    python benchmarks/curves.py                          20 M accesses, Zipf(1.0) over 1 M objects
    python benchmarks/curves.py --requests 2000000       smaller
    python benchmarks/curves.py --out table.md           also into a file

The `libcachesim` package does not export libCacheSim's exact profiler, a splay tree over access times that is searched
and changed at every access. A splay tree with subtree sizes stands in for it here, on dense ids and compiled by the
same compiler. The package's own LRU checks the values: at five capacities it must miss exactly what the curve says.
Contenders take turns; CPU time, the best of --repeat.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from policies import write_oracle_general, zipf
from tables import machine

from hiersim import jit
from hiersim.drivers.cache_study import next_uses
from hiersim.drivers.curves.lru import LruCurve
from hiersim.drivers.curves.sampling import draw
from hiersim.drivers.curves.shards import shards

SHARES = (0.001, 0.01, 0.05, 0.1, 0.5)  # capacities at which libcachesim checks the values


@jit.hot
def rotate(x, up, left, right, size):
    """Lift a node of the tree over its parent; node 0 is none, and its size stays 0."""
    p = up[x]
    g = up[p]
    if left[p] == x:
        left[p] = right[x]
        up[right[x]] = p
        right[x] = p
    else:
        right[p] = left[x]
        up[left[x]] = p
        left[x] = p
    up[p], up[x] = x, g
    if g:
        if left[g] == p:
            left[g] = x
        else:
            right[g] = x
    size[x] = size[p]
    size[p] = size[left[p]] + size[right[p]] + 1


@jit.inner
def splay(x, up, left, right, size):
    """Lift a node to the root."""
    while up[x]:
        p = up[x]
        if up[p]:
            rotate(p if (left[up[p]] == p) == (left[p] == x) else x, up, left, right, size)
        rotate(x, up, left, right, size)


@jit.kernel
def splay_profile(keys, up, left, right, size, root, counts):
    """Count stack distances: the tree holds a node per object seen, in the order of their latest accesses."""
    top = root[0]
    for i in range(keys.shape[0]):
        x = keys[i] + 1
        if size[x] == 0:
            size[x], left[x] = size[top] + 1, top
            up[top] = x
        else:
            splay(x, up, left, right, size)
            older, newer = left[x], right[x]
            counts[size[newer] + 1] += 1
            up[older], up[newer], right[x] = 0, 0, 0
            if older and newer:
                while left[newer]:
                    newer = left[newer]
                splay(newer, up, left, right, size)
                left[newer] = older
                up[older] = newer
                size[newer] += size[older]
            rest = newer if newer else older
            left[x] = rest
            up[rest] = x
            size[x] = size[rest] + 1
        up[0], up[x], top = 0, 0, x
    root[0] = top


def by_splay_tree(keys, objects):
    """Return (CPU seconds, histogram of distances)."""
    up, left, right, size = (np.zeros(objects + 1, np.int32) for _ in range(4))
    counts = np.zeros(objects + 1, np.int64)
    start = time.process_time()
    splay_profile(keys, up, left, right, size, np.zeros(1, np.int64), counts)
    return time.process_time() - start, counts


def by_bits(keys, objects):
    """Return (CPU seconds, histogram of distances)."""
    curve = LruCurve()
    start = time.process_time()
    curve.feed(keys)
    taken = time.process_time() - start
    counts = curve.histogram()
    counts[0] = 0
    return taken, counts


def in_bytes(keys, sizes, capacities):
    """Return the CPU seconds of a curve in bytes."""
    curve = LruCurve(sizes, capacities.tolist())
    start = time.process_time()
    curve.feed(keys)
    return time.process_time() - start


def check(keys, objects, missed):
    """Replay in libcachesim at a few capacities; stop where its LRU misses something else. Return its CPU seconds."""
    import libcachesim as lib

    taken = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "zipf.oracleGeneral.bin"
        write_oracle_general(path, keys, next_uses(keys, objects))
        for share in SHARES:
            size = int(objects * share)
            options = lib.ReaderInitParam(ignore_obj_size=True)
            reader = lib.TraceReader(str(path), lib.TraceType.ORACLE_GENERAL_TRACE, options)
            cache = lib.LRU(size, hashpower=max(10, size.bit_length() + 1))
            start = time.process_time()
            ratio, _ = cache.process_trace(reader)
            taken.append(time.process_time() - start)
            if round(ratio * len(keys)) != missed(size):
                sys.exit(f"{size} objects: libcachesim misses {round(ratio * len(keys))}, the curve {missed(size)}")
    return taken


def sampled(keys, objects, true, capacities, rate):
    """Return the cells of a row: how fast samples of a rate are, how far off one and the mean of ten are."""
    start = time.process_time()
    found = shards(keys, objects, None, capacities, rate=rate, seeds=10)
    speed = 10 * len(keys) / (time.process_time() - start)
    true = true[-len(found.capacity) :]
    alone = [shards(keys, objects, None, capacities, rate=rate, seeds=1, seed=seed) for seed in range(10)]
    off = [np.abs(each.miss_ratio - true).mean() for each in alone]
    mean_off = np.abs(found.miss_ratio - true)
    numbers = [np.mean(off), max(off), mean_off.mean(), found.error.mean()]
    return [
        f"{rate:g}", f"{len(draw(keys, objects, rate, 0).chosen):,}", f"{speed / 1e6:.0f}",
        *(f"{100 * number:.2f}" for number in numbers), f"{100 * (mean_off <= found.error).mean():.0f}%",
    ]  # fmt: skip


def table(head, rows):
    """Return the lines of a table."""
    return ["| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows)]


def exact_lines(keys, objects, repeat):
    """Return the table of exact curves; stop if the two histograms differ."""
    sizes = np.random.default_rng(0).integers(1, 4096, objects)
    edges = np.unique(np.geomspace(4096, sizes.sum(), 300).astype(np.int64))
    for contender in (by_splay_tree, by_bits, lambda some, _: in_bytes(some, sizes, edges)):
        contender(keys[:200_000], objects)  # compiles
    turns = [
        (by_bits(keys, objects), by_splay_tree(keys, objects), in_bytes(keys, sizes, edges)) for _ in range(repeat)
    ]
    if not np.array_equal(turns[0][0][1], turns[0][1][1]):
        sys.exit("the two curves differ")
    bits, tree = (min(turn[i][0] for turn in turns) for i in (0, 1))
    sized = min(turn[2] for turn in turns)
    missed = np.cumsum(turns[0][0][1])
    peer = check(keys, objects, lambda size: len(keys) - int(missed[size]))
    millions = len(keys) / 1e6
    rows = [
        ["hiersim, all sizes", f"{millions / bits:.1f}", f"{tree / bits:.1f}x"],
        ["hiersim, all sizes in bytes", f"{millions / sized:.1f}", f"{tree / sized:.1f}x"],
        ["splay tree, all sizes", f"{millions / tree:.2f}", "1x"],
        [f"libcachesim LRU, {len(SHARES)} sizes, tuned", f"{millions / sum(peer):.2f}", f"{tree / sum(peer):.1f}x"],
    ]
    return table(["exact curve", "M accesses/s", "to the splay tree"], rows)


def main():
    """Measure, print tables, and write them if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=20_000_000)
    parser.add_argument("--objects", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--out", type=Path, help="write the tables to this file, too")
    options = parser.parse_args()
    keys = zipf(options.requests, options.objects, 1)
    objects = int(keys.max()) + 1
    title = f"{options.requests:,} accesses, Zipf(1.0), {objects:,} objects touched"
    lines = [
        "# All LRU cache sizes in one pass, and samples",
        "",
        machine("libcachesim"),
        "",
        title,
        "",
        *exact_lines(keys, objects, options.repeat),
    ]
    capacities = np.unique(np.geomspace(objects / 1000, objects, 200).astype(np.int64))
    curve = LruCurve()
    curve.feed(keys)
    true = curve.misses(capacities) / len(keys)
    head = ["rate", "objects", "M accesses/s", "one sample off by", "worst of ten", "mean of ten off by", "its error"]
    rows = [sampled(keys, objects, true, capacities, rate) for rate in (0.1, 0.01, 0.001)]
    lines += ["", "SHARDS; in percent of the accesses, mean over 200 capacities from a thousandth of the objects", ""]
    lines += table([*head, "true curve inside"], rows)
    print("\n".join(lines))
    if options.out:
        options.out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
