class Sketch:
    """Count-min with minimal increment: four rows of 32 small counters in each block; the hash is SplitMix64's."""

    def __init__(self, entries, sample=8):
        self.blocks = [[[0] * 32 for _ in range(4)] for _ in range(max(1, (entries + 7) // 8))]
        self.bound, self.sample, self.additions = sample, sample * max(1, entries), 0

    def places(self, key):
        word = key + 1
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1)):
            word = ((word ^ (word >> shift)) * factor) % 2**64
        block = self.blocks[(word // 2**32) * len(self.blocks) // 2**32]
        return [(row, word // 32**i % 32) for i, row in enumerate(block)]

    def estimate(self, key):
        return min(row[place] for row, place in self.places(key))

    def add(self, key):
        least = self.estimate(key)
        for row, place in self.places(key):
            if row[place] == least < self.bound:
                row[place] += 1
        self.additions += 1
        if self.additions == self.sample:
            self.blocks = [[[counter // 2 for counter in row] for row in block] for block in self.blocks]
            self.additions //= 2
