class Twin:
    """H = L + F * C / S; L is the H of the last victim."""

    def __init__(self, capacity, uniform=True, costs=None):
        self.costs = costs
        self.age, self.clock, self.chosen = 0.0, 0, None
        self.size, self.count, self.score = {}, {}, {}

    def miss(self, key):
        pass

    def insert(self, key, size, next_use):
        self.size[key], self.count[key] = size, 0
        self.hit(key, next_use)

    def hit(self, key, next_use):
        self.clock += 1
        self.count[key] += 1
        cost = 1.0 if self.costs is None else self.costs[key]
        self.score[key] = (self.age + self.count[key] * cost / self.size[key], self.clock)

    def remove(self, key):
        if key == self.chosen:
            self.age = self.score[key][0]
        self.chosen = None
        del self.score[key]

    def victim(self, key, size):
        self.chosen = min(self.score, key=self.score.get)
        return self.chosen
