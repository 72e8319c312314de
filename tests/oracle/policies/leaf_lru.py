class Twin:
    """The least recently used of those whose children are not here."""

    def __init__(self, capacity, uniform=True, parents=()):
        self.parents = list(parents)
        self.by_recency = []

    def leaves(self):
        extended = {self.parents[key] for key in self.by_recency}
        return [key for key in self.by_recency if key not in extended]

    def miss(self, key):
        pass

    def insert(self, key, size, next_use):
        self.by_recency.append(key)

    def hit(self, key, next_use):
        self.by_recency.remove(key)
        self.by_recency.append(key)

    def remove(self, key):
        self.by_recency.remove(key)

    def victim(self, key, size):
        return self.leaves()[0]
