"""Parts of the catalogue in the simulator: one part, one point."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hiersim.api.measure_load import most_traffic, with_background
from hiersim.api.measure_rig import ROOM, rig_of, steady
from hiersim.errors import ConfigError, Mistake
from hiersim.machine import Link, Tier
from hiersim.machine.catalogue import find_part, laid_on
from hiersim.machine.mistakes import validated
from hiersim.studies.device_curves.curve import Figure
from hiersim.units import FROM_TEXT

CLOSEST = 0.99
"""Background traffic of more than the part moves is taken as this share of it."""
PROBE = 1
"""Bytes of a probe of latency: a measured latency holds the transfer of its line, which must not be paid twice."""
GIGA = 1e9


def part_of(name: str, given: dict[str, Any] | None = None) -> Tier | Link:
    """Return a part of the catalogue as a record that runs alone.

    Args:
        name: of the catalogue.
        given: figures that the part leaves open or that this curve states otherwise; ``None`` takes one out.

    Raises:
        ConfigError: there is no such part, or it lacks a figure that a run needs.
    """
    part = find_part(name)
    figures: dict[str, Any] = laid_on(part["figures"], given or {})
    figures = {key: figure for key, figure in figures.items() if figure is not None}
    if part["is"] == "tier":
        figures.setdefault("capacity", f"{ROOM} B")
        figures.setdefault("write_bandwidth", figures.get("read_bandwidth"))
        figures.setdefault("write_latency", figures.get("read_latency"))
    else:
        figures["between"] = ["first", "second"]
    sort: Any = Tier if part["is"] == "tier" else Link
    record, problems = validated(sort, figures, FROM_TEXT)
    if not isinstance(record, Tier | Link) or problems:
        raise ConfigError([Mistake(".".join(map(str, (name, *path))), what) for path, what in problems])
    return record


def bandwidth(part: Tier | Link, size: int, depth: int, share: float = 1.0) -> float:
    """Return the payload in GB/s of accesses of ``size`` bytes, ``depth`` of them outstanding.

    Args:
        part: the part, alone.
        size: bytes of an access.
        depth: accesses outstanding.
        share: of reads; of a link, of forward transfers.
    """
    return steady(rig_of(part), size, depth, share).bandwidth_bytes_per_s / GIGA


def loaded(part: Tier | Link, traffic: float, share: float = 1.0) -> float:
    """Return the latency in ns of one read (of a link: forward) beside the traffic of others.

    Args:
        part: the part, alone.
        traffic: of others, in GB/s.
        share: of it that reads; of a link, that is forward.
    """
    most = CLOSEST * most_traffic(part, share)
    alone = part.model_copy(update={"granularity": PROBE})
    beside = with_background(alone, min(traffic * GIGA, most), share)
    return steady(rig_of(beside), PROBE, 1, 1.0).latency_ps / 1000.0


def spread(low: float, high: float, count: int, log: bool = False) -> list[float]:
    """Return ``count`` numbers from ``low`` to ``high``, equally far apart, or by equal factors."""
    if log:
        return [low * (high / low) ** (i / (count - 1)) for i in range(count)]
    return [low + (high - low) * i / (count - 1) for i in range(count)]


def figures_of(
    name: str, fitted: Sequence[str], stated: Sequence[str], given: dict[str, Any] | None = None
) -> tuple[Figure, ...]:
    """Return parameters of a part with their values as the catalogue or the curve writes them.

    Args:
        name: of the catalogue.
        fitted: dotted names of those that were fitted to the curve.
        stated: dotted names of the others that matter for it.
        given: figures that this curve states otherwise.
    """
    figures = laid_on(find_part(name)["figures"], given or {})
    return tuple(Figure(path, _value(figures, path), path in fitted) for path in (*fitted, *stated))


def _value(figures: dict[str, Any], path: str) -> str:
    found: Any = figures
    for step in path.split("."):
        found = found[step]
    return str(found["value"] if isinstance(found, dict) else found)
