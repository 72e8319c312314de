"""How well a sweep of 1,000 points uses two cores, and what kills at random moments cost it.

    python benchmarks/sweep.py                      1,000 points, 20 kills
    python benchmarks/sweep.py --points 100 --kills 3

One process and two run the same sweep from empty caches, in turns; ratios are of wall time, best of --repeat, beside
the same ratio for two processes that only count, which is what the machine itself gives at that moment. On a machine
that others use too, wall time says little; so the ratio is also worked out from processor time: what one process takes,
over what the first of several takes plus half of what its workers take, as if that half waited for the first.

Then a sweep in processes of its own is killed (SIGKILL, the whole process group) at random moments and started again
until it ends: no finished point may be lost, none computed twice, and the table must have the bytes of the sweep that
nobody killed.
"""

import argparse
import hashlib
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
SWEEP = """\
scenario: {root}/configs/kv_tiers.yaml
set: {{trace.limit: {requests}, tiers.hbm.capacity: 4 GiB}}
vary:
  tiers.hbm.policy: [lru, s3fifo, mq, sieve, arc]
  tiers.dram.capacity: {{from: 8 GiB, to: 24 GiB, count: {capacities}}}
  replay.streams: [4, 8]
"""
OWN = (
    "import resource, sys; from hiersim.cli.main import execute; code = execute(sys.argv[1:]);"
    "used = resource.getrusage(resource.RUSAGE_SELF); print(); print(used.ru_utime + used.ru_stime); sys.exit(code)"
)
COUNT = "n = 0\nwhile n < 60_000_000: n += 1"


def command(folder, name, *arguments):
    """Return the command of a sweep whose results are kept in ``folder/name``."""
    out = ["--cache", folder / name, "--out", folder / f"{name}.parquet"]
    return [sys.executable, "-m", "hiersim.cli.main", "sweep", folder / "sweep.yaml", *out, *arguments]


def seconds(calls):
    """Return the wall time of commands that run side by side."""
    start = time.perf_counter()
    running = [subprocess.Popen(call, **quiet()) for call in calls]
    assert all(process.wait() == 0 for process in running)
    return time.perf_counter() - start


def measured(call):
    """Return the wall time of a command, the processor time of its own process, and that of its workers."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    process = subprocess.Popen([*call[:1], "-c", OWN, *map(str, call[3:])], stdout=subprocess.PIPE, text=True,
                               stderr=subprocess.DEVNULL, env=environment())  # fmt: skip
    own = float(process.communicate()[0].splitlines()[-1])
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, own, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime - own


def quiet():
    """Return how commands are started."""
    return {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": environment()}


def environment():
    """Return the environment in which hiersim is this copy of it."""
    return os.environ | {"PYTHONPATH": str(ROOT)}


def speed(folder, repeat):
    """Measure one process beside two; return the lines to show."""
    seconds([command(folder, "warm", "--workers", "1")])
    walls, one, two, machine = {}, [], [], 0.0
    for i in range(repeat):
        for workers, times in ((1, one), (2, two)):
            times.append(measured(command(folder, f"w{workers}-{i}", "--workers", str(workers))))
            walls[workers] = min(time[0] for time in times)
        alone, both = seconds([[sys.executable, "-c", COUNT]]), seconds([[sys.executable, "-c", COUNT]] * 2)
        machine = max(machine, 2 * alone / both)
    tables = {hashlib.sha256((folder / f"w{w}-0.parquet").read_bytes()).hexdigest() for w in (1, 2)}
    alone, (own, workers) = min(own for _, own, _ in one), min((own, workers) for _, own, workers in two)
    ratio = alone / (own + workers / 2)
    return [
        f"wall: 1 process {walls[1]:.1f} s, 2 processes {walls[2]:.1f} s: {walls[1] / walls[2]:.2f} times as fast; "
        f"two processes that only count: {machine:.2f} times",
        f"processor time: 1 process {alone:.1f} s; 2 processes {own:.1f} s and {workers:.1f} s in two workers: "
        f"{ratio:.2f} times",
        f"tables are {'the same bytes' if len(tables) == 1 else 'DIFFERENT'}",
    ]


def entries(folder):
    """Return what identifies each finished point's file."""
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.glob("*/*.json")}


def progress(folder, call):
    """Run a sweep that keeps its results in ``whole``; return when its first point was there, and when it ended."""
    start, first = time.perf_counter(), None
    with subprocess.Popen(call, **quiet()) as process:
        while process.poll() is None:
            time.sleep(0.01)
            if first is None and entries(folder / "whole"):
                first = time.perf_counter() - start
    return first, time.perf_counter() - start


def kills(folder, count, seed):
    """Kill a sweep again and again; return the lines to show."""
    draw, lost, again, kept = random.Random(seed), 0, 0, {}
    first, whole = progress(folder, command(folder, "whole", "--workers", "2"))
    moments = []
    for _ in range(count):
        process = subprocess.Popen(command(folder, "killed", "--workers", "2"), start_new_session=True, **quiet())
        moment = draw.uniform(0, 2 * (first + (whole - first) / count))  # from before its start to well into its work
        try:
            process.wait(moment)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            moments.append(moment)
        now = entries(folder / "killed")
        lost += len(kept.keys() - now.keys())
        again += sum(now[name] != kept[name] for name in kept.keys() & now.keys())
        kept = now
    seconds([command(folder, "killed", "--workers", "2")])
    after = entries(folder / "killed")
    again += sum(after[name] != kept[name] for name in kept)
    same = (folder / "killed.parquet").read_bytes() == (folder / "whole.parquet").read_bytes()
    return [
        f"{len(moments)} kills after {min(moments):.1f} to {max(moments):.1f} s; {len(kept)} points were done by then",
        f"lost {lost}, computed twice {again}; the table has {'the same bytes' if same else 'OTHER BYTES'}",
    ]


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=1000)
    parser.add_argument("--requests", type=int, default=1000, help="of the chat sample, at each point")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--repeat", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        text = SWEEP.format(root=ROOT, requests=options.requests, capacities=options.points // 10)
        (folder / "sweep.yaml").write_text(text)
        print("\n".join(speed(folder, options.repeat)) if options.repeat else "", flush=True)
        print("\n".join(kills(folder, options.kills, options.seed)) if options.kills else "", flush=True)


if __name__ == "__main__":
    main()
