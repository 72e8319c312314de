class Twin:
    """Count requests; of equal counts, the one that reached it first leaves."""

    def __init__(self, capacity, uniform=True):
        self.count = {}
        self.reached = {}
        self.clock = 0

    def miss(self, key):
        pass

    def set(self, key, count):
        self.clock += 1
        self.count[key], self.reached[key] = count, self.clock

    def insert(self, key, size, next_use):
        self.set(key, 1)

    def hit(self, key, next_use):
        self.set(key, self.count[key] + 1)

    def remove(self, key):
        del self.count[key], self.reached[key]

    def victim(self, key, size):
        return min(self.count, key=lambda each: (self.count[each], self.reached[each]))
