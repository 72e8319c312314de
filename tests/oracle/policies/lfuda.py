class Twin:
    """K = F + L, L being the K of the last victim; with ``step``, a hit adds L, which follows the least K."""

    def __init__(self, capacity, uniform=True, step=False):
        self.step, self.age, self.clock, self.chosen = step, 0, 0, None
        self.count, self.score = {}, {}

    def miss(self, key):
        pass

    def insert(self, key, size, next_use):
        self.clock += 1
        self.count[key] = 1
        self.score[key] = (self.age + 1, self.clock)

    def hit(self, key, next_use):
        self.clock += 1
        self.count[key] += 1
        before = self.score[key][0]
        self.score[key] = (min(2**61, (before if self.step else self.count[key]) + self.age), self.clock)
        if self.step and before == self.age:
            self.follow(key)

    def follow(self, but=None):
        if self.score and self.least() != but:
            self.age = self.score[self.least()][0]

    def remove(self, key):
        score = self.score.pop(key)[0]
        if key == self.chosen or (self.step and score == self.age):
            self.age = score
            if self.step:
                self.follow()
        self.chosen = None

    def least(self):
        return min(self.score, key=self.score.get)

    def victim(self, key, size):
        self.chosen = self.least()
        return self.chosen
