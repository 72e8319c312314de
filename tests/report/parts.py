"""Parts of synthetic results: what a sample does not state is zero or follows from what it states."""

from __future__ import annotations

import numpy as np

from hiersim.engine.result import LinkResult, Result, Stall, TierResult, UnitResult

GIB = 2**30
SECOND = 10**12


def tier(kind="hbm", capacity=40 * GIB, read=0, written=0, hits=0, merged=0, misses=0, **other):
    split = {"kv": read - read // 3, "weight": read // 3} if read else {}
    values = {
        "kind": kind,
        "capacity_bytes": capacity,
        "read_bytes": split,
        "written_bytes": {"kv": written} if written else {},
        "read_wire_bytes": read,
        "written_wire_bytes": written,
        "hits": hits,
        "merged": merged,
        "misses": misses,
        "evictions": 0,
        "dropped": 0,
        "written_back": 0,
        "lost": 0,
        "refused": 0,
        "passed_over": 0,
        "placed_bytes": written,
        "removed_bytes": 0,
        "resident_bytes": min(written, capacity),
        "peak_bytes": min(written, capacity),
        "mean_bytes": min(written, capacity) / 2,
        "busy_ps": 0,
        "utilisation": 0.0,
        "bound": "-",
        "energy_j": 0.0,
    }
    return TierResult(**values | other)


def link(between, kind="pcie", forward=0, backward=0, use=(0.0, 0.0), energy=0.0):
    split = [{"kv": size} if size else {} for size in (forward, backward)]
    return LinkResult(kind, between, *split, forward, backward, int(max(use) * SECOND), *use, energy)


def unit(near, elapsed, compute=0.0, on_near=0.0, stalls=(), kind="gpu", energy=0.0):
    """A unit by shares of the elapsed time; what is left is idle. Stalls: (kind, place, detail, class, share)."""
    stalled = tuple(Stall(*stall[:4], int(stall[4] * elapsed)) for stall in stalls)
    busy = int(compute * elapsed), int(on_near * elapsed)
    return UnitResult(kind, near, *busy, elapsed - sum(busy) - sum(s.ps for s in stalled), stalled, energy)


def result(tiers, links, units, elapsed=SECOND, accesses=1000, name="sample", machine="A machine", **other):
    served = np.repeat(np.arange(len(tiers)), [tier.hits + tier.merged for tier in tiers.values()])
    served = np.concatenate([served, np.full(max(0, accesses - len(served)), -1)])
    values = {
        "name": name,
        "machine": machine,
        "elapsed_ps": elapsed,
        "seconds": 0.25,
        "accesses": accesses,
        "created": accesses // 20,
        "created_bytes": accesses // 20 * 2**21,
        "tiers": tiers,
        "links": links,
        "units": units,
        "latency_ps": (np.arange(accesses, dtype=np.int64) * 7919 % 9973 + 1) * 10**5,
        "served_by": served.astype(np.int8),
        "energy_j": {},
        "provenance": {"seed": 7, "scenario_hash": "3f9c0a", "versions": {"hiersim": "0.1.0"}, "estimates": []},
    }
    return Result(**values | other)
