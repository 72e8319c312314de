class Twin:
    """Figure 4 of the paper, with sizes in place of counts and a target that is not rounded."""

    def __init__(self, capacity, uniform=True):
        self.c, self.p = capacity, 0.0
        self.t1, self.t2, self.b1, self.b2 = [], [], [], []  # least recent first
        self.size = {}
        self.back = {}  # ghosts that were asked for and are not here yet: the list they were in
        self.chosen, self.ghost_for_chosen, self.trim = None, True, None

    def bytes(self, part):
        return sum(self.size[key] for key in part)

    def miss(self, key):
        if key in self.b1:
            self.p = min(self.c, self.p + max(self.bytes(self.b2) / self.bytes(self.b1), 1))
            self.b1.remove(key)
            self.back[key] = 1
        elif key in self.b2:
            self.p = max(0, self.p - max(self.bytes(self.b1) / self.bytes(self.b2), 1))
            self.b2.remove(key)
            self.back[key] = 2

    def insert(self, key, size, next_use):
        again = key in self.back or key in self.b1 or key in self.b2
        for ghosts in (self.b1, self.b2):
            if key in ghosts:
                ghosts.remove(key)
        self.back.pop(key, None)
        self.size[key] = size
        (self.t2 if again else self.t1).append(key)

    def hit(self, key, next_use):
        (self.t1 if key in self.t1 else self.t2).remove(key)
        self.t2.append(key)

    def remove(self, key):
        part, ghosts = (self.t1, self.b1) if key in self.t1 else (self.t2, self.b2)
        part.remove(key)
        if key == self.chosen:
            if self.trim:
                self.trim.pop(0)
            if self.ghost_for_chosen:
                ghosts.append(key)
        self.chosen = None

    def victim(self, key, size):
        self.trim, self.ghost_for_chosen = None, True
        first = self.bytes(self.t1) + self.bytes(self.b1)
        if key not in self.back and first + size > self.c:
            if self.b1 or not self.t1:
                self.trim = self.b1
            else:
                self.ghost_for_chosen = False
                self.chosen = self.t1[0]
                return self.chosen
        elif key not in self.back and first + self.bytes(self.t2) + self.bytes(self.b2) >= 2 * self.c and self.b2:
            self.trim = self.b2
        t1 = self.bytes(self.t1)
        large = t1 > self.p or (t1 == self.p and self.back.get(key) == 2)
        self.chosen = self.t1[0] if not self.t2 or (self.t1 and large) else self.t2[0]
        return self.chosen
