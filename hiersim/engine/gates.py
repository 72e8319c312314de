"""Admission to tiers: who may become resident where, as its policy and its admission say (docs/model.md, section 8)."""

from __future__ import annotations

from hiersim.engine import managers
from hiersim.engine.coding import size_in
from hiersim.engine.columns import (
    ABSENT,
    ADMIT,
    BAD_TIER,
    GATE_FIELDS,
    ISSUED,
    NONE,
    ON_ACCESS,
    PREFER,
    T_CAPACITY,
    T_DENIED,
    T_GATED,
    T_LEAVING,
    T_MANAGED,
    T_NEXT,
    T_QUEUED,
    T_REFUSE,
    T_USED,
)
from hiersim.engine.world import World
from hiersim.jit import hot, inner
from hiersim.policies.hooks import call_hook


@hot
def asked_for(w: World, tier: int, key: int) -> None:
    """Tell a tier's admission that a look-up for the object has come to it."""
    if w.tiers[tier, T_GATED] == 1 and w.gates[tier, ON_ACCESS] != 0:
        call(w, tier, ON_ACCESS, key)


@hot
def admits(w: World, tier: int, key: int) -> bool:
    """Say whether an object that is absent in a tier may become resident there; count it if not."""
    return bool(w.tiers[tier, T_GATED] == 0) or judge(w, tier, key)


@inner
def judge(w: World, tier: int, key: int) -> bool:
    """Ask a tier's policy and then its admission."""
    welcome = managers.takes(w, tier, key) and (w.gates[tier, ADMIT] == 0 or call(w, tier, ADMIT, key) != 0)
    if (
        welcome
        and w.gates[tier, PREFER] != 0
        and w.tiers[tier, T_MANAGED] > 0
        and lacks_room(w, tier, size_in(w, tier, key))
    ):
        w.against[0] = managers.victim(w, tier, key)
        welcome = w.clock[BAD_TIER] == NONE and call(w, tier, PREFER, key) != 0
    if not welcome:
        w.tiers[tier, T_DENIED] += 1
    return welcome


@hot
def lacks_room(w: World, tier: int, size: int) -> bool:
    """Say whether something would have to leave for a newcomer."""
    staying = w.tiers[tier, T_USED] - w.tiers[tier, T_LEAVING] + w.tiers[tier, T_QUEUED]
    return bool(staying + size > w.tiers[tier, T_CAPACITY])


@inner
def call(w: World, tier: int, what: int, key: int) -> int:
    """Call one function of a tier's admission about an object."""
    now = w.clock[ISSUED] - 1
    return int(call_hook(w.gates[tier, what], w.gates[tier, GATE_FIELDS], key, w.size[key], now, w.next_use[key]))


@hot
def may_go_around(w: World, near: int) -> bool:
    """Say whether a write that is not admitted to the near tier has somewhere else to go."""
    further = w.tiers[near, T_NEXT]
    return bool(further != NONE and w.tiers[further, T_REFUSE] == 0)


@hot
def turns_away(w: World, tier: int, key: int, dirty: bool) -> bool:
    """Say whether a tier turns away what the tier before it sends: never what is dirty, or is there in any state."""
    return bool(not dirty and w.state[tier, key] == ABSENT and not admits(w, tier, key))
