class Twin:
    """Farthest prediction; of equal ones, the one told last."""

    def __init__(self, capacity, uniform=True):
        self.said, self.told, self.clock = {}, {}, 0

    def miss(self, key):
        pass

    def insert(self, key, size, next_use):
        self.clock += 1
        self.said[key] = float("inf") if next_use is None else next_use
        self.told[key] = self.clock

    def hit(self, key, next_use):
        self.insert(key, None, next_use)

    def remove(self, key):
        del self.said[key], self.told[key]

    def victim(self, key, size):
        return max(self.said, key=lambda each: (self.said[each], self.told[each]))
