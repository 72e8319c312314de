from oracle.policies.sketch import Sketch


class Twin:
    """Window LRU, then TinyLFU as the door of a segmented LRU (section 4 of the paper); lists, oldest first."""

    def __init__(self, capacity, uniform=True, objects=60, window=0.01, protected=0.8):
        self.window, self.probation, self.protected = [], [], []
        self.window_size = max(1, int(capacity * window))
        self.protected_size = int((capacity - self.window_size) * protected)
        self.sketch = Sketch(min(capacity, objects))
        self.size = {}

    def bytes(self, part):
        return sum(self.size[key] for key in part)

    def miss(self, key):
        self.sketch.add(key)

    def insert(self, key, size, next_use):
        self.size[key] = size
        self.window.append(key)
        while self.bytes(self.window) > self.window_size:
            self.probation.append(self.window.pop(0))

    def hit(self, key, next_use):
        self.sketch.add(key)
        if key in self.window:
            self.window.remove(key)
            self.window.append(key)
            return
        self.remove(key)
        self.protected.append(key)
        while self.bytes(self.protected) > self.protected_size:
            self.probation.append(self.protected.pop(0))

    def remove(self, key):
        for part in (self.window, self.probation, self.protected):
            if key in part:
                part.remove(key)

    def victim(self, key, size):
        main = self.probation + self.protected
        if not self.window or not main:
            return (self.window or main)[0]
        if self.bytes(self.window) + size <= self.window_size:
            return main[0]
        candidate = self.window[0]
        return main[0] if self.sketch.estimate(candidate) > self.sketch.estimate(main[0]) else candidate
