class Twin:
    """Figure 2 of the paper, with sizes in place of counts and a target that is not rounded; hands at the start."""

    def __init__(self, capacity, uniform=True):
        self.c, self.p = capacity, 0.0
        self.t1, self.t2, self.b1, self.b2 = [], [], [], []
        self.size, self.bit = {}, {}
        self.chosen, self.for_new = None, 0

    def bytes(self, *parts):
        return sum(self.size[key] for part in parts for key in part)

    def miss(self, key):
        pass

    def insert(self, key, size, next_use):
        self.size[key], self.bit[key] = size, False
        b1, b2 = self.bytes(self.b1), self.bytes(self.b2)
        if key in self.b1:
            self.p = min(self.p + size * max(1, b2 / b1), self.c)
            self.b1.remove(key)
            self.t2.append(key)
        elif key in self.b2:
            self.p = max(self.p - size * max(1, b1 / b2), 0)
            self.b2.remove(key)
            self.t2.append(key)
        else:
            self.t1.append(key)

    def hit(self, key, next_use):
        self.bit[key] = True

    def remove(self, key):
        part, ghosts = (self.t1, self.b1) if key in self.t1 else (self.t2, self.b2)
        part.remove(key)
        if key == self.chosen:
            ghosts.append(key)
            if self.for_new:
                self.forget(self.for_new)
        self.chosen = None

    def forget(self, size):
        if self.bytes(self.t1, self.b1) + size > self.c:
            while self.b1 and self.bytes(self.t1, self.b1) + size > self.c:
                self.b1.pop(0)
        else:
            while self.b2 and self.bytes(self.t1, self.t2, self.b1, self.b2) + size > 2 * self.c:
                self.b2.pop(0)

    def victim(self, key, size):
        self.for_new = 0 if key in self.b1 or key in self.b2 else size
        while True:
            part = self.t1 if not self.t2 or (self.t1 and self.bytes(self.t1) >= max(1, self.p)) else self.t2
            if not self.bit[part[0]]:
                self.chosen = part[0]
                return self.chosen
            self.bit[part[0]] = False
            self.t2.append(part.pop(0))

    def check(self, capacity):
        """The paper's invariants I1 to I6, where all sizes are 1."""
        t1, t2, b1, b2 = (len(part) for part in (self.t1, self.t2, self.b1, self.b2))
        assert t1 + t2 <= capacity
        assert t1 + b1 <= capacity
        assert t2 + b2 <= 2 * capacity
        assert t1 + t2 + b1 + b2 <= 2 * capacity
        assert t1 + t2 == capacity or b1 == b2 == 0
        assert 0 <= self.p <= capacity
