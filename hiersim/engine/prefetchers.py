"""The tiers' prefetchers: what they hear of, when, and what they name (docs/model.md, section 12)."""

from __future__ import annotations

from hiersim.engine import prefetches
from hiersim.engine.columns import (
    AH_FIELDS,
    AH_HOOK,
    AH_LIMIT,
    AH_NAMED,
    BAD_KEY,
    BAD_TIER,
    HD_AT,
    HD_COUNT,
    HD_HEAD,
    HD_TAIL,
    HD_TIER,
    HD_WRONG,
    U_NEAR,
    WRONG_COUNT,
    WRONG_KEY,
    X_UNIT,
)
from hiersim.engine.world import World
from hiersim.jit import hot, inner
from hiersim.policies.hooks import call_hook
from hiersim.policies.prefetch.contract import MOST


@hot
def hear(w: World, near: int, index: int, used: bool) -> None:
    """Put an access that is done on the heard line, if its near tier has a prefetcher."""
    if w.ahead[near, AH_LIMIT] > 0:
        tail = w.hearing[HD_TAIL]
        w.heard[tail % w.heard.shape[0]] = (index << 1) | (1 if used else 0)
        w.hearing[HD_TAIL] = tail + 1


@hot
def pending(w: World) -> bool:
    """Say whether a prefetcher has something to hear, or has named what has not been looked at."""
    return bool(w.hearing[HD_HEAD] < w.hearing[HD_TAIL] or w.hearing[HD_AT] < w.hearing[HD_COUNT])


@inner
def step(w: World) -> None:
    """Look at the next object that was named; if there is none, tell of the next access."""
    at = w.hearing[HD_AT]
    if at == w.hearing[HD_COUNT]:
        tell(w)
        return
    w.hearing[HD_AT] = at + 1
    tier, key = w.hearing[HD_TIER], w.named[at]
    if 0 <= key < w.size.shape[0]:
        prefetches.attempt(w, key, tier, w.ahead[tier, AH_LIMIT])
    else:
        refuse(w, tier, WRONG_KEY, key)


@inner
def tell(w: World) -> None:
    """Tell a prefetcher of the first access of the heard line; it names objects."""
    head = w.hearing[HD_HEAD]
    w.hearing[HD_HEAD] = head + 1
    entry = w.heard[head % w.heard.shape[0]]
    index = entry >> 1
    stream, key = w.stream_of[index], w.trace_object[index]
    tier = w.units[w.streams[stream, X_UNIT], U_NEAR]
    w.told[0] = stream
    w.told[1] = w.trace_write[index]
    w.told[2] = 1 if w.served[index] == tier else 0
    w.told[3] = entry & 1
    count = int(call_hook(w.ahead[tier, AH_HOOK], w.ahead[tier, AH_FIELDS], key, w.size[key], index, 0))
    if not 0 <= count <= MOST:
        refuse(w, tier, WRONG_COUNT, count)
        return
    w.hearing[HD_AT] = 0
    w.hearing[HD_COUNT] = count
    w.hearing[HD_TIER] = tier
    w.ahead[tier, AH_NAMED] += count


@hot
def refuse(w: World, tier: int, wrong: int, value: int) -> None:
    """Note what a prefetcher answered that cannot be; the run ends."""
    w.clock[BAD_TIER] = tier
    w.clock[BAD_KEY] = value
    w.hearing[HD_WRONG] = wrong
