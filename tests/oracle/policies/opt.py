class Twin:
    """Farthest next use; of those never used again, the one whose last use was latest."""

    def __init__(self, capacity, uniform=True):
        self.next_use = {}
        self.last_told = {}
        self.clock = 0

    def miss(self, key):
        pass

    def insert(self, key, size, next_use):
        self.clock += 1
        self.next_use[key] = float("inf") if next_use is None else next_use
        self.last_told[key] = self.clock

    def hit(self, key, next_use):
        self.insert(key, None, next_use)

    def remove(self, key):
        del self.next_use[key], self.last_told[key]

    def victim(self, key, size):
        return max(self.next_use, key=lambda each: (self.next_use[each], self.last_told[each]))
