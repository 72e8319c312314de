import itertools

from oracle.admission import Open


class Twin(Open):
    """Keeps all requests of a key, and looks back over them."""

    def __init__(self, capacity, objects, requests=2, window=0, seed=0):
        self.requests, self.window = requests, window
        self.times = {}

    def access(self, key, size, now):
        self.times.setdefault(key, []).append(now)

    def admit(self, key, size, now):
        times, row = self.times[key][::-1], 1
        for later, earlier in itertools.pairwise(times):
            if self.window and later - earlier > self.window:
                break
            row += 1
        return row >= self.requests
