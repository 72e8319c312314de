"""Laws of device effects on random machines: a better figure makes a run that is alone no slower.

Alone is one unit whose one stream has one access outstanding, with nothing behind it: either all accesses read and
clean victims are dropped, or the near tier has room for everything and no write goes on from it. Then there is at most
one transfer at any time, and who is where does not depend on times. Of other runs the law does not hold: a transfer
that ends sooner may meet another that it would have missed. Nor does it where a write cache drains faster than it takes
writes while it is full, as whoever is quick then finds less of it empty: so machines have none, except where caches are
what changes.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from core.parity import make_core
from strategies import scenario

from hiersim.engine.laws import check_laws
from hiersim.engine.outcome import make_result
from hiersim.machine import ClassRules, Replay, Tier

SEEDS = range(400)
NOTHING = {
    "turnaround": None,
    "media_bandwidth": None,
    "sharpness": None,
    "loaded_latency": None,
    "nand": None,
    "slc_cache": None,
    "activation": None,
    "packets": None,
    "background_read": 0.0,
    "background_write": 0.0,
    "background": 0.0,
    "backward_background": 0.0,
}


def changed(part, **fields):
    """The part with other figures, checked anew; figures that it cannot have are left out."""
    kept = {name: value for name, value in fields.items() if name in type(part).model_fields}
    return type(part).model_validate(part.model_dump() | kept)


def within(part, effect, **figures):
    """The part with other figures of an effect, if it has that effect."""
    now = getattr(part, effect, None)
    return part if now is None else changed(part, **{effect: now.model_dump() | figures})


def more_dies(part):
    return part if not (isinstance(part, Tier) and part.nand) else within(part, "nand", dies=2 * part.nand.dies)


def quicker_pages(part):
    nand = getattr(part, "nand", None)
    if nand is None:
        return part
    return within(part, "nand", read=nand.read // 2, program=nand.program and nand.program // 2)


def more_spare(part):
    nand = getattr(part, "nand", None)
    spare = nand and nand.over_provisioning
    return within(part, "nand", over_provisioning=2 * spare) if spare else part


def less_turnaround(part):
    turns = getattr(part, "turnaround", None)
    mixed = part.loaded_latency is not None and part.loaded_latency.mixed_rise
    return changed(part, turnaround=turns / 2) if turns and not mixed else part


def wider_media(part):
    media = getattr(part, "media_bandwidth", None)
    return changed(part, media_bandwidth=2 * media) if media else part


def sharper(part):
    return changed(part, sharpness=part.sharpness + 1) if part.sharpness else part


def lower_rise(part):
    loaded = part.loaded_latency
    return within(part, "loaded_latency", rise=loaded.rise // 2, mixed_rise=0) if loaded else part


def farther_asymptote(part):
    loaded = part.loaded_latency
    return within(part, "loaded_latency", asymptote=loaded.asymptote + 0.5) if loaded else part


def less_background(part):
    names = ("background", "backward_background", "background_read", "background_write")
    return changed(part, **{name: getattr(part, name) / 2 for name in names if hasattr(part, name)})


def smaller_headers(part):
    packets = getattr(part, "packets", None)
    if packets is None:
        return part
    halves = {f"{name}_header": getattr(packets, f"{name}_header") // 2 for name in ("completion", "write")}
    return within(part, "packets", request_header=1, **halves)


def nothing(part):
    return changed(part, **NOTHING)


def no_cache(part):
    return changed(part, slc_cache=None)


def larger_cache(part):
    slc = getattr(part, "slc_cache", None)
    return within(part, "slc_cache", capacity=2 * slc.capacity) if slc else part


def quicker_drain(part):
    slc = getattr(part, "slc_cache", None)
    return within(part, "slc_cache", drain=2 * (slc.drain or slc.bandwidth)) if slc else part


BETTER = {
    f.__name__: f
    for f in (more_dies, quicker_pages, more_spare, less_turnaround, wider_media, sharper, lower_rise,
              farther_asymptote, less_background, smaller_headers, nothing)
}  # fmt: skip


@cache
def alone(seed):
    """A scenario in which there is never more than one transfer; in every second one all objects live far out."""
    s = scenario(seed)
    near, far = s.machine.units["u0"].tier, list(s.machine.tiers)[-1]
    total, trace, classes = int(s.trace.size.sum()), s.trace, s.classes
    rules = {name: rule.model_copy(update={"on_evict": "drop", "write": "back"}) for name, rule in s.rules.items()}
    if seed % 2:
        classes = dict.fromkeys(trace.classes, ClassRules(on_miss="home", home=far))
        rules[far] = rules[far].model_copy(update={"capacity": 2 * total})
    if seed % 4 < 2:
        rules[near] = rules[near].model_copy(update={"capacity": 2 * total})
    else:
        trace = replace(trace, write=np.zeros_like(trace.write))
    machine = s.machine.model_copy(update={"units": {"u0": s.machine.units["u0"]}})
    replay = Replay(think=s.replay.think)
    return replace(s, machine=machine, rules=rules, classes=classes, trace=trace, replay=replay, units=("u0",))


def with_parts(s, change):
    """The scenario with every tier and link changed."""
    tiers, links = ({n: change(x) for n, x in kind.items()} for kind in (s.machine.tiers, s.machine.links))
    return replace(s, machine=s.machine.model_copy(update={"tiers": tiers, "links": links}))


def run(s):
    """Run it alone, with the laws checked; return the core."""
    core = make_core(s)
    core.run()
    check_laws(core)
    lines = make_result(core, "laws", 0.0, {}).timeline
    order = np.lexsort((lines.done_ps, lines.created_ps))
    assert (lines.created_ps[order][1:] >= lines.done_ps[order][:-1]).all()
    return core


def latencies(core):
    return core.world.done - core.world.issued


def pairs(better, before):
    """Scenarios before and after every part has become better, where one has."""
    for seed in SEEDS:
        s = before(alone(seed))
        after = with_parts(s, better)
        if after.machine != s.machine:
            yield s, after


@pytest.mark.parametrize("what", BETTER)
def test_a_better_figure_makes_no_access_of_a_run_alone_slower(what):
    faster = 0
    for s, after in pairs(BETTER[what], lambda s: with_parts(s, no_cache)):
        one, two = latencies(run(s)), latencies(run(after))
        assert (two <= one).all()
        faster += bool((two < one).any())
    assert faster > 0


def one_cache(s):
    """Without the write caches of all tiers but the first that has one."""
    first = next((name for name, tier in s.machine.tiers.items() if tier.slc_cache), None)
    tiers = {name: tier if name == first else no_cache(tier) for name, tier in s.machine.tiers.items()}
    return replace(s, machine=s.machine.model_copy(update={"tiers": tiers}))


@pytest.mark.parametrize("better", [larger_cache, quicker_drain, no_cache])
def test_a_better_write_cache_makes_no_run_alone_slower(better):
    """No access is done later, but for a byte: a cache with room for less counts as full."""
    earlier = 0
    for s, after in pairs(better, one_cache):
        one, two = (run(each).world.done for each in (s, after))
        slc = next(tier for tier in s.machine.tiers.values() if tier.slc_cache)
        byte = 1e12 / (slc.slc_cache.bandwidth * slc.efficiency)
        assert (two <= one + byte + 1).all()
        earlier += two[-1] < one[-1]
    assert earlier > 1


def test_a_run_that_is_not_alone_may_be_slower_for_a_better_part():
    """So the conditions are not idle: two streams, and a part that is better."""
    slower = 0
    for seed in range(200):
        s = scenario(seed)
        one, two = (make_core(each) for each in (s, with_parts(s, nothing)))
        for core in (one, two):
            core.run()
            check_laws(core)
        slower += bool((two.world.done - two.world.issued > one.world.done - one.world.issued).any())
    assert slower > 0
