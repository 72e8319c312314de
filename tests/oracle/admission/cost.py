from oracle.admission import Open


class Twin(Open):
    """Keeps all requests of a key; a profit is a rate times a cost over a size."""

    compares = True

    def __init__(self, capacity, objects, k=4, costs=None, seed=0):
        self.k, self.costs = k, costs
        self.times, self.size = {}, {}

    def access(self, key, size, now):
        self.times.setdefault(key, []).append(now)
        self.size[key] = size

    def prefer(self, key, victim, size, now):
        mine, other = self.worth(key), self.worth(victim)
        if len(self.times[key]) > 1:
            mine, other = mine * self.rate(key, now), other * self.rate(victim, now)
        return mine > other

    def worth(self, key):
        return (1.0 if self.costs is None else self.costs[key]) / self.size.get(key, 1)

    def rate(self, key, now):
        last = self.times.get(key, [])[-self.k :]
        return len(last) / max(1, now - last[0]) if last else 0.0
