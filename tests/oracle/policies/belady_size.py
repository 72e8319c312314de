from oracle.policies.random import Twin as Random


class Twin(Random):
    """Who is never used again, first told first; else the largest size * time to the next use in a sample."""

    def __init__(self, capacity, uniform=True, seed=0, sample=128):
        super().__init__(capacity, uniform, seed)
        self.sample, self.now, self.useless, self.next_use, self.size = sample, 0, [], {}, {}

    def insert(self, key, size, next_use):
        self.next_use[key], self.size[key] = next_use, size
        if next_use is None:
            self.useless.append(key)
        else:
            super().insert(key, size, next_use)

    def hit(self, key, next_use):
        if next_use is None or key in self.useless:
            self.remove(key)
            self.insert(key, self.size[key], next_use)
        self.next_use[key] = next_use

    def remove(self, key):
        if key in self.useless:
            self.useless.remove(key)
        else:
            super().remove(key)

    def victim(self, key, size):
        if self.useless:
            return self.useless[0]
        drawn = [super(Twin, self).victim(key, size) for _ in range(self.sample)]
        return max(drawn, key=lambda each: self.size[each] * (self.next_use[each] - self.now))
