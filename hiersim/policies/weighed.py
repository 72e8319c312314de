"""Keys that count their bytes, and queues of them that know how many they hold: what policies with ghosts share.

A state that is passed here has ``sizes``, int64[objects + 1] bytes by key or int64[1] where every key counts 1; for the
queues also ``slots``, ``ends`` and ``place`` as in `policies.queue`, and ``amounts``, which begins with their bytes.
"""

from __future__ import annotations

from typing import Any

from hiersim.jit import hot
from hiersim.policies import queue


@hot
def size_of(state: Any, key: int) -> int:
    """Return a key's size in bytes, 1 where every key counts the same."""
    return int(state.sizes[key]) if state.sizes.shape[0] > 1 else 1


@hot
def join(state: Any, part: int, key: int) -> None:
    """Enter a queue at its end."""
    state.amounts[part] += size_of(state, key)
    queue.push(state.slots, state.ends, state.place, part, key)


@hot
def leave(state: Any, part: int, key: int) -> None:
    """Leave the queue that the key is in."""
    state.amounts[part] -= size_of(state, key)
    queue.drop(state.ends, state.place, part, key)


@hot
def remember(state: Any, ghosts: int, most: int, key: int) -> None:
    """Enter a queue of ghosts, which forgets its oldest to stay within ``most`` bytes."""
    room = most - size_of(state, key)
    if room < 0:
        return
    while state.amounts[ghosts] > room:
        leave(state, ghosts, queue.front(state.slots, state.ends, state.place, ghosts))
    join(state, ghosts, key)
