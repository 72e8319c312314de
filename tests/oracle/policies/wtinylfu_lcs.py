import math

PRIMES = (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5)


def xxh64(number, seed):
    """The specification's steps for an input of eight bytes."""

    def turned(word, by):
        return (word << by | word >> (64 - by)) % 2**64

    total = (seed + PRIMES[4] + 8) % 2**64
    total ^= turned(number * PRIMES[1] % 2**64, 31) * PRIMES[0] % 2**64
    total = (turned(total, 27) * PRIMES[0] + PRIMES[3]) % 2**64
    for shift, prime in ((33, PRIMES[1]), (29, PRIMES[2])):
        total = (total ^ total >> shift) * prime % 2**64
    return total ^ total >> 32


class Twin:
    """libCacheSim's order of steps; lists, oldest first."""

    def __init__(self, capacity, uniform=True, objects=60, window=0.01, sample=32):
        self.window, self.probation, self.protected = [], [], []
        self.main_size = capacity - int(capacity * window)
        self.sizes = [int(0.2 * self.main_size), int(0.8 * self.main_size)]
        counters = math.ceil(math.log(1000) / math.log(2) ** 2 * min(objects, self.main_size))
        self.counters = [0] * (counters if counters >= 10 else 20)
        self.sample, self.hits = sample * self.main_size, 0
        self.size, self.moving, self.chosen, self.sank = {}, None, None, False

    def bytes(self, part):
        return sum(self.size[key] for key in part)

    def places(self, key):
        a, b = (xxh64(key, seed) % 2**32 for seed in (0x12345678, 0x12344321))
        return [(a + i * b) % 2**32 % len(self.counters) for i in range(10)]

    def count(self, key):
        for place in self.places(key):
            self.counters[place] += 1

    def estimate(self, key):
        return min(self.counters[place] for place in self.places(key))

    def miss(self, key):
        pass

    def insert(self, key, size, next_use):
        self.size[key] = size
        self.window.append(key)
        self.count(key)

    def hit(self, key, next_use):
        if key in self.window:
            self.window.remove(key)
            self.window.append(key)
            return
        (self.probation if key in self.probation else self.protected).remove(key)
        self.protected.append(key)
        while self.bytes(self.protected) > self.sizes[1]:
            self.probation.append(self.protected.pop(0))
            self.sank = True
        self.count(key)
        self.hits += 1
        if self.hits == self.sample:
            self.hits = 0
            self.counters = [counter // 2 for counter in self.counters]

    def remove(self, key):
        for part in (self.window, self.probation, self.protected):
            if key in part:
                part.remove(key)
        if key == self.moving:
            self.moving = None
        elif key == self.chosen:
            self.settle()
        self.chosen = None

    def settle(self):
        if self.moving is None:
            return
        in_protected = self.bytes(self.protected) + self.size[self.moving] <= self.sizes[1]
        if self.fits(self.moving) or in_protected:
            self.move_in(self.moving)
            self.moving = None

    def fits(self, key):
        return self.bytes(self.probation + self.protected) + self.size[key] <= self.main_size

    def move_in(self, key):
        self.window.remove(key)
        for part, most in zip((self.probation, self.protected), self.sizes, strict=True):
            if self.bytes(part) + self.size[key] <= most:
                part.append(key)
                return
        self.probation.append(key)

    def surplus(self):
        full = self.sank and self.bytes(self.probation) > self.main_size - self.sizes[1]
        main = self.probation + self.protected
        if self.moving is None and not full:
            self.sank = False
            return None
        self.chosen = main[0] if main else None
        if not main:
            self.moving = None
        return self.chosen

    def victim(self, key, size):
        self.settle()
        if self.moving is None:
            while self.window and self.fits(self.window[0]):
                self.count(self.window[0])
                self.move_in(self.window[0])
        main = self.probation + self.protected
        self.chosen = (main or self.window)[0]
        if main and self.window and self.moving is None:
            candidate = self.window[0]
            if self.estimate(candidate) > self.estimate(self.chosen):
                self.moving = candidate
            else:
                self.chosen = candidate
            self.count(candidate)
        return self.chosen
