class Twin:
    """The face of the clock, the hand at its first entry."""

    def __init__(self, capacity, uniform=True, bits=1, start=0):
        self.face = []
        self.chances = {}
        self.most, self.start = 2**bits - 1, start

    def miss(self, key):
        pass

    def insert(self, key, size, next_use):
        self.face.append(key)
        self.chances[key] = self.start

    def hit(self, key, next_use):
        self.chances[key] = min(self.chances[key] + 1, self.most)

    def remove(self, key):
        self.face.remove(key)
        del self.chances[key]

    def victim(self, key, size):
        while self.chances[self.face[0]] > 0:
            passed = self.face.pop(0)
            self.chances[passed] -= 1
            self.face.append(passed)
        return self.face[0]
