from oracle.policies.random import Twin as Random


class Twin:
    """A list, oldest first; a hit moves to its end if the generator's word, as a share of 2^64, is below one half."""

    def __init__(self, capacity, uniform=True, seed=0, prob=0.5):
        self.inside, self.prob, self.dice = [], prob, Random(capacity, uniform, seed)

    def miss(self, key):
        pass

    def insert(self, key, size, next_use):
        self.inside.append(key)

    def hit(self, key, next_use):
        if (self.dice.draw() >> 11) / 2**53 < self.prob:
            self.remove(key)
            self.inside.append(key)

    def remove(self, key):
        self.inside.remove(key)

    def victim(self, key, size):
        return self.inside[0]
