from oracle.policies.random import Twin as Random


class Twin(Random):
    """The least of n / t in a sample, drawn from the list in which who leaves is replaced by the last."""

    def __init__(self, capacity, uniform=True, seed=0, sample=64, by_size=False, costs=None):
        super().__init__(capacity, uniform, seed)
        self.sample, self.by_size, self.costs = sample, by_size, costs
        self.clock, self.count, self.entered, self.weight = 0, {}, {}, {}

    def miss(self, key):
        self.clock += 1

    def insert(self, key, size, next_use):
        super().insert(key, size, next_use)
        self.count[key], self.entered[key] = 1, self.clock
        cost = 1.0 if self.costs is None else self.costs[key]
        self.weight[key] = cost / size if self.by_size else cost

    def hit(self, key, next_use):
        self.clock += 1
        self.count[key] += 1

    def victim(self, key, size):
        drawn = [super(Twin, self).victim(key, size) for _ in range(self.sample)]
        return min(
            drawn, key=lambda each: self.count[each] * self.weight[each] / max(self.clock - self.entered[each], 1)
        )
