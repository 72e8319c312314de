import math

MULTIPLIER = 0xDA942042E4DD58B5


def mixed(seed):
    word = (seed + 0x9E3779B97F4A7C15) % 2**64
    word = (word ^ word >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    word = (word ^ word >> 27) * 0x94D049BB133111EB % 2**64
    return word ^ word >> 31


class Twin:
    """libCacheSim's order of steps: lists, oldest first; what is known of a key in the history is kept by key."""

    def __init__(self, capacity, uniform=True, seed=0, grow=1):
        self.whole = (mixed(seed) if seed else 0) * 2**64 + 0xDEADBEEF
        self.capacity, self.grow = capacity, grow
        self.rate, self.before, self.share = 0.001 + self.draw() % 1000 / 1000, 0.0, 0
        self.weights = {"lru": 0.5, "lfu": 0.5}
        self.most_r = self.most_sr = capacity // 2
        self.r, self.sr, self.history = [], [], []
        self.evicted = {"lru": [], "lfu": []}
        self.fresh, self.demoted = set(), set()  # never used since they came, kept in the history; out of R, in SR
        self.size, self.count, self.reached, self.ticks = {}, {}, {}, 0
        self.new_ones = self.demotions = self.requests = self.hits = self.stuck = 0
        self.chosen = self.expert = self.refused = None
        self.inserted = False

    def draw(self):
        self.whole = self.whole * MULTIPLIER % 2**128
        return self.whole >> 64

    def bytes(self, keys):
        return sum(self.size[key] for key in keys)

    def ask(self):
        if self.requests and self.requests % self.capacity == 0:
            self.learn(self.hits // self.capacity)
            self.hits = 0
        self.requests += 1
        self.keep()

    def keep(self):
        """A refused key that nobody took out is a new one."""
        key, self.refused = self.refused, None
        if key is not None:
            self.count[key] = self.count[key] + 1 if key in self.history else 1
            self.forget(key)
            self.enter(key)
            self.sr.append(key)
            self.fresh.add(key)

    def forget(self, key):
        if key in self.history:
            self.history.remove(key)
            self.fresh.discard(key)

    def enter(self, key):
        self.ticks += 1
        self.reached[key] = self.ticks

    def learn(self, share):
        change, gain = self.rate - self.before, share - self.share
        self.before, self.share = self.rate, share
        if change:
            self.stuck = 0
            step = abs(self.rate * change)
            self.rate += step if gain / change > 0 else -step
            if self.rate <= 0.001:
                self.rate = 0.0001
        elif share == 0 or gain <= 0:
            self.stuck += 1
        elif self.stuck >= 10:
            self.stuck, self.rate = 0, 0.001 + self.draw() % 1000 / 1000

    def miss(self, key):
        self.ask()
        for expert in ("lru", "lfu"):
            if key in self.evicted[expert]:
                self.weights[expert] *= math.exp(-self.rate)
                self.evicted[expert].remove(key)
        lru = self.weights["lru"] / (self.weights["lru"] + self.weights["lfu"])
        self.weights = {"lru": lru, "lfu": 1.0 - lru}

    def insert(self, key, size, next_use):
        self.keep()
        for keys in self.evicted.values():
            if key in keys:
                keys.remove(key)
        known, was_fresh = key in self.history, key in self.fresh
        self.size[key] = size
        if size > (self.most_r if known else self.most_sr):
            self.refused = key
            return
        self.inserted = True
        self.count[key] = self.count[key] + 1 if known else 1
        self.forget(key)
        self.enter(key)
        if not known:
            self.sr.append(key)
            self.fresh.add(key)
            return
        self.r.append(key)
        self.sink()
        if was_fresh and self.grow:
            step = max(self.demotions // self.new_ones, 1)
            self.most_sr = min(self.most_sr + step, self.bytes(self.r + self.sr) - 1)
            self.most_r = self.capacity - self.most_sr

    def hit(self, key, next_use):
        self.ask()
        self.hits += 1
        comes = key in self.sr
        self.leave(key)
        self.r.append(key)
        if comes:
            self.sink()
        self.enter(key)
        self.count[key] += 1

    def sink(self):
        while self.bytes(self.r) > self.most_r:
            key = self.r.pop(0)
            self.sr.append(key)
            self.demoted.add(key)
            self.demotions += 1

    def leave(self, key):
        (self.r if key in self.r else self.sr).remove(key)
        self.demoted.discard(key)
        self.fresh.discard(key)

    def remove(self, key):
        if key == self.refused:
            self.refused = None
            return
        self.keep()
        fresh = key in self.fresh
        self.demotions -= key in self.demoted
        self.leave(key)
        if key == self.chosen:
            self.new_ones += fresh
            self.history.append(key)
            if fresh:
                self.fresh.add(key)
            while self.bytes(self.history) >= self.capacity:
                self.fresh.discard(self.history.pop(0))
            if self.expert and 2 * self.size[key] <= self.capacity:
                keys = self.evicted[self.expert]
                while 2 * (self.bytes(keys) + self.size[key]) > self.capacity:
                    keys.pop(0)
                keys.append(key)
        self.chosen = None

    def victim(self, key, size):
        self.keep()
        old = (self.sr or self.r)[0]
        rare = min(self.r + self.sr, key=lambda each: (self.count[each], -self.reached[each]))
        expert = "lru" if self.draw() % 100 / 100 < self.weights["lru"] else "lfu"
        self.chosen = old if expert == "lru" else rare
        self.expert = expert if old != rare else None
        return self.chosen

    def surplus(self):
        if self.refused is not None:
            return self.refused
        if self.inserted and self.bytes(self.sr) > self.most_sr:
            self.chosen, self.expert = self.sr[0], None
            return self.chosen
        self.inserted = False
        return None
