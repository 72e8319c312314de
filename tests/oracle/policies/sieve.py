class Twin:
    """One list, oldest first, and a hand that is an index; ``None`` when the next lap starts."""

    def __init__(self, capacity, uniform=True):
        self.queue = []
        self.visited = {}
        self.hand = None
        self.laps = 0

    def miss(self, key):
        pass

    def insert(self, key, size, next_use):
        self.queue.append(key)
        self.visited[key] = False

    def hit(self, key, next_use):
        self.visited[key] = True

    def remove(self, key):
        place = self.queue.index(key)
        self.queue.pop(place)
        del self.visited[key]
        if self.hand is not None and place < self.hand:
            self.hand -= 1
        self.wrap()

    def victim(self, key, size):
        if self.hand is None:
            self.hand = 0
        while self.visited[self.queue[self.hand]]:
            self.visited[self.queue[self.hand]] = False
            self.hand += 1
            self.wrap()
            if self.hand is None:
                self.hand = 0
        return self.queue[self.hand]

    def wrap(self):
        if self.hand is not None and self.hand >= len(self.queue):
            self.hand = None
            self.laps += 1
