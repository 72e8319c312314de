"""The documented generator: SplitMix64 spreads the seed, xorshift64 draws, the upper 53 bits are the share."""

MASK = 2**64 - 1


def spread(seed):
    word = (seed + 0x9E3779B97F4A7C15) & MASK
    word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & MASK
    return word ^ (word >> 31)


def shares(seed):
    """Yield numbers from 0 to 1."""
    word = spread(seed)
    while True:
        word ^= (word << 13) & MASK
        word ^= word >> 7
        word ^= (word << 17) & MASK
        yield (word >> 11) / 2**53
