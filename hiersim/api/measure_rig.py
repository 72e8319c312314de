"""A part alone in the timed simulator: the machine around it, and the accesses that bring it to a steady state.

A tier stands alone with a unit at it, and holds what is accessed. A link has a tier without limits at each end: what
moves forward is written past the near one, what moves backward is read past it. All accesses hit, in a closed loop of
one stream. A loop that begins with all its accesses at once would stay in step for ever, because nothing in the
simulator varies; the first accesses are therefore of growing sizes, so that they end one after the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hiersim.drivers.replay import replay_timed
from hiersim.engine.result import Result
from hiersim.machine import ClassRules, Link, Machine, Promotion, Replay, Tier, TierRules, Unit
from hiersim.traces.access import AccessTrace

PART, NEAR, FAR = "part", "near", "far"
ROOM = 2**54
"""Bytes that every tier of a rig holds: what is measured is speed, at any size."""
NO_LIMIT = 1e18
"""Bytes/s of the tiers at both ends of a link."""
LEAST = 96
"""Accesses in each half of what is measured, at least."""
WHOLE = 6
"""Rounds of the closed loop in each half: a multiple of 2 and of 3, so that common shares come out even."""
WARM = 3
"""Rounds of the closed loop before what is measured, the first being that of growing sizes."""


@dataclass(frozen=True)
class Rig:
    """A machine that has one part to measure, and the rules by which every access passes it once."""

    part: Tier | Link
    machine: Machine
    rules: dict[str, TierRules]
    classes: dict[str, ClassRules]

    def run(self, trace: AccessTrace, depth: int) -> Result:
        """Run a trace in a closed loop with ``depth`` accesses outstanding; the result has its timeline."""
        replay = Replay(outstanding=depth)
        return replay_timed(self.machine, self.rules, trace, replay, classes=self.classes, timeline=True)


@dataclass(frozen=True)
class Steady:
    """What was measured of a part in its steady state.

    Attributes:
        bandwidth_bytes_per_s: payload.
        latency_ps: the mean; ``latency_p50_ps`` and ``latency_p99_ps`` are quantiles.
        bound: what the accesses waited for most: ``latency``, ``bandwidth``, ``operations``, ``dies``, ``queue depth``.
    """

    bandwidth_bytes_per_s: float
    latency_ps: float
    latency_p50_ps: int
    latency_p99_ps: int
    bound: str


def rig_of(part: Tier | Link) -> Rig:
    """Return the machine around a part."""
    if isinstance(part, Tier):
        machine = Machine(tiers={PART: part.model_copy(update={"capacity": ROOM})}, units={"unit": _unit(PART)})
        return Rig(part, machine, {PART: TierRules()}, {"page": ClassRules(home=PART)})
    link = part.model_copy(update={"between": (NEAR, FAR)})
    machine = Machine(tiers={NEAR: _end(), FAR: _end()}, links={PART: link}, units={"unit": _unit(NEAR)})
    rules = {NEAR: TierRules(write="around"), FAR: TierRules(promotion=Promotion(on_nth_hit=0))}
    return Rig(part, machine, rules, {"page": ClassRules(home=FAR)})


def _unit(tier: str) -> Unit:
    return Unit(kind="cpu", tier=tier, flops={"bf16": 1e12})


def _end() -> Tier:
    return Tier(
        kind="sram", capacity=ROOM, read_bandwidth=NO_LIMIT, write_bandwidth=NO_LIMIT, read_latency=0, write_latency=0
    )


def steady(rig: Rig, size: int, depth: int, share: float) -> Steady:
    """Measure a part at one size, queue depth and share of reads (of a link: of forward transfers).

    Args:
        rig: the part.
        size: bytes of an access.
        depth: accesses outstanding.
        share: of the accesses that read, 0 to 1; the others write.
    """
    half = WHOLE * depth * -(-LEAST // (WHOLE * depth))
    accesses = (WARM + 1) * depth + 2 * half
    sizes = ramp(rig.part, size, depth, share)
    objects = np.minimum(np.arange(accesses), len(sizes)).astype(np.int32)
    columns = {"write": writes(rig.part, accesses, share)}
    trace = AccessTrace.build(objects, np.append(sizes, size), columns)
    result = rig.run(trace, depth)
    assert result.timeline is not None
    done = np.sort(result.timeline.done_ps)[WARM * depth :]
    weights = np.hanning(half + 2)[1:-1]  # what comes round with the loop averages out best without hard edges
    apart = float(np.average(done[half : 2 * half] - done[:half], weights=weights)) / half
    latency = result.latency_ps[WARM * depth : WARM * depth + 2 * half]
    p50, p99 = np.quantile(latency, (0.5, 0.99), method="inverted_cdf")
    return Steady(size / apart * 1e12, float(latency.mean()), int(p50), int(p99), bound_of(result))


def energy_pj_per_bit(rig: Rig, size: int, share: float) -> float | None:
    """Return the energy of a payload bit without what is drawn at all times, or ``None`` where the part states none.

    It depends on sizes and directions, not on how busy the part is.
    """
    direction = writes(rig.part, WHOLE, share)
    trace = AccessTrace.build(np.zeros(WHOLE, np.int32), [size], {"write": direction})
    result = rig.run(trace, 1)
    group = "links" if isinstance(rig.part, Link) else "tiers"
    joules = {path: j for path, j in result.energy_j.items() if path.startswith(f"{group}.{PART}.")}
    if isinstance(rig.part, Tier):
        needed = {f"tiers.{PART}.{'write' if one else 'read'}" for one in direction.tolist()}
    else:
        needed = {f"links.{PART}.transfer"}
    if not needed <= set(joules):
        return None
    moving = sum(j for path, j in joules.items() if not path.endswith(".background"))
    return moving * 1e12 / (8.0 * size * WHOLE)


def writes(part: Tier | Link, accesses: int, share: float) -> NDArray[np.uint8]:
    """Return which accesses write, the shares spread as evenly as whole accesses can be (error diffusion).

    Forward of a link is written, so there ``share`` is that of the writes.
    """
    first = np.floor(np.arange(1, accesses + 1) * share + 0.5) > np.floor(np.arange(accesses) * share + 0.5)
    written: NDArray[np.uint8] = (first if isinstance(part, Link) else ~first).astype(np.uint8)
    return written


def ramp(part: Tier | Link, size: int, depth: int, share: float) -> NDArray[np.int64]:
    """Return the sizes of the first accesses, of which one ends after the other, as they do in the steady state.

    They end ``gap`` apart: the time alone over the depth, or what the busiest resource needs for an access if that is
    more. An access that has ended comes back after the latency, and then shares the bandwidth again.
    """
    if depth == 1:
        return np.full(1, size, np.int64)
    latency, busy = pace(part, size, share)
    gap = max((latency + busy) / depth, busy)
    steps = np.arange(depth)
    back = np.maximum(0, steps - np.ceil(latency / gap)) if busy * depth > latency + busy else 0
    sizes = np.cumsum(size / busy * gap / (depth - steps + back))
    return np.clip(np.rint(sizes), 1, ROOM // (4 * depth)).astype(np.int64)


def pace(part: Tier | Link, size: int, share: float) -> tuple[float, float]:
    """Return the mean latency of an access, and its time at the resource that is busiest, both in picoseconds."""
    shares = (share, 1.0 - share)
    if isinstance(part, Tier):
        latencies = (part.read_latency, part.write_latency)
        rates = (part.read_bandwidth * part.efficiency, part.write_bandwidth * part.efficiency)
        caps = (part.read_ops, part.write_ops)
    else:
        latencies = (part.latency + part.overhead,) * 2
        rates = (part.bandwidth_of(True) * part.efficiency, part.bandwidth_of(False) * part.efficiency)
        caps = (part.ops, part.ops)
    wire = -(-size // part.granularity) * part.granularity
    each = [s * wire / rate * 1e12 for s, rate in zip(shares, rates, strict=True)]
    operations = sum(s / cap * 1e12 for s, cap in zip(shares, caps, strict=True) if cap)
    dies = 0.0
    if isinstance(part, Tier) and part.nand is not None:
        dies = share * -(-size // part.nand.page) * part.nand.read / part.nand.dies
    bandwidth = sum(each) if part.duplex == "half" else max(each)
    latency = sum(s * ps for s, ps in zip(shares, latencies, strict=True))
    return latency, max(bandwidth, operations, dies)


def bound_of(result: Result) -> str:
    """Return what the accesses of a run waited for most, such as ``latency`` or ``bandwidth``."""
    if PART in result.tiers:
        return result.tiers[PART].bound.removeprefix(f"{PART} ").rpartition(".")[2]
    stalls: dict[str, int] = {}
    for stall in result.units["unit"].stalls:
        what = {"slot": "queue depth", "bandwidth": stall.detail or stall.kind}.get(stall.kind, stall.kind)
        stalls[what] = stalls.get(what, 0) + stall.ps
    return max(stalls, key=lambda what: stalls[what]) if stalls else "-"
