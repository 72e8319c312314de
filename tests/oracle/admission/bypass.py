from oracle.admission import Open


class Twin(Open):
    """What is needed sooner; ``later`` is the next use of the key of the access, which the replay tells."""

    def __init__(self, capacity, objects, seed=0):
        self.next = {}

    def access(self, key, size, now):
        self.next[key] = float("inf") if self.later is None else self.later

    def prefer(self, key, victim, size, now):
        return self.next[key] < self.next[victim]
