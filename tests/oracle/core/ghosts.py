"""Naive policies that remember what they evicted: S3-FIFO and ARC, with sizes, as lists from oldest to newest.

A victim becomes a ghost when it is removed right after it was chosen; other removals leave no ghost. A ghost that is
asked for, or comes back unasked, ceases to be one and is remembered until it is here.
"""

from __future__ import annotations

from typing import Any


class Remembering:
    """Lists of keys by name, the size of each key, and the key that was chosen last."""

    lists: tuple[str, ...]
    resident: tuple[str, ...]

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.keys: dict[str, list[int]] = {name: [] for name in self.lists}
        self.size: dict[int, int] = {}
        self.back: dict[int, str] = {}  # keys on their way back, with the list of ghosts that they were in
        self.doomed: int | None = None

    def __len__(self) -> int:
        return sum(len(self.keys[name]) for name in self.resident)

    def bytes(self, name: str) -> int:
        return sum(self.size[key] for key in self.keys[name])

    def list_of(self, key: int) -> str | None:
        return next((name for name, keys in self.keys.items() if key in keys), None)

    def come_back(self, key: int) -> None:
        name = self.list_of(key)
        if name is not None and name not in self.resident:
            self.keys[name].remove(key)
            self.back[key] = name


class S3Fifo(Remembering):
    """A small queue, a main one and one of ghosts (Yang et al., SOSP 2023); overflow as in libCacheSim 0.3.5."""

    lists = ("small", "main", "ghost")
    resident = ("small", "main")

    def __init__(self, capacity: int) -> None:
        super().__init__(capacity)
        self.small_size = max(1, int(capacity * 0.1))
        self.main_size = capacity - self.small_size
        self.ghost_size = int(capacity * 0.9)
        self.hits: dict[int, int] = {}
        self.before_first_eviction = True

    def on_miss(self, key: int, req: Any) -> None:
        self.come_back(key)

    def on_insert(self, key: int, req: Any) -> None:
        self.come_back(key)
        overflow = self.before_first_eviction and self.bytes("small") >= self.small_size
        self.size[key] = req.size
        self.enter("main" if overflow or self.back.pop(key, None) else "small", key)
        self.back.pop(key, None)

    def on_hit(self, key: int, req: Any) -> None:
        self.hits[key] = min(3, self.hits[key] + 1)

    def on_remove(self, key: int) -> None:
        name = self.list_of(key)
        self.keys[name].remove(key)
        if name == "small" and key == self.doomed and self.size[key] <= self.ghost_size:
            while self.bytes("ghost") + self.size[key] > self.ghost_size:
                self.keys["ghost"].pop(0)
            self.keys["ghost"].append(key)
        self.doomed = None

    def victim(self, req: Any) -> int:
        self.before_first_eviction = False
        self.doomed = self.choose()
        return self.doomed

    def choose(self) -> int:
        if self.bytes("main") <= self.main_size:
            while self.keys["small"]:
                key = self.keys["small"][0]
                if self.hits[key] < 2:
                    return key
                self.enter("main", self.keys["small"].pop(0))
        while True:
            key = self.keys["main"][0]
            if not self.hits[key]:
                return key
            self.hits[key] -= 1
            self.keys["main"].append(self.keys["main"].pop(0))

    def enter(self, name: str, key: int) -> None:
        self.hits[key] = 0
        self.keys[name].append(key)


class Arc(Remembering):
    """A recent and a frequent list and the ghosts of both (Megiddo, Modha, FAST 2003); sizes as in libCacheSim."""

    lists = ("t1", "t2", "b1", "b2")
    resident = ("t1", "t2")

    def __init__(self, capacity: int) -> None:
        super().__init__(capacity)
        self.target = 0.0
        self.plan = ""

    def on_miss(self, key: int, req: Any) -> None:
        one, two = self.bytes("b1"), self.bytes("b2")
        if key in self.keys["b1"]:
            self.target = min(self.target + max(two / one, 1.0), float(self.capacity))
        if key in self.keys["b2"]:
            self.target = max(self.target - max(one / two, 1.0), 0.0)
        self.come_back(key)

    def on_insert(self, key: int, req: Any) -> None:
        self.come_back(key)
        self.size[key] = req.size
        self.keys["t2" if self.back.pop(key, None) else "t1"].append(key)

    def on_hit(self, key: int, req: Any) -> None:
        self.keys[self.list_of(key)].remove(key)
        self.keys["t2"].append(key)

    def on_remove(self, key: int) -> None:
        name = self.list_of(key)
        self.keys[name].remove(key)
        if key == self.doomed:
            if self.plan in ("b1", "b2") and self.keys[self.plan]:
                self.keys[self.plan].pop(0)
            if self.plan != "no ghost":
                self.keys["b1" if name == "t1" else "b2"].append(key)
        self.doomed = None

    def victim(self, req: Any) -> int:
        self.doomed, self.plan = self.replace(req), "keep"
        new = req.key not in self.back and self.list_of(req.key) is None
        first = self.bytes("t1") + self.bytes("b1")
        if new and first + req.size > self.capacity:
            self.plan = "b1"
            if not self.keys["b1"] and self.keys["t1"]:
                self.doomed, self.plan = self.keys["t1"][0], "no ghost"
        elif new and first + self.bytes("t2") + self.bytes("b2") >= 2 * self.capacity and self.keys["b2"]:
            self.plan = "b2"
        return self.doomed

    def replace(self, req: Any) -> int:
        one, two = self.keys["t1"], self.keys["t2"]
        recent = self.bytes("t1")
        large = recent > self.target or (recent == self.target and self.back.get(req.key) == "b2")
        return one[0] if not two or (one and large) else two[0]
