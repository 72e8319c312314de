class Twin:
    """The full version of section 3 of the paper: A1in and A1out in order of arrival, Am by recency; oldest first."""

    def __init__(self, capacity, uniform=True, a1in=0.25, a1out=0.5):
        self.k_in, self.k_out = int(capacity * a1in), int(capacity * a1out)
        self.a1in, self.a1out, self.am = [], [], []
        self.size = {}
        self.coming_back = set()
        self.chosen = None

    def bytes(self, part):
        return sum(self.size[key] for key in part)

    def miss(self, key):
        if key in self.a1out:
            self.a1out.remove(key)
            self.coming_back.add(key)

    def insert(self, key, size, next_use):
        self.miss(key)
        self.size[key] = size
        (self.am if key in self.coming_back else self.a1in).append(key)
        self.coming_back.discard(key)

    def hit(self, key, next_use):
        if key in self.am:
            self.am.remove(key)
            self.am.append(key)

    def remove(self, key):
        if key in self.am:
            self.am.remove(key)
        else:
            self.a1in.remove(key)
            if key == self.chosen and self.size[key] <= self.k_out:
                while self.bytes(self.a1out) + self.size[key] > self.k_out:
                    self.a1out.pop(0)
                self.a1out.append(key)
        self.chosen = None

    def victim(self, key, size):
        part = self.a1in if self.bytes(self.a1in) > self.k_in or not self.am else self.am
        self.chosen = part[0]
        return self.chosen

    def check(self, capacity):
        """What holds after each request where all sizes are 1."""
        parts = (self.a1in, self.a1out, self.am)
        assert len(set().union(*parts)) == sum(len(part) for part in parts)
        assert len(self.a1in) + len(self.am) <= capacity
        assert len(self.a1out) <= self.k_out
        assert len(self.am) <= max(capacity - self.k_in, 0)
