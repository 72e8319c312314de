"""Sets of keys from which one is drawn at random, each as likely; a key is in one set at most.

``slots`` is int32: all sets one after the other, the members of each without gaps; who leaves is replaced by the last.
``place`` is int32[objects]: the slot of each key, -1 if it is in no set. ``filled`` is int64[sets]: members of each.
"""

from __future__ import annotations

import numpy as np

from hiersim.jit import hot
from hiersim.policies import dice


def empty(objects: int, most: int, sets: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return ``slots``, ``place`` and ``filled`` of empty sets that hold up to ``most`` keys each."""
    return np.zeros(sets * most, np.int32), np.full(objects, -1, np.int32), np.zeros(sets, np.int64)


@hot
def put(slots: np.ndarray, place: np.ndarray, filled: np.ndarray, which: int, key: int) -> None:
    """Put ``key``, which is in no set, into a set."""
    slot = which * (slots.shape[0] // filled.shape[0]) + filled[which]
    slots[slot] = key
    place[key] = slot
    filled[which] += 1


@hot
def drop(slots: np.ndarray, place: np.ndarray, filled: np.ndarray, key: int) -> None:
    """Take ``key`` out of its set."""
    which = of(slots, place, filled, key)
    filled[which] -= 1
    last = slots[which * (slots.shape[0] // filled.shape[0]) + filled[which]]
    slots[place[key]] = last
    place[last] = place[key]
    place[key] = -1


@hot
def of(slots: np.ndarray, place: np.ndarray, filled: np.ndarray, key: int) -> int:
    """Return the set that ``key`` is in; -1 for none."""
    return place[key] // (slots.shape[0] // filled.shape[0]) if place[key] >= 0 else -1


@hot
def first(slots: np.ndarray, filled: np.ndarray, which: int) -> int:
    """Return the member of a set, which is not empty, that has its first slot."""
    return slots[which * (slots.shape[0] // filled.shape[0])]  # type: ignore[no-any-return]


@hot
def draw(slots: np.ndarray, filled: np.ndarray, which: int, random: np.ndarray) -> int:
    """Draw a member of a set, which is not empty; it stays in."""
    start = which * (slots.shape[0] // filled.shape[0])
    return slots[start + dice.below(random, filled[which])]  # type: ignore[no-any-return]
