"""Speed of the timed core: beside its SimPy twin, on a million accesses, as more are outstanding, and with effects.

    python benchmarks/core.py                     all four tables
    python benchmarks/core.py --accesses 100000   smaller
    python benchmarks/core.py --write             also into benchmarks/results/core.md

Four tiers (HBM, DDR, CXL, flash) under one unit, closed loop, Zipf(0.9) over 20,000 equal objects, a tenth writes.
In place: every object stays in one of the four tiers, a quarter in each, and is read from there, so that each access is
one transfer over its route. Mostly hits: about nine in ten accesses find their object near; mostly misses: seven in ten
do not. The twin replays a shorter trace over 4,000 objects, and its result must be the core's, access by access. CPU
seconds, after compilation; the least of --repeat runs.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from tables import keep, measure

from hiersim.engine import columns as c
from hiersim.engine.core import Core
from hiersim.machine import ClassRules, Link, Machine, Replay, Tier, TierRules, Unit
from hiersim.machine.effects import Activation, LoadedLatency, Nand, Packets, SlcCache
from hiersim.traces.access import AccessTrace

ROOT = Path(__file__).parents[1]
SIZE = 1 << 20
OBJECTS, FEWER = 20_000, 4_000
NEAR = {"mostly hits": 0.6, "mostly misses": 0.01}  # share of the objects that fit near
OUTSTANDING = [1 << k for k in range(11)]
US = 1_000_000  # picoseconds


TURNS = {"turnaround": 0.3, "loaded_latency": LoadedLatency(rise=16_200, mixed_rise=57_000, asymptote=1.13)}
ROWS = {"activation": Activation(energy=6700.0, visit=256, row=8192, banks=32)}
DIES = {
    "dies": 128,
    "page": 16384,
    "read": 45 * US,
    "program": 400 * US,
    "over_provisioning": 0.28,
    "erase_block": 1 << 24,
}
PACKETS = {"max_payload": 256, "completion_header": 20, "write_header": 24, "read_request": 512, "request_header": 24}
EFFECTS = {
    "hbm": TURNS | ROWS,
    "ddr": TURNS | ROWS | {"background_read": 3e10},
    "cxl": TURNS | ROWS | {"duplex": "full", "media_bandwidth": 7e10},
    "flash": {"nand": Nand(**DIES), "sharpness": 3, "slc_cache": SlcCache(capacity=1 << 34, bandwidth=5e9)},
    "pcie": {"packets": Packets(**PACKETS, driven_by="second")},
    "cxl8": {"loaded_latency": LoadedLatency(rise=5_000, asymptote=1.2), "ops": 1e6, "sharpness": 6},
    "nvme": {"packets": Packets(**PACKETS), "background": 1e9},
}


def tier(kind, read, write, latency, **fields):
    figures = {"read_bandwidth": read, "write_bandwidth": write, "read_latency": latency, "write_latency": latency}
    return Tier(kind=kind, capacity=1 << 50, **figures, **fields)


def machine(effects=False):
    """Return the four tiers and their links, plain or with every device effect."""
    tiers = {
        "hbm": tier("hbm", 3e12, 3e12, US // 2),
        "ddr": tier("ddr", 3e11, 3e11, US // 10),
        "cxl": tier("cxl", 5e10, 5e10, US // 4),
        "flash": tier("flash", 1.4e10, 7e9, 60 * US, queue_depth=256, granularity=4096, read_ops=2.5e6, duplex="full"),
    }
    links = {
        "pcie": Link(between=("ddr", "hbm"), kind="pcie", bandwidth=5.5e10, latency=US, engines=4),
        "cxl8": Link(between=("cxl", "ddr"), kind="cxl", bandwidth=2.8e10, latency=US // 5),
        "nvme": Link(between=("flash", "ddr"), kind="nvme", bandwidth=1.4e10, latency=2 * US),
    }
    if effects:
        tiers, links = with_effects(tiers), with_effects(links)
    return Machine(tiers=tiers, links=links, units={"gpu": Unit(kind="gpu", tier="hbm", flops={"bf16": 1e15})})


def with_effects(parts):
    return {name: type(part)(**part.model_dump(exclude_unset=True) | EFFECTS[name]) for name, part in parts.items()}


def rules(near, objects):
    rooms = {"hbm": near, "ddr": 0.1, "cxl": 0.2, "flash": 0.6}
    names = {"hbm": "lru", "ddr": "sieve", "cxl": "fifo", "flash": "clock"}
    return {name: TierRules(capacity=int(share * objects) * SIZE, policy=names[name]) for name, share in rooms.items()}


def trace(accesses, objects=OBJECTS):
    rng = np.random.default_rng(1)
    share = np.arange(1, objects + 1) ** -0.9
    keys = np.searchsorted(np.cumsum(share) / share.sum(), rng.random(accesses)).astype(np.int32)
    keys = rng.permutation(objects).astype(np.int32)[keys]
    columns = {"write": rng.random(accesses) < 0.1, "group": 0}
    return AccessTrace.build(keys, np.full(objects, SIZE), columns, classes=("kv",))


CLASSES = {"kv": ClassRules(flops_per_byte=100)}


def in_place(accesses):
    """Return rules, classes and a trace in which every access reads its object where it is at home."""
    tiers = list(machine().tiers)
    keys = np.random.default_rng(1).integers(0, OBJECTS, accesses)
    columns = {"object_class": np.arange(OBJECTS) % len(tiers), "group": 0}
    reads = AccessTrace.build(keys, np.full(OBJECTS, SIZE), columns, classes=tuple(tiers))
    managed = {name: TierRules(promotion="never") for name in tiers}
    return managed, {name: ClassRules(on_miss="home", home=name) for name in tiers}, reads


def core_run(near, accesses, outstanding, repeat):
    """Return (least CPU seconds, the core at its end)."""
    return least_of(repeat, rules(near, accesses.objects), CLASSES, accesses, outstanding)


def least_of(repeat, managed, classes, accesses, outstanding, effects=False):
    """Return (least CPU seconds, the core at its end)."""
    least = float("inf")
    for _ in range(repeat):
        core = Core(machine(effects), managed, classes, Replay(outstanding=outstanding), accesses, 0)
        core.warm_up()
        start = time.process_time()
        core.run()
        least = min(least, time.process_time() - start)
    return least, core


def twin_run(near, accesses, outstanding):
    """Return (CPU seconds, the twin's outcome)."""
    sys.path.insert(0, str(ROOT / "tests"))
    from oracle.core.policies import make
    from oracle.core.twin import Twin

    managed, on = rules(near, accesses.objects), machine()
    twin = Twin(on, managed, CLASSES, Replay(outstanding=outstanding), accesses, make(managed, on))
    start = time.process_time()
    outcome = twin.run()
    return time.process_time() - start, outcome


def hit_ratio(core):
    row = core.world.tiers[0]
    return row[c.T_HITS] / len(core.trace)


def beside_the_twin(options):
    yield ["setting", "accesses", "near hits", "twin k/s", "core k/s", "ratio"]
    accesses = trace(options.twin, FEWER)
    for setting, near in NEAR.items():
        theirs, outcome = twin_run(near, accesses, 16)
        mine, core = core_run(near, accesses, 16, max(5, options.repeat))
        same = core.world.done.tolist() == outcome.done_ps and core.now == outcome.elapsed_ps
        if not same or int(core.world.clock[c.EVENTS]) != outcome.events:
            sys.exit(f"{setting}: core and twin differ")
        n = len(accesses) / 1e3
        paces = f"{n / theirs:.2f}", f"{n / mine:.0f}", f"{theirs / mine:.0f}x"
        yield [setting, f"{len(accesses):,}", f"{hit_ratio(core):.3f}", *paces]


def a_million(options):
    yield ["setting", "accesses", "near hits", "events", "seconds", "k accesses/s", "ns/event"]
    managed, classes, reads = in_place(options.accesses)
    yield pace("in place", reads, *least_of(options.repeat, managed, classes, reads, 16))
    accesses = trace(options.accesses)
    for setting, near in NEAR.items():
        yield pace(setting, accesses, *core_run(near, accesses, 16, options.repeat))


def pace(setting, accesses, seconds, core):
    """Return a row: what was run, and how fast."""
    events, n = int(core.world.clock[c.EVENTS]), len(accesses)
    hits, rate, cost = f"{hit_ratio(core):.3f}", f"{n / seconds / 1e3:.0f}", f"{seconds / events * 1e9:.0f}"
    return [setting, f"{n:,}", hits, f"{events:,}", f"{seconds:.2f}", rate, cost]


def by_outstanding(options):
    yield ["outstanding", *(f"{setting}, ns/event" for setting in NEAR)]
    accesses = trace(options.accesses // 5)
    for outstanding in OUTSTANDING:
        cells = [str(outstanding)]
        for near in NEAR.values():
            seconds, core = core_run(near, accesses, outstanding, 1)
            cells.append(f"{seconds / int(core.world.clock[c.EVENTS]) * 1e9:.0f}")
        yield cells


def with_all_effects(options):
    """Yield the million accesses on the plain machine and on one with every effect, run in turn."""
    yield [
        "setting",
        "plain, ns/access",
        "all effects, ns/access",
        "speed falls by",
        "plain, ns/event",
        "all, ns/event",
    ]
    settings = {"in place": in_place(options.accesses)}
    accesses = trace(options.accesses)
    settings |= {name: (rules(near, accesses.objects), CLASSES, accesses) for name, near in NEAR.items()}
    for setting, (managed, classes, reads) in settings.items():
        runs = [[least_of(1, managed, classes, reads, 16, on) for on in (False, True)] for _ in range(options.repeat)]
        (plain, core), (every, other) = (min(column, key=lambda run: run[0]) for column in zip(*runs, strict=True))
        costs = [f"{seconds / len(reads) * 1e9:.0f}" for seconds in (plain, every)]
        events = [f"{t / int(x.world.clock[c.EVENTS]) * 1e9:.0f}" for t, x in ((plain, core), (every, other))]
        yield [setting, *costs, f"{1 - plain / every:.0%}", *events]


TABLES = {
    "Beside the SimPy twin, 16 outstanding": beside_the_twin,
    "Timed four-tier replay, 16 outstanding": a_million,
    "Cost of an event by accesses outstanding": by_outstanding,
    "Device effects, 16 outstanding": with_all_effects,
}


def main():
    """Measure, print the tables row by row, and write them if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--accesses", type=int, default=1_000_000)
    parser.add_argument("--twin", type=int, default=8_000, help="accesses of the runs beside the twin")
    parser.add_argument("--only", default="", help="tables whose title holds this text")
    parser.add_argument("--repeat", type=int, default=2)
    parser.add_argument("--write", action="store_true", help="also into benchmarks/results/core.md")
    options = parser.parse_args()
    core_run(0.5, trace(100), 16, 1)  # compiles
    lines = measure(TABLES, options)
    if options.write:
        keep("core.md", "The timed core", lines)


if __name__ == "__main__":
    main()
