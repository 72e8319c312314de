from oracle.admission import Open
from oracle.policies.sketch import Sketch


class Twin(Open):
    compares = True

    def __init__(self, capacity, objects, sample=8, seed=0):
        self.sketch = Sketch(min(capacity, objects), sample)

    def access(self, key, size, now):
        self.sketch.add(key)

    def prefer(self, key, victim, size, now):
        return self.sketch.estimate(key) > self.sketch.estimate(victim)
