class Twin:
    """Every request is remembered, also of keys that are not here."""

    def __init__(self, capacity, uniform=True, costs=None):
        self.costs = costs
        self.asked, self.inside, self.clock = [], {}, 0

    def miss(self, key):
        self.asked.append(key)

    def insert(self, key, size, next_use):
        self.clock += 1
        self.inside[key] = (size, self.clock)

    def hit(self, key, next_use):
        self.asked.append(key)
        self.insert(key, self.inside[key][0], next_use)

    def remove(self, key):
        del self.inside[key]

    def victim(self, key, size):
        def score(each):
            cost = 1.0 if self.costs is None else self.costs[each]
            return self.asked.count(each) * cost / self.inside[each][0], self.inside[each][1]

        return min(self.inside, key=score)
