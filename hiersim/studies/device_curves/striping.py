"""Several drives behind one host link: a machine of its own, whose traffic meets at the link."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from hiersim.api.measure_rig import ROOM, ramp
from hiersim.drivers.replay import replay_timed
from hiersim.machine import ClassRules, Link, Machine, Promotion, Replay, Tier, TierRules, Unit
from hiersim.studies.device_curves.curve import Axes, Curve, Figure, Line, Point
from hiersim.studies.device_curves.run import GIGA, figures_of, part_of
from hiersim.studies.device_curves.table import Table
from hiersim.traces.access import AccessTrace

PART = "bam-gen4-ssd"
GIVEN = {"read_latency": "45 us"}
"""The source states no latency; a GPU keeps many reads outstanding, so that it does not matter."""
HOST_LINK = 18.9
"""GB/s of the link that the drives share: the relative least squares of 18 and 20 GB/s at four and six drives."""
PAGE, DEPTH, ROUNDS = 4096, 256, 48
"""Bytes of a read, reads outstanding for each drive, and how often each is renewed."""
TOLERANCE = 0.10


def curves(table: Table) -> Iterator[Curve]:
    """Yield the curve of bandwidth by drives."""
    rows = table.of("ssd_striping", "Gen4 SSDs")
    points = tuple(
        Point(row.number, row.y, striped(int(row.number)), "free" if row.x == "3" else "fitted", TOLERANCE)
        for row in rows
    )
    figures = (
        *figures_of(PART, ("read_bandwidth",), ("read_ops",)),
        Figure("bandwidth of the host link", f"{HOST_LINK} GB/s", True),
    )
    yield Curve(
        "striping",
        "Flash drives",
        "One to six Gen4 drives behind one GPU, 4 KiB random reads",
        PART,
        figures,
        Axes("drives", "bandwidth, GB/s"),
        (Line("4 KiB", points, tuple((drives, striped(drives)) for drives in range(1, 7))),),
        rows[0].source,
        f"{TOLERANCE:.0%}",
        (
            "A machine of that many drives, a switch, and one host link. A drive moves 5 GB/s, from the point of one"
            " drive; the host link is fitted to the points of four and six. Three drives are in no fit.",
        ),
    )


def striped(drives: int) -> float:
    """Return the GB/s that a GPU reads from so many drives behind one link, pages in turn over the drives."""
    machine, classes, rules = _machine(drives)
    outstanding = DEPTH * drives
    accesses = outstanding * ROUNDS
    first_sizes = ramp(machine.tiers["drive0"], PAGE, DEPTH, 1.0)  # so that the loop does not stay in step for ever
    trace = AccessTrace.build(
        np.minimum(np.arange(accesses), outstanding + np.arange(accesses) % drives),
        np.append(np.repeat(first_sizes, drives), [PAGE] * drives),
        {"object_class": np.arange(outstanding + drives) % drives},
        classes=tuple(classes),
    )
    replay = Replay(outstanding=outstanding)
    result = replay_timed(machine, rules, trace, replay, classes=classes, timeline=True)
    assert result.timeline is not None
    done = np.sort(result.timeline.done_ps)
    first, last = accesses // 3, accesses - outstanding  # between start and end, when all are outstanding
    return float((last - first) * PAGE / (done[last] - done[first]) * 1e12 / GIGA)


def _machine(drives: int) -> tuple[Machine, dict[str, ClassRules], dict[str, TierRules]]:
    """Return the machine, a class of objects per drive that is at home there, and rules by which reads pass through."""
    drive = part_of(PART, GIVEN)
    assert isinstance(drive, Tier)
    end: dict[str, Any] = {"read_bandwidth": 1e15, "write_bandwidth": 1e15, "read_latency": 0, "write_latency": 0}
    names = [f"drive{i}" for i in range(drives)]
    tiers = {"gpu": Tier(kind="hbm", capacity=ROOM, **end), "switch": Tier(kind="sram", capacity=ROOM, **end)}
    tiers |= {name: drive.model_copy(update={"capacity": ROOM}) for name in names}
    host = Link(between=("gpu", "switch"), kind="pcie", bandwidth=HOST_LINK * GIGA, latency=0)
    links = {"host": host}
    links |= {f"lanes{i}": Link(between=("switch", name), kind="nvme", bandwidth=1e15, latency=0)
              for i, name in enumerate(names)}  # fmt: skip
    unit = Unit(kind="gpu", tier="gpu", flops={"bf16": 1e12})
    classes = {f"stripe{i}": ClassRules(home=name) for i, name in enumerate(names)}
    never = TierRules(promotion=Promotion(on_nth_hit=0))
    rules = dict.fromkeys(tiers, never)
    return Machine(tiers=tiers, links=links, units={"gpu0": unit}), classes, rules
