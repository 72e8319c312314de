"""What the tiers' policies are told and asked: the one place where the core calls them."""

from __future__ import annotations

from hiersim.engine.columns import (
    ABSENT,
    BAD_KEY,
    BAD_TIER,
    ISSUED,
    LEAVING,
    T_MANAGED,
)
from hiersim.engine.world import World
from hiersim.jit import inner
from hiersim.policies.hooks import ADMIT, ON_HIT, ON_INSERT, ON_MISS, ON_REMOVE, VICTIM, call_hook


@inner
def tell(w: World, tier: int, what: int, key: int) -> int:
    """Call one function of a tier's policy about an object."""
    address = w.hooks[tier, what]
    if address == 0:
        return 0
    return int(call_hook(address, w.fields[tier], key, w.size[key], w.clock[ISSUED] - 1, w.next_use[key]))


@inner
def missed(w: World, tier: int, key: int) -> None:
    """Tell that a look-up for the object passed beyond the tier."""
    tell(w, tier, ON_MISS, key)


@inner
def hit(w: World, tier: int, key: int) -> None:
    """Tell that the object was used; the policy does not know objects that are at home here."""
    if w.hit_count.shape[1] > 1:
        w.hit_count[tier, key] += 1
    if w.home[tier, key] == 0:
        tell(w, tier, ON_HIT, key)


@inner
def inserted(w: World, tier: int, key: int) -> None:
    """Tell that the object has come."""
    w.tiers[tier, T_MANAGED] += 1
    tell(w, tier, ON_INSERT, key)


@inner
def removed(w: World, tier: int, key: int) -> None:
    """Tell that the object goes."""
    w.tiers[tier, T_MANAGED] -= 1
    tell(w, tier, ON_REMOVE, key)


@inner
def takes(w: World, tier: int, key: int) -> bool:
    """Ask whether the policy lets the object in; most let in everything."""
    return bool(w.hooks[tier, ADMIT] == 0) or tell(w, tier, ADMIT, key) != 0


@inner
def victim(w: World, tier: int, incoming: int) -> int:
    """Ask whom to evict for ``incoming``; return -1 and note it when the answer is no object of the policy."""
    key = tell(w, tier, VICTIM, incoming)
    known = 0 <= key < w.size.shape[0]
    if not known or w.home[tier, key] == 1 or w.state[tier, key] == ABSENT or w.state[tier, key] == LEAVING:
        w.clock[BAD_TIER] = tier
        w.clock[BAD_KEY] = key
        return -1
    return key
