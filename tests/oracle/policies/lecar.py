import math

from oracle.policies.random import Twin as Random


class Twin:
    """Algorithm 1 of the paper; lists, oldest first; the weight of LFU is the rest to one."""

    def __init__(self, capacity, uniform=True, seed=0, rate=0.45, discount=0.005):
        self.dice, self.rate, self.fading = Random(capacity, uniform, seed), rate, discount ** (1 / capacity)
        self.weight, self.clock, self.room = 0.5, 0, capacity // 2
        self.queue, self.history = [], {"lru": [], "lfu": []}
        self.count, self.reached, self.ticks, self.size, self.left = {}, {}, 0, {}, {}
        self.chosen, self.expert = None, None

    def miss(self, key):
        self.clock += 1
        for expert in ("lru", "lfu"):
            if key in self.history[expert]:
                shrink = math.exp(-self.rate * self.fading ** (self.clock - self.left[key]))
                lru = self.weight * (shrink if expert == "lru" else 1.0)
                lfu = (1.0 - self.weight) * (shrink if expert == "lfu" else 1.0)
                self.weight = (lru + 1e-10) / (lru + lfu + 2e-10)
        self.forget(key)

    def forget(self, key):
        for history in self.history.values():
            if key in history:
                history.remove(key)

    def set(self, key, count):
        self.ticks += 1
        self.count[key], self.reached[key] = count, self.ticks

    def insert(self, key, size, next_use):
        self.forget(key)
        self.size[key] = size
        self.queue.append(key)
        self.set(key, 1)

    def hit(self, key, next_use):
        self.clock += 1
        self.queue.remove(key)
        self.queue.append(key)
        self.set(key, self.count[key] + 1)

    def remove(self, key):
        self.queue.remove(key)
        if key == self.chosen and self.expert:
            history = self.history[self.expert]
            self.left[key] = self.clock
            history.append(key)
            while sum(self.size[each] for each in history) > self.room:
                history.pop(0)
        self.chosen = None

    def victim(self, key, size):
        old, rare = self.queue[0], min(self.queue, key=lambda each: (self.count[each], self.reached[each]))
        self.chosen, self.expert = old, None
        if old != rare:
            self.expert = "lru" if (self.dice.draw() >> 11) / 2**53 < self.weight else "lfu"
            self.chosen = old if self.expert == "lru" else rare
        return self.chosen
