# ruff: noqa: E501 - a table, one line each
"""Lines of the serving driver that are broken one at a time: module, what stands there, what takes its place, a seed.

As a program, with the JIT off: breaks each and prints which of them the plain driver shows on the run of that seed.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1])]

BROKEN = {
    "nothing is evicted": ("room", "if size > room + max(0, there):", "if size > room:", 0),
    "the watermark is ignored": ("batch", "if s.engines[e, E_RUNNING] > 0 else 0)", "if False else 0)", 8),
    "the preempted wait last": ("preempting", "s.queries[r, Q_KEY] = -s.clock[K_FRONT]", "s.queries[r, Q_KEY] = 1000 + s.clock[K_FRONT]", 2),
    "nothing is computed again": ("batch", "again = s.settings[C_SHARE] * size // 1000", "again = 0", 0),
    "the first page is forgotten first": ("room", "max(0, ahead) + size - kept", "max(0, ahead)", 34),
    "what is remembered goes first": ("room", "s.line[r, AHEAD] = max(0, ahead)", "s.line[r, AHEAD] = 0 * max(0, ahead)", 100),
    "who pays is upside down": ("blocks", "s.fetch_time[e, tier] < s.compute_time", "s.fetch_time[e, tier] > s.compute_time", 0),
    "the beginning is let go first": ("blocks", "range(s.queries[r, Q_BLOCKS] - 1, -1, -1)", "range(s.queries[r, Q_BLOCKS])", 0),
    "letting go is no use": ("blocks", "if s.settings[C_BACKWARD] == 1 and", "if False and", 0),
    "copies further out stay": ("blocks", "w.tiers[tier, T_EXCLUSIVE] == 1 and w.pins[tier, key] == 0", "False", 67),
    "a copy at every step": ("blocks", "if s.fate[i] == SHARED and moves.may_copy", "if moves.may_copy", 2),
    "blocks are offered early": ("blocks", "(s.queries[r, Q_PUBLISHED] + 1) * size <= until", "s.queries[r, Q_PUBLISHED] * size <= until", 8),
    "a block's bytes stay a request's": ("blocks", "s.queries[r, Q_BYTES] -= s.settings[C_BLOCK_BYTES]", "pass", 0),
    "no layer follows the last block": ("step", "driven.operate(w, job, driven.way(w, job), max(1, s.engines[e, E_TAIL]), False)", "driven.operate(w, job, driven.way(w, job), 1, False)", 123),
    "steps do not wait for blocks": ("step", "if s.engines[e, E_LATE] == 0:\n        end(w, s, e)", "if True:\n        end(w, s, e)", 123),
    "who fetched goes to the end": ("loop", "s.queries[r, Q_KEY] = s.rank[r] - FIRST", "s.queries[r, Q_KEY] = s.rank[r]", 15),
    "admitted beside a preemption": ("batch", "if s.engines[e, E_PREEMPTED] == 1:\n            return", "if False:\n            return", 8),
    "the whole prompt needs no room": ("batch", "whole = total if s.settings[C_WHOLE] == 1 else", "whole = total if False else", 13),
    "what moves out is free at once": ("moving", "w.tiers[near, T_LEAVING] += size", "pass", 8),
    "it comes back without room to go on": ("moving", "max(size, room.bytes_of(s, r, known))", "size", 8),
    "windows keep all": ("room", "(min(rest, s.settings[C_WINDOW]) + page - 1)", "(rest + page - 1)", 13),
    "best fit": ("extents", "s.extent[after, X_START] - start < size", "s.extent[after, X_START] - start <= size", 33),
    "a room grows over the next": ("extents", "+ size > behind(s, r, capacity)", "- size > behind(s, r, capacity)", 9),
    "it never expects more": ("room", "= 2 * s.queries[r, Q_GENERATED]", "= 1 * s.queries[r, Q_GENERATED]", 9),
    "holes count whole": ("extents", "most = max(most, s.extent[r, X_START] - start)", "most = max(most, s.extent[r, X_START])", 7),
    "the budget is not split": ("batch", "count = min(left(s, r), s.engines[e, E_BUDGET])\n        if count > 0", "count = min(left(s, r), s.settings[C_TOKENS])\n        if count > 0", 6),
}  # fmt: skip


def shows(module: str, old: str, new: str, seed: int) -> bool:
    """Say whether the plain driver differs from the compiled one with a line broken, on the run of a seed."""
    from core import mutating
    from serving.test_tiers_twin import test_the_same_run_as_the_plain_driver as compare

    def differs() -> bool:
        try:
            compare(seed)
        except AssertionError:
            return True
        return False

    return mutating.shows(f"hiersim.drivers.serve.{module}", old, new, differs)


def main() -> None:
    print(json.dumps({what: shows(*BROKEN[what]) for what in sys.argv[1:] or BROKEN}))


if __name__ == "__main__":
    main()
