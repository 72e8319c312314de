class Twin:
    """One list, least recent first; the last leaves."""

    def __init__(self, capacity, uniform=True):
        self.order = []

    def miss(self, key):
        pass

    def insert(self, key, size, next_use):
        self.order.append(key)

    def hit(self, key, next_use):
        self.order.remove(key)
        self.order.append(key)

    def remove(self, key):
        self.order.remove(key)

    def victim(self, key, size):
        return self.order[-1]
