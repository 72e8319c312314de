class Twin:
    """The first to come that is not among the first blocks of its sequence; if there is none, the first to come."""

    def __init__(self, capacity, uniform=True, parents=(), sinks=1):
        self.parents, self.sinks = list(parents), sinks
        self.by_arrival = []

    def is_sink(self, key):
        place = 0
        while self.parents[key] >= 0:
            key, place = self.parents[key], place + 1
        return place < self.sinks

    def miss(self, key):
        pass

    def insert(self, key, size, next_use):
        self.by_arrival.append(key)

    def hit(self, key, next_use):
        pass

    def remove(self, key):
        self.by_arrival.remove(key)

    def victim(self, key, size):
        return ([key for key in self.by_arrival if not self.is_sink(key)] or self.by_arrival)[0]
