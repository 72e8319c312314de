class Twin:
    """Figure 6 of the paper: queues least recent first, a history of (key, requests), and Adjust at each request."""

    def __init__(self, capacity, uniform=True, queues=8, lifetime=10_000, history=4.0):
        self.queues = [[] for _ in range(queues)]
        self.lifetime, self.history_size = lifetime, int(capacity * history)
        self.requests, self.expires, self.size = {}, {}, {}
        self.history, self.remembered = [], {}
        self.time = 0
        self.chosen = None

    def miss(self, key):
        if key in self.history:
            self.history.remove(key)

    def insert(self, key, size, next_use):
        self.miss(key)
        self.size[key] = size
        self.requests[key] = self.remembered.pop(key, 0)
        self.count(key)

    def hit(self, key, next_use):
        self.take_out(key)
        self.count(key)

    def count(self, key):
        self.requests[key] += 1
        level = 0
        while 2 ** (level + 1) <= self.requests[key] and level + 1 < len(self.queues):
            level += 1
        self.put(level, key)
        self.adjust()

    def put(self, level, key):
        self.queues[level].append(key)
        self.expires[key] = self.time + self.lifetime

    def take_out(self, key):
        next(queue for queue in self.queues if key in queue).remove(key)

    def adjust(self):
        self.time += 1
        for level in range(1, len(self.queues)):
            first = self.queues[level][:1]
            if first and self.expires[first[0]] < self.time:
                self.put(level - 1, self.queues[level].pop(0))

    def remove(self, key):
        self.take_out(key)
        requests = self.requests.pop(key)
        if key == self.chosen and self.size[key] <= self.history_size:
            while sum(self.size[each] for each in self.history) + self.size[key] > self.history_size:
                del self.remembered[self.history.pop(0)]
            self.history.append(key)
            self.remembered[key] = requests
        self.chosen = None

    def victim(self, key, size):
        self.chosen = next(queue[0] for queue in self.queues if queue)
        return self.chosen

    def check(self, capacity):
        """What holds after each request where all sizes are 1."""
        inside = [key for queue in self.queues for key in queue]
        assert len(set(inside + self.history)) == len(inside) + len(self.history)
        assert len(self.history) <= self.history_size
        for level, queue in enumerate(self.queues):
            assert [self.expires[key] for key in queue] == sorted(self.expires[key] for key in queue)
            assert all(self.requests[key] >= 2**level for key in queue)
