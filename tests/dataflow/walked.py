"""A generated trace as the plain steps that the naive walk takes, and a run of it on a small machine."""

from __future__ import annotations

import numpy as np
from oracle.dataflow import walk

from hiersim.drivers.execute.run import run_operations
from hiersim.drivers.execute.setup import Setting
from hiersim.machine import Execute, Link, Machine, Tier, TierRules, Unit
from hiersim.traces.generators import generate
from hiersim.traces.operation import ACTIONS, OperationTrace

FAST = {"read_latency": 0, "write_latency": 0, "read_bandwidth": 1e12, "write_bandwidth": 1e12}


def machine(near_bytes, far="hbm"):
    tiers = {
        "sram": Tier(kind="sram", capacity=near_bytes, **FAST),
        far: Tier(kind="hbm", capacity=1 << 40, duplex="full", **FAST),
    }
    links = {"bus": Link(kind="bus", between=("sram", far), bandwidth=1e12, latency=0)}
    return Machine(
        tiers=tiers, links=links, units={"gpu0": Unit(kind="gpu", tier="sram", flops={"fp16": 1e14, "fp32": 1e13})}
    )


def made(kind, **parameters):
    trace = generate(kind, **parameters)
    return trace if isinstance(trace, OperationTrace) else trace.whole()


def counted(trace, near=False):
    """Bytes loaded, stored, and the most at once, as the naive walk finds; what has a home is ``near`` or far."""
    o = trace.operations
    last = trace.objects.last_use.tolist()
    steps = []
    for i in range(len(trace)):
        uses = o.uses[o.offsets[i] : o.offsets[i + 1]].tolist()
        reads = int(o.reads[i])
        ends = [key for key in dict.fromkeys(uses) if last[key] == i]
        steps.append((ACTIONS[trace.header.actions[o.kind[i]]], uses[:reads], uses[reads:], ends))
    home = np.flatnonzero(trace.objects.home >= 0).tolist()
    loaded, stored, most = walk(steps, trace.objects.size.tolist(), [] if near else home, home if near else [])
    return sum(loaded.values()), sum(stored.values()), most


def room(trace):
    """The near bytes that a trace says it needs for a stream."""
    return int(next(note for note in trace.header.notes if note.startswith("needs")).split()[1].replace(",", ""))


def run(trace, near_bytes, ahead=0):
    rules = {"sram": TierRules(), "hbm": TierRules(inclusion="inclusive")}
    return run_operations(Setting(machine(near_bytes), rules, {}, Execute(ahead=ahead)), trace, trace.name, {})
