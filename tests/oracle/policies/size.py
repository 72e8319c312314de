class Twin:
    """The largest leaves; of equals the least recently used, or with ``recency=False`` as a binary heap stands."""

    def __init__(self, capacity, uniform=True, recency=True):
        self.recency, self.clock, self.time = recency, 0, {}
        self.heap = [None]  # (size, key) from place 1 on; the parent of place i is at i // 2

    def miss(self, key):
        pass

    def insert(self, key, size, next_use):
        self.hit(key, next_use)
        self.heap.append((size, key))
        self.up(len(self.heap) - 1)

    def hit(self, key, next_use):
        self.clock += 1
        self.time[key] = self.clock

    def swap(self, a, b):
        self.heap[a], self.heap[b] = self.heap[b], self.heap[a]

    def up(self, place):
        while place > 1 and self.heap[place // 2][0] < self.heap[place][0]:
            self.swap(place // 2, place)
            place //= 2

    def down(self, place):
        while 2 * place < len(self.heap):
            child = max(self.heap[2 * place : 2 * place + 2], key=lambda entry: entry[0])  # the left one of equals
            if child[0] <= self.heap[place][0]:
                return
            below = self.heap.index(child)
            self.swap(place, below)
            place = below

    def remove(self, key):
        place = next(i for i, entry in enumerate(self.heap) if entry and entry[1] == key)
        last = self.heap.pop()
        if last[1] != key:
            self.heap[place] = last
            self.down(place)
            self.up(place)
        del self.time[key]

    def victim(self, key, size):
        if not self.recency:
            return self.heap[1][1]
        return max(self.heap[1:], key=lambda entry: (entry[0], -self.time[entry[1]]))[1]
