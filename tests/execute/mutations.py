# ruff: noqa: E501 - a table, one line each
"""Lines that runs of operations go through, broken one at a time: module, what stands there, what takes its place, a task.

As a program, with the JIT off: breaks each and prints which of them the twin shows on the task of that seed. Shapes of
operations share one row here, so that each meets another one's.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1])]

BROKEN = {
    "shapes of another duration are recalled": ("engine.shapes", "and w.shape[row, SH_DURATION] == w.jobs[job, J_AMOUNT]", "", 38),
    "shapes that read more are recalled": ("engine.shapes", "and w.shape[row, SH_READ] == work.moved(w, job, 0)", "", 6),
    "shapes that write more are recalled": ("engine.shapes", "and w.shape[row, SH_WRITTEN] == work.moved(w, job, 1)", "", 400),
    "rates of another shape are recalled": ("engine.memo", "shape = w.groups[g, G_SHAPE]", "shape = 0", 2),
    "times of another size are recalled": ("drivers.execute.duration", "or d.kinds[kind, K_LAST_READ] != reads", "", 2),
    "a shape's wire is not counted": ("engine.work", "w.wire[hop, direction] += w.group_wire[group, 3 * i]", "pass", 0),
    "who comes later begins first": ("drivers.execute.begin", "d.turns[near, TL_HEAD] == NONE and", "", 7),
    "the last stream is charged": ("drivers.execute.waits", "or head < first)", "or head > first)", 6),
    "what is wanted leaves": ("drivers.execute.ahead", "if victim < 0 or d.wanted[victim] > 0:", "if victim < 0:", 7),
    "a prefetch reads from anywhere": ("drivers.execute.ahead", "return int(tier) if tier != NONE else", "return", 80),
    "what is held is stored late": ("drivers.execute.copies", "(held and d.action[o] != STORE)", "held", 6),
    "objects that ended stay": ("drivers.execute.over", "if w.transit[key] == NONE:\n                leave(w, key)", "if False:\n                leave(w, key)", 42),
    "chains of streams alone are critical": ("drivers.execute.over", "d.critical[follower] = max(d.critical[follower], chain)", "pass", 6),
}  # fmt: skip


def shows(module: str, old: str, new: str, seed: int) -> bool:
    """Say whether twin and driver differ with a line broken, on the task of a seed, tight in memory if it is odd."""
    from core import mutating
    from execute.parity import disagreement
    from strategies.operations import task

    drawn = task(seed // 2, tight=seed % 2 == 1)
    return mutating.shows(f"hiersim.{module}", old, new, lambda: bool(disagreement(drawn)))


def main() -> None:
    importlib.import_module("hiersim.engine.shapes").SHAPE_ROWS = 1
    print(json.dumps({what: shows(*BROKEN[what]) for what in sys.argv[1:] or BROKEN}))


if __name__ == "__main__":
    main()
