"""How large objects are in a tier that stores them in another form, such as quantised keys and values."""

from __future__ import annotations

from hiersim.engine.world import World
from hiersim.jit import hot


@hot
def size_in(w: World, tier: int, key: int) -> int:
    """Return the bytes of an object in a tier, rounded up."""
    size = w.size[key]
    if w.coding.shape[0] > 0:
        size = (size * w.coding[tier, 0] + w.coding[tier, 1] - 1) // w.coding[tier, 1]
    return int(size)


@hot
def moved_between(w: World, source: int, target: int, key: int) -> int:
    """Return the bytes of an object on its way: coded before it leaves, decoded once it has come."""
    return min(size_in(w, source, key), size_in(w, target, key))
