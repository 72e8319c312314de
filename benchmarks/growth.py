"""How the cost of a replay grows with the number of objects, beside a plain loop that touches as many at random.

    python benchmarks/growth.py                       10^5, 10^6, 10^7 objects
    python benchmarks/growth.py --objects 100000000   others, separated by commas
    python benchmarks/growth.py --out results/growth.md

Keys are drawn uniformly, so every access touches memory that nothing else has touched lately: the worst case. The plain
loop adds one to ``array[key]``, int32, 4 bytes an object: no policy can be faster that keeps anything of an object. The
cache holds a tenth of the objects; each number is the best of --repeat runs, in CPU time, in turns.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from tables import machine

from hiersim import policies
from hiersim.drivers.cache_study import Study
from hiersim.jit import kernel
from hiersim.policies.footprint import footprint

NAMES = ("lru", "fifo", "clock", "sieve", "s3fifo", "arc", "lfu")


@kernel
def touch(keys, array):
    """Add one to each key's entry."""
    for i in range(keys.shape[0]):
        array[keys[i]] += 1


def plain(keys, objects):
    """Return the CPU seconds of the plain loop."""
    array = np.ones(objects, np.int32)
    start = time.process_time()
    touch(keys, array)
    return time.process_time() - start


def replay(name, keys, objects):
    """Return the CPU seconds of a replay; the memory of the state has been touched before."""
    one = Study(name, objects // 10, objects, accesses=2 * len(keys))
    one.feed(np.arange(objects // 10, dtype=np.int32))
    start = time.process_time()
    one.feed(keys)
    return time.process_time() - start


def main():
    """Measure, print a table, and write it if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--objects", default="100000,1000000,10000000")
    parser.add_argument("--accesses", type=int, default=10_000_000)
    parser.add_argument("--policies", default=",".join(NAMES))
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--out", type=Path, help="write the table to this file, too")
    options = parser.parse_args()
    names = [name for name in options.policies.split(",") if name in policies.NAMES]
    plain(np.zeros(1, np.int32), 1)  # compiles
    lines = ["# How the cost grows with the number of objects", "", machine(), ""]
    lines += [f"{options.accesses:,} uniform accesses, cache of a tenth of the objects; M accesses/s of CPU time,"]
    lines += [f"best of {options.repeat}, and the share of the plain loop's speed.", ""]
    lines += ["| objects | plain loop | " + " | ".join(names) + " |", "|" + "---|" * (len(names) + 2)]
    sizes = [footprint(policies.find(name)).most + 1 for name in names]
    lines += ["| bytes an object at most | 4 | " + " | ".join(f"{size:.0f}" for size in sizes) + " |"]
    print("\n".join(lines), flush=True)
    for objects in map(int, options.objects.split(",")):
        keys = np.random.default_rng(1).integers(0, objects, options.accesses, np.int32)
        best = dict.fromkeys(["", *names], float("inf"))
        for _ in range(options.repeat):
            for name in best:
                best[name] = min(best[name], replay(name, keys, objects) if name else plain(keys, objects))
        rates = [len(keys) / seconds / 1e6 for seconds in best.values()]
        shares = [f"{rate:.1f} ({rate / rates[0]:.0%})" for rate in rates[1:]]
        lines += [f"| {objects:,} | {rates[0]:.0f} | " + " | ".join(shares) + " |"]
        print(lines[-1], flush=True)
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
