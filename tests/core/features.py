"""What a random scenario has, and what happened in a run of its twin, as words to be counted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from oracle.core.constraints import Either
from oracle.core.twin import Twin, TwinOutcome


def drawn_features(s: Any) -> Iterator[str]:
    """Words for what a scenario has."""
    m = s.machine
    ports = [*((t, t.queue_depth) for t in m.tiers.values()), *((x, x.engines) for x in m.links.values())]
    for part, slots in ports:
        kind = "tier" if part in m.tiers.values() else "link"
        yield f"{kind} {part.duplex} duplex"
        if part.granularity > 1:
            yield f"{kind} granularity"
        if slots is not None:
            yield f"{kind} slots, {part.waiting}"
        if part.efficiency < 1:
            yield f"{kind} efficiency"
    yield from {f"{field}" for tier in m.tiers.values() for field in ("read_ops", "write_ops") if getattr(tier, field)}
    yield from {"link ops" for link in m.links.values() if link.ops}
    yield from {"look-up time" for tier in m.tiers.values() if tier.lookup_latency}
    yield from {"unit slots" for unit in m.units.values() if unit.slots}
    yield f"{len(m.tiers)} tiers"
    yield f"{len(s.units)} units"
    if len({unit.tier for unit in m.units.values()}) > 1:
        yield "a private tier" if len({unit.kind for unit in m.units.values()}) == 1 else "units of two kinds apart"
    yield from rule_features(s)
    for tier in m.tiers.values():
        yield from tier_effects(tier)
        yield from nand_effects(tier)
    for link in m.links.values():
        yield from link_effects(link)


def rule_features(s: Any) -> Iterator[str]:
    for rule in s.rules.values():
        yield f"policy {rule.policy.name}"
        yield from (f"write {rule.write}", rule.inclusion, f"on_evict {rule.on_evict}", f"when_full {rule.when_full}")
        yield f"promotion {min(rule.promotion.on_nth_hit, 2)}"
        if rule.write == "through" and rule.write_wait:
            yield "write_wait"
    for rule in s.classes.values():
        yield from (f for f in ("home", "compute_time", "flops_per_byte") if getattr(rule, f) is not None)
    yield f"{s.replay.mode} loop"
    if s.replay.mode == "closed" and s.replay.think:
        yield "think"
    if s.replay.mode == "open" and s.replay.time_scale != 1:
        yield "time scale"
    if s.replay.outstanding > 1 and s.replay.streams > 1:
        yield "streams with several outstanding"
    yield "writes" if s.trace.write.any() else "reads only"
    yield "one size" if len(set(s.trace.size)) == 1 else "several sizes"
    if s.trace.flops.any():
        yield "flops of the trace"


def tier_effects(tier: Any) -> Iterator[str]:
    """Words for what a tier does beyond bandwidth and latency, its dies apart."""
    media = tier.media_bandwidth is not None
    if media:
        yield "media"
    if tier.turnaround is not None:
        yield f"turnaround of {'media' if media else 'a tier'}"
        yield "turnaround" if tier.turnaround else "turnaround 0"
    if tier.sharpness is not None:
        yield from ("tier sharpness", f"sharpness {tier.sharpness}")
        beside = {"media": media, "operations": tier.read_ops or tier.write_ops, "dies": tier.nand}
        yield from (f"sharpness with {what}" for what, there in beside.items() if there)
    if tier.loaded_latency is not None:
        yield f"loaded latency of {'media' if media else 'a tier'}"
        yield "mixed rise" if tier.loaded_latency.mixed_rise else "one rise"
        if tier.turnaround is not None:
            yield "loaded latency with turnaround"
    if tier.slc_cache is not None:
        yield f"write cache, {tier.duplex} duplex"
        yield "drain of its own" if tier.slc_cache.drain else "drain as bandwidth"
    if tier.activation is not None:
        yield f"activation, {tier.duplex} duplex"
    if tier.background_read:
        yield "background of media" if media else "background of a tier"
        yield "background both ways" if tier.background_write else "background of reads"


def nand_effects(tier: Any) -> Iterator[str]:
    """Words for the dies of a tier."""
    nand = tier.nand
    if nand is None:
        return
    yield f"dies, {tier.duplex} duplex"
    yield "program" if nand.program else "no program"
    yield "over-provisioning" if nand.over_provisioning else "no over-provisioning"
    yield "alignment" if nand.alignment else "aligned to units"
    if nand.over_provisioning:
        yield "erase block" if nand.erase_block else "no erase block"


def link_effects(link: Any) -> Iterator[str]:
    """Words for what a link does beyond bandwidth and latency."""
    if link.packets is not None:
        yield f"packets, {link.duplex} duplex"
        yield f"driven by {link.packets.driven_by}"
        yield "completion header" if link.packets.completion_header else "no completion header"
        if link.packets.read_request > link.packets.max_payload:
            yield "several packets a request"
    if link.sharpness is not None:
        yield "link sharpness with operations" if link.ops else "link sharpness alone"
    if link.loaded_latency is not None:
        yield "loaded latency of a link"
    if link.background:
        yield "background of a link"


def happened(twin: Twin) -> Iterator[str]:
    """Run a twin; return words for what happened."""
    seen: set[str] = set()
    _watch_caches(twin, seen)
    _watch_constraints(twin, seen)
    yield from in_tiers_and_units(twin.run())
    yield from in_latencies(twin)
    yield from seen


def in_tiers_and_units(outcome: TwinOutcome) -> Iterator[str]:
    for tier in outcome.tiers.values():
        yield from {victim.how for victim in tier.evicted}
        yield from (word for word in ("merged",) if getattr(tier, word))
        if tier.hits:
            yield "hit"
        if tier.passed_over:
            yield "passed over"
        if tier.programmed_bytes:
            yield "amplified" if tier.programmed_bytes > tier.written_wire_bytes else "programmed"
        if tier.activations:
            yield "activated"
    if outcome.created:
        yield "created"
    for unit in outcome.units.values():
        yield from {f"stall {kind} {detail}".strip() for kind, _, detail, _ in unit.stalls}
    for name, hop in outcome.hops.items():
        if name.endswith(".media") and {"read", "write"} == {way for way, carried in hop.bytes.items() if carried}:
            yield "media both ways"


def in_latencies(twin: Twin) -> Iterator[str]:
    """What the hops' own latencies were raised by, and requests that went the other way."""
    for transfer in twin.transfers.log:
        for leg, latency in zip(transfer.route, transfer.latencies, strict=True):
            if latency > leg.latency and leg.hop.loaded is None:
                yield "waited for a die"
            if latency > leg.latency and leg.nand is None:
                where = "a link" if leg.direction in ("forward", "backward") else "a tier"
                yield f"loaded latency of {'media' if leg.hop.name.endswith('.media') else where}"
            if leg.asked(transfer.amount):
                yield "requests"


def _watch_caches(twin: Twin, seen: set[str]) -> None:
    """Note when a write cache fills up and when it has room again."""
    for cache in twin.rates.caches.values():

        def advance(now: int, cache: Any = cache, plain: Any = cache.advance) -> None:
            full, filled = cache.full, cache.level
            plain(now)
            if full != cache.full:
                seen.add("a cache had room again" if full else "a cache became full")
            if cache.level < filled:
                seen.add("a cache drained")

        cache.advance = advance


def _watch_constraints(twin: Twin, seen: set[str]) -> None:
    """Note which account of a turning medium decides, and where a smooth minimum is below the least of its bounds."""
    for constraint in twin.rates.single:
        if isinstance(constraint, Either):

            def either(load: Any, room: Any, bounds: Any = constraint.bounds, plain: Any = constraint.level) -> Any:
                found = plain(load, room)
                if found is not None:
                    one, two = (room[k] / load[k] for k in bounds)
                    seen.add("writes pay for turns" if one > two else "reads pay for turns")
                return found

            constraint.level = either
    for smooth in twin.rates.smooth:

        def together(
            load: Any, room: Any, residual: Any, given: float, it: Any = smooth, ask: Any = smooth.level
        ) -> Any:
            found = ask(load, room, residual, given)
            if found is not None and found[0] < min(given, *(room[k] / load[k] for k in it.bounds if load[k] > 0)):
                seen.add(f"a knee, {found[1].kind}")
            return found

        smooth.level = together
