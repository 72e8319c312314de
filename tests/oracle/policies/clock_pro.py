HOT, COLD, TEST, GHOST = "hot", "cold", "in test", "ghost"


class Twin:
    """Section 4 of the paper; ``clock`` starts at the hot hand, so that its end is the list head of the paper."""

    def __init__(self, capacity, uniform=True, cold=0.01, refuse=False):
        self.m, self.m_c, self.refuse = capacity, int(capacity * cold), refuse
        if not refuse:
            self.m_c = max(1, self.m_c)
        self.clock, self.status, self.bit, self.size = [], {}, {}, {}
        self.hand_cold, self.hand_test = None, None
        self.chosen = None

    def bytes(self, *kinds):
        return sum(self.size[key] for key in self.clock if self.status[key] in kinds)

    def after(self, key, *kinds):
        """The next key around the clock of one of these kinds; None if there is no other."""
        at = self.clock.index(key)
        around = self.clock[at + 1 :] + self.clock[:at]
        return next((other for other in around if not kinds or self.status[other] in kinds), None)

    def leave(self, key):
        if self.hand_test == key:
            self.hand_test = self.after(key)
        if self.hand_cold == key:
            self.hand_cold = self.after(key, COLD, TEST)
        self.clock.remove(key)

    def to_head(self, key, status):
        self.clock.append(key)
        self.status[key], self.bit[key] = status, False
        if self.hand_test is None:
            self.hand_test = key
        if self.hand_cold is None and status != HOT:
            self.hand_cold = key

    def turn_hot(self, key):
        self.m_c = min(self.m_c + self.size[key], self.m)
        self.to_head(key, HOT)
        while self.bytes(HOT) > self.m - self.m_c:
            self.run_hot()

    def end_test(self, key):
        if self.status[key] == COLD:
            return
        self.m_c = max(self.m_c - self.size[key], 1)
        if self.status[key] == GHOST:
            self.leave(key)
        else:
            self.status[key] = COLD

    def run_hot(self):
        turned = not self.bytes(HOT)
        while self.bytes(HOT):
            key = self.clock[0]
            if self.status[key] == HOT and turned:
                return
            if self.status[key] == HOT and not self.bit[key]:
                self.leave(key)
                self.to_head(key, COLD)
                turned = True
                continue
            if self.status[key] == HOT:
                self.bit[key] = False
            else:
                self.end_test(key)
            if key in self.clock:
                self.clock.append(self.clock.pop(0))

    def run_test(self):
        key = self.hand_test
        if self.status[key] == HOT:
            key = self.after(key, COLD, TEST, GHOST)
        self.hand_test = self.after(key)
        self.end_test(key)

    def miss(self, key):
        pass

    def admit(self, key, size):
        return not self.refuse or self.bytes(COLD, TEST) + size <= self.m_c

    def insert(self, key, size, next_use):
        self.size[key] = size
        if key in self.clock:
            self.leave(key)
            self.turn_hot(key)
        else:
            self.to_head(key, TEST)
        while self.bytes(GHOST) > self.m:
            self.run_test()

    def hit(self, key, next_use):
        self.bit[key] = True

    def remove(self, key):
        if key == self.chosen and self.status[key] == TEST:
            if self.hand_cold == key:
                self.hand_cold = self.after(key, COLD, TEST)
            self.status[key] = GHOST
        else:
            self.leave(key)
        self.chosen = None

    def victim(self, key, size):
        if not self.bytes(COLD, TEST):
            self.run_hot()
        while self.bit[self.hand_cold]:
            used = self.hand_cold
            tested = self.status[used] == TEST
            self.leave(used)
            if tested:
                self.turn_hot(used)
            else:
                self.to_head(used, TEST)
            if not self.bytes(COLD, TEST):
                self.run_hot()
        self.chosen = self.hand_cold
        return self.chosen

    def check(self, capacity):
        """What holds after each request where all sizes are 1."""
        assert self.bytes(HOT, COLD, TEST) <= capacity
        assert self.bytes(GHOST) <= capacity
        assert 1 <= self.m_c <= capacity
        assert (self.hand_cold is None) == (not self.bytes(COLD, TEST))
        assert self.hand_cold is None or self.status[self.hand_cold] in (COLD, TEST)
