"""Lists that stand for sets: who leaves is replaced by the last, and draws are the package's documented generator."""

MASK = 2**64 - 1


class Dice:
    def __init__(self, seed):
        word = (seed + 0x9E3779B97F4A7C15) & MASK
        word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & MASK
        self.word = word ^ (word >> 31)

    def pick(self, keys):
        self.word ^= (self.word << 13) & MASK
        self.word ^= self.word >> 7
        self.word ^= (self.word << 17) & MASK
        return keys[(self.word >> 32) * len(keys) >> 32]


def take(keys, key):
    at = keys.index(key)
    keys[at] = keys[-1]
    keys.pop()


def all_out_of(keys):
    """Empty a list from its first place on, each hole filled by the last."""
    order = []
    while keys:
        order.append(keys[0])
        take(keys, keys[0])
    return order
