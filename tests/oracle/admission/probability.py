from oracle.admission import Open
from oracle.admission.draws import shares


class Twin(Open):
    def __init__(self, capacity, objects, p=0.5, seed=0):
        self.p, self.draws = p, shares(seed)

    def admit(self, key, size, now):
        return next(self.draws) < self.p
