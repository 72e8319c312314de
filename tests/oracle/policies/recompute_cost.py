class Twin:
    """Algorithm 1 of RAGCache over blocks: priority = clock + frequency x cost / size, the lowest leaf goes."""

    def __init__(self, capacity, uniform=True, parents=(), costs=None, attention=0.02):
        self.parents = list(parents)
        self.costs = costs or [1.0 + attention * len(self.ancestors(key)) for key in range(len(self.parents))]
        self.clock, self.last = 0.0, None
        self.frequency, self.priority, self.size, self.used = {}, {}, {}, {}
        self.uses = 0

    def ancestors(self, key):
        found = []
        while self.parents[key] >= 0:
            key = self.parents[key]
            found.append(key)
        return found

    def miss(self, key):
        pass

    def insert(self, key, size, next_use):
        self.frequency[key], self.size[key] = 0, size
        self.hit(key, next_use)

    def hit(self, key, next_use):
        self.uses += 1
        self.used[key] = self.uses
        self.frequency[key] += 1
        self.priority[key] = self.clock + self.frequency[key] * self.costs[key] / self.size[key]

    def remove(self, key):
        if key == self.last:
            self.clock = max(self.clock, self.priority[key])
        self.last = None
        for table in (self.frequency, self.priority, self.size, self.used):
            del table[key]

    def victim(self, key, size):
        extended = {self.parents[each] for each in self.priority}
        leaves = [each for each in self.priority if each not in extended]
        self.last = min(leaves, key=lambda each: (self.priority[each], self.used[each]))
        return self.last
