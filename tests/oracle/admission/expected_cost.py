from oracle.admission import Open


class Twin(Open):
    """Keeps all requests of a key."""

    compares = True

    def __init__(self, capacity, objects, costs=None, seed=0):
        self.costs = costs
        self.asked, self.size = [], {}

    def access(self, key, size, now):
        self.asked.append(key)
        self.size[key] = size

    def prefer(self, key, victim, size, now):
        mine, other = (
            self.asked.count(each) * (1.0 if self.costs is None else self.costs[each]) / self.size[each]
            for each in (key, victim)
        )
        return mine > other
