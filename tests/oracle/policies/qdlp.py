class Twin:
    """Section 4 of the paper: a small queue, ghosts, and a CLOCK that makes room for what it is given."""

    def __init__(self, capacity, uniform=True, small=0.1, ghost=0.9, bits=2):
        self.small, self.main, self.ghost = [], [], []  # oldest first, from the hand onwards
        self.main_size = capacity - max(1, int(capacity * small))
        self.ghost_size = int(capacity * ghost)
        self.most = 2**bits - 1
        self.size, self.hits = {}, {}
        self.coming_back = set()
        self.chosen = None

    def bytes(self, queue):
        return sum(self.size[key] for key in queue)

    def miss(self, key):
        if key in self.ghost:
            self.ghost.remove(key)
            self.coming_back.add(key)

    def insert(self, key, size, next_use):
        self.miss(key)
        self.size[key], self.hits[key] = size, 0
        (self.main if key in self.coming_back else self.small).append(key)
        self.coming_back.discard(key)

    def hit(self, key, next_use):
        self.hits[key] = min(self.hits[key] + 1, self.most)

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

    def fits(self, size):
        return self.bytes(self.main) + size <= self.main_size

    def hand(self):
        while self.hits[self.main[0]] > 0:
            self.hits[self.main[0]] -= 1
            self.main.append(self.main.pop(0))
        return self.main[0]

    def victim(self, key, size):
        self.chosen = None
        while self.chosen is None:
            if self.main and (not self.small or not self.fits(size if key in self.coming_back else 0)):
                self.chosen = self.hand()
            elif self.hits[self.small[0]] == 0:
                self.chosen = self.small[0]
            else:
                if self.main and not self.fits(self.size[self.small[0]]):
                    self.chosen = self.hand()
                self.hits[self.small[0]] = 0
                self.main.append(self.small.pop(0))
        return self.chosen
