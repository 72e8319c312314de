import math

from oracle.policies.random import Twin as Random


class Twin:
    """SR-LRU as three lists, oldest first; CR-LFU as counts; who evicted what; the weight is that of SR-LRU."""

    def __init__(self, capacity, uniform=True, seed=0, rate=0.0, scan=0.5):
        self.dice = Random(capacity, uniform, seed)
        first = Random(capacity, uniform, self.dice.word).word / 2**64
        self.rate, self.before, self.weight = rate or 0.001 + (1.0 - 0.001) * first, 0.0, 0.5
        self.capacity, self.target, self.share = capacity, scan * capacity, 0.0
        self.window, self.asked, self.stuck = [], 0, 0
        self.used, self.scanned, self.history, self.evicted = [], [], [], {"lru": [], "lfu": []}
        self.fresh, self.back = set(), set()  # not used since they came in; asked for after an eviction
        self.size, self.count, self.reached, self.ticks = {}, {}, {}, 0
        self.chosen, self.expert = None, None

    def pass_time(self, size, hit):
        if self.asked >= self.capacity:
            self.learn(sum(self.window) / len(self.window))
            self.window, self.asked = [], 0
        self.window.append(hit)
        self.asked += size

    def learn(self, share):
        moved, gain, rate = self.rate - self.before, share - self.share, self.rate
        self.before, self.share = rate, share
        if moved:
            sign = 1 if gain / moved > 0 else -1
            self.rate, self.stuck = min(max(rate + sign * abs(rate * moved), 0.001), 1.0), 0
        elif gain > 0:
            self.stuck = 0
        else:
            self.stuck += 1
            if self.stuck == 10:
                self.rate, self.stuck = 0.001 + (1.0 - 0.001) * self.draw(), 0

    def draw(self):
        return (self.dice.draw() >> 11) / 2**53

    def bytes(self, keys):
        return sum(self.size[key] for key in keys)

    def miss(self, key):
        self.pass_time(self.incoming, 0)
        shrink = math.exp(-self.rate)
        for expert in ("lru", "lfu"):
            if key in self.evicted[expert]:
                lru = self.weight * (shrink if expert == "lru" else 1.0)
                lfu = (1.0 - self.weight) * (shrink if expert == "lfu" else 1.0)
                self.weight = min(max(lru / (lru + lfu), 0.01), 1.0 - 0.01)
                self.evicted[expert].remove(key)
        if key in self.history:
            if key in self.fresh:
                new = [each for each in self.history if each in self.fresh]
                step = max(len(self.demoted()) / len(new), 1.0) * self.size[key]
                self.target = min(self.target + step, self.capacity - 1.0)
            self.forget(key)
            self.back.add(key)

    def demoted(self):
        return [key for key in self.scanned if key not in self.fresh]

    def forget(self, key):
        self.history.remove(key)
        self.fresh.discard(key)

    def insert(self, key, size, next_use):
        for evicted in self.evicted.values():  # it comes without having been asked for: nobody is to blame
            if key in evicted:
                evicted.remove(key)
        if key in self.history:
            self.forget(key)
            self.back.add(key)
        self.size[key] = size
        self.ticks += 1
        self.reached[key] = self.ticks
        if key in self.back:
            self.back.remove(key)
            self.count[key] += 1
            self.used.append(key)
            self.sink()
        else:
            self.count[key] = 1
            self.scanned.append(key)
            self.fresh.add(key)

    def hit(self, key, next_use):
        self.pass_time(self.size[key], 1)
        if key in self.demoted():
            new = [each for each in self.history if each in self.fresh]
            step = max(len(new) / len(self.demoted()), 1.0) * self.size[key]
            self.target = max(self.target - step, 1.0)
        (self.used if key in self.used else self.scanned).remove(key)
        self.fresh.discard(key)
        self.used.append(key)
        self.sink()
        self.ticks += 1
        self.count[key], self.reached[key] = self.count[key] + 1, self.ticks

    def sink(self):
        while self.bytes(self.used) > self.capacity - self.target:
            self.scanned.append(self.used.pop(0))

    def remove(self, key):
        (self.used if key in self.used else self.scanned).remove(key)
        if key == self.chosen:
            self.history.append(key)
            while self.bytes(self.history) > self.capacity:
                self.forget(self.history[0])
            if self.expert:
                evicted = self.evicted[self.expert]
                evicted.append(key)
                while 2 * self.bytes(evicted) > self.capacity:
                    evicted.pop(0)
        else:
            self.fresh.discard(key)
        self.chosen = None

    def victim(self, key, size):
        inside = self.used + self.scanned
        old, rare = (
            (self.scanned or self.used)[0],
            min(inside, key=lambda each: (self.count[each], -self.reached[each])),
        )
        self.chosen, self.expert = old, None
        if old != rare:
            self.expert = "lru" if self.draw() < self.weight else "lfu"
            self.chosen = old if self.expert == "lru" else rare
        return self.chosen
