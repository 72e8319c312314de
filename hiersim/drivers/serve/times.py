"""What a serving run knows of time and size before it begins: steps, blocks fetched, computed and coded."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from hiersim.drivers.serve import columns as c
from hiersim.drivers.serve.codecs import codec_of
from hiersim.drivers.serve.setup import Setup
from hiersim.drivers.serving import columns as k
from hiersim.drivers.serving.cost import step_times
from hiersim.drivers.serving.packing import pack
from hiersim.engine.core import Core
from hiersim.machine import Machine, TierRules
from hiersim.models.dtypes import bits_of
from hiersim.traces.request import RequestTrace


def coding(machine: Machine, rules: dict[str, TierRules], setup: Setup) -> tuple[tuple[int, int], ...]:
    """Return the size of KV in each tier over that in the near tier, as fractions; nothing where no tier codes."""
    codecs = setup.rules.codecs
    if not codecs:
        return ()
    bits = bits_of(setup.formats.kv)
    near = codecs.get(machine.units[setup.units[0]].tier)
    found = []
    for name in rules:
        codec = codecs.get(name, near)
        part = codec_of(codec).ratio(bits) if codec else Fraction(1)
        part /= codec_of(near).ratio(bits) if near else 1
        found.append((part.numerator, part.denominator))
    return tuple(found)


def coding_times(core: Core, setup: Setup) -> Any:
    """Return the time to code and to decode a block for each tier."""
    found = np.zeros((len(core.plan.order), 2))
    for t, name in enumerate(core.plan.order):
        codec = setup.rules.codecs.get(name)
        for way, rate in enumerate((codec.encode_rate, codec.decode_rate) if codec else ()):
            found[t, way] = 1e12 * setup.sizes.block / rate if rate else 0.0
    return found


def costs_of(core: Core, setup: Setup) -> Any:
    """Return what steps of each engine cost, packed for the kernels."""
    machine = core.plan.machine
    link = machine.links[setup.rules.rank_link] if setup.rules.rank_link else None
    packed = []
    for name in setup.units:
        unit = machine.units[name]
        packed.append(pack(setup.work, unit, machine.tiers[unit.tier], setup.formats, link))
    return np.array(packed)


def fetch_times(core: Core, setup: Setup) -> Any:
    """Return the time to move a block to each engine's near tier, alone on the way."""
    w, size = core.world, setup.sizes.block
    found = np.zeros((len(setup.units), len(core.plan.order)))
    for e, name in enumerate(setup.units):
        near = core.plan.order.index(core.plan.machine.units[name].tier)
        for t in range(len(core.plan.order)):
            route = int(w.move[t, near])
            if t == near or route == c.NONE:
                continue
            steps = core.plan.routes[route][1]
            slowest = max(core.plan.hops[hop].byte_cost[direction] for hop, direction in steps)
            coded = int(w.coding[t, 0]) / int(w.coding[t, 1]) if len(w.coding) else 1.0
            found[e, t] = (
                sum(core.plan.hops[hop].latency[direction] for hop, direction in steps) + size * coded * slowest
            )
    return found


def compute_times(costs: Any, setup: Setup, trace: RequestTrace) -> Any:
    """Return the time to compute a block in a full step at the start of a prompt, and more per token before it."""
    tokens, far = setup.rules.max_batched_tokens, 8192
    batches = np.zeros((2, k.BATCH), np.int64)
    batches[:, k.CHUNKS] = 1
    new, before = np.full((2, 1), max(2, tokens), np.int64), np.array([[0], [far]], np.int64)
    found = np.zeros((len(costs), 2))
    for e, packed in enumerate(costs):
        out = np.zeros((2, k.OUT))
        step_times(packed, batches, new, before, out)
        block = trace.block_tokens / max(2, tokens)
        found[e] = out[0, k.TIME] * block, (out[1, k.TIME] - out[0, k.TIME]) / far * block
    return found
