"""What miss-ratio curves say, in sentences: how they were made, where they bend, what more capacity would buy."""

from __future__ import annotations

from collections.abc import Iterator

from hiersim.api.curve_gains import Gain
from hiersim.api.curves import Curves
from hiersim.drivers.curves.curve import Curve
from hiersim.report.format import capacity, count, percent, plural


def size_words(found: Curves, size: float) -> str:
    """Return a capacity of the curves (bytes, or objects) as a text, in bytes wherever these are known."""
    if found.unit == "bytes":
        return capacity(size)
    return capacity(size * found.each) if found.each > 1 else count(round(size))


def sentences(found: Curves) -> list[str]:
    """Return what there is to say, a sentence or two per line."""
    said = [_method(found, curve) for curve in found.curves]
    said.append(f"first uses miss at any capacity: {percent(found.first_uses)} of accesses")
    said += _knees(found)
    said += _served(found)
    return said + list(_bought(found))


def _method(found: Curves, curve: Curve) -> str:
    if curve.method == "exact":
        return f"{curve.policy}: exact, all capacities in one pass"
    if curve.method == "replayed":
        return f"{curve.policy}: the whole trace replayed at {plural(len(curve.capacity), 'capacity', 'capacities')}"
    how = "SHARDS" if curve.method == "shards" else "miniature simulation"
    share = f"{percent(float(curve.rate.min()))} of the objects"
    more = f" (more where a cache is small, up to {percent(float(curve.rate.max()))})"
    least = f"{curve.policy}: {how}, mean of {curve.seeds} samples of {share}"
    least += more * bool(curve.rate.max() > 1.001 * curve.rate.min())
    error = f"; 95% interval of ±{100 * float(curve.error.mean()):.2g} points on average"
    off = "" if curve.off is None else (
        f"; off by at most {100 * curve.off:.2g} points from full replays at "
        f"{', '.join(size_words(found, size) for size, _ in curve.checked)}"
    )  # fmt: skip
    return least + error + off


def _knees(found: Curves) -> list[str]:
    said = []
    for policy, bends in found.knees().items():
        for knee in bends:
            said.append(
                f"knee of {policy} at {size_words(found, knee.capacity)}: doubling the capacity up to here saves "
                f"{_points(knee.before)}, doubling it again {_points(knee.after)}"
            )
    return said


def _served(found: Curves) -> list[str]:
    """Say which share of the accesses each tier serves, by the first policy."""
    if not any(place.capacity < place.upto for place in found.places):
        return []  # capacities that were asked for, or a single tier: nothing adds up
    policy = found.curves[0].policy
    upto = {gain.place: gain.hit_ratio for gain in found.gains if gain.policy == policy}
    parts, before = [], 0.0
    for place in found.places:
        if place.name in upto:
            share = percent(max(0.0, upto[place.name] - before))
            parts.append(f"{place.name} ({size_words(found, place.capacity)}) {share}")
            before = upto[place.name]
    return [f"hits by tier, {policy}: {', '.join(parts)}; nowhere {percent(1 - before)}"]


def _bought(found: Curves) -> Iterator[str]:
    """Say what doubling each place, or adding to it, would buy; in one line what would buy nothing."""
    changes: dict[tuple[str, int], list[Gain]] = {}
    for gain in found.gains:
        changes.setdefault((gain.place, gain.more), []).append(gain)
    idle = [_change(found, each[0]) for each in changes.values() if not any(gain.hits for gain in each)]
    for each in changes.values():
        if any(gain.hits for gain in each):
            yield f"{_change(found, each[0])}: {', '.join(map(_rise, each))}"
    if idle:
        yield f"no hit more from {', '.join(idle)}"


def _change(found: Curves, gain: Gain) -> str:
    if gain.more == gain.capacity:
        return f"twice {gain.place}"
    return f"{gain.place} + {size_words(found, gain.more)}"


def _rise(gain: Gain) -> str:
    if not gain.hits:
        return f"{gain.policy} no hit more"
    fewer = plural(gain.hits, "miss", "misses")
    return f"{gain.policy} hits {percent(gain.hit_ratio)} -> {percent(gain.hit_ratio_then)} ({fewer} fewer)"


def _points(share: float) -> str:
    return f"{100 * share:.1f} points"
