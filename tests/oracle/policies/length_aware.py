class Twin:
    """Fewest requests; then the longest way to the beginning of the sequence; then who reached the count first."""

    def __init__(self, capacity, uniform=True, parents=()):
        self.parents = list(parents)
        self.count, self.reached, self.clock = {}, {}, 0

    def depth(self, key):
        return 0 if self.parents[key] < 0 else 1 + self.depth(self.parents[key])

    def miss(self, key):
        pass

    def insert(self, key, size, next_use):
        self.count[key] = 0
        self.hit(key, next_use)

    def hit(self, key, next_use):
        self.clock += 1
        self.count[key] += 1
        self.reached[key] = self.clock

    def remove(self, key):
        del self.count[key], self.reached[key]

    def victim(self, key, size):
        return min(self.count, key=lambda each: (self.count[each], -self.depth(each), self.reached[each]))
