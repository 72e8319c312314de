import math

from oracle.admission import Open
from oracle.admission.draws import shares


class Twin(Open):
    def __init__(self, capacity, objects, c=0, soft=0, seed=0):
        self.c, self.soft, self.draws = c or max(1, capacity // 100), soft, shares(seed)

    def admit(self, key, size, now):
        return next(self.draws) < math.exp(-size / self.c) if self.soft else size <= self.c
