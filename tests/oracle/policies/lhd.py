from collections import Counter

import numpy as np
from oracle.policies.random import Twin as Random

AGES, CLASSES = 20_000, 16


class Twin(Random):
    """The paper's ranking with the details of the authors' simulator, for one application, its number 1."""

    def __init__(self, capacity, uniform=True, seed=0, period=2**20):
        super().__init__(capacity, uniform, seed)
        self.period, self.clock, self.periods, self.shift = period, 0, 0, 10
        self.budget, self.recent, self.bad = int(capacity * 0.01), [None] * 8, 0
        self.victims, self.objects, self.mass, self.chosen = 0.0, 0.0, 0.0, None
        self.stamp, self.ages, self.size, self.explorer = {}, {}, {}, {}
        self.hits = [[0.0] * AGES for _ in range(CLASSES)]
        self.evictions = [[0.0] * AGES for _ in range(CLASSES)]
        self.events = Counter()
        self.learnt, self.generators, self.luck = None, [], []
        first = Random(capacity, uniform, seed).word
        for i in range(32):
            self.generators.append(Random(capacity, uniform, first + 1 + i))

    def rank(self, key):
        total = sum(self.ages[key])
        return 15 if total == 0 else min([n for n in range(15) if total * 2**n >= AGES] + [15])

    def age(self, key):
        return min((self.clock - self.stamp[key]) // 2**self.shift, AGES - 1)

    def density(self, key):
        rank, age = self.rank(key), self.age(key)
        if age == AGES - 1:
            return float(np.float32(-1e38))
        here = np.float32(self.learnt[rank][age] if self.learnt else (rank + 17) * (1 / (age + 1)))
        return float(np.float32(float(here) / self.size[key]) + np.float32(1 if self.explorer[key] else 0))

    def touch(self, key):
        self.stamp[key] = self.clock
        if not self.luck:
            words = [self.draw() for _ in range(5)]
            self.luck = [all(word >> bit & 1 for word in words) for bit in range(64)]
        lucky = self.luck.pop(0)
        self.explorer[key] = lucky and self.budget > 0 and self.periods < 50
        self.budget -= self.size[key] if self.explorer[key] else 0
        return lucky

    def insert(self, key, size, next_use):
        super().insert(key, size, next_use)
        self.size[key], self.ages[key] = size, (0, AGES)
        if not self.touch(key) and self.density(key) < self.victims:
            self.recent[self.bad % 8] = key
            self.bad += 1
        self.tick()

    def hit(self, key, next_use):
        age = self.age(key)
        self.events[0, self.rank(key), age] += 1
        self.budget += self.size[key] if self.explorer[key] else 0
        self.ages[key] = (age, self.ages[key][0])
        self.touch(key)
        self.tick()

    def remove(self, key):
        if key == self.chosen:
            self.events[1, self.rank(key), self.age(key)] += 1
        self.chosen = None
        self.budget += self.size[key] if self.explorer[key] else 0
        super().remove(key)

    def victim(self, key, size):
        drawn = [
            self.inside[(each.draw() // 2**32) * len(self.inside) // 2**32]
            for each in self.generators[: 32 if self.periods > 50 else 8]
        ]
        drawn += [each for each in self.recent if each in self.inside]
        self.chosen = min(drawn, key=self.density)
        self.victims = 0.9 * self.victims + (1 - 0.9) * self.density(self.chosen)
        return self.chosen

    def tick(self):
        self.clock += 1
        if self.clock % self.period == 0:
            for (which, rank, age), count in self.events.items():
                (self.hits, self.evictions)[which][rank][age] += count
            self.events.clear()
            for table in (self.hits, self.evictions):
                table[:] = [[count * 0.9 for count in row] for row in table]
            self.coarsen()
            self.learnt = [self.expect(hits, gone) for hits, gone in zip(self.hits, self.evictions, strict=True)]
            self.periods += 1

    def expect(self, hits, gone):
        """Hits to come over life to come, at each age."""
        answer, later, events = [0.0] * AGES, hits[-1], hits[-1] + gone[-1]
        life = events
        for age in range(AGES - 2, -1, -1):
            later += hits[age]
            events += hits[age] + gone[age]
            life += events
            answer[age] = later / life if events > 1e-5 else 0.0
        return answer

    def coarsen(self):
        self.objects, self.mass = self.objects * 0.9 + len(self.inside), self.mass * 0.9 + 1.0
        if self.periods not in (5, 25):
            return
        new = next(n for n in range(1, 64) if 2**n >= self.objects / self.mass / (0.01 * AGES))
        delta, self.shift = new - self.shift, new
        self.objects, self.mass = self.objects * 8, self.mass * 8
        for row in self.hits + self.evictions:
            old = row[:]
            if delta > 0:
                kept = AGES >> delta
                row[: AGES - 1] = [0.0] * (AGES - 1)
                for age, count in enumerate(old[: kept << delta]):
                    row[age >> delta] = count if age % 2**delta == 0 else row[age >> delta] + count
            elif delta < 0:
                for i in range(AGES >> -delta, AGES - 1):
                    row[-1] += old[i]
                row[: AGES - 1] = [old[age >> -delta] / 2**-delta for age in range(AGES - 1)]
