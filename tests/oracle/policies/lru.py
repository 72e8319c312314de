class Twin:
    def __init__(self, capacity, uniform=True):
        self.by_recency = []

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
        return self.by_recency[0]
