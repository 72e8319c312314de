class Twin:
    """A list of lists, least recent first; the lowest segment has what equal parts leave over."""

    def __init__(self, capacity, uniform=True, segments=4, early=False):
        part = capacity // segments
        self.room = [capacity - part * (segments - 1)] + [part] * (segments - 1)
        self.segments = [[] for _ in range(segments)]
        self.size, self.early, self.sank = {}, early, False
        self.largest = part if early and part else capacity

    def bytes(self, i):
        return sum(self.size[key] for key in self.segments[i])

    def where(self, key):
        return next(i for i, segment in enumerate(self.segments) if key in segment)

    def miss(self, key):
        pass

    def insert(self, key, size, next_use):
        self.size[key] = size
        with_room = [i for i in range(len(self.segments)) if self.bytes(i) + size <= self.room[i]]
        self.segments[with_room[0] if with_room else 0].append(key)

    def hit(self, key, next_use):
        i = self.where(key)
        self.segments[i].remove(key)
        up = min(i + 1, len(self.segments) - 1)
        i = up if self.size[key] <= self.room[up] else i
        self.segments[i].append(key)
        for j in range(len(self.segments) - 1, 0, -1):
            while self.bytes(j) > self.room[j]:
                self.segments[j - 1].append(self.segments[j].pop(0))
                self.sank = self.sank or j == 1

    def remove(self, key):
        self.segments[self.where(key)].remove(key)

    def victim(self, key, size):
        return next(segment[0] for segment in self.segments if segment)

    def surplus(self):
        """Who leaves although there is room."""
        if self.early and self.sank and self.bytes(0) > self.room[0]:
            return self.segments[0][0]
        self.sank = False
        return None

    def check(self, capacity):
        """What holds after each request where all sizes are 1."""
        assert all(self.bytes(i) <= self.room[i] for i in range(len(self.segments)))
