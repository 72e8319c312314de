class Twin:
    """Section 4 of the paper; ``overflow`` adds the 2024 rule for filling an empty cache."""

    def __init__(self, capacity, uniform=True, overflow=True, small=0.1, ghost=0.9):
        self.small, self.main, self.ghost = [], [], []  # oldest first
        self.small_size = max(1, int(capacity * small))
        self.main_size = capacity - self.small_size
        self.ghost_size = int(capacity * ghost)
        self.size, self.hits = {}, {}
        self.filling = overflow
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
        full = self.filling and self.bytes(self.small) >= self.small_size
        queue = self.main if full or key in self.coming_back else self.small
        self.coming_back.discard(key)
        self.size[key], self.hits[key] = size, 0
        queue.append(key)

    def hit(self, key, next_use):
        self.hits[key] = min(self.hits[key] + 1, 3)

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
                first = self.small[0]
                if self.hits[first] < 2:
                    self.chosen = first
                    return first
                self.main.append(self.small.pop(0))
                self.hits[first] = 0
        while self.hits[self.main[0]] > 0:
            first = self.main.pop(0)
            self.hits[first] -= 1
            self.main.append(first)
        self.chosen = self.main[0]
        return self.chosen
