"""What becomes of prefetched objects, and of those that went for them: a mark per tier and object (model.md, 12)."""

from __future__ import annotations

from hiersim.engine.columns import (
    AH_IN_TIME,
    AH_LATE,
    AH_POLLUTION,
    AH_UNUSED,
    DISPLACED,
    EARLY,
    J_CLASS,
    PREFETCH,
    RESIDENT,
    T_LINE_TAIL,
    UNMARKED,
)
from hiersim.engine.world import World
from hiersim.jit import hot


@hot
def marks(w: World) -> bool:
    """Say whether anything in this run prefetches."""
    return bool(w.early.shape[1] > 1)


@hot
def use(w: World, tier: int, key: int) -> bool:
    """Count a first look-up that finds an object in a tier; say whether it is the first use of a prefetch."""
    if not marks(w) or w.early[tier, key] != EARLY:
        return False
    w.early[tier, key] = UNMARKED
    w.ahead[tier, AH_IN_TIME if w.state[tier, key] == RESIDENT else AH_LATE] += 1
    return True


@hot
def miss(w: World, tier: int, key: int) -> None:
    """Count a first look-up that passes beyond a tier from which a prefetch drove the object."""
    if marks(w) and w.early[tier, key] == DISPLACED:
        w.early[tier, key] = UNMARKED
        w.ahead[tier, AH_POLLUTION] += 1


@hot
def displace(w: World, tier: int, key: int) -> None:
    """Mark a victim whose room the last in the tier's line asked for, if that is a prefetch."""
    if marks(w) and w.early[tier, key] != EARLY and w.jobs[w.tiers[tier, T_LINE_TAIL], J_CLASS] == PREFETCH:
        w.early[tier, key] = DISPLACED


@hot
def arrive(w: World, tier: int, key: int) -> None:
    """Forget that an object was driven out: it is back."""
    if marks(w) and w.early[tier, key] == DISPLACED:
        w.early[tier, key] = UNMARKED


@hot
def depart(w: World, tier: int, key: int) -> None:
    """Count an object that leaves before it was of use."""
    if marks(w) and w.early[tier, key] == EARLY:
        w.early[tier, key] = UNMARKED
        w.ahead[tier, AH_UNUSED] += 1
