class Twin:
    def __init__(self, capacity, uniform=True):
        self.by_arrival = []

    def miss(self, key):
        pass

    def insert(self, key, size, next_use):
        self.by_arrival.append(key)

    def hit(self, key, next_use):
        pass

    def remove(self, key):
        self.by_arrival.remove(key)

    def victim(self, key, size):
        return self.by_arrival[0]
