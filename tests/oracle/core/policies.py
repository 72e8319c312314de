"""Naive replacement policies: lists from oldest to newest, and words instead of links and bits.

Hooks: ``on_miss(key, req)``, ``on_insert(key, req)``, ``on_hit(key, req)``, ``on_remove(key)``,
``victim(req) -> key`` and ``len()``; if it may refuse, ``admit(key, req)``. ``victim`` only chooses; the caller removes
what it evicts.
"""

from __future__ import annotations

from typing import Any

from oracle.core.ghosts import Arc, S3Fifo
from oracle.policies import clock_pro


class Queue:
    """Keys from oldest to newest; what all have in common."""

    def __init__(self, capacity: int = 0) -> None:
        self.capacity = capacity
        self.keys: list[int] = []

    def __len__(self) -> int:
        return len(self.keys)

    def on_miss(self, key: int, req: Any) -> None:
        pass

    def on_insert(self, key: int, req: Any) -> None:
        assert key not in self.keys
        self.keys.append(key)

    def on_hit(self, key: int, req: Any) -> None:
        assert key in self.keys

    def on_remove(self, key: int) -> None:
        self.keys.remove(key)

    def victim(self, req: Any) -> int:
        return self.keys[0]


class Fifo(Queue):
    """The oldest leaves."""


class Lru(Queue):
    """The least recently used leaves."""

    def on_hit(self, key: int, req: Any) -> None:
        self.keys.remove(key)
        self.keys.append(key)


class Marked(Queue):
    """With a bit per key: hit since it entered, or since the bit was cleared."""

    def __init__(self, capacity: int = 0) -> None:
        super().__init__(capacity)
        self.marked: set[int] = set()

    def on_hit(self, key: int, req: Any) -> None:
        assert key in self.keys
        self.marked.add(key)

    def on_remove(self, key: int) -> None:
        self.keys.remove(key)
        self.marked.discard(key)


class Clock(Marked):
    """FIFO, but a key with its bit set has it cleared and enters anew (Corbato 1968)."""

    def victim(self, req: Any) -> int:
        while self.keys[0] in self.marked:
            self.marked.remove(self.keys[0])
            self.keys.append(self.keys.pop(0))
        return self.keys[0]


class Sieve(Marked):
    """A hand moves from oldest to newest and clears bits; keys stay in place (Zhang et al., NSDI 2024)."""

    def __init__(self, capacity: int = 0) -> None:
        super().__init__(capacity)
        self.hand: int | None = None  # a key; none: the oldest

    def victim(self, req: Any) -> int:
        if self.hand is None:
            self.hand = self.keys[0]
        while self.hand in self.marked:
            self.marked.remove(self.hand)
            self.hand = self._newer(self.hand) if self._newer(self.hand) is not None else self.keys[0]
        return self.hand

    def on_remove(self, key: int) -> None:
        if key == self.hand:
            self.hand = self._newer(key)
        super().on_remove(key)

    def _newer(self, key: int) -> int | None:
        place = self.keys.index(key) + 1
        return self.keys[place] if place < len(self.keys) else None


class Lfu(Queue):
    """The one with the fewest uses leaves; of several, the one that reached that count first."""

    def __init__(self, capacity: int = 0) -> None:
        super().__init__(capacity)
        self.uses: dict[int, int] = {}

    def on_insert(self, key: int, req: Any) -> None:
        super().on_insert(key, req)
        self.uses[key] = 1

    def on_hit(self, key: int, req: Any) -> None:
        self.keys.remove(key)  # keys are in the order in which they reached their counts
        self.keys.append(key)
        self.uses[key] += 1

    def on_remove(self, key: int) -> None:
        super().on_remove(key)
        del self.uses[key]

    def victim(self, req: Any) -> int:
        return min(self.keys, key=lambda key: self.uses[key])


class ColdShare:
    """CLOCK-Pro that lets in what fits, with the cold keys, into half of the capacity."""

    def __init__(self, capacity: int = 0) -> None:
        self.twin = clock_pro.Twin(capacity, False, cold=0.5, refuse=True)
        self.here: set[int] = set()

    def __len__(self) -> int:
        return len(self.here)

    def on_miss(self, key: int, req: Any) -> None:
        pass

    def admit(self, key: int, req: Any) -> bool:
        return bool(self.twin.admit(key, req.size))

    def on_insert(self, key: int, req: Any) -> None:
        self.here.add(key)
        self.twin.insert(key, req.size, None)

    def on_hit(self, key: int, req: Any) -> None:
        self.twin.hit(key, None)

    def on_remove(self, key: int) -> None:
        self.here.remove(key)
        self.twin.remove(key)

    def victim(self, req: Any) -> int:
        return int(self.twin.victim(req.key, req.size))


POLICIES: dict[str, Any] = {"lru": Lru, "fifo": Fifo, "clock": Clock, "sieve": Sieve, "lfu": Lfu, "s3fifo": S3Fifo}
POLICIES |= {"arc": Arc, "clock-pro-lcs": ColdShare}


def make(rules: dict[str, Any], machine: Any) -> dict[str, Any]:
    """Make the policies that the tiers' rules name, with the capacities that the tiers are used with."""
    capacity = {name: tier.capacity or machine.tiers[name].capacity for name, tier in rules.items()}
    return {name: POLICIES[tier.policy.name](capacity[name]) for name, tier in rules.items()}
