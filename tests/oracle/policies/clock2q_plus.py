class Twin:
    """Section 4 of the paper: S3-FIFO's queues, one bit, and a window in which hits in the small queue do not count."""

    def __init__(self, capacity, uniform=True, small=0.1, ghost=0.9, window=0.5):
        self.small, self.main, self.ghost = [], [], []  # oldest first
        self.small_size = max(1, int(capacity * small))
        self.main_size = capacity - self.small_size
        self.ghost_size = int(capacity * ghost)
        self.window = self.small_size * window
        self.size, self.bit, self.came = {}, {}, {}
        self.arrived = 0
        self.filling = True
        self.coming_back = set()
        self.chosen = None
        self.largest = capacity if uniform else self.small_size - 1

    def bytes(self, queue):
        return sum(self.size[key] for key in queue)

    def miss(self, key):
        if key in self.ghost:
            self.ghost.remove(key)
            self.coming_back.add(key)

    def insert(self, key, size, next_use):
        self.miss(key)
        self.size[key], self.bit[key] = size, False
        if key in self.coming_back or (self.filling and self.bytes(self.small) >= self.small_size):
            self.main.append(key)
        else:
            self.arrived += size
            self.came[key] = self.arrived
            self.small.append(key)
        self.coming_back.discard(key)

    def hit(self, key, next_use):
        if key in self.main or self.arrived - self.came[key] >= self.window:
            self.bit[key] = True

    def remove(self, key):
        if key in self.main:
            self.main.remove(key)
        else:
            self.small.remove(key)
            if key == self.chosen and self.size[key] <= self.ghost_size:
                while self.bytes(self.ghost) + self.size[key] > self.ghost_size:
                    self.ghost.pop(0)
                self.ghost.append(key)
        self.chosen = None

    def victim(self, key, size):
        self.filling = False
        if self.bytes(self.main) <= self.main_size:
            while self.small:
                if not self.bit[self.small[0]]:
                    self.chosen = self.small[0]
                    return self.chosen
                self.bit[self.small[0]] = False
                self.main.append(self.small.pop(0))
        while self.bit[self.main[0]]:
            self.bit[self.main[0]] = False
            self.main.append(self.main.pop(0))
        self.chosen = self.main[0]
        return self.chosen
