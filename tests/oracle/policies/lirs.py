class Twin:
    """Section 3 of the paper: S is least recent first, Q first in first out, ghosts in the order of their eviction."""

    def __init__(self, capacity, uniform=True, hir=0.01, stack=2.0, early=False):
        self.lir_size = capacity - max(1, int(capacity * hir))
        self.most = int(capacity * stack)
        self.s, self.q, self.ghosts, self.lir = [], [], [], set()
        self.size = {}
        self.chosen, self.early, self.hir_size = None, early, capacity - self.lir_size

    def bytes(self, part):
        return sum(self.size[key] for key in part)

    def to_top(self, key):
        if key in self.s:
            self.s.remove(key)
        self.s.append(key)

    def prune(self):
        while self.s and self.s[0] not in self.lir:
            gone = self.s.pop(0)
            if gone in self.ghosts:
                self.ghosts.remove(gone)

    def demote(self):
        last = self.s.pop(0)
        self.lir.remove(last)
        self.q.append(last)
        self.prune()

    def promote(self, key):
        self.lir.add(key)
        self.to_top(key)
        self.prune()
        while self.bytes(self.lir) > self.lir_size:
            self.demote()

    def limit(self):
        while self.bytes(self.s) > self.most and self.ghosts:
            self.s.remove(self.ghosts.pop(0))

    def miss(self, key):
        pass

    def insert(self, key, size, next_use):
        self.size[key] = size
        if key in self.ghosts:
            self.ghosts.remove(key)
            self.promote(key)
        elif self.bytes(self.lir) + size <= self.lir_size:
            self.promote(key)
        else:
            self.to_top(key)
            self.q.append(key)
        self.limit()

    def hit(self, key, next_use):
        if key in self.lir:
            self.to_top(key)
            self.prune()
        elif key in self.s:
            self.q.remove(key)
            self.promote(key)
        else:
            self.q.remove(key)
            self.q.append(key)
            while self.early and self.lir and self.bytes(self.lir) + self.size[key] > self.lir_size:
                self.demote()
            self.to_top(key)
            self.limit()

    def surplus(self):
        if self.early and len(self.q) > 1 and self.bytes(self.q) > self.hir_size:
            self.chosen = self.q[0]
            return self.chosen
        return None

    def remove(self, key):
        if key in self.lir:
            self.lir.remove(key)
        else:
            self.q.remove(key)
        if key in self.s and key == self.chosen:
            self.ghosts.append(key)
            self.limit()
        elif key in self.s:
            self.s.remove(key)
            self.prune()
        self.chosen = None

    def victim(self, key, size):
        if not self.q:
            self.demote()
        self.chosen = self.q[0]
        return self.chosen

    def check(self, capacity):
        """What holds after each request where all sizes are 1."""
        assert len(self.lir) <= self.lir_size
        assert len(self.lir) + len(self.q) <= capacity
        assert not self.lir & set(self.q)
        assert self.lir <= set(self.s)
        assert set(self.s) == self.lir | set(self.ghosts) | (set(self.q) & set(self.s))
        assert not self.s or self.s[0] in self.lir or not self.lir
        assert len(self.s) <= self.most or not self.ghosts
