"""Speed of the execute driver: a million operations of ten objects, beside its SimPy twin, and FlexGen's OPT-175B.

    python benchmarks/operations.py                       all tables
    python benchmarks/operations.py --operations 100000   smaller
    python benchmarks/operations.py --write               also into benchmarks/results/operations.md

One unit near HBM, DRAM behind a link, 20,000 equal objects (1,000 beside the twin), each operation reads ten that are
drawn alike. All near: all objects are at home in HBM. Kept near: all fit there and come once, so that a policy is
told of each use. One in a hundred comes: that share is at home in DRAM, with room for five of them near. Four
streams: kept near, by four streams of the unit. The twin runs fewer operations, and when each of them is over must be
the driver's own. CPU seconds, after compilation, of loading and running; the least of --repeat runs.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from tables import keep, measure

from hiersim.api.sources import generate
from hiersim.config import load
from hiersim.drivers.execute.outcome import operations_result
from hiersim.drivers.execute.run import Execution, setting_of
from hiersim.drivers.execute.setup import Setting
from hiersim.engine import columns as c
from hiersim.machine import Execute, Link, Machine, Tier, TierRules, Unit
from hiersim.traces.operation import PER_OBJECT, PER_OPERATION, Header, Objects, Operations, OperationTrace

ROOT = Path(__file__).parents[1]
OBJECTS, FEWER, USES, SIZE = 20_000, 1_000, 10, 1 << 16
BAR_S, BAR_RATIO = 2.0, 100


def machine():
    """Return HBM with a unit, and DRAM behind a link."""
    rates = {"read_bandwidth": 3e12, "write_bandwidth": 3e12, "read_latency": 500_000, "write_latency": 500_000}
    tiers = {"hbm": Tier(kind="hbm", capacity=1 << 40, **rates), "ddr": Tier(kind="ddr", capacity=1 << 40, **rates)}
    links = {"pcie": Link(kind="pcie", between=("ddr", "hbm"), bandwidth=5.5e10, latency=1_000_000)}
    return Machine(tiers=tiers, links=links, units={"gpu": Unit(kind="gpu", tier="hbm", flops={"bf16": 1e15})})


def trace(operations, count, streams=1, away=0.0):
    """Return operations that each read ten of ``count`` objects; a share is away in DRAM, the others near the unit."""
    rng = np.random.default_rng(1)
    names = tuple(f"s{i}" for i in range(streams))
    columns = {key: np.zeros(operations, kind) for key, kind in PER_OPERATION.items()}
    columns["flops"] += 10**6
    columns["duration_ps"] -= 1
    columns["source"] -= 1
    columns["target"] -= 1
    columns["reads"] += USES
    columns["stream"] += np.arange(operations, dtype=np.int32) % streams
    uses = rng.integers(0, count, operations * USES).astype(np.int32)
    objects = {key: np.zeros(count, kind) for key, kind in PER_OBJECT.items()}
    objects["size"] += SIZE
    objects["home"] += np.arange(count) >= count - round(away * count)
    objects["start"] -= 1
    objects["last_use"] -= 1
    header = Header(Objects(**objects, tiers=("hbm", "ddr")), ("read",), (0,), ("gpu",), names, (0,) * streams)
    none = np.zeros(0, np.int64)
    offsets = np.arange(operations + 1, dtype=np.int64) * USES
    after = {"after_offsets": np.zeros(operations + 1, np.int64), "after": none}
    return OperationTrace(header, Operations(**columns, offsets=offsets, uses=uses, **after))


def setting(capacity=1 << 40):
    """Return the machine with its rules; HBM keeps what comes as long as there is room."""
    rules = {"hbm": TierRules(capacity=capacity, policy="lru"), "ddr": TierRules()}
    return Setting(machine(), rules, {}, Execute())


def settings(operations, objects=OBJECTS):
    """Yield (what it is, setting, trace)."""
    yield "all near", setting(), trace(operations, objects)
    yield "kept near", setting(), trace(operations, objects, away=1.0)
    few = setting((objects - objects // 100 + 5) * SIZE)
    yield "one in a hundred comes", few, trace(operations, objects, away=0.01)
    yield "kept near, four streams", setting(), trace(operations, objects, 4, away=1.0)


def run(rules, operations, repeat):
    """Return (least CPU seconds of loading and running, the execution at its end)."""
    least = float("inf")
    for _ in range(repeat):
        Execution(rules, operations).warm_up()
        start = time.process_time()
        done = Execution(rules, operations)
        done.run()
        least = min(least, time.process_time() - start)
    return least, done


def twin_run(rules, operations):
    """Return (CPU seconds, the twin at its end)."""
    sys.path.insert(0, str(ROOT / "tests"))
    from oracle.execute.twin import Execution as Twin

    start = time.process_time()
    twin = Twin(rules.machine, rules.rules, rules.classes, rules.execute, operations)
    twin.run()
    return time.process_time() - start, twin


def a_million(options):
    """Yield the rate of each setting."""
    yield ["setting", "operations", "events", "seconds", "k operations/s", "ns a use", f"under {BAR_S:g} s"]
    for name, rules, operations in settings(options.operations):
        seconds, done = run(rules, operations, options.repeat)
        events, count = int(done.core.world.clock[c.EVENTS]), len(operations)
        met = "yes" if seconds * 1e6 / count < BAR_S else "no"
        paces = f"{seconds:.2f}", f"{count / seconds / 1e3:.0f}", f"{seconds / count / USES * 1e9:.0f}"
        yield [name, f"{count:,}", f"{events:,}", *paces, met]


def beside_the_twin(options):
    """Yield the rates of both, after comparing when each operation was over."""
    yield ["setting", "operations", "twin k/s", "driver k/s", "ratio", f"over {BAR_RATIO}x"]
    pairs = zip(settings(options.twin, FEWER), settings(options.operations, FEWER), strict=True)
    for (name, rules, fewer), (_, _, operations) in pairs:
        theirs, twin = twin_run(rules, fewer)
        _, same = run(rules, fewer, 1)
        if operations_result(same).over_ps.tolist() != [op.over_at for op in twin.ops]:
            sys.exit(f"{name}: driver and twin differ")
        seconds, _ = run(rules, operations, options.repeat)
        twin_rate, rate = len(fewer) / theirs, len(operations) / seconds
        met = "yes" if rate > BAR_RATIO * twin_rate else "no"
        yield [name, f"{len(fewer):,}", f"{twin_rate / 1e3:.2f}", f"{rate / 1e3:.0f}", f"{rate / twin_rate:.0f}x", met]


def flexgen(options):
    """Yield the time of FlexGen's three runs: making the trace, and running it."""
    yield ["model", "operations", "made in ms", "run in ms"]
    scenario = load(str(ROOT / "configs" / "flexgen_t4.yaml"))
    for model, params in (
        ("opt-30b", {"gpu_batch": 48, "gpu_batches": 3, "weight_gpu": 20, "weight_cpu": 80}),
        ("opt-175b", {"gpu_batch": 32, "gpu_batches": 8, "weight_gpu": 0, "weight_cpu": 50, "cache_cpu": 0}),
    ):
        start = time.process_time()
        operations = generate("flexgen", model=model, **params)
        made = time.process_time() - start
        seconds, _ = run(setting_of(scenario), operations, max(3, options.repeat))
        yield [model, f"{len(operations):,}", f"{made * 1e3:.0f}", f"{seconds * 1e3:.0f}"]


TABLES = {
    "A million operations of ten objects": a_million,
    "Beside the SimPy twin": beside_the_twin,
    "FlexGen on a T4": flexgen,
}


def main():
    """Measure, print the tables row by row, and write them if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--operations", type=int, default=1_000_000)
    parser.add_argument("--twin", type=int, default=2_000, help="operations of the runs beside the twin")
    parser.add_argument("--only", default="", help="tables whose title holds this text")
    parser.add_argument("--repeat", type=int, default=2)
    parser.add_argument("--write", action="store_true", help="also into benchmarks/results/operations.md")
    options = parser.parse_args()
    lines = measure(TABLES, options)
    if options.write:
        keep("operations.md", "The execute driver", lines)


if __name__ == "__main__":
    main()
