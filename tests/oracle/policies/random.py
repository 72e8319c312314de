MASK = 2**64 - 1


class Twin:
    """A list; who leaves is replaced by the last. The generator is part of the documented behaviour."""

    def __init__(self, capacity, uniform=True, seed=0):
        word = (seed + 0x9E3779B97F4A7C15) & MASK
        word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & MASK
        self.word = word ^ (word >> 31)
        self.inside = []

    def miss(self, key):
        pass

    def insert(self, key, size, next_use):
        self.inside.append(key)

    def hit(self, key, next_use):
        pass

    def remove(self, key):
        last = self.inside.pop()
        if last != key:
            self.inside[self.inside.index(key)] = last

    def victim(self, key, size):
        return self.inside[(self.draw() // 2**32) * len(self.inside) // 2**32]

    def draw(self):
        for left, right in ((13, 0), (0, 7), (17, 0)):
            self.word ^= (self.word << left) & MASK if left else self.word >> right
        return self.word
