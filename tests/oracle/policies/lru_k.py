class Twin:
    """Figure 2.1 of the paper: HIST and LAST of each page, a search through all pages in the buffer for each victim."""

    def __init__(self, capacity, uniform=True, k=2, correlated=0, retained=-1):
        self.k, self.correlated, self.retained = k, correlated, retained
        self.hist, self.last = {}, {}
        self.buffer = set()
        self.t = 0

    def miss(self, key):
        pass

    def insert(self, key, size, next_use):
        self.t += 1
        if key in self.hist and 0 <= self.retained < self.t - self.last[key]:
            del self.hist[key]
        self.hist[key] = [self.t, *self.hist.get(key, [None] * self.k)[: self.k - 1]]
        self.last[key] = self.t
        self.buffer.add(key)

    def hit(self, key, next_use):
        self.t += 1
        if self.t - self.last[key] > self.correlated:
            period = self.last[key] - self.hist[key][0]
            older = [None if time is None else time + period for time in self.hist[key][: self.k - 1]]
            self.hist[key] = [self.t, *older]
        self.last[key] = self.t

    def remove(self, key):
        self.buffer.remove(key)

    def victim(self, key, size):
        eligible = {page for page in self.buffer if self.t + 1 - self.last[page] > self.correlated}
        if not eligible:
            return min(self.buffer, key=self.last.get)
        return min(eligible, key=lambda page: (self.hist[page][-1] or 0, self.last[page]))
